"""Staff's pages of reconciliation, settlement and ledger, a module per thing they look at."""

from settlement.admin import (
    disputes,
    fees,
    findings,
    ledger,
    netting,
    periods,
    rules,
    runs,
    sdrs,
    statements,
)

__all__ = [
    "disputes",
    "fees",
    "findings",
    "ledger",
    "netting",
    "periods",
    "rules",
    "runs",
    "sdrs",
    "statements",
]

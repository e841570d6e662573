"""Staff's pages of reconciliation, settlement and ledger, a module per thing they look at."""

from settlement.admin import (
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

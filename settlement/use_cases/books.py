"""Reading the books: the trial balance, and the way from any balance to the SDRs behind it.

Accepts: an environment, an account, a posting. Leaves behind: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.db import connection, transaction

from settlement.domain.ledger import currency_sums
from settlement.models.books import (
    AccountBalance,
    AccountLine,
    SdrBehind,
    read_account,
    read_balances,
    read_sdrs_behind,
)


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """Every account, and per currency the difference of all debits and credits: always zero."""

    accounts: list[AccountBalance]
    differences: dict[str, Decimal]

    @property
    def balanced(self) -> bool:
        return not any(self.differences.values())


def trial_balance(environment: str) -> TrialBalance:
    """The trial balance of one environment, from the postings as they stand."""
    with transaction.atomic(), connection.cursor() as cursor:
        accounts = read_balances(cursor, environment)
    differences = currency_sums((account.currency, account.balance) for account in accounts)
    return TrialBalance(accounts, differences)


def explain_account(account_id: int) -> list[AccountLine]:
    """The postings that make an account's balance, oldest first, with the balance after each."""
    with connection.cursor() as cursor:
        return read_account(cursor, account_id)


def explain_posting(posting_id: int, *, limit: int = 1_000, offset: int = 0) -> list[SdrBehind]:
    """The SDRs behind a posting of a statement or a fee, page by page; none behind a netting.

    The amounts of a statement's SDRs sum to the posting. A fee is its SDRs' number times the unit
    amount, rounded once.
    """
    with connection.cursor() as cursor:
        return read_sdrs_behind(cursor, posting_id, limit, offset)

"""Entries of the ledger as values, before they are written down (settlement.md, section 4).

Debit is positive. Under an agreement whose parties pay each other the clearing house only keeps
record: memo accounts. Its fees are its own claim, never memo.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from settlement.domain.netting import Offset


class AccountKind(StrEnum):
    """What an account of an operator is for."""

    RECEIVABLE = "receivable"
    PAYABLE = "payable"
    MEMO_RECEIVABLE = "memo_receivable"
    MEMO_PAYABLE = "memo_payable"
    CLEARING = "clearing"
    CLIENT_MONEY = "client_money"
    FEE_INCOME = "fee_income"
    BANK = "bank"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()


class EntryKind(StrEnum):
    """What an entry books."""

    STATEMENT = "statement"
    NETTING = "netting"
    FEE = "fee"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()


class UnbalancedError(ValueError):
    """An entry whose postings do not sum to zero, or of fewer than two postings."""


@dataclass(frozen=True, slots=True)
class AccountKey:
    """Which account: whose, what for, in which currency."""

    operator_id: int
    kind: AccountKind
    currency: str


@dataclass(frozen=True, slots=True)
class PostingDraft:
    """An amount for an account, debit positive, and what it comes from."""

    account: AccountKey
    amount: Decimal
    statement_id: int | None = None
    fee_charge_id: int | None = None


@dataclass(frozen=True, slots=True)
class EntryDraft:
    """A balanced entry. `key` makes it unique: the same event is never booked twice."""

    key: str
    kind: EntryKind
    description: str
    effective_on: date
    postings: tuple[PostingDraft, ...]

    def __post_init__(self) -> None:
        sums = currency_sums((p.account.currency, p.amount) for p in self.postings)
        if len(self.postings) < 2 or any(sums.values()):
            raise UnbalancedError(f"{self.key}: {len(self.postings)} postings, sums {sums}")


@dataclass(frozen=True, slots=True)
class StatementClaim:
    """What a final statement asks for: the home-CSP owes the visited-CSO `payable` (signed)."""

    statement_id: int
    visited_cso: int
    home_csp: int
    currency: str
    direct: bool
    payable: Decimal


def currency_sums(amounts: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """Sum per currency.

    >>> currency_sums([("EUR", Decimal("5")), ("EUR", Decimal("-5")), ("CHF", Decimal("1"))])
    {'EUR': Decimal('0'), 'CHF': Decimal('1')}
    """
    sums: dict[str, Decimal] = {}
    for currency, amount in amounts:
        sums[currency] = sums.get(currency, Decimal(0)) + amount
    return sums


def statement_entry(claim: StatementClaim, description: str, effective_on: date) -> EntryDraft:
    """Debit what the home-CSP owes, credit what the visited-CSO is owed. `payable` is not zero.

    >>> claim = StatementClaim(7, visited_cso=1, home_csp=2, currency="EUR", direct=True,
    ...                        payable=Decimal("12.50"))
    >>> entry = statement_entry(claim, "October", date(2026, 10, 31))
    >>> [(p.account.operator_id, p.account.kind.value, str(p.amount)) for p in entry.postings]
    [(2, 'memo_receivable', '12.50'), (1, 'memo_payable', '-12.50')]
    """
    receivable, payable = _kinds(claim.direct)
    return EntryDraft(
        f"statement:{claim.statement_id}",
        EntryKind.STATEMENT,
        description,
        effective_on,
        (
            PostingDraft(
                AccountKey(claim.home_csp, receivable, claim.currency),
                claim.payable,
                statement_id=claim.statement_id,
            ),
            PostingDraft(
                AccountKey(claim.visited_cso, payable, claim.currency),
                -claim.payable,
                statement_id=claim.statement_id,
            ),
        ),
    )


def netting_entry(period_id: int, offset: Offset, effective_on: date) -> EntryDraft:
    """Sets off what two operators owe each other: each one's debt against its own claim.

    An offset of 5 between A and B lowers what A owes, what A is owed, what B owes and what B is
    owed by 5 each: the difference of the two debts stays as it was.
    """
    receivable, payable = _kinds(offset.direct)
    postings = []
    for operator_id in (offset.first, offset.second):
        postings += [
            PostingDraft(AccountKey(operator_id, payable, offset.currency), offset.amount),
            PostingDraft(AccountKey(operator_id, receivable, offset.currency), -offset.amount),
        ]
    mode = "direct" if offset.direct else "agent"
    return EntryDraft(
        f"netting:{period_id}:{offset.first}:{offset.second}:{offset.currency}:{mode}",
        EntryKind.NETTING,
        "Bilateral netting",
        effective_on,
        tuple(postings),
    )


@dataclass(frozen=True, slots=True)
class FeeClaim:
    """A charge of the clearing house to an operator; `amount` is not zero."""

    fee_charge_id: int
    operator_id: int
    clearing_house_id: int
    currency: str
    amount: Decimal


def fee_entry(claim: FeeClaim, description: str, effective_on: date) -> EntryDraft:
    """Debit the operator's receivable, credit the clearing house's fee income."""
    income = AccountKey(claim.clearing_house_id, AccountKind.FEE_INCOME, claim.currency)
    owed = AccountKey(claim.operator_id, AccountKind.RECEIVABLE, claim.currency)
    return EntryDraft(
        f"fee:{claim.fee_charge_id}",
        EntryKind.FEE,
        description,
        effective_on,
        (
            PostingDraft(owed, claim.amount, fee_charge_id=claim.fee_charge_id),
            PostingDraft(income, -claim.amount, fee_charge_id=claim.fee_charge_id),
        ),
    )


def _kinds(direct: bool) -> tuple[AccountKind, AccountKind]:
    if direct:
        return AccountKind.MEMO_RECEIVABLE, AccountKind.MEMO_PAYABLE
    return AccountKind.RECEIVABLE, AccountKind.PAYABLE

"""Netting: fewer payments, the same debts (settlement.md, section 5, netting).

Netting changes what is paid, never what is owed: every operator's net position is the same before
and after. All of it is exact; nothing is divided or rounded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Obligation:
    """`debtor` owes `creditor` an amount; negative where credits outweigh the claims.

    `direct`: the two pay each other. `netted`: both agreed to set off what they owe each other.
    """

    debtor: int
    creditor: int
    currency: str
    amount: Decimal
    direct: bool = True
    netted: bool = True


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment; `amount` > 0 is what the payer owes less what the payee owes."""

    payer: int
    payee: int
    currency: str
    direct: bool
    netted: bool
    payer_owes: Decimal
    payee_owes: Decimal

    @property
    def amount(self) -> Decimal:
        return self.payer_owes - self.payee_owes


@dataclass(frozen=True, slots=True)
class Offset:
    """What two operators that owe each other set off; of the sign of both debts."""

    first: int
    second: int
    currency: str
    direct: bool
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Position:
    """Where one operator stands in one currency."""

    operator_id: int
    currency: str
    gross_receivable: Decimal
    gross_payable: Decimal

    @property
    def net(self) -> Decimal:
        return self.gross_receivable - self.gross_payable


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two operators, the lower id first, and what each owes the other."""

    first: int
    second: int
    currency: str
    direct: bool
    netted: bool
    first_owes: Decimal
    second_owes: Decimal

    def payment(self, *, first_pays: bool, owes: Decimal, is_owed: Decimal) -> Payment:
        payer, payee = (self.first, self.second) if first_pays else (self.second, self.first)
        return Payment(payer, payee, self.currency, self.direct, self.netted, owes, is_owed)


def payments(obligations: Iterable[Obligation]) -> list[Payment]:
    """The payments that settle all obligations, one per pair where netting was agreed.

    >>> owed = [Obligation(1, 2, "EUR", Decimal("30")), Obligation(2, 1, "EUR", Decimal("12"))]
    >>> [p] = payments(owed)
    >>> p.payer, p.payee, str(p.amount), str(p.payer_owes), str(p.payee_owes)
    (1, 2, '18', '30', '12')
    """
    found: list[Payment] = []
    for pair in _pairs(obligations):
        first, second = pair.first_owes, pair.second_owes
        # Without netting each direction is paid by itself. A negative debt is paid back by the
        # other side, together with what that side owes anyway.
        if pair.netted or (first < 0) != (second < 0):
            if first != second:
                owes, is_owed = max(first, second), min(first, second)
                found.append(pair.payment(first_pays=first > second, owes=owes, is_owed=is_owed))
            continue
        for amount, of_first in ((first, True), (second, False)):
            if amount > 0:
                found.append(pair.payment(first_pays=of_first, owes=amount, is_owed=ZERO))
            elif amount < 0:
                found.append(pair.payment(first_pays=not of_first, owes=ZERO, is_owed=amount))
    return found


def offsets(obligations: Iterable[Obligation]) -> list[Offset]:
    """What is set off in the books: the smaller of two debts, where netting was agreed.

    >>> owed = [Obligation(1, 2, "EUR", Decimal("30")), Obligation(2, 1, "EUR", Decimal("12"))]
    >>> [o] = offsets(owed)
    >>> o.first, o.second, str(o.amount)
    (1, 2, '12')
    """
    found = []
    for pair in _pairs(obligations):
        first, second = pair.first_owes, pair.second_owes
        if pair.netted and first * second > 0:
            amount = min(first, second, key=abs)
            found.append(Offset(pair.first, pair.second, pair.currency, pair.direct, amount))
    return found


def positions(obligations: Iterable[Obligation]) -> list[Position]:
    """Every operator's gross and net per currency; the nets of a currency sum to zero.

    >>> owed = [Obligation(1, 2, "EUR", Decimal("30")), Obligation(2, 1, "EUR", Decimal("12"))]
    >>> [(p.operator_id, str(p.net)) for p in positions(owed)]
    [(1, '-18'), (2, '18')]
    """
    gross: dict[tuple[str, int], tuple[Decimal, Decimal]] = {}
    for owed in obligations:
        for operator, receives, pays in (
            (owed.creditor, owed.amount, ZERO),
            (owed.debtor, ZERO, owed.amount),
        ):
            receivable, payable = gross.get((owed.currency, operator), (ZERO, ZERO))
            gross[owed.currency, operator] = (receivable + receives, payable + pays)
    return [
        Position(operator, currency, *amounts)
        for (currency, operator), amounts in sorted(gross.items())
    ]


def _pairs(obligations: Iterable[Obligation]) -> list[_Pair]:
    owes: dict[tuple[int, int, str, bool, bool], tuple[Decimal, Decimal]] = {}
    for owed in obligations:
        low, high = sorted((owed.debtor, owed.creditor))
        key = (low, high, owed.currency, owed.direct, owed.netted)
        first, second = owes.get(key, (ZERO, ZERO))
        if owed.debtor == low:
            first += owed.amount
        else:
            second += owed.amount
        owes[key] = (first, second)
    return [_Pair(*key, *amounts) for key, amounts in sorted(owes.items())]

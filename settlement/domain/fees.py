"""Fees of the clearing house: per settled SDR, dated, by role or operator (settlement.md, 5.4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from roaming.domain.money import round_money


@dataclass(frozen=True, slots=True)
class FeeTerms:
    """A fee rule as a value. `operator_id` None: everyone in the role. Times are aware."""

    rule_id: int
    payer_role: str
    operator_id: int | None
    amount: Decimal
    currency: str
    valid_from: datetime
    valid_to: datetime | None

    def covers(self, at: datetime) -> bool:
        return self.valid_from <= at and (self.valid_to is None or at < self.valid_to)


@dataclass(frozen=True, slots=True)
class Charged:
    """Who is charged, in which role and currency, for a session that ended at `ended_at`."""

    operator_id: int
    role: str
    currency: str
    ended_at: datetime


def fee_for(charged: Charged, rules: Iterable[FeeTerms]) -> FeeTerms | None:
    """The rule that charges one SDR to one party: the operator's own, else the role's, else none.

    Two rules of the same payer, currency and time do not exist (exclusion constraint).
    """
    fitting = [
        rule
        for rule in rules
        if rule.payer_role == charged.role
        and rule.currency == charged.currency
        and rule.operator_id in (None, charged.operator_id)
        and rule.covers(charged.ended_at)
    ]
    return max(fitting, key=lambda rule: rule.operator_id is not None, default=None)


def charge(sdr_count: int, unit_amount: Decimal, currency: str) -> Decimal:
    """The fee for so many SDRs, rounded once, half up, to the currency's digits.

    >>> charge(3, Decimal("0.035"), "EUR")
    Decimal('0.11')
    """
    return round_money(sdr_count * unit_amount, currency)

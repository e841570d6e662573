"""What may differ before a rule finds anything: by the agreement, or as staff set it for a rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Allowance:
    """An absolute amount and a share of the value; the larger counts.

    >>> Allowance(Decimal("0.01"), Decimal("0.005")).of(Decimal(-20))
    Decimal('0.100')
    """

    absolute: Decimal = ZERO
    share: Decimal = ZERO

    def of(self, value: Decimal) -> Decimal:
        return max(self.absolute, self.share * abs(value)) if self.share else self.absolute


NOTHING = Allowance()


@dataclass(frozen=True, slots=True)
class Tolerances:
    """An agreement's: energy in kWh, time in seconds, money in its currency. `by_rule`: what staff
    set for single rules instead, in the unit of each."""

    energy: Allowance = NOTHING
    time: Allowance = NOTHING
    money: Allowance = NOTHING
    by_rule: Mapping[str, Allowance] = field(default_factory=dict)

    def for_rule(self, rule: str, otherwise: Allowance) -> Allowance:
        """
        >>> Tolerances(by_rule={"QTY-04": Allowance(Decimal(350))}).for_rule("QTY-04", NOTHING)
        Allowance(absolute=Decimal('350'), share=Decimal('0'))
        """
        return self.by_rule.get(rule, otherwise)


NO_TOLERANCE = Tolerances()

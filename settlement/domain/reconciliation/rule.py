"""What a rule is: id, title, severity, explanation, what it tolerates, and its check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from roaming.domain.sdr import Severity
from settlement.domain.reconciliation.body import BodyCase
from settlement.domain.reconciliation.case import Case, Verdict
from settlement.domain.reconciliation.identity import CreditCase
from settlement.domain.reconciliation.missing import CompletedSession

FAMILIES = {
    "DUP": "Identity",
    "AUT": "Authorisation",
    "TIM": "Time",
    "QTY": "Quantity",
    "PRC": "Price",
    "TAX": "Tax",
    "AGR": "Agreement",
    "DAT": "Data",
    "MTR": "Meter data",
}


class Kind(StrEnum):
    """What a tolerance is measured in."""

    ENERGY = "energy"
    TIME = "time"
    MONEY = "money"
    POWER = "power"

    @property
    def unit(self) -> str:
        """
        >>> Kind.ENERGY.unit
        'kWh'
        """
        return _UNITS[self]


_UNITS = {Kind.ENERGY: "kWh", Kind.TIME: "s", Kind.MONEY: "in the currency", Kind.POWER: "kW"}


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What a rule lets pass unless a setting says otherwise; neither: what the agreement says."""

    kind: Kind
    absolute: Decimal | None = None
    share: Decimal | None = None

    def __str__(self) -> str:
        """
        >>> str(Tolerance(Kind.POWER, Decimal(1000))), str(Tolerance(Kind.ENERGY))
        ('1000 kW', 'energy: as the agreement says')
        """
        parts = []
        if self.absolute is not None:
            parts.append(_amount(self.kind, self.absolute))
        if self.share is not None:
            parts.append(f"{self.share * 100:f}".rstrip("0").rstrip(".") + " %")
        return " or ".join(parts) or f"{self.kind}: as the agreement says"


def _amount(kind: Kind, value: Decimal) -> str:
    """
    >>> _amount(Kind.TIME, Decimal(259200)), _amount(Kind.TIME, Decimal(900))
    ('72 h', '15 min')
    """
    for seconds, unit in ((3600, "h"), (60, "min")):
        if kind is Kind.TIME and value and value % seconds == 0:
            return f"{value / seconds:f} {unit}"
    return f"{value:f} {kind.unit}"


@dataclass(frozen=True, slots=True)
class Rule:
    """What people read of a rule. A severe finding makes the SDR deviate."""

    id: str
    title: str
    severity: Severity
    explanation: str

    @property
    def family(self) -> str:
        return self.id[:3]


@dataclass(frozen=True, slots=True)
class CaseRule(Rule):
    """A rule of an ordinary SDR, evaluated in SQL for thousands at once; its check says the same
    of one."""

    check: Callable[[Case], Verdict | None]
    tolerance: Tolerance | None = None


@dataclass(frozen=True, slots=True)
class BodyRule(Rule):
    """A rule of what stands in the SDR's body, which only the pass that rates it reads."""

    check: Callable[[BodyCase], Verdict | None]
    tolerance: Tolerance | None = None


@dataclass(frozen=True, slots=True)
class CreditRule(Rule):
    """A rule of a credit, and its check."""

    check: Callable[[CreditCase], Verdict | None]


@dataclass(frozen=True, slots=True)
class SessionRule(Rule):
    """A rule of a session that has no SDR; a work queue holds those on which it fires."""

    check: Callable[[CompletedSession], Verdict | None]

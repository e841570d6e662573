"""What staff set for rules: off, another severity, another tolerance; the most specific counts.

An agreement's setting comes before one of an operator, and that before the one for all. It counts
whole: what it leaves open is the rule's own, not that of a wider setting. Where both parties of an
SDR have one, the visited-CSO's counts, whose claim is judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from roaming.domain.sdr import Severity
from settlement.domain.reconciliation.rule import BodyRule, CaseRule, Rule, Tolerance
from settlement.domain.reconciliation.tolerances import Allowance

_AT_THE_DOOR = "An SDR with this defect cannot stand; it is rejected as it arrives."
_PAID_ONCE = "What was provided once is paid once."
_BOOKS = "Without it there is nothing to settle the SDR by."
# Rules that no setting changes, and why.
PROTECTED: Mapping[str, str] = {
    "DAT-01": _AT_THE_DOOR,
    "TIM-01": _AT_THE_DOOR,
    "TIM-02": _AT_THE_DOOR,
    "TIM-04": _AT_THE_DOOR,
    "QTY-01": _AT_THE_DOOR,
    "AGR-03": _AT_THE_DOOR,
    "DUP-02": _PAID_ONCE,
    "DUP-03": "A credit takes back an SDR, or nothing.",
    "DUP-04": "What was credited once is not credited again.",
    "DUP-05": "A credit takes back exactly what was claimed.",
    "DUP-06": _PAID_ONCE,
    "AGR-01": _BOOKS,
    "PRC-02": _BOOKS,
    "PRC-05": "Nothing is converted unasked.",
    "PRC-12": "Money goes back by a credit only.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One rule, for all, for one operator or for one agreement. `severity` and `allowance` None:
    the rule's own."""

    rule: str
    operator_id: int | None = None
    agreement_id: int | None = None
    off: bool = False
    severity: Severity | None = None
    allowance: Allowance | None = None


@dataclass(frozen=True, slots=True)
class Parties:
    """Whom an SDR concerns: its agreement, and the operators of its CSO and its CSP."""

    agreement_id: int | None
    visited_cso_id: int | None
    home_csp_id: int | None


Rulings = Mapping[str, Setting]
NO_RULINGS: Rulings = {}


def rulings_for(parties: Parties, settings: Iterable[Setting]) -> dict[str, Setting]:
    """Rule id -> the setting that counts for these parties; a rule without one is left out.

    >>> off, on = Setting(rule="TIM-08", off=True), Setting(rule="TIM-08", operator_id=3)
    >>> rulings_for(Parties(7, 3, 4), [off, on])["TIM-08"].off
    False
    >>> rulings_for(Parties(7, 5, 4), [off, on])["TIM-08"].off
    True
    """
    found: dict[str, Setting] = {}
    ranks: dict[str, int] = {}
    for setting in settings:
        rank = _rank(setting, parties)
        if rank is not None and rank > ranks.get(setting.rule, -1):
            found[setting.rule], ranks[setting.rule] = setting, rank
    return found


def _rank(setting: Setting, parties: Parties) -> int | None:
    """How specific a setting is for these parties; None where it is not for them."""
    if setting.agreement_id is not None:
        return 3 if setting.agreement_id == parties.agreement_id else None
    if setting.operator_id is None:
        return 0
    if setting.operator_id == parties.visited_cso_id:
        return 2
    return 1 if setting.operator_id == parties.home_csp_id else None


def allowances_of(rulings: Rulings) -> dict[str, Allowance]:
    """The tolerances that are set, by rule."""
    return {
        rule: setting.allowance
        for rule, setting in rulings.items()
        if setting.allowance is not None
    }


def severity_by(rulings: Rulings, rule: str, own: Severity) -> Severity | None:
    """How severe a finding of this rule counts; None where the rule is off. Fatal stays fatal.

    >>> severity_by({"TIM-03": Setting(rule="TIM-03", off=True)}, "TIM-03", Severity.SEVERE)
    """
    setting = rulings.get(rule)
    if setting is None or own is Severity.FATAL:
        return own
    return None if setting.off else setting.severity or own


def tolerance_of(rule: Rule) -> Tolerance | None:
    """What the rule itself tolerates, None where it has no measure."""
    return rule.tolerance if isinstance(rule, CaseRule | BodyRule) else None

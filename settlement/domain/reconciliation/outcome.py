"""What reconciliation says of one SDR as a whole (settlement.md, section 3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from roaming.domain.sdr import Outcome, SdrLifeState, Severity
from settlement.domain.reconciliation.body import BodyCase
from settlement.domain.reconciliation.case import Case, Verdict
from settlement.domain.reconciliation.offline import is_supported
from settlement.domain.reconciliation.rule_settings import NO_RULINGS, Rulings, allowances_of
from settlement.domain.reconciliation.rules import BODY_RULES, RULES, BodyRule, CaseRule

_Rule = TypeVar("_Rule", CaseRule, BodyRule)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The outcome, the state that follows, and every check that failed."""

    outcome: Outcome
    state: SdrLifeState
    failed: tuple[tuple[CaseRule, Verdict], ...]


STATE_OF_OUTCOME = {
    Outcome.AGREED: SdrLifeState.RATED,
    Outcome.WITHIN_TOLERANCE: SdrLifeState.RATED,
    Outcome.DEVIATING: SdrLifeState.DEVIATING,
    Outcome.ONE_SIDED: SdrLifeState.UNMATCHED,
    Outcome.NOT_RATABLE: SdrLifeState.NOT_RATABLE,
}


def judge(
    case: Case, elsewhere: Iterable[Severity] = (), rulings: Rulings = NO_RULINGS
) -> Judgement:
    """Every rule on one case, as staff set it. `elsewhere`: severities found at the door, in the
    body and while rating."""
    if rulings:
        case = replace(case, allowances=allowances_of(rulings))
    failed = tuple(_fired(RULES, case, rulings))
    severities = {verdict.severity for _, verdict in failed} | set(elsewhere)
    outcome = _outcome(case, Severity.SEVERE in severities)
    return Judgement(outcome, STATE_OF_OUTCOME[outcome], failed)


def judge_body(case: BodyCase, rulings: Rulings = NO_RULINGS) -> Iterator[tuple[BodyRule, Verdict]]:
    """Every rule of the body on one case, as staff set it; those that fire."""
    if rulings:
        tolerances = replace(case.tolerances, by_rule=allowances_of(rulings))
        case = replace(case, tolerances=tolerances)
    return _fired(BODY_RULES, case, rulings)


def _fired(rules: Iterable[_Rule], case: Any, rulings: Rulings) -> Iterator[tuple[_Rule, Verdict]]:
    """The rules that fire, each verdict with the severity that counts: its own where it is milder
    than its rule, else what staff set, else the rule's."""
    for rule in rules:
        setting = rulings.get(rule.id)
        if setting is not None and setting.off:
            continue
        verdict = rule.check(case)
        if verdict is not None:
            own = verdict.severity or (setting and setting.severity) or rule.severity
            yield rule, replace(verdict, severity=own)


def _outcome(case: Case, severe: bool) -> Outcome:
    if not case.matched and not is_supported(case):
        return Outcome.ONE_SIDED
    if case.price.failure:
        return Outcome.NOT_RATABLE
    if severe:
        return Outcome.DEVIATING
    if case.money_difference or case.energy_difference_kwh:
        return Outcome.WITHIN_TOLERANCE
    return Outcome.AGREED

"""What reconciliation says of one SDR as a whole (settlement.md, section 3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from roaming.domain.sdr import Outcome, SdrLifeState, Severity
from settlement.domain.reconciliation.body import BodyCase
from settlement.domain.reconciliation.case import Case, Verdict
from settlement.domain.reconciliation.offline import is_supported
from settlement.domain.reconciliation.rules import BODY_RULES, RULES, BodyRule, CaseRule


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


def judge(case: Case, elsewhere: Iterable[Severity] = ()) -> Judgement:
    """Every rule on one case. `elsewhere`: severities found at the door and while rating."""
    failed = tuple((rule, verdict) for rule in RULES if (verdict := rule.check(case)) is not None)
    severities = {verdict.severity or rule.severity for rule, verdict in failed} | set(elsewhere)
    outcome = _outcome(case, Severity.SEVERE in severities)
    return Judgement(outcome, STATE_OF_OUTCOME[outcome], failed)


def judge_body(case: BodyCase) -> Iterator[tuple[BodyRule, Verdict]]:
    """Every rule of the body on one case; those that fire."""
    for rule in BODY_RULES:
        verdict = rule.check(case)
        if verdict is not None:
            yield rule, verdict


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

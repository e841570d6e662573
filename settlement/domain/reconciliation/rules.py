"""The registry of rules: every finding's id, title, severity and explanation (settlement.md, 3).

`RULES` are evaluated in SQL, `BODY_RULES` judged while an SDR is rated, `WHILE_RATING` noticed by
rating, `AT_THE_DOOR` found when an SDR is taken in; a list of findings names them all.
"""

from __future__ import annotations

from roaming.domain.sdr import Severity
from settlement.domain.reconciliation.body_rules import BODY_RULES
from settlement.domain.reconciliation.case_rules import RULES
from settlement.domain.reconciliation.credit_rules import CREDIT_RULES
from settlement.domain.reconciliation.door_rules import AT_THE_DOOR
from settlement.domain.reconciliation.missing import sdr_missing
from settlement.domain.reconciliation.rating_rules import OTHER_WHILE_RATING, WHILE_RATING
from settlement.domain.reconciliation.rule import (
    BodyRule,
    CaseRule,
    CreditRule,
    Rule,
    SessionRule,
)

__all__ = [
    "AT_THE_DOOR",
    "BODY_RULES",
    "CREDIT_RULES",
    "JUDGED_ANEW",
    "OTHER_WHILE_RATING",
    "RULES",
    "SESSION_RULES",
    "WHILE_RATING",
    "BodyRule",
    "CaseRule",
    "CreditRule",
    "Rule",
    "every_rule",
    "rule_titles",
]

SESSION_RULES: tuple[SessionRule, ...] = (
    SessionRule(
        "TIM-09",
        "SDR missing",
        Severity.WARNING,
        "A session was completed and its SDR does not come. There is no SDR to put a finding on: "
        "such sessions stand in the work queue “Missing”.",
        sdr_missing,
    ),
)

# Judged anew by each run: a finding of these that no longer holds is superseded.
JUDGED_ANEW: tuple[str, ...] = tuple(
    sorted(
        {
            rule.id
            for rule in (
                *RULES,
                *BODY_RULES,
                *CREDIT_RULES,
                *WHILE_RATING.values(),
                OTHER_WHILE_RATING,
            )
        }
    )
)


def every_rule() -> dict[str, Rule]:
    """Rule id -> rule, by family and number.

    >>> every_rule()["DUP-02"].title
    'Second SDR for one session'
    """
    known: tuple[Rule, ...] = (
        *AT_THE_DOOR,
        *WHILE_RATING.values(),
        OTHER_WHILE_RATING,
        *CREDIT_RULES,
        *BODY_RULES,
        *RULES,
        *SESSION_RULES,
    )
    by_id = {rule.id: rule for rule in known}
    return {rule: by_id[rule] for rule in sorted(by_id)}


def rule_titles() -> dict[str, str]:
    """Rule id -> title, for every rule that can stand on a finding.

    >>> rule_titles()["DUP-02"]
    'Second SDR for one session'
    """
    return {
        rule: known.title
        for rule, known in every_rule().items()
        if not isinstance(known, SessionRule)
    }

"""What staff set for rules of reconciliation, with its history of who and why (6.4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import pghistory
from django.conf import settings
from django.db import connection, models
from django.db.models import Q

from roaming.domain.sdr import Severity
from roaming.domain.uuid7 import uuid7_at
from roaming.models import Agreement, Operator
from roaming.models.fields import ExactDecimalField
from settlement.domain.reconciliation.rule_settings import PROTECTED, Setting
from settlement.domain.reconciliation.tolerances import Allowance

SEVERITIES = [(s.value, s.label) for s in (Severity.SEVERE, Severity.WARNING)]


@pghistory.track()
class RuleSetting(models.Model):
    """One rule for all, for one operator, or for one agreement; counts from the next judgement."""

    rule = models.CharField(max_length=8)
    operator = models.ForeignKey(
        Operator,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="rule_settings",
        help_text="Only SDRs that this operator sends or receives.",
    )
    agreement = models.ForeignKey(
        Agreement,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="rule_settings",
        help_text="Only SDRs under this agreement.",
    )
    switched_off = models.BooleanField(default=False)
    severity = models.CharField(
        max_length=8, blank=True, choices=SEVERITIES, help_text="Empty: the rule's own."
    )
    tolerance = ExactDecimalField(
        null=True, blank=True, help_text="Absolute, in the rule's unit. Empty: the rule's own."
    )
    tolerance_share = ExactDecimalField(
        null=True, blank=True, help_text="A share such as 0.01; the larger of the two counts."
    )
    in_force = models.BooleanField(
        default=True, help_text="Without it the setting is kept, and does not count."
    )
    reason = models.CharField(max_length=300, help_text="Why; kept in the history.")
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+"
    )

    class Meta:
        ordering = ["rule", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "operator", "agreement"],
                name="one_setting_per_rule_and_scope",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(operator__isnull=True) | Q(agreement__isnull=True),
                name="rule_setting_has_one_scope",
            ),
            models.CheckConstraint(
                condition=~Q(rule__in=sorted(PROTECTED)), name="protected_rules_stay"
            ),
            models.CheckConstraint(
                condition=Q(tolerance__isnull=True) | Q(tolerance__gte=0),
                name="rule_tolerance_is_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(tolerance_share__isnull=True)
                | Q(tolerance_share__gte=0, tolerance_share__lte=1),
                name="rule_tolerance_share_is_a_share",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="rule_setting_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.rule}, {self.scope}"

    @property
    def scope(self) -> str:
        """For whom it is, in words."""
        if self.agreement is not None:
            return str(self.agreement)
        return str(self.operator) if self.operator is not None else "for all"

    def as_value(self) -> Setting:
        """The setting as the domain knows it."""
        allowance = None
        if self.tolerance is not None or self.tolerance_share is not None:
            allowance = Allowance(self.tolerance or Decimal(0), self.tolerance_share or Decimal(0))
        return Setting(
            rule=self.rule,
            operator_id=self.operator_id,
            agreement_id=self.agreement_id,
            off=self.switched_off,
            severity=Severity(self.severity) if self.severity else None,
            allowance=allowance,
        )


def settings_in_force() -> list[Setting]:
    """Every setting that counts now."""
    return [row.as_value() for row in RuleSetting.objects.filter(in_force=True)]


MOST_COUNTED = 1000

# By the index of rule and key, so many entries at most for each rule.
_FIRED = """
SELECT listed.rule, (
    SELECT count(*) FROM (
        SELECT FROM roaming_finding finding
        WHERE finding.rule = listed.rule AND finding.id >= %(since)s LIMIT %(most)s
    ) counted
)
FROM unnest(%(rules)s::text[]) AS listed (rule)
"""


def how_often_fired(rules: Sequence[str], now: datetime) -> dict[str, int]:
    """Findings of each rule on sessions of the last 30 days, counted up to MOST_COUNTED + 1."""
    since = uuid7_at(now - timedelta(days=30), 0)
    with connection.cursor() as cursor:
        cursor.execute(_FIRED, {"since": since, "most": MOST_COUNTED + 1, "rules": list(rules)})
        return dict(cursor.fetchall())

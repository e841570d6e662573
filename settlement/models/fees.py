"""Fees of the clearing house: dated rules that staff edit, with their history."""

from __future__ import annotations

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce

from roaming.models import Environment, Operator, Role
from roaming.models.fields import ExactDecimalField
from settlement.models.periods import SettlementPeriod


@pghistory.track()
class FeeRule(models.Model):
    """An amount per settled SDR, paid by everyone in a role, or by one operator instead.

    A rule charges the SDRs that are settled in its currency, dated by the end of their session.
    The rule of one operator replaces the general one for that operator.
    """

    environment = models.CharField(max_length=4, choices=Environment, default=Environment.LIVE)
    name = models.CharField(max_length=80)
    payer_role = models.CharField(max_length=3, choices=Role)
    operator = models.ForeignKey(
        Operator,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="fee_rules",
        help_text="Only this operator; empty: everyone in the role.",
    )
    amount = ExactDecimalField(help_text="Per SDR; may be finer than the currency's digits.")
    currency = models.CharField(max_length=3, default="EUR")
    validity = DateTimeRangeField(help_text="From (inclusive) to (exclusive); open where it lasts.")

    class Meta:
        ordering = ["payer_role", "name"]
        constraints = [
            ExclusionConstraint(
                name="one_fee_per_payer_currency_and_time",
                expressions=[
                    ("environment", RangeOperators.EQUAL),
                    ("payer_role", RangeOperators.EQUAL),
                    (Coalesce(F("operator"), Value(0)), RangeOperators.EQUAL),
                    ("currency", RangeOperators.EQUAL),
                    ("validity", RangeOperators.OVERLAPS),
                ],
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="fee_is_not_negative"),
            models.CheckConstraint(
                condition=Q(validity__startswith__isnull=False, validity__isempty=False),
                name="fee_has_a_start",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class FeeCharge(models.Model):
    """What the clearing house charges one operator for a period under one fee rule."""

    environment = models.CharField(max_length=4, choices=Environment)
    period = models.ForeignKey(
        SettlementPeriod, models.PROTECT, related_name="fee_charges", db_constraint=False
    )
    rule = models.ForeignKey(FeeRule, models.PROTECT, related_name="charges")
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="fee_charges")
    currency = models.CharField(max_length=3)
    sdr_count = models.PositiveIntegerField()
    unit_amount = ExactDecimalField(help_text="Per SDR, as the rule said when it was charged.")
    amount = ExactDecimalField(help_text="Rounded once to the currency's digits.")

    class Meta:
        ordering = ["period", "operator__name"]
        constraints = [
            models.UniqueConstraint(
                fields=["period", "rule", "operator"], name="fee_charged_once_per_period"
            )
        ]

    def __str__(self) -> str:
        return f"{self.operator}: {self.amount} {self.currency}"

"""Statements: what one home-CSP owes one visited-CSO for a period (settlement.md, section 5)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from roaming.models import Agreement, Environment, Operator, Sdr
from roaming.models.fields import ExactDecimalField
from settlement.domain.statement_lines import LineKind
from settlement.models.periods import SettlementPeriod


class Statement(models.Model):
    """What one home-CSP owes one visited-CSO for a period, in one currency (settlement.md, 5.3).

    The terms that decide how it is booked and paid stand on it, as the agreement had them.
    Fees never appear here: the other side would see them.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        PRELIMINARY = "preliminary", "Preliminary"
        FINAL = "final", "Final"
        SUPERSEDED = "superseded", "Superseded"

    environment = models.CharField(max_length=4, choices=Environment)
    period = models.ForeignKey(
        SettlementPeriod, models.PROTECT, related_name="statements", db_constraint=False
    )
    visited_cso = models.ForeignKey(Operator, models.PROTECT, related_name="statements_as_cso")
    home_csp = models.ForeignKey(Operator, models.PROTECT, related_name="statements_as_csp")
    currency = models.CharField(max_length=3)
    collection_mode = models.CharField(max_length=6, choices=Agreement.CollectionMode)
    netting = models.CharField(max_length=10, choices=Agreement.Netting)
    version = models.PositiveIntegerField()
    status = models.CharField(max_length=12, choices=Status, default=Status.DRAFT)
    sdr_count = models.PositiveIntegerField(help_text="Lines, adjustments included.")
    energy_kwh = ExactDecimalField(help_text="kWh, credits negative.")
    before_tax = ExactDecimalField(help_text="Of the sessions that ended in this period.")
    adjustments = ExactDecimalField(help_text="Late SDRs and credits of earlier, final periods.")
    payable = ExactDecimalField(help_text="Before tax and adjustments; negative: the CSO owes.")
    open_count = models.PositiveIntegerField(help_text="Carved out: disputed or not yet decided.")
    open_amount = ExactDecimalField(help_text="What these claim.")
    content_hash = models.CharField(max_length=64, help_text="SHA-256 of lines and totals.")

    class Meta:
        ordering = ["period", "visited_cso__name", "home_csp__name", "currency"]
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "period",
                    "visited_cso",
                    "home_csp",
                    "currency",
                    "collection_mode",
                    "netting",
                    "version",
                ],
                name="statement_once",
            ),
            models.CheckConstraint(
                condition=Q(payable=F("before_tax") + F("adjustments")),
                name="statement_adds_up",
            ),
            models.CheckConstraint(
                condition=~Q(visited_cso=F("home_csp")), name="statement_of_two_parties"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.period.label} {self.visited_cso} / {self.home_csp} {self.currency}"


class StatementLine(models.Model):
    """One settled SDR at its settled amount. An SDR stands on one line, for good."""

    statement = models.ForeignKey(Statement, models.PROTECT, related_name="lines")
    sdr = models.OneToOneField(Sdr, models.PROTECT, related_name="statement_line")
    kind = models.CharField(max_length=10, choices=[(k.value, k.label) for k in LineKind])
    amount = ExactDecimalField(help_text="The settled amount, before tax.")
    energy_kwh = ExactDecimalField(help_text="kWh; of a credit, negative.")
    tariff_version_id = models.BigIntegerField(null=True)
    ended_at = models.DateTimeField(help_text="End of the session: the date of supply.")

    class Meta:
        ordering = ["sdr_id"]

    def __str__(self) -> str:
        return f"{self.sdr_id}: {self.amount}"

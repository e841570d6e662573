"""The totals hand-shake: what each party counts per day and counterparty, and whether we agree.

A row is the newest word of one side about one day; pghistory keeps what it said before.
"""

from __future__ import annotations

import pghistory
from django.db import models

from roaming.models import Environment, OperatorIdentifier, Platform
from roaming.models.fields import ExactDecimalField


@pghistory.track()
class TotalsOfDay(models.Model):
    """One side's figures for a UTC day of session ends, beside ours when they came."""

    class Side(models.TextChoices):
        CSO = "CSO", "Visited-CSO"
        CSP = "CSP", "Home-CSP"

    class State(models.TextChoices):
        CONFIRMED = "confirmed", "Confirmed"
        DIFFERS = "differs", "Differs"

    environment = models.CharField(max_length=4, choices=Environment)
    day = models.DateField(help_text="UTC day in which the sessions ended.")
    visited_cso = models.ForeignKey(OperatorIdentifier, models.PROTECT, related_name="+")
    home_csp = models.ForeignKey(OperatorIdentifier, models.PROTECT, related_name="+")
    currency = models.CharField(max_length=3)
    side = models.CharField(max_length=3, choices=Side)
    state = models.CharField(max_length=9, choices=State)
    count = models.PositiveIntegerField(help_text="SDRs that the party counts.")
    energy_kwh = ExactDecimalField()
    before_tax = ExactDecimalField()
    count_here = models.PositiveIntegerField()
    energy_kwh_here = ExactDecimalField()
    before_tax_here = ExactDecimalField()
    sent_by = models.ForeignKey(Platform, models.PROTECT, related_name="+")
    said_at = models.DateTimeField()

    class Meta:
        ordering = ["-day", "-id"]
        verbose_name_plural = "totals of days"
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "day", "visited_cso", "home_csp", "currency", "side"],
                name="totals_of_a_day_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.visited_cso} – {self.home_csp} {self.currency}, {self.side}"

"""Charge plans (UC3-7, UC3-10) and dynamic charging information (UC3-6) of a session."""

from __future__ import annotations

from django.db import models

from roaming.models.fields import ExactDecimalField
from roaming.models.hot import HotRow
from roaming.models.sessions import ServiceSession


class ChargingUpdate(HotRow):
    """One message of UC3-6 as it counted: energy, power and cost so far. Append-only."""

    session = models.ForeignKey(ServiceSession, models.PROTECT, related_name="updates")
    stamped_at = models.DateTimeField(help_text="The CSO's own time stamp.")
    received_at = models.DateTimeField()
    energy_kwh = ExactDecimalField(null=True)
    power_kw = ExactDecimalField(null=True)
    cost_before_tax = ExactDecimalField(null=True)
    currency = models.CharField(max_length=3, blank=True)
    state_of_charge = models.PositiveSmallIntegerField(null=True, help_text="Percent.")

    class Meta:
        ordering = ["session", "stamped_at"]
        indexes = [models.Index(fields=["session", "stamped_at"])]

    def __str__(self) -> str:
        return f"{self.energy_kwh} kWh"


class ChargePlan(HotRow):
    """One step of the exchange: the home-CSP's wishes with the answer, or an update of the CSO."""

    class MadeBy(models.TextChoices):
        HOME_CSP = "home_csp", "Wishes of the home-CSP (UC3-7)"
        VISITED_CSO = "visited_cso", "Update of the visited-CSO (UC3-10)"

    session = models.ForeignKey(ServiceSession, models.PROTECT, related_name="charge_plans")
    number = models.PositiveIntegerField(help_text="Counts the steps of a session from 1.")
    made_by = models.CharField(max_length=11, choices=MadeBy)
    accepted = models.BooleanField(null=True, help_text="Empty: the receiver was not reached.")
    reason = models.CharField(max_length=60, blank=True)
    wishes = models.TextField(blank=True, help_text="The JSON as the home-CSP sent it.")
    plan = models.TextField(blank=True, help_text="The JSON as the visited-CSO sent it.")
    stamped_at = models.DateTimeField()
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["session", "number"]
        indexes = [models.Index(fields=["session", "number"])]

    def __str__(self) -> str:
        return f"plan {self.number}"

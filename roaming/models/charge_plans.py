"""Charge plans (UC3-7, UC3-10) and dynamic charging information (UC3-6) of a session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import models
from django.db.models import Max

from roaming.domain.uuid7 import moment_of, uuid7_at
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


class ChargingUpdateBody(models.Model):
    """Erasable: the message as the CSO sent it, its charging periods and extra fields too."""

    update = models.OneToOneField(
        ChargingUpdate, models.CASCADE, primary_key=True, related_name="body"
    )
    content = models.TextField()

    def __str__(self) -> str:
        return "message"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStep:
    """What is to be kept of one step. `accepted` None: the visited-CSO was not reached."""

    made_by: str
    accepted: bool | None
    stamped_at: datetime
    received_at: datetime
    reason: str = ""
    wishes: str = ""
    plan: str = ""


class ChargePlanQuerySet(models.QuerySet["ChargePlan"]):
    """The steps of sessions."""

    def in_force(self, session: ServiceSession) -> ChargePlan | None:
        """The plan with the newest stamp of the visited-CSO, None where there is none."""
        plans = self.filter(session=session, has_plan=True).select_related("body")
        return plans.order_by("-stamped_at", "-number").first()

    def append_to(self, session: ServiceSession, step: PlanStep) -> ChargePlan:
        """Keeps a step under the next number. The caller holds the session's lock."""
        last = self.filter(session=session).aggregate(last=Max("number"))["last"] or 0
        row = self.create(
            id=uuid7_at(moment_of(session.id)),
            environment=session.environment,
            period=session.period,
            pair_id=session.pair_id,
            session=session,
            number=last + 1,
            made_by=step.made_by,
            accepted=step.accepted,
            reason=step.reason,
            has_plan=bool(step.plan),
            stamped_at=step.stamped_at,
            received_at=step.received_at,
        )
        row.body = ChargePlanBody.objects.create(step=row, wishes=step.wishes, plan=step.plan)
        return row


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
    has_plan = models.BooleanField(default=False)
    stamped_at = models.DateTimeField(help_text="Of a plan the CSO's own time stamp.")
    received_at = models.DateTimeField()

    objects = ChargePlanQuerySet.as_manager()

    class Meta:
        ordering = ["session", "number"]
        indexes = [models.Index(fields=["session", "number"])]

    def __str__(self) -> str:
        return f"plan {self.number}"


class ChargePlanBody(models.Model):
    """Erasable: when somebody leaves and what they need says much about a person."""

    step = models.OneToOneField(ChargePlan, models.CASCADE, primary_key=True, related_name="body")
    wishes = models.TextField(blank=True, help_text="The JSON as the home-CSP sent it.")
    plan = models.TextField(blank=True, help_text="The JSON as the visited-CSO sent it.")

    def __str__(self) -> str:
        return "message"

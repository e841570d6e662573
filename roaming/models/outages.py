"""Maintenance and outages (UC5-1): planned or not, from - to, and which EVSEs they affect."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.db import models
from django.db.models import F, Q

from roaming.models.agreements import Agreement
from roaming.models.deliveries import Delivery
from roaming.models.fields import Environment
from roaming.models.network import Evse
from roaming.models.operators import OperatorIdentifier, Role


def in_force(at: datetime) -> Q:
    """The condition: announced, begun, and not over."""
    lasting = Q(ends_at__isnull=True) | Q(ends_at__gt=at)
    return lasting & Q(state=Outage.State.ANNOUNCED, starts_at__lte=at)


class Outage(models.Model):
    """What a visited-CSO announced. Who was told stands in the deliveries `outage:<cso>:<ref>`."""

    class Kind(models.TextChoices):
        PLANNED = "PLANNED", "Planned maintenance"
        UNPLANNED = "UNPLANNED", "Outage"

    class State(models.TextChoices):
        ANNOUNCED = "announced", "Announced"
        ENDED = "ended", "Ended"
        CANCELLED = "cancelled", "Cancelled"

    environment = models.CharField(max_length=4, choices=Environment)
    visited_cso = models.ForeignKey(OperatorIdentifier, models.PROTECT, related_name="outages")
    outage_id = models.CharField(max_length=64, help_text="The CSO's id of it.")
    kind = models.CharField(max_length=9, choices=Kind)
    state = models.CharField(max_length=9, choices=State, default=State.ANNOUNCED)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True, help_text="Empty: not known yet.")
    description = models.CharField(max_length=500, blank=True)
    evses = models.ManyToManyField(Evse, related_name="outages")
    body = models.TextField(help_text="The JSON as received.")
    last_updated = models.DateTimeField(help_text="The CSO's own time stamp.")
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["-starts_at"]
        indexes = [models.Index(fields=["environment", "starts_at"])]
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "visited_cso", "outage_id"], name="outage_once_per_cso"
            ),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="outage_ends_after_its_start",
            ),
        ]

    @property
    def object_key(self) -> str:
        """Under which its deliveries stand."""
        return f"outage:{self.visited_cso.key}:{self.outage_id}"

    def in_force_at(self, at: datetime) -> bool:
        """As the condition `in_force` says it."""
        begun = self.state == Outage.State.ANNOUNCED and self.starts_at <= at
        return begun and (self.ends_at is None or self.ends_at > at)

    def __str__(self) -> str:
        return f"{self.outage_id} ({self.get_kind_display().lower()})"


@dataclass(frozen=True, slots=True)
class Told:
    """The last message about an outage to one platform, and the home-CSPs that it speaks for."""

    platform: str
    home_csps: list[str]
    state: str
    sent_at: datetime
    delivered_at: datetime | None


def who_was_told(outage: Outage) -> list[Told]:
    """Each platform once, with those of its home-CSPs that ever had an agreement with the CSO."""
    last = (
        Delivery.objects.filter(object_key=outage.object_key, environment=outage.environment)
        .order_by("receiver_id", "-id")
        .distinct("receiver_id")
        .select_related("receiver")
    )
    partners = OperatorIdentifier.objects.filter(
        role=Role.CSP,
        held_by__platform__in=[delivery.receiver_id for delivery in last],
        operator__agreements_as_csp__in=Agreement.objects.filter(
            visited_cso=outage.visited_cso.operator_id,
            environment=outage.environment,
            status__in=Agreement.EVER_IN_FORCE,
        ),
    )
    spoken_for: defaultdict[int, set[str]] = defaultdict(set)
    for platform, identifier in partners.values_list("held_by__platform", "identifier"):
        spoken_for[platform].add(identifier)
    return [
        Told(
            platform=delivery.receiver.name,
            home_csps=sorted(spoken_for[delivery.receiver_id]),
            state=delivery.state,
            sent_at=delivery.created_at,
            delivered_at=delivery.delivered_at,
        )
        for delivery in last
    ]

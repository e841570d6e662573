"""Maintenance and outages (UC5-1): planned or not, from - to, and which EVSEs they affect."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from roaming.models.fields import Environment
from roaming.models.network import Evse
from roaming.models.operators import OperatorIdentifier


class OutageQuerySet(models.QuerySet["Outage"]):
    def in_force(self, at: datetime) -> OutageQuerySet:
        """Announced, begun, and not over."""
        return self.filter(state=Outage.State.ANNOUNCED, starts_at__lte=at).filter(
            Q(ends_at__isnull=True) | Q(ends_at__gt=at)
        )


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

    objects = OutageQuerySet.as_manager()

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

    def __str__(self) -> str:
        return f"{self.outage_id} ({self.get_kind_display().lower()})"

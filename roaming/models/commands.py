"""Commands with an asynchronous result, and reservations (UC3-2, UC3-4, UC3-8, UC5-2, UC5-3)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from roaming.domain.command import CommandKind, CommandState
from roaming.domain.reservation import ReservationState
from roaming.models.fields import Environment, OpeningMomentKey
from roaming.models.network import Evse
from roaming.models.operators import OperatorIdentifier
from roaming.models.platforms import Platform
from roaming.models.sessions import ServiceSession


class Reservation(models.Model):
    """An EVSE held for a user. Its service session opens with it; a no-show has no other part."""

    id = OpeningMomentKey()
    environment = models.CharField(max_length=4, choices=Environment)
    session = models.OneToOneField(ServiceSession, models.PROTECT, related_name="reservation")
    home_csp = models.ForeignKey(OperatorIdentifier, models.PROTECT, related_name="+")
    visited_cso = models.ForeignKey(OperatorIdentifier, models.PROTECT, related_name="+")
    evse = models.ForeignKey(Evse, models.PROTECT, related_name="reservations")
    connector_id = models.CharField(max_length=36, blank=True)
    reference = models.CharField(max_length=64, help_text="The home-CSP's id of it.")
    cso_reference = models.CharField(max_length=64, blank=True)
    state = models.CharField(
        max_length=10, choices=[(state.value, state.label) for state in ReservationState]
    )
    reason = models.CharField(max_length=60, blank=True)
    starts_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    requested_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["evse", "starts_at"]),
            models.Index(
                fields=["expires_at"], condition=Q(state="reserved"), name="reservation_running"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "home_csp", "reference"], name="reservation_once_per_csp"
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("starts_at")), name="reservation_has_a_length"
            ),
        ]

    def __str__(self) -> str:
        return self.reference


class Command(models.Model):
    """One asynchronous transaction: who asked whom for what, the answer, and the result."""

    id = OpeningMomentKey()
    environment = models.CharField(max_length=4, choices=Environment)
    use_case = models.CharField(max_length=8)
    kind = models.CharField(max_length=20, choices=[(k.value, k.value) for k in CommandKind])
    state = models.CharField(
        max_length=12, choices=[(state.value, state.label) for state in CommandState]
    )
    asked_by = models.ForeignKey(Platform, models.PROTECT, related_name="+")
    visited_cso = models.ForeignKey(OperatorIdentifier, models.PROTECT, related_name="+")
    home_csp = models.ForeignKey(OperatorIdentifier, models.PROTECT, related_name="+")
    session = models.ForeignKey(ServiceSession, models.PROTECT, null=True, related_name="commands")
    reservation = models.ForeignKey(Reservation, models.PROTECT, null=True, related_name="commands")
    evse = models.ForeignKey(Evse, models.PROTECT, null=True, related_name="commands")
    connector_id = models.CharField(max_length=36, blank=True)
    correlation_id = models.CharField(max_length=64)
    requested_by = models.CharField(
        max_length=80, blank=True, help_text="Who wanted it, for an emergency unlocking."
    )
    why = models.CharField(max_length=200, blank=True, help_text="The reason that the asker gave.")
    reason = models.CharField(max_length=60, blank=True, help_text="Why it was rejected or failed.")
    note = models.CharField(max_length=300, blank=True, help_text="Words to show to the user.")
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    result_due_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True, help_text="When a result came.")
    timed_out_at = models.DateTimeField(null=True, help_text="A later result came late.")

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["correlation_id"]),
            models.Index(
                fields=["result_due_at"], condition=Q(state="accepted"), name="command_awaited"
            ),
            models.Index(fields=["state", "id"]),
        ]

    def __str__(self) -> str:
        return f"{self.use_case} {self.kind} ({self.state})"

    @property
    def result_was_late(self) -> bool:
        """Whether a result came after the asker had been told that none had come in time."""
        return self.ended_at is not None and self.timed_out_at is not None

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
    starts_at = models.DateTimeField(help_text="Business time, as everything here.")
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    requested_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["evse", "starts_at"]),
            models.Index(
                fields=["expires_at"],
                condition=Q(state__in=["requested", "reserved"]),
                name="reservation_open",
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
    """One asynchronous transaction: who asked whom for what, the answer, and the result.

    `result_due_at` is real time: it is the receiver's own promise in seconds, and a business clock
    that runs a thousand times as fast would break it before any charging station could stir. All
    other moments are business time, as in the rest of a session's story.
    """

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
    message_id = models.CharField(max_length=64, blank=True, help_text="Of the asker's message.")
    requested_by = models.CharField(
        max_length=80, blank=True, help_text="Who wanted it, for an emergency unlocking."
    )
    number = models.PositiveIntegerField(
        default=1, help_text="Counts the questions about a reservation; ids of one moment do not."
    )
    starts_at = models.DateTimeField(null=True, help_text="The window asked for (UC3-8).")
    expires_at = models.DateTimeField(null=True)
    content_hmac = models.BinaryField(
        max_length=32, null=True, help_text="Of the wish: the same again gets the same answer."
    )
    why = models.CharField(max_length=200, blank=True, help_text="The reason that the asker gave.")
    reason = models.CharField(max_length=60, blank=True, help_text="Why it was rejected or failed.")
    note = models.CharField(max_length=300, blank=True, help_text="Words to show to the user.")
    cso_session_id = models.CharField(max_length=64, blank=True)
    cso_reference = models.CharField(max_length=64, blank=True)
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    result_due_at = models.DateTimeField(
        null=True, help_text="Real time: until then an answer, or the result, is awaited."
    )
    ended_at = models.DateTimeField(null=True, help_text="When a result came.")
    timed_out_at = models.DateTimeField(null=True, help_text="A later result came late.")

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["correlation_id"]),
            models.Index(fields=["message_id"]),
            models.Index(
                fields=["result_due_at"],
                condition=Q(state__in=["asked", "accepted"]),
                name="command_under_way",
            ),
            models.Index(fields=["state", "id"]),
            models.Index(
                fields=["content_hmac"],
                condition=Q(content_hmac__isnull=False),
                name="command_content",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.use_case} {self.kind} ({self.state})".replace("_", " ")

    @property
    def result_was_late(self) -> bool:
        """Whether a result came after the asker had been told that none had come in time."""
        return self.ended_at is not None and self.timed_out_at is not None

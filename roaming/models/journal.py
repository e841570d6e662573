"""The journal of the switch: one row before a message acts, one with its verdict (6.4.1).

Append-only by trigger and by grant. What could name a person lives in `JournalBody`, erasable; the
row itself holds a keyed HMAC, so that it can be searched for exactly and proves nothing to others.
"""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from roaming.models.fields import Environment
from roaming.models.operators import OperatorIdentifier
from roaming.models.platforms import Platform


class JournalEntry(models.Model):
    """One of the two rows of a transaction; `transaction_id` joins them."""

    class Phase(models.TextChoices):
        ADMITTED = "admitted", "Admitted"
        VERDICT = "verdict", "Verdict"

    class Outcome(models.TextChoices):
        PENDING = "pending", "Under way"
        ACCEPTED = "accepted", "Accepted"
        REFUSED = "refused", "Refused by the receiver"
        REFUSED_BY_HUB = "refused_by_hub", "Refused by the clearing house"
        FAILED = "failed", "The receiver could not be asked"

    transaction_id = models.UUIDField()
    phase = models.CharField(max_length=8, choices=Phase)
    at = models.DateTimeField(help_text="Business time.")
    recorded_at = models.DateTimeField(db_default=Now(), help_text="Real time, of the database.")
    environment = models.CharField(max_length=4, choices=Environment)
    use_case = models.CharField(max_length=8)
    message_id = models.CharField(max_length=64)
    correlation_id = models.CharField(max_length=64)
    # The sender is checked together with the environment (migration 0002); the parties were read
    # from their rows a moment ago, and no identifier is ever deleted: a journal must be fast.
    sender = models.ForeignKey(
        Platform, models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    visited_cso = models.ForeignKey(
        OperatorIdentifier, models.PROTECT, null=True, related_name="+", db_index=False,
        db_constraint=False,
    )  # fmt: skip
    home_csp = models.ForeignKey(
        OperatorIdentifier, models.PROTECT, null=True, related_name="+", db_index=False,
        db_constraint=False,
    )  # fmt: skip
    agreement_id = models.BigIntegerField(null=True)
    service_session_id = models.UUIDField(null=True)
    object_key = models.CharField(max_length=64, blank=True, help_text="EVSE, tariff, site, SDR.")
    outcome = models.CharField(max_length=16, choices=Outcome)
    refusal_code = models.CharField(max_length=60, blank=True)
    latency_us = models.BigIntegerField(null=True, help_text="Microseconds of real time.")
    body_hmac = models.BinaryField(max_length=32, null=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = "journal entry"
        verbose_name_plural = "journal"
        indexes = [
            models.Index(fields=["correlation_id"]),
            models.Index(fields=["service_session_id"]),
            models.Index(fields=["transaction_id"]),
            models.Index(fields=["message_id"]),
            models.Index(fields=["object_key", "-id"]),
            models.Index(
                fields=["recorded_at"],
                condition=models.Q(phase="admitted"),
                name="journal_admitted",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.use_case} {self.phase} {self.correlation_id}"


class JournalBody(models.Model):
    """Erasable: the message in and the answer, for as long as the retention setting says."""

    entry = models.OneToOneField(
        JournalEntry, models.CASCADE, primary_key=True, related_name="body", db_constraint=True
    )
    content = models.TextField()

    def __str__(self) -> str:
        return "message"

"""The home-CSP's own records of sessions: the third of the three that are compared (6.4.2).

A record is never edited. Uniqueness across months lives in `CspRecordRegistry`, which is written in
the same statement (storage.md, 2). Only its sender sees it; its counterparty sees what was found.
"""

from __future__ import annotations

from django.db import models

from roaming.models import Environment, OperatorIdentifier, OperatorPair, Platform
from roaming.models.fields import ExactDecimalField
from roaming.models.hot import HotRow


class CspRecordRegistry(models.Model):
    """Who sent which record, and a hash of what: same content, same answer; other, refusal."""

    environment = models.CharField(max_length=4, choices=Environment)
    # Checked on the record that is written in the same statement.
    home_csp = models.ForeignKey(
        OperatorIdentifier, models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    reference = models.CharField(max_length=64)
    record_id = models.UUIDField(unique=True)
    content_hmac = models.BinaryField(max_length=32)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "home_csp", "reference"], name="csp_record_once"
            )
        ]

    def __str__(self) -> str:
        return self.reference


class CspRecord(HotRow):
    """What the home-CSP itself knows of a session, as values that can be compared."""

    arrival = models.BigIntegerField(help_text="Arrival sequence: feeds page by it.")
    pair = models.ForeignKey(OperatorPair, models.PROTECT, related_name="+", db_index=False)
    # Checked together with the environment (migration of this table).
    sent_by = models.ForeignKey(
        Platform, models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    home_csp = models.ForeignKey(
        OperatorIdentifier, models.PROTECT, related_name="+", db_index=False
    )
    visited_cso = models.ForeignKey(
        OperatorIdentifier, models.PROTECT, related_name="+", db_index=False
    )
    reference = models.CharField(max_length=64, help_text="The CSP's id of this record.")
    service_session_id = models.UUIDField(null=True)
    csp_session_id = models.CharField(max_length=64, blank=True)
    cso_session_id = models.CharField(max_length=64, blank=True)
    authorization_reference = models.CharField(max_length=36, blank=True)
    token_hmac = models.BinaryField(max_length=32, null=True)
    contract_hmac = models.BinaryField(max_length=32, null=True)
    evse_id = models.CharField("EVSE", max_length=48, help_text="As the CSP sent it.")
    evse_key = models.CharField(max_length=48)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    energy_kwh = ExactDecimalField()
    currency = models.CharField(max_length=3, blank=True)
    before_tax = ExactDecimalField(null=True, help_text="What the CSP expects to pay.")
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        verbose_name = "CSP record"
        indexes = [
            models.Index(fields=["service_session_id"]),
            models.Index(fields=["authorization_reference"]),
            models.Index(fields=["token_hmac", "started_at"], name="csp_record_token"),
            models.Index(fields=["home_csp", "-arrival"], name="csp_record_feed"),
        ]

    def __str__(self) -> str:
        return self.reference


class CspRecordOriginal(models.Model):
    """Erasable: the received bytes, and the identification in clear."""

    record = models.OneToOneField(
        CspRecord, models.CASCADE, primary_key=True, related_name="original"
    )
    token_uid = models.CharField(max_length=36, blank=True)
    contract_id = models.CharField(max_length=36, blank=True)
    content = models.TextField()

    def __str__(self) -> str:
        return "original"

"""Service sessions: the clearing house's own evidence of a visit (IEC 63119-2, 5.7)."""

from __future__ import annotations

from django.db import models

from roaming.domain.session import SessionState
from roaming.models.agreements import Agreement
from roaming.models.fields import ExactDecimalField
from roaming.models.hot import HotRow
from roaming.models.network import Evse
from roaming.models.operators import OperatorIdentifier, OperatorPair

STATE_CHOICES = [(state.value, state.label) for state in SessionState]


class ServiceSession(HotRow):
    """The whole visit. The agreement is the one in force when it opened, and stays so."""

    pair = models.ForeignKey(
        OperatorPair, models.PROTECT, null=True, related_name="+", db_index=False
    )
    # Migration 0002 checks it together with the environment.
    agreement = models.ForeignKey(
        Agreement, models.PROTECT, related_name="sessions", db_constraint=False
    )
    visited_cso = models.ForeignKey(OperatorIdentifier, models.PROTECT, related_name="+")
    home_csp = models.ForeignKey(OperatorIdentifier, models.PROTECT, related_name="+")
    evse = models.ForeignKey(Evse, models.PROTECT, related_name="sessions")
    connector_id = models.CharField(max_length=36, blank=True)
    state = models.CharField(max_length=12, choices=STATE_CHOICES)
    opened_by = models.CharField(
        max_length=8, default="UC3-1", help_text="The use case that opened it."
    )
    identification_method = models.CharField(max_length=8)
    authorised = models.CharField(max_length=8, blank=True)
    offline_reason = models.CharField(
        max_length=30, blank=True, help_text="Why the clearing house stood in for the home-CSP."
    )
    authorization_reference = models.CharField(max_length=36, blank=True)
    cso_session_id = models.CharField(max_length=64, blank=True)
    csp_session_id = models.CharField(max_length=64, blank=True)
    token_hmac = models.BinaryField(max_length=32)
    contract_hmac = models.BinaryField(max_length=32, null=True)
    refusal_reason = models.CharField(max_length=60, blank=True)
    opened_at = models.DateTimeField()
    authorised_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    energy_kwh = ExactDecimalField(null=True)
    # The newest dynamic charging information (UC3-6); each message has a row of its own.
    updated_at = models.DateTimeField(null=True, help_text="The CSO's own time stamp.")
    power_kw = ExactDecimalField(null=True)
    cost_so_far = ExactDecimalField(null=True, help_text="Before tax, in `cost_currency`.")
    cost_currency = models.CharField(max_length=3, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["evse", "-id"]),
            models.Index(fields=["token_hmac", "-id"]),
            models.Index(fields=["authorization_reference"]),
            models.Index(fields=["state", "id"]),
        ]

    def __str__(self) -> str:
        return str(self.id)


class ServiceSessionPersonalData(models.Model):
    """Erasable: the identification that was presented, in clear."""

    session = models.OneToOneField(
        ServiceSession, models.CASCADE, primary_key=True, related_name="personal_data"
    )
    token_uid = models.CharField(max_length=36, blank=True)
    contract_id = models.CharField(max_length=36, blank=True)

    class Meta:
        permissions = [
            ("view_personal_data", "Can see personal data in clear (each look is logged)")
        ]

    def __str__(self) -> str:
        return "personal data"

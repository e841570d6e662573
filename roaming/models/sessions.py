"""Service sessions: the clearing house's own evidence of a visit (IEC 63119-2, 5.7)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce, Greatest

from roaming.domain.session import SessionState
from roaming.domain.uuid7 import uuid7_at
from roaming.models.agreements import Agreement
from roaming.models.fields import ExactDecimalField
from roaming.models.hot import HotRow
from roaming.models.network import Evse
from roaming.models.operators import OperatorIdentifier, OperatorPair

STATE_CHOICES = [(state.value, state.label) for state in SessionState]


# States in which the clearing house waits for news of a session.
AWAITING_NEWS = (SessionState.REQUESTED, SessionState.AUTHORISED, SessionState.ACTIVE)


# The newest of what is known of a session.
_LAST_NEWS = Greatest(
    F("opened_at"),
    Coalesce(F("authorised_at"), F("opened_at")),
    Coalesce(F("updated_at"), F("opened_at")),
    Coalesce(F("completed_at"), F("opened_at")),
)


class ServiceSessionQuerySet(models.QuerySet["ServiceSession"]):
    """Sessions that are stuck, by age (UC3-5, UC3-6). `now` is business time."""

    def without_news(self, now: datetime) -> ServiceSessionQuerySet:
        """Open ones of which nothing was heard for SESSION_NEWS_HOURS; `last_news` says since when.

        The id carries the opening moment, so that the index of (state, id) bounds the search.
        """
        before = now - timedelta(hours=settings.SESSION_NEWS_HOURS)
        return self.annotate(last_news=_LAST_NEWS).filter(
            state__in=[state.value for state in AWAITING_NEWS],
            id__lt=uuid7_at(before, 0),
            last_news__lt=before,
        )

    def without_sdr(self, now: datetime) -> ServiceSessionQuerySet:
        """Completed ones whose SDR is missing after SDR_MISSING_HOURS."""
        from roaming.models.sdrs import Sdr

        arrived = Sdr.objects.filter(
            service_session_id=OuterRef("id"),
            environment=OuterRef("environment"),
            visited_cso=OuterRef("visited_cso"),
            credit=False,
        )
        before = now - timedelta(hours=settings.SDR_MISSING_HOURS)
        return (
            self.annotate(last_news=_LAST_NEWS)
            .filter(
                state=SessionState.COMPLETED.value,
                sdr_accounted_for=False,
                id__lt=uuid7_at(before, 0),
                last_news__lt=before,
            )
            .exclude(Exists(arrived))
        )


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
    sdr_accounted_for = models.BooleanField(
        default=False, help_text="Its SDR has come, or staff gave it up."
    )
    closed_by_hand_at = models.DateTimeField(
        null=True, help_text="Closed by staff for want of news; empty again once news came."
    )

    objects = ServiceSessionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["evse", "-id"]),
            models.Index(fields=["token_hmac", "-id"]),
            models.Index(fields=["contract_hmac", "-id"], name="session_contract"),
            models.Index(fields=["authorization_reference"]),
            models.Index(fields=["state", "id"]),
            models.Index(
                fields=["-id"],
                condition=Q(state="completed", sdr_accounted_for=False),
                name="session_awaits_sdr",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


def agreements_of_sessions(
    ids: Sequence[uuid.UUID], environment: str, visited_csos: Sequence[int]
) -> dict[uuid.UUID, int]:
    """Session -> agreement, of those sessions that are of these CSOs. One parameter for all ids:
    ten thousand of them would cost the query as much as the SDRs themselves.
    """
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, agreement_id FROM roaming_servicesession"
            " WHERE id = ANY(%s) AND environment = %s AND visited_cso_id = ANY(%s)",
            [list(ids), environment, list(visited_csos)],
        )
        return dict(cursor.fetchall())


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


class SessionClosing(models.Model):
    """A session that a person closed because no news came: who, when, why. Append-only.

    News of the visited-CSO that comes all the same counts: it takes up `from_state` again.
    """

    session = models.ForeignKey(ServiceSession, models.PROTECT, related_name="closings")
    from_state = models.CharField(max_length=12, choices=STATE_CHOICES)
    to_state = models.CharField(max_length=12, choices=STATE_CHOICES)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.reason


# Its own CSO's SDR in the same environment; whether it is right is for reconciliation to say.
_ACCOUNT_FOR = """
    UPDATE roaming_servicesession SET sdr_accounted_for = true
    WHERE id IN (
        SELECT session.id FROM roaming_servicesession session
        WHERE session.state = 'completed' AND NOT session.sdr_accounted_for
          AND EXISTS (
              SELECT FROM roaming_sdr sdr
              WHERE sdr.service_session_id = session.id AND NOT sdr.credit
                AND sdr.environment = session.environment
                AND sdr.visited_cso_id = session.visited_cso_id)
        LIMIT %(batch)s FOR UPDATE SKIP LOCKED)
"""


def account_for_sdrs(batch: int) -> int:
    """Marks completed sessions whose SDR has come, at most `batch`; returns how many.

    Keeps the index of those that wait for theirs as short as their number.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ACCOUNT_FOR, {"batch": batch})
        return int(cursor.rowcount)

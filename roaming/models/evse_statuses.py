"""Dynamic status of EVSEs (UC1-3), apart from the EVSE because it changes all day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, models

from roaming.domain.evse_status import EvseState
from roaming.models.network import Evse


class EvseStatus(models.Model):
    """The newest status that a visited-CSO sent for an EVSE; older ones are ignored."""

    evse = models.OneToOneField(Evse, models.CASCADE, primary_key=True, related_name="status")
    state = models.CharField(max_length=12, choices=[(s.value, s.value) for s in EvseState])
    stamped_at = models.DateTimeField(help_text="The CSO's own time stamp.")
    expires_at = models.DateTimeField(null=True, help_text="Past it the status is UNKNOWN.")
    received_at = models.DateTimeField()

    class Meta:
        verbose_name = "EVSE status"
        verbose_name_plural = "EVSE statuses"
        indexes = [models.Index(fields=["received_at"])]

    def __str__(self) -> str:
        return self.state


@dataclass(frozen=True, slots=True)
class NewStatus:
    """A status to be stored; one per EVSE in a call."""

    evse_id: int
    state: str
    stamped_at: datetime
    expires_at: datetime


# In the order of the EVSEs, so that two calls never wait for each other in a circle. Of two with
# the same stamp (some clocks tick in seconds) the one that arrived later counts.
_STORE = """
    INSERT INTO roaming_evsestatus AS stored (evse_id, state, stamped_at, expires_at, received_at)
    SELECT fresh.*, %s::timestamptz
    FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[])
        AS fresh (evse_id, state, stamped_at, expires_at)
    ORDER BY fresh.evse_id
    ON CONFLICT (evse_id) DO UPDATE SET state = excluded.state, stamped_at = excluded.stamped_at,
        expires_at = excluded.expires_at, received_at = excluded.received_at
    WHERE stored.stamped_at < excluded.stamped_at
       OR (stored.stamped_at = excluded.stamped_at
           AND (stored.state, stored.expires_at)
               IS DISTINCT FROM (excluded.state, excluded.expires_at))
    RETURNING evse_id
"""


def store_statuses(statuses: Sequence[NewStatus], received_at: datetime) -> set[int]:
    """Stores what is newer than what is stored, in one statement; returns the ids of those EVSEs.

    Equal to what is stored: not among them.
    """
    if not statuses:
        return set()
    rows = [(s.evse_id, s.state, s.stamped_at, s.expires_at) for s in statuses]
    with connection.cursor() as cursor:
        cursor.execute(_STORE, [received_at, *map(list, zip(*rows, strict=True))])
        return {evse_id for (evse_id,) in cursor.fetchall()}


def lock_statuses(visited_csos: Iterable[int]) -> None:
    """Until the end of the transaction nobody else stores and hands over statuses of these CSOs.

    A lock of its own: one on the CSO's row would hold up everything that refers to it.
    """
    with connection.cursor() as cursor:
        for cso in sorted(visited_csos):
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtext('evse statuses'), %s::int)", [cso % 2**31]
            )

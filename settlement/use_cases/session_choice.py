"""People choose the session of an SDR where several were possible (6.4.2).

Accepts: a session of the SDR's own two parties, for an SDR that is not decided, with a reason.
Refuses: unknown_sdr, reason_missing, not_decidable, unknown_session.
Leaves behind: the choice on the SDR's standing, an event that says who chose and why, and the SDR
due to be judged anew.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from roaming.domain.sdr import SdrLifeState
from roaming.domain.uuid7 import moment_of, uuid7_at
from roaming.models import SdrDue, SdrEvent, SdrState, ServiceSession
from roaming.waking import wake_after_commit
from settlement.domain.refusals import No, RefusedError
from settlement.models.reconciliation_sql.batch import OPEN_STATES


@dataclass(frozen=True, slots=True)
class Choice:
    """Which session, who chose it, and why."""

    session_id: uuid.UUID
    by: str
    reason: str


@transaction.atomic
def choose_session(sdr_id: uuid.UUID, choice: Choice, now: datetime) -> SdrState:
    """Matches the SDR with this session, whatever it says itself."""
    if not choice.reason.strip():
        raise RefusedError(No.REASON_MISSING, "A choice needs a reason.")
    standing = (
        SdrState.objects.select_for_update(of=("self",))
        .select_related("sdr")
        .filter(sdr=sdr_id)
        .first()
    )
    if standing is None:
        raise RefusedError(No.UNKNOWN_SDR, "There is no SDR with this id.")
    if standing.state not in OPEN_STATES or standing.sdr.credit:
        label = SdrLifeState(standing.state).label.lower()
        raise RefusedError(No.NOT_DECIDABLE, f"The session of an SDR that is {label} stays.")
    session = ServiceSession.objects.filter(
        pk=choice.session_id, environment=standing.environment, pair=standing.sdr.pair_id
    )
    if standing.sdr.pair_id is None or not session.exists():
        raise RefusedError(No.UNKNOWN_SESSION, "It is no session of the SDR's two parties.")
    standing.chosen_session_id = choice.session_id
    standing.save(update_fields=["chosen_session_id"])
    SdrEvent.objects.create(
        id=uuid7_at(moment_of(standing.sdr_id)),
        environment=standing.environment,
        period=standing.period,
        pair_id=standing.pair_id,
        sdr_id=standing.sdr_id,
        from_state=standing.state,
        to_state=standing.state,
        actor=choice.by[:80],
        reason="session chosen",
        note=f"{choice.session_id}: {choice.reason.strip()}"[:300],
        at=now,
    )
    SdrDue.objects.create(environment=standing.environment, sdr_id=standing.sdr_id)
    wake_after_commit()
    return standing

"""Stuck sessions (UC3-5, UC3-6): found by age, shown to staff, closed by hand with a reason.

Accepts: a session of which no news came for as long as the settings say, or a completed one whose
SDR is missing.
Refuses (StuckSessionError): a session that is not stuck, and a closing without a reason.
Leaves behind: a session that only was asked for or authorised as cancelled; an active one as
completed with what was reported last (its SDR is due); a completed one as one whose SDR is given
up. Who, when and why in an append-only row, and a message to the home-CSP. Should the visited-CSO
bring news after all, it counts: the hub is never in the way of a session that runs.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.db import transaction

from roaming.domain.session import SessionState
from roaming.domain.use_case import UseCase
from roaming.hub_switch.running_session import REOPENED, names_of
from roaming.models import ServiceSession, SessionClosing
from roaming.models.sessions import account_for_sdrs
from roaming.outbox import Parcel, enqueue_newest, platform_of

PATH = "uc3-5/completion"
BATCH = 5_000


class StuckSessionError(ValueError):
    """Why it is not closed, for the person who tried."""


@dataclass(frozen=True, slots=True)
class ByHand:
    """Who closes a session (a row of AUTH_USER_MODEL), and why."""

    who: Any
    reason: str


def close_stuck_session(session: ServiceSession, by_hand: ByHand, now: datetime) -> ServiceSession:
    """Closes a session that is stuck; what becomes of it depends on how far it came."""
    if not by_hand.reason.strip():
        raise StuckSessionError("A session is closed for a reason.")
    with transaction.atomic():
        locked = (
            ServiceSession.objects.select_for_update(of=("self",), no_key=True)
            .select_related("visited_cso", "home_csp")
            .get(pk=session.pk)
        )
        if not is_stuck(locked, now):
            raise StuckSessionError("News of it came: it is not stuck.")
        before = SessionState(locked.state)
        _close(locked, before, now)
        locked.save(update_fields=REOPENED)
        SessionClosing.objects.create(
            session=locked,
            from_state=before.value,
            to_state=locked.state,
            closed_by=by_hand.who,
            reason=by_hand.reason.strip()[:200],
            at=now,
        )
        if before is not SessionState.COMPLETED:
            _tell_home_csp(locked)
    return locked


def is_stuck(session: ServiceSession, now: datetime) -> bool:
    """Whether no news came for too long, or its SDR is missing."""
    rows = ServiceSession.objects.filter(pk=session.pk)
    return rows.without_news(now).exists() or rows.without_sdr(now).exists()


def note_arrived_sdrs() -> int:
    """Takes sessions whose SDR has come off the list of those that wait; returns how many."""
    total = 0
    while True:
        done = account_for_sdrs(BATCH)
        total += done
        if done < BATCH:
            return total


def _close(session: ServiceSession, before: SessionState, now: datetime) -> None:
    if before is SessionState.COMPLETED:
        session.sdr_accounted_for = True
        return
    session.completed_at = session.closed_by_hand_at = now
    if before is SessionState.ACTIVE:
        # With what was reported last; the SDR says what it was.
        session.state = SessionState.COMPLETED.value
        session.started_at = session.authorised_at or session.opened_at
        session.ended_at = session.updated_at or now
    else:
        session.state = SessionState.CANCELLED.value
        session.refusal_reason = "closed_by_clearing_house"


def _tell_home_csp(session: ServiceSession) -> None:
    receiver = platform_of(session.home_csp, session.environment)
    if receiver is None:
        return
    completed = session.state == SessionState.COMPLETED.value
    content = {
        **names_of(session),
        "start_date_time": session.started_at if completed else None,
        "end_date_time": session.ended_at if completed else None,
        "total_energy": session.energy_kwh if completed else None,
        "nothing_provided": not completed,
        "closed_by_clearing_house": True,
    }
    known = {name: value for name, value in content.items() if value is not None}
    enqueue_newest(
        Parcel(
            receiver,
            UseCase.UC3_5.code,
            PATH,
            f"session:{session.id}",
            msgspec.json.encode(known).decode(),
            str(uuid.uuid4()),
        )
    )

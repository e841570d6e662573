"""TIM-09: a session was completed, and its SDR does not come.

There is no SDR to put a finding on: the work queue "Missing" holds such sessions.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from roaming.domain.session import SessionState
from settlement.domain.reconciliation.case import Verdict, utc_text


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletedSession:
    """A session as the switch saw it. `accounted_for`: its SDR has come, or staff gave it up."""

    state: str
    opened_at: datetime
    last_news: datetime
    accounted_for: bool
    now: datetime
    missing_after: timedelta


def sdr_missing(session: CompletedSession) -> Verdict | None:
    """TIM-09: completed, not accounted for, and nothing was heard of it for so long."""
    if session.state != SessionState.COMPLETED.value or session.accounted_for:
        return None
    latest = session.now - session.missing_after
    if session.last_news >= latest or session.opened_at >= latest:
        return None
    return Verdict("", f"an SDR by {utc_text(session.last_news + session.missing_after)}", None)

"""SDRs of the cast as the portal shows them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from roaming import models
from settlement.use_cases.sdr_reconciliation import reconcile
from tests.cast import Cast
from tests.settlement.sdrs import OCTOBER_5, Trade, announce

NOW = datetime(2026, 10, 6, 12, 0, tzinfo=UTC)


@dataclass
class Stage:
    """A trade of the cast with one SDR that agrees and one that claims 12.00 instead of 10.00."""

    cast: Cast
    trade: Trade
    agreeing: models.Sdr
    deviating: models.Sdr
    session: models.ServiceSession


def session_of(trade: Trade, opened_at: datetime) -> models.ServiceSession:
    """A session of an hour and 20 kWh."""
    return trade.session(
        opened_at,
        authorised_at=opened_at,
        started_at=opened_at,
        ended_at=opened_at + timedelta(hours=1),
        energy_kwh=20,
    )


def make_stage(cast: Cast) -> Stage:
    """Reconciled a day later."""
    trade = Trade.of(cast)
    announce(cast.visited_cso.identifier)
    first = session_of(trade, OCTOBER_5)
    second = session_of(trade, OCTOBER_5 + timedelta(hours=2))
    agreeing = trade.sdr(session=first)
    deviating = trade.sdr(session=second, claim="12.00")
    reconcile("live", NOW)
    return Stage(cast, trade, agreeing, deviating, second)


def journal(stage: Stage, session: models.ServiceSession, **values: Any) -> models.JournalEntry:
    """The verdict on a message of a session."""
    given: dict[str, Any] = {
        "transaction_id": uuid.uuid4(),
        "phase": "verdict",
        "outcome": "accepted",
        "at": OCTOBER_5,
        "environment": "live",
        "use_case": "UC3-1",
        "message_id": "message-1",
        "correlation_id": "correlation-1",
        "sender": stage.cast.visited_cso.platform,
        "visited_cso": stage.cast.visited_cso.identifier,
        "home_csp": stage.cast.home_csp.identifier,
        "service_session_id": session.pk,
        "latency_us": 1,
        **values,
    }
    return models.JournalEntry.objects.create(**given)

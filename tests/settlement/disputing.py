"""Disputes in tests: who speaks for which side, and a declined SDR to argue about."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from roaming import models
from settlement.domain.disputes import Side
from settlement.models import Dispute
from settlement.use_cases.dispute import Actor
from settlement.use_cases.sdr_decision import Decision, decline_sdr
from settlement.use_cases.sdr_reconciliation import reconcile
from tests.settlement.sdrs import OCTOBER_5, Trade

NOW = OCTOBER_5 + timedelta(hours=3)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CSP = Actor("Home CSP", Side.HOME_CSP)
CSO = Actor("Visited CSO", Side.VISITED_CSO)
HOUSE = Actor("alice", Side.CLEARING_HOUSE)
PRICE = Decision("Home CSP", "PRC", "0.60 not 0.50", by_home_csp=True, undisputed=Decimal("12.00"))


def disputed(trade: Trade, decision: Decision = PRICE, **fields: object) -> Dispute:
    """24 kWh at 0.50 are 12.00, billed as 14.40: the home-CSP declines."""
    session = fields.pop("session", None) or trade.session()
    sdr = trade.sdr(session, kwh="24", claim="14.40", **fields)  # type: ignore[arg-type]
    reconcile("live", NOW - HOUR)
    decline_sdr(sdr.id, decision, NOW)
    return Dispute.objects.get(sdr=sdr, closed_at=None)


def sdr_of(dispute: Dispute) -> models.SdrState:
    """Where its SDR stands."""
    return models.SdrState.objects.get(sdr=dispute.sdr_id)


def explained(dispute: Dispute) -> bool:
    """Whether the events alone say where the dispute stands: each begins where the last ended."""
    state, offered, amount, deadline = "", None, None, None
    for event in dispute.events.order_by("id"):
        assert event.from_state == state, (event, state)
        state, deadline = event.to_state, event.respond_by
        offered = event.amount if event.step == "offer" else offered
        amount = event.amount if state in ("resolved", "withdrawn") else None
    dispute.refresh_from_db()
    return (state, offered, amount, deadline) == (
        dispute.state, dispute.offered, dispute.amount, dispute.respond_by
    )  # fmt: skip

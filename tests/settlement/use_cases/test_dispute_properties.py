"""In whatever order: never above the claim, one live dispute at most, the log explains it all."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from settlement.domain.disputes import Step
from settlement.domain.refusals import RefusedError
from settlement.models import Dispute
from settlement.use_cases.dispute import (
    Contest,
    Saying,
    expire_due,
    extend_deadline,
    open_dispute,
    take_dispute_step,
    write_message,
)
from settlement.use_cases.sdr_decision import Decision, approve_sdr, decline_sdr
from settlement.use_cases.sdr_reconciliation import reconcile
from tests.settlement.disputing import CSO, CSP, HOUSE, NOW, explained
from tests.settlement.sdrs import Trade, announce, standing_of

AMOUNTS = st.sampled_from(["0", "0.01", "7.00", "14.40", "14.41", "-1", "12.345"]).map(Decimal)
ACTORS = st.sampled_from([CSP, CSO, HOUSE])
TRIES = st.one_of(
    st.tuples(st.just("step"), ACTORS, st.sampled_from(list(Step)), AMOUNTS),
    st.tuples(st.just("decline"), st.booleans(), st.none(), AMOUNTS),
    st.tuples(st.sampled_from(["approve", "open", "extend", "say", "credit"]), ACTORS,
              st.none(), AMOUNTS),
    st.tuples(st.just("wait"), st.integers(1, 400), st.none(), st.none()),
)  # fmt: skip


class Undone(Exception):  # noqa: N818  no error: the example leaves nothing behind
    """Ends an example."""


@pytest.fixture
def trade(cast):
    announce(cast.visited_cso.identifier)
    return Trade.of(cast)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(tries=st.lists(TRIES, max_size=12))
def test_whatever_is_tried_the_amount_is_within_the_claim_and_the_log_explains_it(trade, tries):
    with pytest.raises(Undone), transaction.atomic():
        sdr = trade.sdr(trade.session(), kwh="24", claim="14.40")
        reconcile("live", NOW)
        now = NOW
        for what, who, step, amount in [("decline", True, None, Decimal("7.00")), *tries]:
            now += timedelta(seconds=1)
            if what == "wait":
                now += timedelta(hours=who)
                expire_due(now)
            else:
                attempt(trade, sdr, (what, who, step, amount), now)
            check(sdr)
        raise Undone


def attempt(trade, sdr, tried, now):
    """One try in a savepoint of its own; a refusal leaves nothing behind."""
    what, who, step, amount = tried
    newest = Dispute.objects.filter(sdr=sdr).first()
    key = newest.pk if newest else 0
    said = Saying(amount, "why")
    decision = Decision("somebody", "PRC", "why", what == "decline" and who, amount)
    try:
        with transaction.atomic():
            if what == "step":
                take_dispute_step(key, step, who, now, said)
            elif what == "decline":
                decline_sdr(sdr.id, decision, now)
            elif what == "approve":
                approve_sdr(sdr.id, decision, now)
            elif what == "open":
                open_dispute(sdr.id, Contest("FRD", "", amount), who.by, now)
            elif what == "extend":
                extend_deadline(key, now + timedelta(days=30), who, "why", now)
            elif what == "say":
                write_message(key, who, "words", now)
            else:
                trade.credit_of(sdr)
                reconcile("live", now)
    except RefusedError:
        pass


def check(sdr):
    standing = standing_of(sdr)
    disputes = list(Dispute.objects.filter(sdr=sdr))
    live = [dispute for dispute in disputes if dispute.closed_at is None]
    assert len(live) <= 1
    assert bool(live) == (standing.state == "disputed")
    assert standing.settled_amount is None or standing.settled_amount <= Decimal("14.40")
    assert (standing.settled_amount is None) == (standing.state not in ("accepted",))
    for dispute in disputes:
        assert dispute.amount is None or 0 <= dispute.amount <= dispute.claim
        assert explained(dispute)
    ended = [dispute for dispute in disputes if dispute.closed_at is not None]
    if standing.state == "accepted" and ended and standing.basis == "ruling":
        assert standing.settled_amount == ended[0].amount
    assert sdr.events.order_by("at", "id").last().to_state == standing.state

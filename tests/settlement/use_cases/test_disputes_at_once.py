"""Two at once: what somebody holds waits, a step and the clock never both count."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connection, connections

from settlement.domain.disputes import Step
from settlement.domain.refusals import RefusedError
from settlement.models import Dispute
from settlement.use_cases.dispute import expire_due, take_dispute_step
from settlement.use_cases.sdr_decision import Decision, approve_sdr
from tests.cast import make_cast
from tests.settlement.disputing import CSO, CSP, DAY, NOW, disputed, explained, sdr_of
from tests.settlement.sdrs import Trade, announce


@pytest.fixture
def dispute(committed_db):
    cast = make_cast()
    announce(cast.visited_cso.identifier)
    return disputed(Trade.of(cast))


def in_a_thread(call, *arguments):
    """What it raised, if anything, from a connection of its own."""
    try:
        call(*arguments)
    except RefusedError as refusal:
        return refusal.no.value
    finally:
        connections.close_all()
    return "done"


def test_what_somebody_holds_is_left_to_the_next_run_of_the_clock(dispute):
    parameters = connection.get_connection_params()
    plain = {k: parameters[k] for k in ("dbname", "user", "host", "port") if parameters.get(k)}
    with psycopg.connect(**plain) as other:
        other.execute("SELECT FROM roaming_sdrstate WHERE sdr_id = %s FOR UPDATE", [dispute.sdr_id])
        assert expire_due(NOW + 10 * DAY) == 0
    assert expire_due(NOW + 10 * DAY) == 1


def test_of_two_ends_at_once_one_counts(dispute):
    """Both sides give in at the same moment, staff approves, and the clock strikes."""
    ends = [
        (take_dispute_step, dispute.pk, Step.CONCEDE, CSO, NOW + 10 * DAY),
        (take_dispute_step, dispute.pk, Step.WITHDRAW, CSP, NOW + 10 * DAY),
        (approve_sdr, dispute.sdr_id, Decision("alice", "claim_is_right"), NOW + 10 * DAY),
        (expire_due, NOW + 10 * DAY),
    ]
    with ThreadPoolExecutor(len(ends)) as pool:
        said = list(pool.map(lambda end: in_a_thread(*end), ends))
    dispute = Dispute.objects.get()
    assert dispute.closed_at is not None
    assert dispute.events.count() == 2  # opened, and the one end
    assert explained(dispute)
    assert sdr_of(dispute).settled_amount == dispute.amount
    assert set(said) <= {"done", "dispute_closed", "not_decidable"}, said

"""UC3-5 and UC3-6 out of order: whatever comes when, however often, the session ends the same."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from roaming import models
from roaming.domain.charging_information import (
    ChargingInformation,
    Newest,
    why_untaken,
)
from roaming.domain.completion import CompletionMessage
from roaming.domain.session import SessionState
from roaming.domain.use_case import UseCase
from roaming.hub_switch import Envelope
from roaming.use_cases.uc3_05_complete_transaction import complete_transaction
from roaming.use_cases.uc3_06_dynamic_charging_information import receive_charging_information
from tests.settlement.sdrs import OCTOBER_5, Trade

HOUR = timedelta(hours=1)
# What is shown of a session; its own row keeps nothing else that a message could change.
SHOWN = (
    "state", "energy_kwh", "power_kw", "cost_so_far", "cost_currency", "updated_at", "started_at",
    "ended_at", "refusal_reason", "authorised", "cso_session_id",
)  # fmt: skip

reports = st.lists(
    st.builds(
        ChargingInformation,
        stamped_at=st.integers(0, 3).map(lambda n: OCTOBER_5 + n * timedelta(minutes=1)),
        energy_kwh=st.sampled_from(["0", "1.5", "2", "20"]).map(Decimal),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda report: (report.stamped_at, report.energy_kwh),
)


def sent(report):
    return b'{"energy_kwh": "%s"}' % str(report.energy_kwh).encode()


@st.composite
def arrivals(draw):
    """The messages of a session in some order, any of them again, each at least once."""
    messages = [*draw(reports), *draw(st.sampled_from([[], ["the end"]]))]
    again = draw(st.lists(st.sampled_from(messages), max_size=5))
    return messages, draw(st.permutations([*messages, *again]))


@pytest.fixture
def trade(cast):
    return Trade.of(cast)


def take_in(trade, messages):
    """A fresh session takes the messages in; what is shown of it then."""
    with transaction.atomic():
        session = trade.session(state="authorised")
        for message in messages:
            _send(trade, session, message)
        shown = models.ServiceSession.objects.filter(pk=session.pk).values(*SHOWN).get()
        newest = models.ChargingUpdate.objects.filter(session=session).count()
        transaction.set_rollback(True)
    return shown, newest


def _send(trade, session, message):
    end = message == "the end"
    envelope = Envelope(
        use_case=UseCase.UC3_5 if end else UseCase.UC3_6,
        sender=trade.platform,
        message_id="m",
        correlation_id="c",
        now=OCTOBER_5 + HOUR,
        body=b"{}" if end else sent(message),
    )
    if end:
        completion = CompletionMessage(
            start_date_time=OCTOBER_5, end_date_time=OCTOBER_5 + HOUR, total_energy=Decimal(20)
        )
        complete_transaction(envelope, session.pk, completion)
    else:
        receive_charging_information(envelope, session.pk, message)


@given(arrivals())
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
def test_any_order_and_any_repetition_ends_in_the_same_state(trade, story):
    messages, order = story
    in_order = sorted(
        (m for m in messages if m != "the end"), key=lambda m: (m.stamped_at, m.energy_kwh)
    )
    expected, _ = take_in(trade, [*in_order, *(m for m in messages if m == "the end")])
    shown, rows = take_in(trade, order)
    assert shown == expected
    assert rows <= len(in_order)
    if "the end" in messages:
        assert shown["state"] == "completed"
    else:
        assert shown["energy_kwh"] == in_order[-1].energy_kwh


@given(reports, st.randoms())
def test_the_newest_is_the_same_in_any_order(found, shuffler):
    def newest_of(messages):
        stored = Newest()
        for message in messages:
            if why_untaken(message, stored, SessionState.ACTIVE) is None:
                stored = Newest(message.stamped_at, message.energy_kwh)
        return stored

    shuffled = [*found, *found]
    shuffler.shuffle(shuffled)
    assert newest_of(shuffled) == newest_of(found)

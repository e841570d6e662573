"""Health of endpoints: from traffic and from probes; who is offline is probed, not tried."""

import contextlib
import itertools
import logging
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from roaming import models
from roaming.domain.endpoint_health import DEGRADED_FOR, Contact, health_of
from roaming.domain.refusals import Refusal
from roaming.hub_switch import ask, deliver_due, probe_endpoints
from roaming.hub_switch.endpoint_health import health_notes
from roaming.outbox import Parcel, enqueue
from roaming.ports import OutgoingMessage
from tests import factories
from tests.cast import make_party
from tests.fake_party import fake_party

QUESTION = OutgoingMessage("UC4-1", "uc4-1/authorisation", b"{}", "m", "c")
SECOND = timedelta(seconds=1)


@pytest.fixture
def receiver(db, settings):
    settings.BREAKER_FAILURES = 1_000
    with fake_party() as platform:
        yield make_party("Receiver", "CSP", "NL-REC", endpoint=platform.url), platform


def health(party):
    return models.EndpointHealth.objects.get(platform=party.platform)


def question(party):
    with contextlib.suppress(Refusal):
        ask(party.identifier, "live", QUESTION)


def go_offline(party, platform):
    platform.answers["/uc4-1/authorisation"] = (503, {})
    platform.answers["/uc1-1/handshake"] = (503, {})
    for _ in range(5):
        question(party)
    assert health(party).state == "offline"


def test_rules_of_a_contact():
    now = factories.EPOCH
    contact = Contact()
    assert health_of(contact, now) == "connected"
    for _ in range(4):
        contact = contact.failed(now, "no")
    assert health_of(contact, now) == "degraded"
    assert health_of(contact.failed(now, "no"), now) == "offline"
    better = contact.succeeded(now + SECOND)
    assert health_of(better, now + SECOND) == "degraded"
    assert health_of(better, now + DEGRADED_FOR) == "connected"


def test_what_two_processes_saw_adds_up():
    now = factories.EPOCH
    failing = Contact().failed(now, "no").failed(now, "no")
    assert failing.then(failing).failures == 4
    broken = Contact().succeeded(now).failed(now, "no")
    assert failing.then(broken).failures == 1
    recovered = Contact().succeeded(now + SECOND)
    assert recovered.then(failing).failures == 0
    assert failing.then(recovered).failures == 0


def test_an_answer_makes_it_connected_and_failures_degraded_then_offline(receiver, caplog):
    party, platform = receiver
    question(party)
    assert health(party).state == "connected"
    platform.answers["/uc4-1/authorisation"] = (503, {})
    states = []
    with caplog.at_level(logging.INFO, "roaming.hub_switch.endpoint_health"):
        for _ in range(5):
            question(party)
            states.append(health(party).state)
    assert states == ["degraded"] * 4 + ["offline"]
    row = health(party)
    assert "503" in row.last_error
    assert row.last_failure_at >= row.last_success_at
    changes = [record.getMessage() for record in caplog.records]
    assert len(changes) == 2
    assert "degraded (was connected)" in changes[0]
    assert "offline (was degraded)" in changes[1]


def test_a_refusal_of_the_platform_is_a_sign_of_life(receiver):
    party, platform = receiver
    platform.answers["/uc4-1/authorisation"] = (422, {})
    for _ in range(6):
        question(party)
    assert health(party).state == "connected"


def test_not_every_message_costs_an_update(receiver):
    party, _ = receiver
    question(party)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        for _ in range(20):
            question(party)
    assert not [q for q in queries if "endpointhealth" in q["sql"]]


def test_deliveries_tell_of_it_too(receiver):
    party, platform = receiver
    platform.answers["/uc1-2/sites"] = (503, {})
    enqueue([parcel(party)])
    deliver_due()
    assert health(party).state == "degraded"


def parcel(party, object_key="site:1"):
    return Parcel(party.platform, "UC1-2", "uc1-2/sites", object_key, "{}", "corr")


def test_who_is_offline_is_probed_not_tried_and_then_everything_comes_due(receiver):
    party, platform = receiver
    enqueue([parcel(party, f"site:{n}") for n in range(3)])
    models.Delivery.objects.update(due_at=timezone.now() + timedelta(minutes=10))
    enqueue([parcel(party, "site:9")])
    go_offline(party, platform)
    assert deliver_due() == 0
    assert platform.messages("/uc1-2/sites") == []
    now = timezone.now()
    assert probe_endpoints(now) == 1
    assert platform.messages("/uc1-1/handshake")[0].body == {"probe": True}
    assert health(party).state == "offline"
    assert probe_endpoints(now + SECOND) == 0
    platform.answers["/uc1-1/handshake"] = (404, {})
    assert probe_endpoints(now + 6 * SECOND) == 1
    assert health(party).state == "degraded"
    while deliver_due():
        pass
    assert len(platform.messages("/uc1-2/sites")) == 4


def test_probes_of_who_stays_offline_become_rarer(receiver):
    party, platform = receiver
    go_offline(party, platform)
    began = health(party).since
    moments = [second for second in range(1, 600) if probe_endpoints(began + second * SECOND)]
    pauses = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert pauses[0] == 5
    assert pauses == sorted(pauses)
    assert pauses[-1] == 60


def test_after_a_silence_a_platform_is_probed_once(receiver, settings):
    settings.PROBE_AFTER_SILENCE_S = 60
    party, platform = receiver
    question(party)
    now = timezone.now()
    assert probe_endpoints(now) == 0
    assert probe_endpoints(now + 61 * SECOND) == 1
    assert probe_endpoints(now + 62 * SECOND) == 0
    (probe,) = platform.messages("/uc1-1/handshake")
    assert probe.headers["Authorization"] == "Bearer outbound"
    assert probe.headers["X-Use-Case"] == "UC1-1"


def test_a_platform_that_was_never_asked_is_probed_and_found_dead(db):
    party = make_party("Dead", "CSP", "NL-DEA")
    now = timezone.now()
    assert probe_endpoints(now) == 1
    row = health(party)
    assert (row.state, row.failures) == ("degraded", 1)


def test_a_platform_without_endpoint_or_ended_is_not_probed(receiver):
    party, _ = receiver
    make_party("Silent", "CSP", "NL-SIL")
    models.RoamingEndpoint.objects.exclude(platform=party.platform).delete()
    models.Platform.objects.filter(pk=party.platform.pk).update(status="ended")
    assert probe_endpoints(timezone.now()) == 0


def test_a_suspended_platform_is_shown_as_that(receiver):
    party, _ = receiver
    question(party)
    assert health(party).shown == "connected"
    models.Platform.objects.update(status="suspended")
    assert health(party).shown == "suspended"


def test_trouble_with_the_database_stops_no_message_and_is_made_good(receiver, monkeypatch):
    from django.db import OperationalError

    from roaming.hub_switch import endpoint_health

    party, platform = receiver
    platform.answers["/uc4-1/authorisation"] = (503, {})
    write = endpoint_health._write

    def away(*arguments):
        raise OperationalError("away")

    monkeypatch.setattr(endpoint_health, "_write", away)
    question(party)
    question(party)
    assert not models.EndpointHealth.objects.exists()
    monkeypatch.setattr(endpoint_health, "_write", write)
    question(party)
    assert health(party).failures == 3


def test_many_threads_write_one_row_at_a_time():
    """`note` never lets two threads of a process write the same row."""
    import threading

    from roaming.hub_switch import endpoint_health

    under_way, most, written = 0, 0, []
    gate = threading.Lock()

    def slow_write(platform, lot, now):
        nonlocal under_way, most
        with gate:
            under_way += 1
            most = max(most, under_way)
        threading.Event().wait(0.02)
        with gate:
            under_way -= 1
            written.append(lot)
        return endpoint_health._Written("connected", lot, 0.0)

    original, endpoint_health._write = endpoint_health._write, slow_write
    try:
        threads = [
            threading.Thread(target=lambda: [health_notes.note(1, "no") for _ in range(50)])
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        endpoint_health._write = original
    assert most == 1
    left = health_notes._lots.get(1, Contact()).failures
    assert sum(lot.failures for lot in written) + left == 400

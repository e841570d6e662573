"""UC1-3: many writers at once. The newest status stays, nothing older follows something newer."""

from threading import Event, Thread

import pytest
from django.db import connection
from django.test import Client

from roaming import models
from roaming.hub_switch import deliver_due
from tests.cast import make_cast
from tests.fake_party import fake_party
from tests.roaming.api.statuses import NOW, PATH, later, many_evses, put, turn_clock

WRITERS, STATUSES = 6, 120


@pytest.fixture
def platform():
    """The home-CSP's."""
    with fake_party() as party:
        yield party


def write_all(cast, evses):
    """Each status has a stamp of its own; each writer has every sixth, for one EVSE at a time."""
    answers = []

    def write(first):
        client = Client()
        for n in range(first, STATUSES, WRITERS):
            evse_id = evses[(n // WRITERS + n) % len(evses)].evse_id
            answers.append(put(client, cast.visited_cso, evse_id, stamped_at=later(n)).status_code)
        connection.close()

    threads = [Thread(target=write, args=(first,)) for first in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * STATUSES


def make_world(platform):
    cast = make_cast(csp_endpoint=platform.url if platform else None)
    evses = many_evses(cast, 3)
    turn_clock(NOW)  # the last stamp is ahead by less than a clock may be wrong
    connection.close()
    return cast, evses


def check_told(platform, evses):
    newest = {status.evse_id: status.stamped_at for status in models.EvseStatus.objects.all()}
    for evse in evses:
        stamps = [
            status["stamped_at"]
            for message in platform.messages(PATH)
            for status in message.body["statuses"]
            if status["evse_id"] == evse.evse_id
        ]
        assert stamps == sorted(stamps)
        assert stamps[-1] == newest[evse.pk].isoformat()


def test_what_many_writers_left_waiting_is_one_message(committed_db, platform):
    cast, evses = make_world(platform)
    write_all(cast, evses)
    assert models.Delivery.objects.filter(state="waiting").count() == 1
    while deliver_due():
        pass
    assert len(platform.messages(PATH)) == 1
    check_told(platform, evses)


def test_carried_meanwhile_each_evse_s_statuses_come_in_order(committed_db, platform):
    cast, evses = make_world(platform)
    written = Event()

    def carry():
        while not written.is_set():
            deliver_due()
        connection.close()

    carrier = Thread(target=carry)
    carrier.start()
    write_all(cast, evses)
    written.set()
    carrier.join()
    while deliver_due():
        pass
    assert len(platform.messages(PATH)) > 1
    check_told(platform, evses)


def test_who_fetches_messages_gets_the_newest_only(committed_db):
    cast, evses = make_world(None)
    client = Client()
    for second, state in enumerate(["AVAILABLE", "CHARGING"]):
        put(client, cast.visited_cso, evses[0].evse_id, state=state, stamped_at=later(second))
    connection.close()

    def fetched(query=""):
        url = f"/api/v1/messages{query}"
        return client.get(url, headers=cast.home_csp.headers).json()["messages"]

    (message,) = fetched()
    assert [status["state"] for status in message["body"]["statuses"]] == ["CHARGING"]
    (older,) = fetched("?state=replaced")
    assert older["body"] is None

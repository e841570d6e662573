"""Store and forward by several workers at once, on real commits: none lost, doubled, swapped."""

import threading
import time
from contextlib import ExitStack

from django.db import connection, connections
from django.utils import timezone

from roaming import models
from roaming.hub_switch import keep_delivering
from roaming.hub_switch.claiming import claim
from roaming.outbox import Parcel, enqueue
from tests.cast import make_party
from tests.fake_party import fake_party


def side_by_side(*functions):
    """Runs each in a thread with a database connection of its own."""
    failures = []

    def run(function):
        try:
            function()
        except Exception as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[function]) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def parcel(party, number):
    key = f"site:{number % 5}"
    return Parcel(party.platform, "UC1-2", "uc1-2/sites", key, f'{{"n": {number}}}', "corr")


def test_three_workers_and_two_writers_lose_double_and_swap_nothing(committed_db, settings):
    settings.DELIVERY_LOOPS = 3
    with ExitStack() as stack:
        platforms = [stack.enter_context(fake_party()) for _ in range(4)]
        parties = [
            make_party(f"Receiver {n}", "CSP", f"NL-RE{n}", endpoint=platform.url)
            for n, platform in enumerate(platforms)
        ]

        def write(parties):
            for number in range(60):
                enqueue(parcel(party, number) for party in parties)

        ends = time.monotonic() + 30

        def work():
            while time.monotonic() < ends and (
                not models.Delivery.objects.exists()
                or models.Delivery.objects.filter(state="waiting").exists()
            ):
                keep_delivering(1)

        side_by_side(lambda: write(parties[:2]), lambda: write(parties[2:]), work, work, work)
        for platform in platforms:
            numbers = [message.body["n"] for message in platform.received]
            assert sorted(numbers) == list(range(60))
            for key in range(5):
                of_one = [number for number in numbers if number % 5 == key]
                assert of_one == sorted(of_one)
    assert set(models.Delivery.objects.values_list("state", flat=True)) == {"delivered"}
    assert set(models.Delivery.objects.values_list("attempts", flat=True)) == {1}


def test_no_more_processes_deliver_at_once_than_the_settings_say(committed_db, settings):
    settings.DELIVERY_LOOPS = 1
    with fake_party() as platform:
        party = make_party("Receiver", "CSP", "NL-REC", endpoint=platform.url)
        enqueue([parcel(party, 1)])
        platform.delay_s = 0.5
        carried = []
        side_by_side(*[lambda: carried.append(keep_delivering(1))] * 3)
    assert sorted(carried) == [0, 0, 1]


def test_a_worker_that_dies_while_it_carries_loses_nothing(committed_db):
    """Its lease ends with nobody to record it; the row comes due again by itself."""
    with fake_party() as platform:
        party = make_party("Receiver", "CSP", "NL-REC", endpoint=platform.url)
        enqueue([parcel(party, 1)])
        assert len(claim(timezone.now())) == 1
        connection.close()
        assert keep_delivering(0.2) == 0
        models.Delivery.objects.update(leased_until=timezone.now())
        time.sleep(0.01)
        assert keep_delivering(0.2) == 1
        assert len(platform.received) == 1

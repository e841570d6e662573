"""Deliveries arrive with each broker, also when worker or broker are killed: work is in rows."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from roaming import models
from roaming.outbox import Parcel, enqueue
from tests.cast import Party, make_party
from tests.clearinghouse.brokers import Files, RabbitMq, Redis
from tests.fake_party import FakeParty, fake_party
from tests.stack import Stack, stack

pytestmark = pytest.mark.slow


@pytest.fixture(params=[Files, Redis, RabbitMq], ids=lambda kind: kind.__name__)
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    made = request.param() if request.param is Files else request.param(tmp_path / "broker")
    made.start()
    yield made
    made.kill()


@pytest.fixture
def receiver(committed_db: str) -> Iterator[tuple[Party, FakeParty]]:
    with fake_party() as platform:
        yield make_party("Receiver", "CSP", "NL-REC", endpoint=platform.url), platform


@pytest.fixture
def running(committed_db: str, broker: Any, tmp_path: Path) -> Iterator[Stack]:
    with stack(committed_db, tmp_path, broker=broker.url) as made:
        made.start("worker", "beat")
        yield made


def send(party: Party, numbers: range) -> None:
    enqueue(
        Parcel(party.platform, "UC1-2", "uc1-2/sites", f"site:{n % 40}", f'{{"n": {n}}}', "c")
        for n in numbers
    )


def wait_until_delivered(count: int, running: Stack, timeout_s: float = 90) -> None:
    deadline = time.monotonic() + timeout_s
    while models.Delivery.objects.filter(state="delivered").count() < count:
        assert time.monotonic() < deadline, running.log("worker") + running.log("beat")
        time.sleep(0.2)


def check_once_and_in_order(platform: FakeParty, count: int, *, killed: bool = False) -> None:
    """Each arrived; in order per object; more than once only where its carrier was killed."""
    sites = platform.messages("/uc1-2/sites")  # and no probes of its health
    ids = Counter(message.headers["X-Message-ID"] for message in sites)
    assert len(ids) == count
    if not killed:
        assert set(ids.values()) == {1}
    first: dict[int, list[int]] = {}
    for message in sites:
        order = first.setdefault(message.body["n"] % 40, [])
        if message.body["n"] not in order:
            order.append(message.body["n"])
    assert all(order == sorted(order) for order in first.values())


def test_messages_arrive_once_and_in_order(receiver, running):
    party, platform = receiver
    send(party, range(300))
    wait_until_delivered(300, running)
    check_once_and_in_order(platform, 300)


def test_a_killed_worker_loses_nothing(receiver, running):
    party, platform = receiver
    platform.delay_s = 0.02
    send(party, range(200))
    deadline = time.monotonic() + 60
    while len(platform.messages("/uc1-2/sites")) < 20:
        assert time.monotonic() < deadline, running.log("worker")
        time.sleep(0.02)
    running.kill("worker")
    taken = models.Delivery.objects.filter(state="waiting").count()
    assert taken > 0
    # What the dead worker had in its hands comes back when its lease ends; here at once.
    models.Delivery.objects.filter(state="waiting").update(leased_until=None)
    running.start("worker")
    wait_until_delivered(200, running)
    check_once_and_in_order(platform, 200, killed=True)


@pytest.mark.parametrize("broker", [Redis, RabbitMq], ids=lambda kind: kind.__name__, indirect=True)
def test_a_killed_broker_loses_nothing(receiver, running, broker):
    party, platform = receiver
    send(party, range(50))
    wait_until_delivered(50, running)
    broker.kill()
    send(party, range(50, 100))
    time.sleep(2)
    broker.start()
    wait_until_delivered(100, running)
    check_once_and_in_order(platform, 100)

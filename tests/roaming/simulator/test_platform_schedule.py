"""The schedule of a platform: nothing early, nothing forgotten."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from roaming.simulator.platform_schedule import Schedule

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def schedule():
    made = Schedule(threads=2)
    yield made
    made.close()


def settle(schedule: Schedule, until: datetime) -> None:
    while not schedule.settled(until):
        schedule.wait(0.05)
        schedule.release(until)


def test_nothing_is_done_before_its_moment(schedule):
    done: list[str] = []
    schedule.plan(NOON + HOUR, lambda: done.append("later"))
    schedule.plan(NOON, lambda: done.append("now"))
    schedule.release(NOON + HOUR - timedelta(microseconds=1))
    settle(schedule, NOON)
    assert done == ["now"]
    assert schedule.next_moment() == NOON + HOUR


def test_what_an_action_plans_for_the_past_is_done_too(schedule):
    done: list[str] = []

    def first() -> None:
        done.append("first")
        schedule.plan(NOON - HOUR, lambda: done.append("second"))

    schedule.plan(NOON, first)
    schedule.release(NOON)
    settle(schedule, NOON)
    assert done == ["first", "second"]


def test_it_is_not_settled_while_something_is_under_way(schedule):
    gate = threading.Event()
    schedule.plan(NOON, lambda: gate.wait(5) and None)
    schedule.release(NOON)
    assert not schedule.settled(NOON)
    gate.set()
    settle(schedule, NOON)


def test_a_failure_reaches_whoever_waits(schedule):
    def fail() -> None:
        raise LookupError("no way")

    schedule.plan(NOON, fail)
    schedule.release(NOON)
    with pytest.raises(LookupError, match="no way"):
        settle(schedule, NOON)
    with pytest.raises(LookupError):
        schedule.wait_for_room()


def test_there_is_room_again_when_the_threads_are_done(schedule):
    gate = threading.Event()
    for _ in range(4):
        schedule.plan(NOON, lambda: gate.wait(5) and None)
    schedule.release(NOON)
    threading.Timer(0.1, gate.set).start()
    schedule.wait_for_room()
    assert gate.is_set()

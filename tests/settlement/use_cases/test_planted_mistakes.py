"""Planted errors through the real reconciliation: all found, none besides, and named."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest

from roaming.simulator import demo_network
from roaming.simulator.generator import generate
from roaming.simulator.months import Month as CalendarMonth
from roaming.simulator.network import Network
from roaming.simulator.perth_kinross import read_perth_kinross
from roaming.simulator.planned_session import PlannedSession
from roaming.simulator.wrong_biller import plant
from tests.settlement.planted_month import Month, Outcome, reconciled

OCTOBER = CalendarMonth(2026, 10)
LEAST_NAMED = Decimal("0.95")


def outcome_of(
    network: Network, sessions: list[PlannedSession], share: str, seed: int = 3
) -> tuple[Month, Outcome]:
    planted = plant(sessions, network, seed, Decimal(share))
    month = Month(network, sessions, planted)
    assert month.arrive() >= len(sessions)
    last = max(session.end for session in sessions)
    return month, reconciled(month, last + timedelta(days=8))


def assert_all_found_and_named(outcome: Outcome, capsys: pytest.CaptureFixture[str]) -> None:
    alone, missed_alone = outcome.named(two=False)
    both, missed_both = outcome.named(two=True)
    named, missed = len(alone) + len(both), missed_alone + missed_both
    share = Decimal(named) / (named + len(missed))
    with capsys.disabled():
        print(
            f"\nplanted {len(outcome.planted)} ({len(both) + len(missed_both)} two at once), "
            f"not found {len(outcome.not_found)}, false findings {len(outcome.false)}; "
            f"named {share:.1%}: {len(alone)} of {len(alone) + len(missed_alone)} single, "
            f"{len(both)} of {len(both) + len(missed_both)} double; kinds {len(Counter(alone))}"
        )
        for words in missed:
            print(f"  another explanation: {words}")
    assert outcome.not_found == []
    assert outcome.false == {}
    assert share >= LEAST_NAMED
    # What is not named has a shorter explanation, to the cent.
    assert all(":" in words and not words.endswith("nothing") for words in missed)


def test_among_a_few_sessions_each_planted_mistake_is_found_and_named(db, capsys):
    network = demo_network.demo_network(OCTOBER)
    sessions = generate(network, OCTOBER, 150, seed=5)
    _, outcome = outcome_of(network, sessions, "0.3")
    assert_all_found_and_named(outcome, capsys)


@pytest.mark.slow
def test_in_the_demos_month_each_planted_mistake_is_found_and_named(db, capsys):
    network = demo_network.demo_network(OCTOBER)
    _, outcome = outcome_of(network, generate(network, OCTOBER, 3000, seed=1), "0.25")
    assert_all_found_and_named(outcome, capsys)


@pytest.mark.slow
def test_in_real_sessions_each_planted_mistake_is_found_and_named(db, capsys, shared_data):
    files = sorted((shared_data / "sessions" / "perth-kinross").glob("*.csv.gz"))
    reading = read_perth_kinross(files, CalendarMonth(2018, 7))
    _, outcome = outcome_of(reading.network, reading.sessions, "0.25")
    assert_all_found_and_named(outcome, capsys)

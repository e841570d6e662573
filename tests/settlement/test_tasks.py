"""The tasks of settlement: each does one use case's work at the business time."""

import logging
from datetime import timedelta

import pytest

from roaming.models.clock import set_business_clock
from settlement import tasks
from settlement.models import SettlementPeriod
from tests.settlement.sdrs import OCTOBER_5, Trade, announce, standing_of


def at(now):
    set_business_clock(now, speed=0, ceiling=now)


@pytest.fixture
def sdr(cast):
    announce(cast.visited_cso.identifier)
    trade = Trade.of(cast)
    return trade.sdr(trade.session())


def test_from_arrival_to_acceptance_and_a_period_that_waits_for_a_person(sdr, caplog):
    at(OCTOBER_5 + timedelta(hours=3))
    tasks.reconcile_due()
    assert standing_of(sdr).state == "rated"
    tasks.accept_undecided()
    assert standing_of(sdr).state == "rated"
    at(OCTOBER_5 + timedelta(hours=74))
    tasks.reconcile_open()
    tasks.accept_undecided()
    assert standing_of(sdr).state == "accepted"
    tasks.open_due_periods()
    period = SettlementPeriod.objects.get()
    at(period.during.upper + timedelta(hours=120))
    with caplog.at_level(logging.WARNING):
        tasks.remind_of_closes()
    assert "2026-10" in caplog.text


def test_tasks_with_nothing_to_do_do_nothing(db, caplog):
    at(OCTOBER_5)
    with caplog.at_level(logging.WARNING):
        for task in (
            tasks.reconcile_due, tasks.reconcile_open, tasks.accept_undecided,
            tasks.open_due_periods, tasks.remind_of_closes,
        ):  # fmt: skip
            task()
    assert caplog.text == ""
    assert not SettlementPeriod.objects.exists()

"""What comes after a period is final, or published: late SDRs and credits (settlement.md, 1)."""

from datetime import timedelta

import pytest

from settlement.models import NetPayment
from settlement.use_cases.books import trial_balance
from settlement.use_cases.sdr_reconciliation import reconcile
from settlement.use_cases.settlement import finalise_period
from tests.settlement.closing import Closing
from tests.settlement.sdrs import OCTOBER_5, Trade, announce, standing_of

HOURS = timedelta(hours=1)


@pytest.fixture
def closing(cast):
    announce(cast.visited_cso.identifier)
    return Closing.of(Trade.of(cast))


@pytest.fixture
def trade(closing):
    return closing.trade


def test_a_late_sdr_of_a_final_period_is_an_adjustment_of_the_next(closing, trade):
    trade.accepted(session=trade.session(), claim="10")
    closing.finalise()
    late = trade.accepted(session=trade.session(), claim="3")
    november = closing.following()
    current = trade.accepted(session=trade.session(november.period.during.lower), claim="8")
    assert not closing.draft().changed  # October stays as it is
    november.finalise()
    [statement] = november.statements()
    assert (statement.before_tax, statement.adjustments, statement.payable) == (8, 3, 11)
    kinds = {line.sdr_id: line.kind for line in november.lines()}
    assert kinds == {late.id: "adjustment", current.id: "claim"}


def test_a_late_sdr_waits_for_the_first_period_that_is_not_final(closing, trade):
    closing.finalise()
    late = trade.accepted(session=trade.session(), claim="3")
    november = closing.following()
    december = november.following()
    december.draft()
    assert december.lines() == []
    november.draft()
    assert [line.sdr_id for line in november.lines()] == [late.id]


def test_an_sdr_of_an_open_period_is_not_taken_by_a_later_one(closing, trade):
    trade.accepted(session=trade.session(), claim="10")
    november = closing.following()
    november.draft()
    assert november.statements() == []


def test_a_credit_of_a_settled_sdr_is_an_adjustment_with_negative_energy(closing, trade):
    settled = trade.accepted(session=trade.session(), claim="10")
    closing.finalise()
    credit = trade.credit_of(settled)
    reconcile("live", closing.closes_at)
    november = closing.following()
    november.finalise()
    [line] = november.lines()
    assert (line.sdr_id, line.kind, line.amount, line.energy_kwh) == (
        credit.id, "adjustment", -10, -20
    )  # fmt: skip
    [payment] = NetPayment.objects.filter(period=november.period)
    assert (payment.payer, payment.payee, payment.amount) == (
        trade.visited_cso.operator, trade.home_csp.operator, 10
    )  # fmt: skip
    assert trial_balance("live").balanced
    assert all(a.balance == 0 for a in trial_balance("live").accounts)


def test_a_credit_in_the_same_period_takes_the_sdr_out_and_stands_at_zero(closing, trade):
    sdr = trade.accepted(session=trade.session(), claim="10")
    credit = trade.credit_of(sdr)
    reconcile("live", OCTOBER_5 + 9 * HOURS)
    closing.finalise()
    [line] = closing.lines()
    assert (line.sdr_id, line.kind, line.amount, line.energy_kwh) == (credit.id, "credit", 0, 0)


def test_a_credit_after_publication_leaves_the_statement_and_counts_next_time(closing, trade):
    sdr = trade.accepted(session=trade.session(), claim="10")
    closing.publish()
    credit = trade.credit_of(sdr)
    reconcile("live", closing.closes_at)
    assert (standing_of(sdr).state, standing_of(credit).settled_amount) == ("accepted", -10)
    finalise_period(closing.period.pk, closing.finaliser, closing.closes_at + 48 * HOURS)
    assert standing_of(sdr).state == "settled"
    november = closing.following()
    november.finalise()
    assert [line.sdr_id for line in november.lines()] == [credit.id]

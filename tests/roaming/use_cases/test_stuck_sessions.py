"""Stuck sessions are found by age, closed by hand for a reason, and opened again by news."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.db.utils import DatabaseError

from roaming import models
from roaming.use_cases.stuck_sessions import (
    ByHand,
    StuckSessionError,
    close_stuck_session,
    note_arrived_sdrs,
)
from tests import factories
from tests.settlement.sdrs import OCTOBER_5, Trade

HOUR = timedelta(hours=1)
LATER = OCTOBER_5 + 100 * HOUR


@pytest.fixture
def trade(cast):
    return Trade.of(cast)


@pytest.fixture
def by_hand(db):
    return ByHand(factories.UserFactory(username="carla"), "The CSO lost it")


def silent(now):
    return list(models.ServiceSession.objects.without_news(now))


def without_sdr(now):
    return list(models.ServiceSession.objects.without_sdr(now))


@pytest.mark.parametrize("state", ["requested", "authorised", "active"])
def test_an_open_session_without_news_is_found_after_a_day(trade, state):
    session = trade.session(state=state)
    assert silent(OCTOBER_5 + 24 * HOUR) == []
    (found,) = silent(OCTOBER_5 + 25 * HOUR)
    assert (found, found.last_news) == (session, OCTOBER_5)


@pytest.mark.parametrize("column", ["authorised_at", "updated_at"])
def test_news_keeps_a_session_off_the_list(trade, column):
    trade.session(state="active", **{column: OCTOBER_5 + 20 * HOUR})
    assert silent(OCTOBER_5 + 43 * HOUR) == []
    assert len(silent(OCTOBER_5 + 45 * HOUR)) == 1


@pytest.mark.parametrize("state", ["refused", "cancelled", "completed", "reserved"])
def test_what_is_over_or_reserved_is_not_waited_for(trade, state):
    trade.session(state=state)
    assert silent(LATER) == []


def test_the_hours_are_settings(trade, settings):
    settings.SESSION_NEWS_HOURS, settings.SDR_MISSING_HOURS = 2, 3
    trade.session(state="active")
    done = trade.session(state="completed", completed_at=OCTOBER_5 + HOUR)
    assert len(silent(OCTOBER_5 + 3 * HOUR)) == 1
    assert without_sdr(OCTOBER_5 + 4 * HOUR) == []
    assert without_sdr(OCTOBER_5 + 5 * HOUR) == [done]


def test_a_completed_session_waits_for_its_own_sdr(trade):
    session = trade.session(completed_at=OCTOBER_5 + HOUR)
    assert without_sdr(OCTOBER_5 + 72 * HOUR) == []
    assert without_sdr(LATER) == [session]
    trade.sdr(trade.session(OCTOBER_5 + HOUR))
    credit = trade.sdr(session, claim="-10", credit=True, credit_reference="x")
    assert without_sdr(LATER) == [session]
    assert models.Sdr.objects.get(pk=credit.pk).service_session_id == session.pk
    trade.sdr(session)
    assert without_sdr(LATER) == []


def test_sessions_whose_sdr_came_are_taken_off_the_list_for_good(trade):
    arrived, missing = trade.session(), trade.session(OCTOBER_5 + HOUR)
    trade.sdr(arrived)
    assert note_arrived_sdrs() == 1
    assert note_arrived_sdrs() == 0
    arrived.refresh_from_db()
    missing.refresh_from_db()
    assert (arrived.sdr_accounted_for, missing.sdr_accounted_for) == (True, False)


@pytest.mark.parametrize("state", ["requested", "authorised"])
def test_a_session_that_never_charged_is_cancelled(trade, by_hand, state):
    session = trade.session(state=state)
    close_stuck_session(session, by_hand, LATER)
    session.refresh_from_db()
    assert (session.state, session.refusal_reason) == ("cancelled", "closed_by_clearing_house")
    closing = models.SessionClosing.objects.get()
    assert (closing.from_state, closing.to_state, closing.reason, closing.at) == (
        state, "cancelled", "The CSO lost it", LATER,
    )  # fmt: skip
    assert closing.closed_by.username == "carla"
    notice = models.Delivery.objects.get(path="uc3-5/completion")
    assert notice.receiver == session.home_csp.held_by.get().platform
    assert '"nothing_provided":true' in notice.body
    assert '"closed_by_clearing_house":true' in notice.body


def test_an_active_session_is_completed_with_what_was_reported_last(trade, by_hand):
    heard = OCTOBER_5 + HOUR
    session = trade.session(state="active", updated_at=heard, energy_kwh="7.5")
    close_stuck_session(session, by_hand, LATER)
    session.refresh_from_db()
    assert (session.state, session.ended_at, str(session.energy_kwh)) == ("completed", heard, "7.5")
    assert without_sdr(LATER + 100 * HOUR) == [session]
    assert '"total_energy":"7.5"' in models.Delivery.objects.get().body


def test_the_sdr_of_a_completed_session_is_given_up(trade, by_hand):
    session = trade.session()
    close_stuck_session(session, by_hand, LATER)
    session.refresh_from_db()
    assert (session.state, session.sdr_accounted_for) == ("completed", True)
    assert without_sdr(LATER) == []
    assert not models.Delivery.objects.exists()


def test_a_session_that_is_not_stuck_is_not_closed(trade, by_hand):
    session = trade.session(state="active", updated_at=LATER - HOUR)
    with pytest.raises(StuckSessionError, match="not stuck"):
        close_stuck_session(session, by_hand, LATER)
    for state in ("refused", "cancelled"):
        over = trade.session(state=state)
        with pytest.raises(StuckSessionError):
            close_stuck_session(over, by_hand, LATER)
    assert not models.SessionClosing.objects.exists()


def test_a_session_is_closed_once(trade, by_hand):
    session = trade.session(state="authorised")
    close_stuck_session(session, by_hand, LATER)
    with pytest.raises(StuckSessionError):
        close_stuck_session(session, by_hand, LATER)


def test_nobody_closes_without_a_reason(trade, by_hand):
    with pytest.raises(StuckSessionError, match="reason"):
        close_stuck_session(trade.session(state="active"), ByHand(by_hand.who, "  "), LATER)


def test_who_closed_it_and_why_is_never_changed(trade, by_hand):
    close_stuck_session(trade.session(state="active"), by_hand, LATER)
    for act in (
        lambda: models.SessionClosing.objects.update(reason="another"),
        lambda: models.SessionClosing.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            act()


# --- News that comes after all --------------------------------------------------------------------


@pytest.fixture
def closed(visit, by_hand):
    """The visit, closed by hand four days later for want of news."""

    def close(state):
        visit.stands(state)
        close_stuck_session(visit.session, by_hand, visit.now + 100 * HOUR)
        return visit

    return close


def test_a_late_completion_counts(closed):
    visit = closed("authorised")
    assert visit.complete().json()["state"] == "completed"
    session = visit.session
    assert (session.closed_by_hand_at, session.refusal_reason) == (None, "")
    assert str(session.energy_kwh) == "20.125"
    told = visit.csp.messages("/uc3-5/completion")
    assert [message.body.get("closed_by_clearing_house") for message in told] == [None]


def test_a_late_completion_may_differ_from_what_staff_assumed(closed):
    visit = closed("active")
    assert visit.session.state == "completed"
    assert visit.complete().status_code == 200
    assert visit.complete(total_energy="21").status_code == 409
    assert str(visit.session.energy_kwh) == "20.125"


def test_a_late_report_takes_the_session_up_again(closed):
    visit = closed("active")
    answer = visit.report().json()
    assert (answer["taken"], answer["state"]) == (True, "active")
    session = visit.session
    assert (session.ended_at, session.completed_at, session.closed_by_hand_at) == (None,) * 3


def test_a_late_plan_takes_the_session_up_again(closed):
    visit = closed("authorised")
    assert visit.plan().status_code == 200
    assert visit.session.state == "authorised"


def test_what_nobody_closed_by_hand_stays_over(visit):
    visit.complete({"nothing_provided": True})
    assert visit.report().status_code == 409

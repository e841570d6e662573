"""News of a session passes after its agreement's end until the SDR window closes, then no more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from psycopg.types.range import TimestamptzRange

from roaming import models
from tests import factories
from tests.roaming.api.visit import REPORT, refusal

WINDOW = timedelta(hours=168)
MOMENT = timedelta(seconds=1)


def ended(visit, ago, status="ended"):
    models.Agreement.objects.filter(pk=visit.cast.agreement.pk).update(
        status=status, validity=TimestamptzRange(factories.EPOCH, visit.now - ago)
    )


NEWS = {
    "UC3-5": lambda visit: visit.complete(),
    "UC3-6": lambda visit: visit.report(),
    "UC3-7": lambda visit: visit.wish(),
    "UC3-10": lambda visit: visit.plan(),
}


@pytest.fixture(autouse=True)
def answers(visit):
    visit.cso.answers["/uc3-7/charge-plan-wishes"] = (200, {"decision": "ACCEPTED"})
    visit.cso.answers["/uc3-6/request"] = (200, REPORT)
    visit.cso.answers["/uc3-4/stop"] = (200, {"response": "ACCEPTED"})


news = pytest.mark.parametrize("news", NEWS)
status = pytest.mark.parametrize("status", ["ended", "active"])  # by a person, or it just ran out


@news
@status
def test_until_the_last_moment_news_passes(visit, news, status):
    ended(visit, WINDOW - MOMENT, status)
    response = NEWS[news](visit)
    assert response.status_code == 200, response.content


@news
@status
def test_from_then_on_it_is_refused_before_anybody_hears_of_it(visit, news, status):
    ended(visit, WINDOW, status)
    assert refusal(NEWS[news](visit)) == (403, "sdr_window_closed", None)
    assert visit.session.state == "authorised"
    assert not models.ChargePlan.objects.exists()
    assert visit.csp.messages("/uc3-5/completion") == []
    assert visit.cso.messages("/uc3-7/charge-plan-wishes") == []
    (row,) = models.JournalEntry.objects.filter(use_case=news)
    assert (row.outcome, row.refusal_code) == ("refused_by_hub", "sdr_window_closed")


@pytest.mark.parametrize("hours", [0, 24])
def test_the_window_is_the_agreement_s_own(visit, hours):
    ends = visit.now
    agreement = factories.make_agreement(
        factories.OperatorFactory(), factories.OperatorFactory(), valid_to=ends,
        sdr_window_hours=hours,
    )  # fmt: skip
    closes = ends + timedelta(hours=hours)
    assert agreement.is_still_settling(closes - MOMENT)
    assert not agreement.is_still_settling(closes)
    assert visit.cast.agreement.is_still_settling(closes + 100 * WINDOW)  # it has no end


def following(visit, **terms):
    """New terms of the two, from the end of the old ones on."""
    ends = models.Agreement.objects.get().validity.upper
    return factories.make_agreement(
        visit.cast.visited_cso.operator, visit.cast.home_csp.operator, valid_from=ends,
        replaces=visit.cast.agreement, sdr_window_hours=1, **terms,
    )  # fmt: skip


def test_new_terms_in_its_place_are_no_end(visit):
    ended(visit, WINDOW)
    after = following(visit)
    assert visit.report().status_code == 200
    half_an_hour = timedelta(minutes=30)
    begins = after.validity.lower
    for ends, taken in ((visit.now - half_an_hour, True), (begins + half_an_hour, False)):
        models.Agreement.objects.filter(pk=after.pk).update(
            status="ended", validity=TimestamptzRange(begins, ends)
        )
        report = visit.report_at(int(taken), "3")
        assert report.status_code == (200 if taken else 403), report.content


def test_terms_that_were_only_proposed_replace_nothing(visit):
    ended(visit, WINDOW)
    old = models.Agreement.objects.get()
    models.Agreement.objects.create(
        visited_cso=old.visited_cso, home_csp=old.home_csp, calendar=old.calendar, replaces=old,
        services=old.services, status="proposed",
        validity=TimestamptzRange(old.validity.upper, None),
    )  # fmt: skip
    assert refusal(visit.report())[1] == "sdr_window_closed"


def test_the_same_completion_again_is_answered_as_before(visit):
    assert visit.complete().status_code == 200
    ended(visit, WINDOW)
    again = visit.complete()
    assert (again.status_code, again.json()["state"]) == (200, "completed")


def test_who_asks_for_fresh_values_gets_what_is_stored_and_why(visit):
    visit.report()
    ended(visit, WINDOW)
    answer = visit.read(fresh="true").json()
    assert answer["fresh"] is False
    assert answer["trouble"]["code"] == "sdr_window_closed"
    assert answer["information"]["energy_kwh"] == REPORT["energy_kwh"]
    assert visit.cso.messages("/uc3-6/request") == []
    assert visit.read_plan().status_code == 200


def test_the_user_still_stops(visit):
    ended(visit, 10 * WINDOW)
    assert visit._about("post", "stop", {}, "home_csp").status_code == 200

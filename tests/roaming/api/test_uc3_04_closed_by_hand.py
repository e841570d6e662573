"""UC3-4: a session that staff closed for want of news may charge on; its user can stop it."""

from datetime import timedelta

import pytest

from roaming import models
from roaming.models.clock import set_business_clock
from roaming.use_cases.stuck_sessions import ByHand, close_stuck_session
from tests import factories
from tests.roaming.api.visit import COMPLETION, REPORT

LATER = timedelta(hours=30)


@pytest.fixture
def yes(visit):
    visit.cso.answers["/uc3-4/stop"] = (200, {"response": "ACCEPTED", "timeout_s": 30})


def close(visit):
    later = visit.now + LATER
    set_business_clock(later, speed=0, ceiling=later)
    by_hand = ByHand(factories.UserFactory(username="carla"), "No news for a day")
    close_stuck_session(visit.session, by_hand, later)


def stop(visit):
    return visit._about("post", "stop", {}, "home_csp")


@pytest.mark.usefixtures("yes")
@pytest.mark.parametrize(("reported", "closed"), [(True, "completed"), (False, "cancelled")])
def test_what_charges_on_is_stopped_and_completed_with_what_it_was(visit, reported, closed):
    if reported:
        visit.report(stamped_at="2026-10-05T09:59:00+02:00")
    close(visit)
    assert visit.session.state == closed
    answer = stop(visit)
    assert answer.status_code == 200, answer.content
    assert len(visit.cso.messages("/uc3-4/stop")) == 1
    assert visit.session.state == closed  # until its visited-CSO says more
    result = visit._send(
        "post", f"commands/{answer.json()['command_id']}/result", {"result": "SUCCEEDED"},
        "visited_cso",
    )  # fmt: skip
    assert result.status_code == 200
    assert visit.complete(COMPLETION).status_code == 200
    assert (visit.session.state, str(visit.session.energy_kwh)) == ("completed", "20.125")
    ended = stop(visit)
    assert (ended.status_code, ended.json()["code"]) == (409, "session_state")


@pytest.mark.usefixtures("yes")
def test_a_start_of_which_nothing_was_heard_is_stopped_too(visit):
    visit.remote_start("timed_out")
    close(visit)
    assert visit.session.state == "cancelled"
    assert stop(visit).status_code == 200


@pytest.mark.usefixtures("yes")
@pytest.mark.parametrize("state", ["rejected", "failed"])
def test_what_cannot_have_started_is_not(visit, state):
    visit.remote_start("asked")
    close(visit)
    models.Command.objects.update(state=state)
    refused = stop(visit)
    assert (refused.status_code, refused.json()["code"]) == (409, "session_state")
    assert visit.cso.messages("/uc3-4/stop") == []


@pytest.mark.usefixtures("yes")
def test_a_session_whose_sdr_was_given_up_is_over(visit):
    visit.complete()
    later = visit.now + timedelta(hours=100)
    set_business_clock(later, speed=0, ceiling=later)
    by_hand = ByHand(factories.UserFactory(username="carla"), "It will not come")
    close_stuck_session(visit.session, by_hand, later)
    assert stop(visit).json()["code"] == "session_state"


@pytest.mark.usefixtures("yes")
def test_closed_opened_again_and_closed_again_it_can_be_stopped(visit):
    close(visit)
    stamped = "2026-10-06T16:00:00+02:00"
    assert visit.report({**REPORT, "stamped_at": stamped}).status_code == 200
    assert visit.session.state == "active"
    later = visit.now + 2 * LATER
    set_business_clock(later, speed=0, ceiling=later)
    by_hand = ByHand(factories.UserFactory(username="dora"), "Silent again")
    close_stuck_session(visit.session, by_hand, later)
    assert visit.session.state == "completed"
    assert stop(visit).status_code == 200


def test_nobody_else_stops_it(visit):
    close(visit)
    refused = visit._about("post", "stop", {}, "outsider")
    assert refused.json()["code"] == "unknown_session"

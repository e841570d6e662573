"""UC3-5, the ways in which a session ends: from every state, with and without anything provided."""

import msgspec
import pytest

from roaming import models
from roaming.domain.completion import CompletionNotice
from tests.roaming.api.visit import COMPLETION, refusal

NOTHING = {"nothing_provided": True, "reason": "no cable", "operator_remark": "kept"}


@pytest.mark.parametrize("state", ["authorised", "active", "reserved"])
def test_a_session_is_completed_from_where_it_may_charge(visit, state):
    visit.stands(state)
    answer = visit.complete().json()
    assert (answer["state"], answer["sdr_due"]) == ("completed", True)


@pytest.mark.parametrize("state", ["requested", "refused", "cancelled"])
def test_a_session_that_ended_or_never_began_is_not(visit, state):
    visit.stands(state)
    assert refusal(visit.complete())[:2] == (409, "session_state")


@pytest.mark.parametrize("state", ["accepted", "timed_out", "not_reached"])
def test_a_remote_start_whose_result_was_lost_is_completed_all_the_same(visit, state):
    visit.remote_start(state)
    assert visit.complete().json()["state"] == "completed"
    assert visit.session.authorised == "COMMAND"


@pytest.mark.parametrize(("energy", "became"), [("20.125", "fulfilled"), ("0", "no_show")])
def test_the_reservation_ends_with_its_session(visit, energy, became):
    reservation = visit.reserve()
    assert visit.complete(total_energy=energy).json()["state"] == "completed"
    reservation.refresh_from_db()
    assert (reservation.state, reservation.ended_at) == (became, visit.now)


@pytest.mark.parametrize("state", ["rejected", "failed"])
def test_a_remote_start_that_the_cso_said_no_to_is_not(visit, state):
    visit.remote_start(state)
    assert refusal(visit.complete())[:2] == (409, "session_state")


def test_times_energy_and_extra_fields_are_passed_on_as_sent(visit):
    """What the clearing house alone may say cannot be smuggled in."""
    visit.complete(total_energy=20.10, signature="abc", closed_by_clearing_house=True)
    (message,) = visit.csp.messages("/uc3-5/completion")
    assert message.body == {
        **COMPLETION,
        "total_energy": 20.10,
        "signature": "abc",
        "service_session_id": visit.session_id,
        "visited_cso": "DE*VIS",
        "home_csp": "DE-HOM",
        "cso_session_id": "S-1",
    }
    notice = msgspec.convert(message.body, CompletionNotice, strict=False)
    assert notice.closed_by_clearing_house is None


def test_the_end_takes_the_place_of_what_was_live(visit):
    visit.report()
    visit.complete()
    session = visit.session
    assert (session.updated_at, session.power_kw, session.cost_so_far) == (None, None, None)
    assert str(session.energy_kwh) == "20.125"
    assert visit.read().json()["information"]["energy_kwh"] == "1.50"


def test_a_user_who_went_away_cancels_the_session_and_no_sdr_is_due(visit):
    answer = visit.complete(NOTHING)
    assert answer.status_code == 200, answer.content
    assert answer.json() == {
        "service_session_id": visit.session_id,
        "state": "cancelled",
        "acknowledged": True,
        "sdr_due": False,
    }
    (message,) = visit.csp.messages("/uc3-5/completion")
    assert message.body["nothing_provided"] is True
    assert message.body["operator_remark"] == "kept"
    session = visit.session
    assert (session.refusal_reason, session.energy_kwh) == ("no cable", None)


def test_that_nothing_was_provided_may_be_said_twice(visit):
    first = visit.complete(NOTHING).json()
    assert visit.complete(NOTHING).json() == first
    assert len(visit.csp.messages("/uc3-5/completion")) == 1


def test_a_remote_start_after_which_nobody_came_is_cancelled_too(visit):
    visit.remote_start("accepted")
    assert visit.complete(NOTHING).json()["state"] == "cancelled"


def test_who_reported_charging_cannot_say_that_nothing_was_provided(visit):
    visit.report()
    assert refusal(visit.complete(NOTHING))[:2] == (409, "session_state")
    assert visit.session.state == "active"


@pytest.mark.parametrize("state", ["requested", "refused", "reserved", "completed"])
def test_only_an_authorised_session_ends_with_nothing(visit, state):
    visit.stands(state)
    assert refusal(visit.complete(NOTHING))[:2] == (409, "session_state")


def test_what_was_cancelled_is_not_completed_afterwards(visit):
    visit.complete(NOTHING)
    assert refusal(visit.complete())[:2] == (409, "session_state")
    assert refusal(visit.report())[:2] == (409, "session_state")


@pytest.mark.parametrize("status", ["suspended", "ended"])
def test_a_session_is_cancelled_whatever_became_of_its_agreement(visit, status):
    models.Agreement.objects.update(status=status)
    assert visit.complete(NOTHING).status_code == 200


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"start_date_time": ...}, "invalid_field", "start_date_time"),
        ({"end_date_time": ...}, "invalid_field", "end_date_time"),
        ({"total_energy": ...}, "invalid_field", "total_energy"),
        ({"nothing_provided": True}, "invalid_field", "total_energy"),
        ({"nothing_provided": "yes"}, "invalid_field", "nothing_provided"),
        ({"reason": "x" * 61}, "invalid_field", "reason"),
        ({"cso_session_id": "x" * 65}, "invalid_field", "cso_session_id"),
    ],
)
def test_a_contradiction_is_refused_with_its_field(visit, fields, code, field):
    assert refusal(visit.complete(**fields)) == (422, code, field)
    assert visit.session.state == "authorised"


def test_a_home_csp_without_a_platform_is_told_nothing_and_the_session_ends(visit):
    models.PlatformIdentifier.objects.filter(platform=visit.cast.home_csp.platform).delete()
    answer = visit.complete().json()
    assert (answer["state"], answer["acknowledged"]) == ("completed", False)

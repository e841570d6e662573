"""UC3-7: the home-CSP wishes, the visited-CSO plans, both read what stands."""

import json
from datetime import UTC, datetime

import msgspec
import pytest

from roaming import models
from roaming.domain.agreement import Service
from roaming.domain.charge_plan import ChargePlanWishesNotice
from tests import factories
from tests.roaming.api.visit import PLAN, WISHES, refusal

PATH = "/uc3-7/charge-plan-wishes"


@pytest.fixture
def planning(visit):
    """The visited-CSO accepts with a plan."""
    visit.cso.answers[PATH] = (200, {"decision": "ACCEPTED", "plan": PLAN})
    return visit


def test_wishes_are_switched_to_the_visited_cso_and_its_plan_is_the_answer(planning):
    answer = planning.wish()
    assert answer.status_code == 200, answer.content
    assert answer.json() == {
        "service_session_id": planning.session_id,
        "number": 1,
        "decision": "ACCEPTED",
        "reason": "",
        "plan": PLAN,
    }
    (message,) = planning.cso.messages(PATH)
    assert {name: message.body[name] for name in WISHES} == WISHES
    notice = msgspec.convert(message.body, ChargePlanWishesNotice, strict=False)
    assert (notice.evse_id, notice.connector_id, notice.cso_session_id) == (
        "DE*VIS*E001", "1", "S-1",
    )  # fmt: skip


def test_it_leaves_a_numbered_step_and_two_journal_rows(planning):
    planning.wish()
    step = models.ChargePlan.objects.get()
    assert (step.number, step.made_by, step.accepted, step.has_plan) == (1, "home_csp", True, True)
    assert step.stamped_at.isoformat() == "2026-10-05T07:59:00+00:00"
    assert json.loads(step.body.wishes) == WISHES
    assert json.loads(step.body.plan) == PLAN
    rows = models.JournalEntry.objects.filter(use_case="UC3-7").order_by("id")
    assert list(rows.values_list("phase", "outcome")) == [
        ("admitted", "pending"), ("verdict", "accepted"),
    ]  # fmt: skip


def test_a_rejection_is_a_business_answer(visit):
    visit.cso.answers[PATH] = (200, {"decision": "REJECTED", "reason": "full power only"})
    answer = visit.wish()
    assert answer.status_code == 200
    assert (answer.json()["decision"], answer.json()["plan"]) == ("REJECTED", None)
    step = models.ChargePlan.objects.get()
    assert (step.accepted, step.reason) == (False, "full power only")
    assert models.JournalEntry.objects.order_by("id").last().outcome == "refused"


def test_a_plan_may_follow_an_acceptance(visit):
    visit.cso.answers[PATH] = (200, {"decision": "ACCEPTED"})
    assert visit.wish().json()["plan"] is None
    assert visit.read_plan().json()["plan"] is None
    visit.plan()
    assert visit.read_plan().json()["plan"] == PLAN


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (503, {}, "receiver_refused"),
        (200, b"?", "receiver_answered_rubbish"),
        (200, {"decision": "PERHAPS"}, "receiver_answered_rubbish"),
        (200, {"decision": "ACCEPTED", "reason": "x" * 61}, "receiver_answered_rubbish"),
        (200, {"decision": "REJECTED", "plan": PLAN}, "receiver_answered_rubbish"),
        (200, {"decision": "ACCEPTED", "plan": {**PLAN, "periods": []}},
         "receiver_answered_rubbish"),
        (200, {"decision": "ACCEPTED", "plan": {**PLAN, "stamped_at": "2027-01-01T00:00:00Z"}},
         "receiver_answered_rubbish"),
        (200, b'{"decision": "REJECTED", "x": "\\u0000"}', "receiver_answered_rubbish"),
    ],
)  # fmt: skip
def test_a_visited_cso_that_does_not_answer_leaves_a_step_without_a_decision(
    visit, status, body, code
):
    visit.cso.answers[PATH] = (status, body)
    response = visit.wish()
    assert (response.status_code, response.json()["code"]) == (502, code)
    step = models.ChargePlan.objects.get()
    assert (step.accepted, step.reason, step.has_plan) == (None, code, False)
    last = models.JournalEntry.objects.order_by("id").last()
    assert (last.phase, last.refusal_code) == ("verdict", code)
    assert models.JournalEntry.objects.filter(use_case="UC3-7", phase="verdict").count() == 1


def test_a_visited_cso_that_cannot_be_reached_is_named(visit):
    models.RoamingEndpoint.objects.filter(platform=visit.cast.visited_cso.platform).update(
        url="http://127.0.0.1:1/"
    )
    assert refusal(visit.wish())[:2] == (503, "receiver_not_connected")
    assert models.ChargePlan.objects.get().accepted is None


def test_both_parties_read_the_plan_in_force_and_how_it_came(planning):
    planning.wish()
    planning.plan(stamped_at="2026-10-05T10:01:00+02:00", reason="cloud")
    for who in ("home_csp", "visited_cso"):
        answer = planning.read_plan(who).json()
        assert answer["plan"]["stamped_at"] == "2026-10-05T10:01:00+02:00"
        assert answer["plan"]["tariff_hint"] == PLAN["tariff_hint"]
        assert [step["number"] for step in answer["history"]] == [2, 1]
        assert answer["history"][0]["wishes"] is None
        assert answer["history"][1]["wishes"] == WISHES
    assert refusal(planning.read_plan("outsider"))[:2] == (404, "unknown_session")


def test_a_plan_of_an_answer_that_is_older_than_an_update_does_not_come_into_force(planning):
    planning.plan(stamped_at="2026-10-05T10:01:00+02:00")
    planning.wish()
    assert planning.read_plan().json()["plan"]["stamped_at"] == "2026-10-05T10:01:00+02:00"


def test_before_any_exchange_there_is_no_plan(visit):
    answer = visit.read_plan().json()
    assert (answer["plan"], answer["history"]) == (None, [])


@pytest.mark.parametrize("state", ["active", "authorised"])
def test_a_running_session_is_planned(planning, state):
    planning.stands(state)
    assert planning.wish().status_code == 200


@pytest.mark.parametrize("state", ["requested", "refused", "reserved", "completed", "cancelled"])
def test_a_session_that_does_not_run_is_not(planning, state):
    planning.stands(state)
    assert refusal(planning.wish())[:2] == (409, "session_state")
    assert refusal(planning.plan())[:2] == (409, "session_state")
    assert planning.cso.messages(PATH) == []
    assert not models.ChargePlan.objects.exists()


@pytest.mark.parametrize("status", ["suspended", "ended"])
def test_a_running_session_is_planned_whatever_became_of_its_agreement(planning, status):
    models.Agreement.objects.update(status=status)
    models.Platform.objects.update(status="suspended")
    assert planning.wish().status_code == 200
    assert planning.plan(stamped_at="2026-10-05T10:00:00+02:00").status_code == 200


def test_the_agreement_at_the_session_s_start_must_cover_the_charge_plan(planning):
    """Not the one of now, which covers everything."""
    cast = planning.cast
    at_the_start = factories.make_agreement(
        cast.visited_cso.operator,
        cast.home_csp.operator,
        valid_from=datetime(2025, 1, 1, tzinfo=UTC),
        valid_to=datetime(2026, 1, 1, tzinfo=UTC),
        services=(Service.LOCAL_START,),
    )
    models.ServiceSession.objects.update(agreement=at_the_start)
    for response in (planning.wish(), planning.plan()):
        assert refusal(response)[:2] == (403, "service_not_covered")
    assert planning.cso.messages(PATH) == []


def test_only_the_home_csp_wishes(planning):
    for who in ("visited_cso", "outsider"):
        assert refusal(planning.wish(who=who))[:2] == (404, "unknown_session")
    assert planning.cso.messages(PATH) == []


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        (dict.fromkeys([*WISHES], ...), "invalid_field", None),
        ({"departure_time": "2026-10-05T17:30:00"}, "time_without_offset", "departure_time"),
        ({"departure_time": "2026-10-05T07:30:00Z"}, "invalid_field", "departure_time"),
        ({"departure_time": "2026-12-05T07:30:00Z"}, "invalid_field", "departure_time"),
        ({"energy_kwh": "-1"}, "invalid_field", "energy_kwh"),
        ({"energy_kwh": "NaN"}, "invalid_field", "energy_kwh"),
        ({"minimum_energy_kwh": "29"}, "invalid_field", "minimum_energy_kwh"),
        ({"maximum_power_kw": 11000}, "invalid_field", "maximum_power_kw"),
        ({"maximum_power_kw": "Infinity"}, "invalid_field", "maximum_power_kw"),
        ({"profile": "WHATEVER"}, "invalid_field", "profile"),
    ],
)
def test_bad_wishes_are_refused_with_their_field(planning, fields, code, field):
    assert refusal(planning.wish(**fields)) == (422, code, field)
    assert planning.cso.messages(PATH) == []

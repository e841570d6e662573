"""UC3-6: the visited-CSO reports, the home-CSP gets the newest and may have it asked for."""

import json
from datetime import timedelta

import msgspec
import pytest
from django.db.models import F
from django.utils import timezone

from roaming import models
from roaming.domain.charging_information import (
    ChargingInformationNotice,
    ChargingInformationQuestion,
)
from tests.roaming.api.visit import REPORT, refusal


def test_the_first_report_makes_the_session_active(visit):
    answer = visit.report()
    assert answer.status_code == 200, answer.content
    assert answer.json() == {
        "service_session_id": visit.session_id,
        "state": "active",
        "taken": True,
        "why_not": None,
        "warnings": [],
    }
    session = visit.session
    assert (session.state, str(session.energy_kwh), str(session.power_kw)) == (
        "active", "1.50", "11.0",
    )  # fmt: skip
    assert (str(session.cost_so_far), session.cost_currency) == ("0.60", "EUR")
    (row,) = models.ChargingUpdate.objects.all()
    assert (row.state_of_charge, row.period, row.pair_id) == (40, session.period, session.pair_id)
    assert json.loads(row.body.content) == REPORT


def test_the_home_csp_receives_it_as_it_was_sent_with_ids_and_extra_fields(visit):
    visit.report()
    (message,) = visit.told("uc3-6/charging-information")
    assert message.body == {
        **REPORT,
        "service_session_id": visit.session_id,
        "visited_cso": "DE*VIS",
        "home_csp": "DE-HOM",
        "cso_session_id": "S-1",
        "state": "active",
    }
    notice = msgspec.convert(message.body, ChargingInformationNotice, strict=False)
    assert str(notice.energy_kwh) == "1.50"


def test_an_older_report_is_left_aside_and_answered(visit):
    visit.report_at(-5, "5")
    answer = visit.report_at(-10, "3")
    assert answer.status_code == 200
    assert (answer.json()["taken"], answer.json()["why_not"]) == (False, "older")
    assert str(visit.session.energy_kwh) == "5"
    assert models.ChargingUpdate.objects.count() == 1
    assert len(visit.told("uc3-6/charging-information")) == 1


def test_the_same_report_again_does_no_harm(visit):
    visit.report()
    answer = visit.report().json()
    assert (answer["taken"], answer["why_not"]) == (False, "repeated")
    assert models.ChargingUpdate.objects.count() == 1


def test_of_two_reports_with_one_stamp_the_one_with_more_energy_counts(visit):
    visit.report_at(0, "2")
    assert visit.report_at(0, "3").json()["taken"] is True
    assert visit.report_at(0, "1").json()["taken"] is False
    assert str(visit.session.energy_kwh) == "3"


def test_energy_that_falls_is_taken_and_noted(visit):
    visit.report_at(0, "5")
    answer = visit.report_at(1, "4.9").json()
    assert (answer["taken"], answer["warnings"]) == (True, ["energy_fell"])
    assert str(visit.session.energy_kwh) == "4.9"


def test_another_currency_than_the_agreement_s_is_noted(visit):
    cost = {"before_tax": "0.60", "currency": "CHF"}
    assert visit.report(cost=cost).json()["warnings"] == ["other_currency"]


def test_a_report_without_power_or_cost_clears_them(visit):
    visit.report_at(0, "1")
    visit.report_at(1, "2", power_kw=..., cost=...)
    session = visit.session
    assert (session.power_kw, session.cost_so_far, session.cost_currency) == (None, None, "")


def test_a_report_after_the_end_is_left_aside_and_changes_nothing(visit):
    visit.report_at(0, "1")
    visit.complete()
    before = models.ServiceSession.objects.values().get()
    answer = visit.report_at(5, "30")
    assert answer.status_code == 200
    assert answer.json()["why_not"] == "session_over"
    assert models.ServiceSession.objects.values().get() == before


@pytest.mark.parametrize("state", ["refused", "cancelled", "reserved", "requested"])
def test_a_session_that_nobody_authorised_takes_no_report(visit, state):
    visit.stands(state)
    assert refusal(visit.report()) == (409, "session_state", None)
    assert not models.ChargingUpdate.objects.exists()


@pytest.mark.parametrize("state", ["asked", "not_reached", "accepted", "succeeded", "timed_out"])
def test_a_remote_start_whose_result_is_missing_becomes_active(visit, state):
    visit.remote_start(state)
    assert visit.report().json()["state"] == "active"
    session = visit.session
    assert (session.authorised, session.authorised_at) == ("COMMAND", visit.now)


def test_a_remote_start_on_a_reservation_whose_result_is_missing_fulfils_it(visit):
    visit.remote_start("timed_out")
    reservation = visit.reserve()
    assert visit.report().json()["state"] == "active"
    reservation.refresh_from_db()
    assert reservation.state == "fulfilled"


@pytest.mark.parametrize("state", ["rejected", "failed"])
def test_a_remote_start_that_the_cso_said_no_to_does_not(visit, state):
    visit.remote_start(state)
    assert refusal(visit.report()) == (409, "session_state", None)


@pytest.mark.parametrize("status", ["suspended", "ended"])
def test_a_running_session_reports_whatever_became_of_its_agreement(visit, status):
    models.Agreement.objects.update(status=status)
    models.Platform.objects.update(status="suspended")
    assert visit.report().status_code == 200
    assert visit.read().status_code == 200


def test_only_the_visited_cso_reports(visit):
    for who in ("home_csp", "outsider"):
        assert refusal(visit.report(who=who)) == (404, "unknown_session", "service_session_id")


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"stamped_at": "2026-10-05T10:00:00"}, "time_without_offset", "stamped_at"),
        ({"stamped_at": "2026-10-05T10:06:00+02:00"}, "invalid_field", "stamped_at"),
        ({"stamped_at": "1999-10-05T10:06:00+02:00"}, "invalid_field", "stamped_at"),
        ({"stamped_at": ...}, "invalid_field", None),
        ({"energy_kwh": ...}, "invalid_field", None),
        ({"energy_kwh": "-0.1"}, "invalid_field", "energy_kwh"),
        ({"energy_kwh": "NaN"}, "invalid_field", "energy_kwh"),
        ({"energy_kwh": "Infinity"}, "invalid_field", "energy_kwh"),
        ({"energy_kwh": "1e99"}, "invalid_field", "energy_kwh"),
        ({"energy_kwh": True}, "invalid_field", "energy_kwh"),
        ({"power_kw": "1e9"}, "invalid_field", "power_kw"),
        ({"power_kw": "NaN"}, "invalid_field", "power_kw"),
        ({"state_of_charge": 101}, "invalid_field", "state_of_charge"),
        ({"state_of_charge": "sNaN"}, "invalid_field", "state_of_charge"),
        ({"cost": {"before_tax": "1", "currency": "EURO"}}, "invalid_field", "cost.currency"),
        ({"cost": {"before_tax": "1e30", "currency": "EUR"}}, "invalid_field", "cost.before_tax"),
        ({"cost": {"before_tax": "1", "after_tax": "NaN", "currency": "EUR"}}, "invalid_field",
         "cost.after_tax"),
        ({"charging_periods": [{"dimensions": []}]}, "invalid_field", "charging_periods[0]"),
        ({"charging_periods": [{"start_date_time": "2026-10-05T10:00:00"}]}, "invalid_field",
         "charging_periods[0].start_date_time"),
        ({"cso_session_id": "x" * 65}, "invalid_field", "cso_session_id"),
    ],
)  # fmt: skip
def test_a_bad_report_is_refused_with_its_field(visit, fields, code, field):
    response = visit.report(**fields)
    assert refusal(response) == (422, code, field), response.content
    assert not models.ChargingUpdate.objects.exists()
    assert visit.session.state == "authorised"


def test_power_may_flow_back_to_the_grid(visit):
    assert visit.report(power_kw="-7.2").json()["taken"] is True


def test_a_newer_report_takes_the_place_of_one_that_still_waits(visit):
    visit.report_at(0, "1")
    visit.report_at(1, "2")
    (message,) = visit.told("uc3-6/charging-information")
    assert message.body["energy_kwh"] == "2"
    states = models.Delivery.objects.filter(use_case="UC3-6").order_by("id")
    assert list(states.values_list("state", flat=True)) == ["replaced", "delivered"]


def test_a_report_that_is_on_its_way_is_left_alone_and_followed_by_the_newer_one(visit):
    visit.report_at(0, "1")
    reports = models.Delivery.objects.filter(use_case="UC3-6").order_by("id")
    carried_until = timezone.now() + timedelta(minutes=1)
    reports.update(leased_until=carried_until)
    visit.report_at(1, "2")
    assert visit.told("uc3-6/charging-information") == []  # the second waits its turn
    reports.update(leased_until=None, due_at=F("created_at"))
    messages = visit.told("uc3-6/charging-information")
    assert [message.body["energy_kwh"] for message in messages] == ["1", "2"]
    assert {report.state for report in reports} == {"delivered"}


def test_a_home_csp_that_is_away_is_not_tried_at_each_report(visit):
    visit.csp.answers["/uc3-6/charging-information"] = (503, {})
    visit.report_at(0, "1")
    assert len(visit.told("uc3-6/charging-information")) == 1
    waiting = models.Delivery.objects.get(use_case="UC3-6")
    visit.report_at(1, "2")
    assert len(visit.told("uc3-6/charging-information")) == 1
    newest = models.Delivery.objects.get(use_case="UC3-6", state="waiting")
    assert (newest.attempts, newest.due_at) == (1, waiting.due_at)
    assert newest.message_id != waiting.message_id


def test_the_end_of_a_session_takes_back_reports_that_still_wait(visit):
    visit.report_at(0, "1")
    visit.complete()
    assert visit.told("uc3-6/charging-information") == []
    assert len(visit.told("uc3-5/completion")) == 1


def test_both_parties_read_the_newest_as_it_was_sent(visit):
    visit.report()
    for who in ("home_csp", "visited_cso"):
        answer = visit.read(who).json()
        assert answer["information"] == REPORT
        assert (answer["state"], answer["age_s"], answer["fresh"]) == ("active", 0, False)
        assert answer["trouble"] is None
    assert refusal(visit.read("outsider")) == (404, "unknown_session", "service_session_id")


def test_before_the_first_report_there_is_nothing_to_read(visit):
    answer = visit.read().json()
    assert (answer["state"], answer["information"], answer["age_s"]) == ("authorised", None, None)


def test_a_session_lists_its_newest_values(visit):
    visit.report()
    listed = visit.client.get(
        f"/api/v1/service-sessions/{visit.session_id}", headers=visit.cast.home_csp.headers
    ).json()
    assert (listed["power_kw"], listed["cost_so_far"], listed["cost_currency"]) == (
        "11.0", "0.60", "EUR",
    )  # fmt: skip


def test_the_home_csp_has_the_visited_cso_asked(visit):
    visit.report_at(0, "1")
    fresh = {**REPORT, "stamped_at": "2026-10-05T10:02:00+02:00", "energy_kwh": "2.250"}
    visit.cso.answers["/uc3-6/request"] = (200, fresh)
    answer = visit.read(fresh="true").json()
    assert (answer["information"], answer["fresh"], answer["trouble"]) == (fresh, True, None)
    (question,) = visit.cso.messages("/uc3-6/request")
    asked = msgspec.convert(question.body, ChargingInformationQuestion, strict=False)
    assert (str(asked.service_session_id), asked.cso_session_id) == (visit.session_id, "S-1")
    assert str(visit.session.energy_kwh) == "2.250"
    phases = models.JournalEntry.objects.filter(use_case="UC3-6").order_by("id")
    assert list(phases.values_list("phase", "outcome"))[-2:] == [
        ("admitted", "pending"), ("verdict", "accepted"),
    ]  # fmt: skip


def test_an_answer_that_is_older_than_what_is_stored_gives_what_is_stored(visit):
    visit.report_at(4, "4")
    visit.cso.answers["/uc3-6/request"] = (200, REPORT)
    answer = visit.read(fresh="true").json()
    assert (answer["information"]["energy_kwh"], answer["fresh"]) == ("4", True)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (500, {}, "receiver_refused"),
        (200, b"<html>", "receiver_answered_rubbish"),
        (200, {"stamped_at": "2026-10-05T10:00:00"}, "receiver_answered_rubbish"),
        (200, {**REPORT, "energy_kwh": "NaN"}, "receiver_answered_rubbish"),
        (200, b'{"stamped_at": "2026-10-05T10:00:00Z", "energy_kwh": 1, "x": "\xff"}',
         "receiver_answered_rubbish"),
        (200, b"[" * 10_000, "receiver_answered_rubbish"),
    ],
)  # fmt: skip
def test_where_the_visited_cso_cannot_answer_the_stored_one_is_given_with_its_age_and_the_trouble(
    visit, status, body, code
):
    visit.report_at(-10, "1")
    visit.cso.answers["/uc3-6/request"] = (status, body)
    answer = visit.read(fresh="true")
    assert answer.status_code == 200, answer.content
    reading = answer.json()
    assert (reading["fresh"], reading["trouble"]["code"], reading["age_s"]) == (False, code, 600)
    assert reading["information"]["energy_kwh"] == "1"
    last = models.JournalEntry.objects.filter(use_case="UC3-6").order_by("id").last()
    assert (last.phase, last.outcome, last.refusal_code) == ("verdict", "failed", code)


def test_a_visited_cso_that_is_too_slow_is_named(visit, settings):
    settings.LIVE_QUESTION_TIMEOUT_S = 0.2
    visit.cso.delay_s = 0.6
    reading = visit.read(fresh="true").json()
    assert (reading["trouble"]["code"], reading["information"]) == ("receiver_timed_out", None)


def test_of_a_session_that_does_not_run_nothing_is_asked(visit):
    visit.report()
    visit.complete()
    reading = visit.read(fresh="true").json()
    assert (reading["state"], reading["fresh"], reading["trouble"]) == ("completed", False, None)
    assert visit.cso.messages("/uc3-6/request") == []


def test_only_the_home_csp_has_it_asked_for(visit):
    assert refusal(visit.read("visited_cso", fresh="true")) == (422, "invalid_field", "fresh")
    assert refusal(visit.read(fresh="perhaps")) == (422, "invalid_field", "fresh")
    assert visit.cso.messages("/uc3-6/request") == []


def test_an_unknown_session_is_not_found(visit):
    visit.session_id = "01a10bef-6200-7000-8000-000000000000"
    for response in (visit.report(), visit.read()):
        assert refusal(response) == (404, "unknown_session", "service_session_id")

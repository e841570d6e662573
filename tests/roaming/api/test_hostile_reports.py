"""Hostile input about a running session: refused by name, never a failure, nothing left behind."""

import json

import pytest

from roaming import models
from tests.roaming.api.visit import COMPLETION, PLAN, REPORT, WISHES

ROUTES = {
    "report": ("put", "charging-information", REPORT, "visited_cso"),
    "completion": ("post", "completion", COMPLETION, "visited_cso"),
    "wishes": ("put", "charge-plan", WISHES, "home_csp"),
    "plan": ("post", "charge-plan-updates", PLAN, "visited_cso"),
}
NUMBERS = {
    "report": "energy_kwh",
    "completion": "total_energy",
    "wishes": "energy_kwh",
    "plan": "maximum_power_kw",
}
TIMES = {
    "report": "stamped_at",
    "completion": "end_date_time",
    "wishes": "departure_time",
    "plan": "stamped_at",
}


def send(visit, route, raw):
    method, what, _, who = ROUTES[route]
    return getattr(visit.client, method)(
        f"/api/v1/service-sessions/{visit.session_id}/{what}",
        data=raw,
        content_type="application/json",
        headers=getattr(visit.cast, who).headers,
    )


def with_raw(route, field, raw):
    """The message with another raw value of a field."""
    body = json.loads(json.dumps(ROUTES[route][2]))
    place = body["periods"][0] if field == "maximum_power_kw" else body
    place[field] = "HERE"
    return json.dumps(body).replace('"HERE"', raw)


def assert_refused(visit, response, *statuses):
    assert response.status_code in statuses, response.content
    assert response.json()["code"]
    assert visit.session.state == "authorised"
    assert not models.ChargingUpdate.objects.exists()
    assert not models.ChargePlan.objects.exists()


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "raw",
    ["1e999999", "1" * 5000, '"0.' + "1" * 20_000 + '"', '"sNaN"', "-1e-400000", "{}", "[]", '""'],
    ids=str.__len__,
)
def test_a_number_that_is_none(visit, route, raw):
    assert_refused(visit, send(visit, route, with_raw(route, NUMBERS[route], raw)), 422)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "moment",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "2026-10-05",
        "2026-10-05T25:00:00Z",
    ],
)
def test_a_time_that_cannot_be(visit, route, moment):
    raw = with_raw(route, TIMES[route], json.dumps(moment))
    assert_refused(visit, send(visit, route, raw), 422)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "raw",
    [b" ", b"null", b"[]", b"1", b"{", b'{"x": "\xff"}', b'{"x": "\\u0000"}',
     b'{"x": ' + b"[" * 100 + b"]" * 100 + b"}"],
    ids=len,
)  # fmt: skip
def test_a_body_that_is_no_message(visit, route, raw):
    assert_refused(visit, send(visit, route, raw), 400, 422)


@pytest.mark.parametrize("route", ROUTES)
def test_a_body_that_is_too_large(visit, route, settings):
    settings.MAX_MESSAGE_BYTES = 2_000
    raw = with_raw(route, "padding", json.dumps("x" * 2_000))
    assert_refused(visit, send(visit, route, raw), 413)


@pytest.mark.parametrize("route", ROUTES)
def test_extras_of_any_kind_go_through_untouched(visit, route):
    visit.cso.answers["/uc3-7/charge-plan-wishes"] = (200, {"decision": "REJECTED"})
    extra = (
        '{"deep": [1e-7, 0.10, 123456789012345678901234567890], "text": "\\u00e9\\ud83d\\ude00"}'
    )
    raw = with_raw(route, "extra", extra)
    response = send(visit, route, raw)
    assert response.status_code == 200, response.content
    visit.told("-")
    received = [*visit.csp.received, *visit.cso.received][-1]
    assert received.body["extra"] == json.loads(extra)


@pytest.mark.parametrize("route", ROUTES)
def test_what_only_the_clearing_house_says_is_not_taken_from_the_sender(visit, route):
    visit.cso.answers["/uc3-7/charge-plan-wishes"] = (200, {"decision": "REJECTED"})
    body = json.loads(json.dumps(ROUTES[route][2]))
    lies = {
        "service_session_id": "x", "visited_cso": "FR*OUT", "home_csp": "FR-OUT",
        "csp_session_id": "x", "state": "completed", "number": 99, "evse_id": "x",
        "connector_id": "x", "closed_by_clearing_house": True,
    }  # fmt: skip
    ours = {
        "report": ["service_session_id", "visited_cso", "home_csp", "csp_session_id", "state"],
        "completion": ["service_session_id", "visited_cso", "home_csp", "csp_session_id",
                       "closed_by_clearing_house"],
        "wishes": ["service_session_id", "visited_cso", "home_csp", "csp_session_id", "evse_id",
                   "connector_id"],
        "plan": ["service_session_id", "visited_cso", "home_csp", "csp_session_id", "number"],
    }[route]  # fmt: skip
    body.update(lies)
    assert send(visit, route, json.dumps(body)).status_code == 200
    visit.told("-")
    received = [*visit.csp.received, *visit.cso.received][-1]
    assert all(received.body.get(name) != lies[name] for name in ours)

"""UC3-5: the visited-CSO closes the session, the home-CSP is told."""

import uuid

import pytest

from roaming import models
from roaming.hub_switch import deliver_due
from tests.roaming.api.messages import LOCAL_START, changed

COMPLETION = {
    "start_date_time": "2026-10-05T10:00:00+02:00",
    "end_date_time": "2026-10-05T11:00:00+02:00",
    "total_energy": "20.125",
}


@pytest.fixture
def session_id(client, connected_cast):
    response = client.post(
        "/api/v1/service-sessions/local-start",
        data=LOCAL_START,
        content_type="application/json",
        headers=connected_cast.visited_cso.headers,
    )
    return response.json()["service_session_id"]


def complete(client, party, session_id, body=COMPLETION):
    return client.post(
        f"/api/v1/service-sessions/{session_id}/completion",
        data=body,
        content_type="application/json",
        headers=party.headers,
    )


def test_completion_is_passed_on_and_acknowledged(client, connected_cast, csp_platform, session_id):
    answer = complete(client, connected_cast.visited_cso, session_id)
    assert answer.status_code == 200, answer.content
    assert answer.json() == {
        "service_session_id": session_id,
        "state": "completed",
        "acknowledged": True,
        "sdr_due": True,
    }
    (message,) = csp_platform.messages("/uc3-5/completion")
    assert message.body["start_date_time"] == COMPLETION["start_date_time"]
    assert message.body["total_energy"] == "20.125"


def test_the_same_completion_again_changes_nothing(
    client, connected_cast, csp_platform, session_id
):
    first = complete(client, connected_cast.visited_cso, session_id).json()
    assert complete(client, connected_cast.visited_cso, session_id).json() == first
    assert len(csp_platform.messages("/uc3-5/completion")) == 1
    other = complete(
        client, connected_cast.visited_cso, session_id, changed(COMPLETION, total_energy="21")
    )
    assert (other.status_code, other.json()["code"]) == (409, "session_state")


def test_a_home_csp_that_is_away_gets_it_later(client, connected_cast, csp_platform, session_id):
    csp_platform.answers["/uc3-5/completion"] = (503, {})
    answer = complete(client, connected_cast.visited_cso, session_id).json()
    assert answer["acknowledged"] is False
    csp_platform.answers["/uc3-5/completion"] = (200, {})
    waiting = models.Delivery.objects.get(use_case="UC3-5")
    assert deliver_due(waiting.due_at) == 1
    assert len(csp_platform.messages("/uc3-5/completion")) == 2


@pytest.mark.parametrize("status", ["suspended", "ended"])
def test_a_running_session_is_never_stranded_by_its_agreement(
    client, connected_cast, session_id, status
):
    models.Agreement.objects.update(status=status)
    models.Platform.objects.update(status="suspended")
    assert complete(client, connected_cast.visited_cso, session_id).status_code == 200


def test_nobody_else_can_complete_it(client, connected_cast, session_id):
    for party in (connected_cast.home_csp, connected_cast.outsider):
        response = complete(client, party, session_id)
        assert (response.status_code, response.json()["code"]) == (404, "unknown_session")


def test_an_unknown_session_is_not_found(client, connected_cast):
    response = complete(client, connected_cast.visited_cso, uuid.uuid4())
    assert (response.status_code, response.json()["code"]) == (404, "unknown_session")


def test_a_refused_session_cannot_be_completed(client, connected_cast, session_id):
    models.ServiceSession.objects.update(state="refused")
    response = complete(client, connected_cast.visited_cso, session_id)
    assert (response.status_code, response.json()["code"]) == (409, "session_state")


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"end_date_time": "2026-10-05T09:00:00+02:00"}, "invalid_field", "end_date_time"),
        ({"end_date_time": "2026-10-05T11:00:00"}, "time_without_offset", "end_date_time"),
        ({"total_energy": "-1"}, "invalid_field", "total_energy"),
        ({"total_energy": "NaN"}, "invalid_field", "total_energy"),
        ({"total_energy": "1e99"}, "invalid_field", "total_energy"),
        ({"start_date_time": "yesterday"}, "invalid_field", "start_date_time"),
    ],
)
def test_a_bad_completion_is_refused_with_its_field(
    client, connected_cast, session_id, fields, code, field
):
    body = changed(COMPLETION, **fields)
    problem = complete(client, connected_cast.visited_cso, session_id, body).json()
    assert (problem["code"], problem["field"]) == (code, field)


def test_a_session_is_seen_by_its_two_parties_alone(client, connected_cast, session_id):
    def seen(party):
        one = client.get(f"/api/v1/service-sessions/{session_id}", headers=party.headers)
        many = client.get("/api/v1/service-sessions", headers=party.headers).json()["results"]
        return one.status_code, len(many)

    assert seen(connected_cast.visited_cso) == (200, 1)
    assert seen(connected_cast.home_csp) == (200, 1)
    assert seen(connected_cast.outsider) == (404, 0)

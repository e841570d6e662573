"""UC5-2 and UC5-3: emergency cable unlocking, with a session and without."""

import uuid

import pytest

from roaming import models
from tests.roaming.api.messages import changed
from tests.roaming.api.remote import EMERGENCY, command, session

AT_EVSE = {"home_csp": "DE-HOM", "connector_id": "1", **EMERGENCY}


@pytest.fixture
def session_id(remote):
    return remote.started()["service_session_id"]


def unlock_session(remote, session_id, body=EMERGENCY, party=None):
    return remote.post(f"service-sessions/{session_id}/unlock", body, party)


def unlock_evse(remote, body=AT_EVSE, evse_id="DE*VIS*E001", party=None):
    return remote.post(f"evses/{evse_id}/unlock", body, party)


# --- UC5-2 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["authorised", "active", "completed"])
def test_the_visited_cso_is_asked_with_who_wants_it_and_why(remote, session_id, state):
    models.ServiceSession.objects.update(state=state)
    response = unlock_session(remote, session_id)
    assert response.status_code == 200, response.content
    answer = response.json()
    (asked,) = remote.asked("uc5-2/unlock")
    assert (asked["requested_by"], asked["why"]) == tuple(EMERGENCY.values())
    assert (asked["service_session_id"], asked["cso_session_id"]) == (session_id, "VIS-S-1")
    remote.result(answer["command_id"], "SUCCEEDED")
    (told,) = remote.told("uc5-2/result")
    assert told["result"] == "SUCCEEDED"
    assert session().state == state


@pytest.mark.parametrize("state", ["requested", "refused", "reserved", "cancelled"])
def test_where_nothing_was_activated_the_evse_is_to_be_unlocked(remote, session_id, state):
    models.ServiceSession.objects.update(state=state)
    response = unlock_session(remote, session_id)
    assert (response.status_code, response.json()["code"]) == (409, "session_state")
    assert "UC5-3" in response.json()["detail"]


@pytest.mark.parametrize("status", ["suspended", "ended"])
def test_it_passes_whatever_became_of_the_agreement(remote, session_id, status):
    models.Agreement.objects.update(status=status)
    models.Platform.objects.update(status="suspended")
    assert unlock_session(remote, session_id).status_code == 200


def test_nobody_else_can_unlock_a_session(remote, session_id):
    for party in (remote.cast.visited_cso, remote.cast.outsider):
        response = unlock_session(remote, session_id, party=party)
        assert (response.status_code, response.json()["code"]) == (404, "unknown_session")
    assert unlock_session(remote, uuid.uuid4()).json()["code"] == "unknown_session"
    assert remote.asked("uc5-2/unlock") == []


@pytest.mark.parametrize("name", ["requested_by", "why"])
@pytest.mark.parametrize("value", [..., "", "   ", "x" * 201, 7])
def test_who_asks_and_why_must_be_said(remote, session_id, name, value):
    problem = unlock_session(remote, session_id, changed(EMERGENCY, **{name: value})).json()
    assert problem["code"] == "invalid_field"
    at_evse = unlock_evse(remote, changed(AT_EVSE, **{name: value})).json()
    assert at_evse["code"] == "invalid_field"
    assert not models.Command.objects.filter(kind="unlock").exists()


# --- UC5-3 ----------------------------------------------------------------------------------------


def test_an_evse_is_unlocked_without_a_session(remote):
    response = unlock_evse(remote)
    assert response.status_code == 200, response.content
    answer = response.json()
    assert answer["service_session_id"] is None
    (asked,) = remote.asked("uc5-3/unlock")
    assert (asked["evse_id"], asked["connector_id"]) == ("DE*VIS*E001", "1")
    assert (asked["requested_by"], asked["why"]) == tuple(EMERGENCY.values())
    assert "service_session_id" not in asked
    remote.result(answer["command_id"], "FAILED", reason="MECHANICAL")
    (told,) = remote.told("uc5-3/result")
    assert (told["result"], told["reason"]) == ("FAILED", "MECHANICAL")
    assert not models.ServiceSession.objects.exists()


def test_it_needs_no_agreement_of_any_kind(remote):
    body = changed(AT_EVSE, home_csp="FR-OUT")
    answer = unlock_evse(remote, body, party=remote.cast.outsider)
    assert answer.status_code == 200, answer.content
    assert command().home_csp == remote.cast.outsider.identifier
    entry = models.JournalEntry.objects.filter(phase="admitted").get()
    assert entry.agreement_id is None


@pytest.mark.parametrize("status", ["suspended", "ended"])
def test_it_needs_no_active_agreement_and_no_active_platform(remote, status):
    models.Agreement.objects.update(status=status)
    models.Platform.objects.update(status="suspended")
    assert unlock_evse(remote).status_code == 200


def test_an_evse_that_is_no_longer_published_is_unlocked_too(remote, now):
    models.Evse.objects.update(removed_at=now)
    assert unlock_evse(remote).status_code == 200
    assert remote.start().json()["code"] == "unknown_evse"


def test_it_is_seen_with_who_asked_and_why_by_both_and_nobody_else(remote):
    command_id = unlock_evse(remote).json()["command_id"]
    for party in (remote.cast.home_csp, remote.cast.visited_cso):
        row = remote.get(f"commands/{command_id}", party).json()
        assert (row["requested_by"], row["why"]) == tuple(EMERGENCY.values())
    assert remote.get(f"commands/{command_id}", remote.cast.outsider).status_code == 404


def test_it_is_audited_in_the_journal(remote):
    unlock_evse(remote)
    admitted = models.JournalEntry.objects.get(phase="admitted")
    assert (admitted.use_case, admitted.object_key) == ("UC5-3", "DEVISE001")
    assert admitted.sender == remote.cast.home_csp.platform
    assert EMERGENCY["requested_by"] in admitted.body.content


@pytest.mark.parametrize(
    ("fields", "evse_id", "code", "field"),
    [
        ({"home_csp": "FR-OUT"}, "DE*VIS*E001", "party_not_held", "home_csp"),
        ({}, "DE*VIS*E999", "unknown_evse", "evse_id"),
        ({}, "rubbish", "invalid_identifier", "evse_id"),
        ({"connector_id": "x" * 37}, "DE*VIS*E001", "invalid_field", "connector_id"),
    ],
)
def test_what_cannot_be_unlocked_is_refused_with_its_code(remote, fields, evse_id, code, field):
    problem = unlock_evse(remote, changed(AT_EVSE, **fields), evse_id).json()
    assert (problem["code"], problem["field"]) == (code, field)
    assert remote.cso.received == []


def test_a_visited_cso_that_rejects_says_why(remote):
    remote.answers("uc5-3/unlock", {"response": "REJECTED", "reason": "UNSAFE"})
    answer = unlock_evse(remote).json()
    assert (answer["response"], answer["reason"]) == ("REJECTED", "UNSAFE")


def test_a_visited_cso_that_is_away_is_named_as_such(remote):
    models.RoamingEndpoint.objects.all().delete()
    response = unlock_evse(remote)
    assert (response.status_code, response.json()["code"]) == (503, "receiver_not_connected")
    assert command().state == "not_reached"

"""UC3-4: the home-CSP stops what runs; the session ends with its completion."""

import uuid

import pytest

from roaming import models
from tests.roaming.api.remote import session


@pytest.fixture
def session_id(remote):
    return remote.started()["service_session_id"]


def stops():
    return models.Command.objects.filter(kind="stop")


@pytest.mark.parametrize("state", ["authorised", "active"])
def test_the_visited_cso_is_asked_to_stop(remote, session_id, state):
    models.ServiceSession.objects.update(state=state)
    response = remote.stop(session_id, {"why": "The user pressed stop"})
    assert response.status_code == 200, response.content
    answer = response.json()
    assert (answer["response"], answer["service_session_id"]) == ("ACCEPTED", session_id)
    (asked,) = remote.asked("uc3-4/stop")
    assert asked["command_id"] == answer["command_id"]
    assert asked["cso_session_id"] == "VIS-S-1"
    assert asked["csp_session_id"] == "HOM-S-1"
    assert asked["why"] == "The user pressed stop"
    remote.result(answer["command_id"], "SUCCEEDED")
    (told,) = remote.told("uc3-4/result")
    assert (told["result"], told["service_session_id"]) == ("SUCCEEDED", session_id)
    assert session().state == state  # it ends with its completion


def test_a_rejected_stop_leaves_the_session_running(remote, session_id):
    remote.answers("uc3-4/stop", {"response": "REJECTED", "reason": "UNKNOWN_SESSION"})
    assert remote.stop(session_id).json()["response"] == "REJECTED"
    assert session().state == "authorised"


@pytest.mark.parametrize("state", ["requested", "refused", "reserved", "completed", "cancelled"])
def test_only_what_runs_can_be_stopped(remote, session_id, state):
    models.ServiceSession.objects.update(state=state)
    response = remote.stop(session_id)
    assert (response.status_code, response.json()["code"]) == (409, "session_state")
    assert not stops().exists()
    assert remote.asked("uc3-4/stop") == []


@pytest.mark.parametrize("status", ["suspended", "ended"])
def test_it_passes_whatever_became_of_the_agreement(remote, session_id, status):
    models.Agreement.objects.update(status=status)
    models.Platform.objects.update(status="suspended")
    assert remote.stop(session_id).status_code == 200


def test_nobody_else_can_stop_it(remote, session_id):
    for party in (remote.cast.visited_cso, remote.cast.outsider):
        response = remote.stop(session_id, party=party)
        assert (response.status_code, response.json()["code"]) == (404, "unknown_session")
    response = remote.stop(str(uuid.uuid4()))
    assert (response.status_code, response.json()["code"]) == (404, "unknown_session")
    assert not stops().exists()


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"why": "x" * 201}, "invalid_field", "why"),
        ({"why": 7}, "invalid_field", "why"),
        ("[]", "invalid_field", None),
        ("{", "malformed_body", None),
    ],
)
def test_a_bad_wish_is_refused(remote, session_id, body, code, field):
    problem = remote.post(f"service-sessions/{session_id}/stop", body).json()
    assert (problem["code"], problem.get("field")) == (code, field)


def test_a_receiver_that_is_down_leaves_the_session_running(remote, session_id):
    remote.answers("uc3-4/stop", {}, 503)
    response = remote.stop(session_id)
    assert (response.status_code, response.json()["code"]) == (502, "receiver_refused")
    assert stops().get().state == "not_reached"
    assert session().state == "authorised"


def test_a_session_started_locally_can_be_stopped_too(remote):
    from tests.roaming.api.messages import LOCAL_START

    opened = remote.post(
        "service-sessions/local-start", LOCAL_START, remote.cast.visited_cso
    ).json()
    assert remote.stop(opened["service_session_id"]).json()["response"] == "ACCEPTED"

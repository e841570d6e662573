"""UC1-1 in the middle of everything else: a platform changes its credential while it works."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from roaming import models
from roaming.hub_switch import deliver_due
from roaming.use_cases.uc1_01_platform_authentication import issue_registration_token
from tests.cast import Party, make_cast
from tests.fake_party import fake_party
from tests.roaming.api.messages import LOCAL_START, SDR
from tests.roaming.api.visit import COMPLETION, REPORT

KEY = {"Idempotency-Key": '"rotated-in-between"'}
START = "service-sessions/local-start"


def send(party: Party | str, method: str, path: str, body: object, **headers: str) -> object:
    token = party if isinstance(party, str) else party.token
    said = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
    return getattr(Client(), method)(
        f"/api/v1/{path}", **said, headers={"Authorization": f"Bearer {token}", **headers}
    )


def rotate(party: Party, **offer: str) -> str:
    response = send(party, "post", "credentials/rotation", offer)
    assert response.status_code == 201, response.content
    return response.json()["token"]


def the_overlap_ends() -> None:
    models.Credential.objects.exclude(expires_at=None).update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )


def about(visit, what: str) -> str:
    return f"service-sessions/{visit.session_id}/{what}"


# --- While a session runs -------------------------------------------------------------------------
def test_a_session_that_runs_goes_on_under_both_credentials_and_ends_under_the_new(visit):
    cso, path = visit.cast.visited_cso, about(visit, "charging-information")
    new = rotate(cso)
    assert send(cso, "put", path, REPORT).status_code == 200
    later = {**REPORT, "stamped_at": "2026-10-05T10:00:30+02:00", "energy_kwh": "2"}
    assert send(new, "put", path, later).status_code == 200
    the_overlap_ends()
    refused = send(cso, "post", about(visit, "completion"), COMPLETION)
    assert (refused.status_code, refused.json()["code"]) == (401, "not_authenticated")
    assert visit.session.state == "active"
    assert send(new, "post", about(visit, "completion"), COMPLETION).status_code == 200
    assert send(new, "post", "sdrs", SDR).status_code == 201
    assert visit.session.state == "completed"


def test_news_of_the_session_goes_where_the_home_csp_has_moved_meanwhile(visit):
    """With its old secret at the old address before, with the new one at the new address after."""
    csp = visit.cast.home_csp
    visit.csp.answers["/uc3-6/charging-information"] = (503, {})
    visit.report()
    deliver_due()
    with fake_party() as moved:
        rotate(csp, url=moved.url, token="a-new-secret-to-present-there")
        visit.report_at(1, "3")
        deliver_due(timezone.now() + timedelta(hours=1))
        arrived = moved.messages("/uc3-6/charging-information")
        assert [message.body["energy_kwh"] for message in arrived] == ["3"]
        assert arrived[0].headers["Authorization"] == "Bearer a-new-secret-to-present-there"
        assert visit.complete().json()["acknowledged"] is True
        assert len(moved.messages("/uc3-5/completion")) == 1


@pytest.mark.usefixtures("committed_db", "patience")
def test_a_live_question_that_is_under_way_is_answered_to_who_asked(csp_platform):
    """The home-CSP rotates while it is being asked; the visited-CSO while it waits."""
    cast, tokens = make_cast(csp_endpoint=csp_platform.url), {}

    def rotate_both(message: object) -> tuple[int, object]:
        try:
            tokens["csp"], tokens["cso"] = rotate(cast.home_csp), rotate(cast.visited_cso)
        finally:
            connection.close()
        return 200, {"decision": "ACCEPTED", "authorization_reference": "AUTH-2"}

    csp_platform.answers["/uc3-1/local-start"] = rotate_both
    first = send(cast.visited_cso, "post", START, LOCAL_START, **KEY)
    assert (first.status_code, first.json()["decision"]) == (200, "ACCEPTED")
    the_overlap_ends()
    again = send(tokens["cso"], "post", START, LOCAL_START, **KEY)
    assert (again.content, again["Idempotency-Replayed"]) == (first.content, "true")
    assert models.ServiceSession.objects.count() == 1
    assert send(cast.home_csp, "get", "credentials", None).status_code == 401
    assert send(tokens["csp"], "get", "credentials", None).status_code == 200


# --- While a message is repeated ------------------------------------------------------------------
def test_a_repetition_under_the_new_credential_gets_the_first_answer(cast):
    first = send(cast.visited_cso, "post", "sdrs", SDR, **KEY)
    new = rotate(cast.visited_cso)
    the_overlap_ends()
    again = send(new, "post", "sdrs", SDR, **KEY)
    assert (again.status_code, again.content) == (201, first.content)
    assert again["Idempotency-Replayed"] == "true"
    assert send(cast.visited_cso, "post", "sdrs", SDR, **KEY).status_code == 401


def test_an_attempt_that_died_is_taken_over_under_the_new_credential(cast):
    send(cast.visited_cso, "post", "sdrs", SDR, **KEY)
    new = rotate(cast.visited_cso)
    models.GivenAnswer.objects.update(
        status=None, body=b"", leased_until=timezone.now() + timedelta(seconds=30)
    )
    waiting = send(new, "post", "sdrs", SDR, **KEY)
    assert (waiting.status_code, waiting.json()["code"]) == (409, "request_in_progress")
    models.GivenAnswer.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    taken = send(new, "post", "sdrs", SDR, **KEY)
    assert (taken.status_code, taken.json()["known"]) == (200, True)
    assert models.Sdr.objects.count() == 1


def test_whoever_registers_anew_finds_its_messages_answered(cast, settings):
    """Its credential leaked and was revoked; what it had sent before is not done twice."""
    first = send(cast.visited_cso, "post", "sdrs", SDR, **KEY)
    models.Credential.objects.filter(platform=cast.visited_cso.platform).update(
        revoked_at=timezone.now()
    )
    assert send(cast.visited_cso, "post", "sdrs", SDR, **KEY).status_code == 401
    invitation = issue_registration_token(cast.visited_cso.platform, timezone.now())
    registered = send(invitation, "post", "registration", {})
    again = send(registered.json()["token"], "post", "sdrs", SDR, **KEY)
    assert (again.content, again["Idempotency-Replayed"]) == (first.content, "true")


@pytest.mark.parametrize("path", ["sdrs", "credentials/rotation"])
def test_the_key_of_another_platform_is_worth_nothing_after_its_rotation(cast, path):
    body = SDR if path == "sdrs" else {}
    assert send(cast.visited_cso, "post", path, body, **KEY).status_code == 201
    stranger = send(cast.home_csp, "post", path, body, **KEY)
    assert "Idempotency-Replayed" not in stranger

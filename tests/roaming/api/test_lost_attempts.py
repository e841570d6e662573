"""A process dies between its verdict and its answer: the repetition finds what it did."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from roaming import models
from tests.roaming.api.messages import LOCAL_START

START = "/api/v1/service-sessions/local-start"


def start(client, cast, **headers):
    return client.post(
        START, data=LOCAL_START, content_type="application/json",
        headers={**cast.visited_cso.headers, **headers},
    )  # fmt: skip


def lose_the_answer() -> None:
    """As if the process had been killed after the verdict's COMMIT, and the lease had ended."""
    models.GivenAnswer.objects.update(status=None, body=b"", leased_until=timezone.now())


@pytest.mark.parametrize("header", ["X-Message-ID", "Idempotency-Key"])
def test_a_start_opens_no_second_session(client, connected_cast, csp_platform, header):
    csp_platform.accept(contract_id="DE-HOM-C12345678")
    first = start(client, connected_cast, **{header: "m-1"})
    assert first.status_code == 200, first.content
    lose_the_answer()
    again = start(client, connected_cast, **{header: "m-1"})
    assert again.status_code == 200, again.content
    without_ids = [
        {name: value for name, value in json.loads(answer.content).items()
         if name != "correlation_id"}
        for answer in (first, again)
    ]  # fmt: skip
    assert without_ids[0] == without_ids[1]
    assert models.ServiceSession.objects.count() == 1
    assert len(csp_platform.messages("/uc3-1/local-start")) == 1


def test_what_was_erased_meanwhile_is_left_out(client, connected_cast, csp_platform):
    first = start(client, connected_cast, **{"X-Message-ID": "m-1"}).json()
    lose_the_answer()
    models.JournalBody.objects.all().delete()
    again = start(client, connected_cast, **{"X-Message-ID": "m-1"}).json()
    assert again["service_session_id"] == first["service_session_id"]
    assert again["authorization_reference"] == first["authorization_reference"]


def test_a_start_that_was_refused_is_asked_anew(client, connected_cast, csp_platform):
    csp_platform.answers["/uc3-1/local-start"] = (200, {"decision": "REFUSED", "reason": "blocked"})
    start(client, connected_cast, **{"X-Message-ID": "m-1"})
    lose_the_answer()
    csp_platform.accept()
    again = start(client, connected_cast, **{"X-Message-ID": "m-1"})
    assert again.json()["decision"] == "ACCEPTED"


def test_another_message_is_no_repetition(client, connected_cast, csp_platform):
    start(client, connected_cast, **{"X-Message-ID": "m-1"})
    lose_the_answer()
    start(client, connected_cast, **{"X-Message-ID": "m-2"})
    assert models.ServiceSession.objects.count() == 2

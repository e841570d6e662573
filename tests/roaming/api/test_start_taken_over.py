"""UC3-1: a repetition that comes while the first attempt has outlived its lease opens no second
session."""

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from roaming import models
from tests.cast import make_cast
from tests.roaming.api.identifying import CARD_START, LOCAL, post
from tests.roaming.api.messages import LOCAL_START

MESSAGE = {"X-Message-ID": "start-1"}
ASKED = "/uc3-1/local-start"
ACCEPTED = {"decision": "ACCEPTED", "authorization_reference": "AUTH-1"}


@pytest.fixture
def cast(committed_db, csp_platform, settings):
    settings.BROADCAST_BUDGET_S = settings.LIVE_QUESTION_TIMEOUT_S = 30  # nobody is to be too slow
    return make_cast(csp_endpoint=csp_platform.url)


@pytest.fixture
def repeated_meanwhile(cast, csp_platform):
    """While the first attempt waits for the home-CSP its lease ends and the message comes again."""
    answers = []

    def accept(message):
        if len(csp_platform.messages(ASKED)) == 1:
            models.GivenAnswer.objects.update(leased_until=timezone.now())
            answers.append(post(Client(), cast.visited_cso, LOCAL, accept.body, **MESSAGE))
            connections.close_all()
        number = len(csp_platform.messages(ASKED))
        return 200, {**ACCEPTED, "authorization_reference": f"AUTH-{number}"}

    accept.body = LOCAL_START
    accept.answers = answers
    csp_platform.answers[ASKED] = accept
    return accept


def states():
    return sorted(models.ServiceSession.objects.values_list("state", flat=True))


def test_the_attempt_that_lost_its_lease_ends_without_a_session(
    client, cast, csp_platform, repeated_meanwhile
):
    first = post(client, cast.visited_cso, LOCAL, LOCAL_START, **MESSAGE)
    (second,) = repeated_meanwhile.answers
    assert (second.status_code, second.json()["decision"]) == (200, "ACCEPTED")
    assert (first.status_code, first.json()["code"]) == (409, "request_in_progress")
    assert states() == ["authorised", "refused"]
    accepted = models.JournalEntry.objects.filter(phase="verdict", outcome="accepted")
    assert accepted.count() == 1
    # The home-CSP said yes twice and hears that one of them counts for nothing.
    (told,) = models.Delivery.objects.filter(path="uc4-1/withdrawal")
    assert first.json().get("service_session_id") is None
    assert second.json()["service_session_id"] not in told.body
    # Asked a third time the answer is that of the second.
    again = post(client, cast.visited_cso, LOCAL, LOCAL_START, **MESSAGE)
    assert again.json() == second.json()
    assert again["Idempotency-Replayed"] == "true"


def test_nor_does_it_after_a_broadcast(client, cast, csp_platform, repeated_meanwhile):
    repeated_meanwhile.body = CARD_START
    first = post(client, cast.visited_cso, LOCAL, CARD_START, **MESSAGE)
    (second,) = repeated_meanwhile.answers
    assert (second.status_code, second.json()["decision"]) == (200, "ACCEPTED")
    assert (first.status_code, first.json()["code"]) == (409, "request_in_progress")
    assert states() == ["authorised"]
    (told,) = models.Delivery.objects.filter(path="uc4-1/withdrawal")
    assert second.json()["service_session_id"] not in told.body

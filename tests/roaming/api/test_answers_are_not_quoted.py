"""A problem says what is wrong with the other side's answer, and never repeats its words."""

import json

from roaming import models
from tests.roaming.api.remote import REMOTE_START

CARD = "04A2B3C4D5E6F7"


def check_unquoted(response):
    problem = response.json()
    assert (response.status_code, problem["code"]) == (502, "receiver_answered_rubbish")
    assert "$." in problem["detail"]
    assert CARD not in json.dumps(problem)
    assert not models.JournalBody.objects.filter(content__contains=CARD).exists()


def test_of_a_command(remote):
    remote.answers("uc3-2/remote-start", {"response": CARD})
    check_unquoted(remote.post("service-sessions/remote-start", REMOTE_START))


def test_of_wishes(visit):
    visit.cso.answers["/uc3-7/charge-plan-wishes"] = (200, {"decision": CARD})
    models.JournalBody.objects.all().delete()  # what the user presented at the start
    check_unquoted(visit.wish())

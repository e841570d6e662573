"""UC4-1: the home-CSP decides on a user without a start."""

import pytest

from roaming import models
from roaming.hub_switch import deliver_due
from tests.roaming.api.identifying import distribute
from tests.roaming.api.messages import LOCAL_START, changed

QUESTION = changed(LOCAL_START, evse_id=..., connector_id=..., cso_session_id=...)


def ask(client, party, body=QUESTION):
    return client.post(
        "/api/v1/identifications/authorisation",
        data=body,
        content_type="application/json",
        headers=party.headers,
    )


def test_the_home_csp_decides_and_no_session_opens(client, connected_cast, csp_platform):
    response = ask(client, connected_cast.visited_cso)
    assert response.status_code == 200, response.content
    assert response.json()["decision"] == "ACCEPTED"
    assert response.json()["home_csp"] == "DE-HOM"
    assert not models.ServiceSession.objects.exists()
    (asked,) = csp_platform.messages("/uc4-1/authorisation")
    assert asked.body["visited_cso"] == "DE*VIS"
    phases = list(models.JournalEntry.objects.order_by("id").values_list("phase", flat=True))
    assert phases == ["admitted", "verdict"]


def test_a_home_csp_that_cannot_be_asked_is_journalled_once(client, cast):
    response = ask(client, cast.visited_cso)
    assert (response.status_code, response.json()["code"]) == (503, "receiver_not_connected")
    outcomes = list(models.JournalEntry.objects.order_by("id").values_list("outcome", flat=True))
    assert outcomes == ["pending", "failed"]


def test_an_opaque_contract_id_needs_the_home_csp_s_policy(client, connected_cast):
    body = changed(
        QUESTION,
        home_csp="DE-HOM",
        identification={"method": "APP", "contract_id": "customer/4711"},
    )
    assert ask(client, connected_cast.visited_cso, body).json()["code"] == "invalid_identifier"
    models.Operator.objects.update(allows_opaque_contract_ids=True)
    assert ask(client, connected_cast.visited_cso, body).status_code == 200


def test_a_wrong_check_digit_is_refused_only_where_the_policy_is_strict(client, connected_cast):
    body = changed(QUESTION, identification={"method": "APP", "contract_id": "DE-HOM-C12345678-0"})
    assert ask(client, connected_cast.visited_cso, body).status_code == 200
    models.Operator.objects.update(strict_check_digits=True)
    assert ask(client, connected_cast.visited_cso, body).json()["code"] == "invalid_identifier"


def test_always_is_answered_from_the_store_and_the_home_csp_is_told(
    client, connected_cast, csp_platform
):
    distribute(connected_cast.home_csp, whitelist="ALWAYS")
    answer = ask(client, connected_cast.visited_cso).json()
    assert (answer["decision"], answer["authorised"]) == ("ACCEPTED", "OFFLINE")
    assert (answer["offline_reason"], answer["liability"]) == ("whitelist_always", "home_csp")
    assert csp_platform.received == []
    assert not models.ServiceSession.objects.exists()
    deliver_due()
    (told,) = csp_platform.messages("/uc4-1/authorisation")
    assert told.body["decided"]["authorization_reference"] == answer["authorization_reference"]


def test_the_clearing_house_stands_in_for_a_silent_home_csp(client, cast):
    distribute(cast.home_csp, whitelist="ALLOWED_OFFLINE")
    answer = ask(client, cast.visited_cso).json()
    assert (answer["authorised"], answer["offline_reason"]) == ("OFFLINE", "receiver_not_connected")
    assert models.JournalEntry.objects.get(phase="verdict").outcome == "accepted"


def test_what_the_sender_says_beyond_our_vocabulary_goes_on(client, connected_cast, csp_platform):
    identification = {**QUESTION["identification"], "reader": {"bay": 7}}
    ask(client, connected_cast.visited_cso, changed(QUESTION, identification=identification, x=1))
    (asked,) = csp_platform.messages("/uc4-1/authorisation")
    assert asked.body["identification"] == identification
    assert asked.body["x"] == 1
    assert asked.body["question_id"] == str(models.JournalEntry.objects.first().transaction_id)


def test_the_evse_is_named_in_the_journal(client, connected_cast):
    ask(client, connected_cast.visited_cso, changed(QUESTION, evse_id="DE*VIS*E001"))
    assert {e.object_key for e in models.JournalEntry.objects.all()} == {"DEVISE001"}
    problem = ask(client, connected_cast.visited_cso, changed(QUESTION, evse_id="rubbish")).json()
    assert (problem["code"], problem["field"]) == ("invalid_identifier", "evse_id")


@pytest.mark.parametrize("status", ["suspended", "ended"])
def test_an_agreement_that_is_not_active_stops_it(client, connected_cast, csp_platform, status):
    models.Agreement.objects.update(status=status)
    assert ask(client, connected_cast.visited_cso).json()["code"] == f"agreement_{status}"
    assert csp_platform.received == []


def test_only_the_visited_cso_asks(client, connected_cast):
    for party in (connected_cast.home_csp, connected_cast.outsider):
        assert ask(client, party).json()["code"] == "party_not_held"

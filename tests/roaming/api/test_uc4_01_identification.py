"""UC4-1: the home-CSP decides on a user without a start."""

from roaming import models
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

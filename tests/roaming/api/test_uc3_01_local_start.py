"""UC3-1: the user identifies at the EVSE, the home-CSP decides over real HTTP."""

import pytest

from roaming import models
from tests import factories
from tests.roaming.api.messages import LOCAL_START, changed

URL = "/api/v1/service-sessions/local-start"


def post(client, party, body, **headers):
    return client.post(
        URL, data=body, content_type="application/json", headers={**party.headers, **headers}
    )


def test_the_home_csp_is_asked_and_its_yes_opens_a_session(client, connected_cast, csp_platform):
    response = post(client, connected_cast.visited_cso, LOCAL_START)
    assert response.status_code == 200, response.content
    answer = response.json()
    assert answer["decision"] == "ACCEPTED"
    assert answer["authorised"] == "ONLINE"
    session = models.ServiceSession.objects.get(pk=answer["service_session_id"])
    assert session.state == "authorised"
    assert session.agreement == connected_cast.agreement
    assert session.authorization_reference == "AUTH-1"
    (asked,) = csp_platform.messages("/uc3-1/local-start")
    assert asked.body["service_session_id"] == answer["service_session_id"]
    assert asked.body["identification"]["token_uid"] == "04A2B3C4D5E6F7"
    assert asked.headers["Authorization"] == "Bearer outbound"


def test_the_correlation_id_goes_through_to_the_receiver_and_the_journal(
    client, connected_cast, csp_platform
):
    response = post(
        client, connected_cast.visited_cso, LOCAL_START, **{"X-Correlation-ID": "corr-1"}
    )
    assert response["X-Correlation-ID"] == "corr-1"
    assert csp_platform.received[0].headers["X-Correlation-ID"] == "corr-1"
    rows = models.JournalEntry.objects.filter(correlation_id="corr-1").order_by("id")
    assert [row.phase for row in rows] == ["admitted", "verdict"]
    assert rows[1].outcome == "accepted"
    assert rows[1].latency_us > 0


def test_a_refusal_of_the_home_csp_is_a_business_answer(client, connected_cast, csp_platform):
    csp_platform.answers["/uc3-1/local-start"] = (
        200,
        {"decision": "REFUSED", "reason": "blocked"},
    )
    answer = post(client, connected_cast.visited_cso, LOCAL_START).json()
    assert (answer["decision"], answer["reason"]) == ("REFUSED", "blocked")
    assert models.ServiceSession.objects.get().state == "refused"
    assert models.JournalEntry.objects.get(phase="verdict").outcome == "refused"


def test_the_token_stands_in_clear_only_in_erasable_rows(client, connected_cast):
    post(client, connected_cast.visited_cso, LOCAL_START)
    session = models.ServiceSession.objects.get()
    assert session.personal_data.token_uid == "04A2B3C4D5E6F7"
    row = " ".join(str(value) for value in models.ServiceSession.objects.values()[0].values())
    assert "04A2B3C4D5E6F7" not in row
    models.ServiceSessionPersonalData.objects.all().delete()
    models.JournalBody.objects.all().delete()


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"visited_cso": "DE*XXX"}, "party_not_held", "visited_cso"),
        ({"visited_cso": "nonsense"}, "invalid_identifier", "visited_cso"),
        ({"evse_id": "DE*VIS*E999"}, "unknown_evse", "evse_id"),
        ({"evse_id": "rubbish"}, "invalid_identifier", "evse_id"),
        ({"evse_id": ...}, "invalid_field", "evse_id"),
        ({"home_csp": "NL-NOP"}, "unknown_party", "home_csp"),
        ({"home_csp": "FR-OUT"}, "contract_of_other_csp", "home_csp"),
        ({"identification": {"method": "RFID"}}, "invalid_field", "identification"),
        (
            {"identification": {"method": "SMELL", "token_uid": "04A2B3C4"}},
            "invalid_field",
            "identification.method",
        ),
        (
            {"identification": {"method": "APP", "token_uid": "app-user-17"}},
            "home_csp_unknown",
            "home_csp",
        ),
        ({"identification": 5}, "invalid_field", "identification"),
        ({"requested_at": "2026-10-05T10:00:00"}, "time_without_offset", "requested_at"),
        ({"connector_id": "x" * 37}, "invalid_field", "connector_id"),
        ({"connector_id": "\x00"}, "malformed_body", None),
    ],
)
def test_what_cannot_be_routed_is_refused_with_its_code(
    client, connected_cast, csp_platform, fields, code, field
):
    response = post(client, connected_cast.visited_cso, changed(LOCAL_START, **fields))
    problem = response.json()
    assert (problem["code"], problem.get("field")) == (code, field)
    assert response["Content-Type"] == "application/problem+json"
    assert response.status_code == problem["status"]
    assert csp_platform.received == []
    entry = models.JournalEntry.objects.get()
    assert (entry.outcome, entry.refusal_code) == ("refused_by_hub", code)
    assert entry.correlation_id == problem["correlation_id"]


def test_a_token_that_a_home_csp_distributed_finds_it(client, connected_cast):
    from roaming.models.fingerprints import token_fingerprint

    models.Identification.objects.create(
        environment="live",
        home_csp=connected_cast.home_csp.identifier,
        token_hmac=token_fingerprint("04A2B3C4"),
        last_updated=factories.EPOCH,
        received_at=factories.EPOCH,
    )
    body = changed(LOCAL_START, identification={"method": "RFID", "token_uid": "04a2b3c4"})
    answer = post(client, connected_cast.visited_cso, body).json()
    assert answer["home_csp"] == "DE-HOM"


def test_a_suspended_agreement_stops_new_sessions(client, connected_cast, csp_platform):
    models.Agreement.objects.update(status="suspended")
    response = post(client, connected_cast.visited_cso, LOCAL_START)
    assert (response.status_code, response.json()["code"]) == (403, "agreement_suspended")
    assert csp_platform.received == []


def test_an_ended_agreement_stops_new_sessions(client, connected_cast):
    models.Agreement.objects.update(status="ended")
    assert post(client, connected_cast.visited_cso, LOCAL_START).json()["code"] == (
        "agreement_ended"
    )


def test_a_service_that_was_not_agreed_is_refused(client, connected_cast):
    from roaming.domain.agreement import Service

    operator = connected_cast.outsider.operator
    factories.make_agreement(
        connected_cast.visited_cso.operator, operator, services=(Service.REMOTE_START,)
    )
    response = post(
        client, connected_cast.visited_cso, changed(
            LOCAL_START, home_csp="FR-OUT",
            identification={"method": "RFID", "token_uid": "04A2B3C4"},
        ),
    )  # fmt: skip
    assert response.json()["code"] == "service_not_covered"


def test_a_receiver_that_is_down_is_named_as_such(client, cast):
    response = post(client, cast.visited_cso, LOCAL_START)
    assert (response.status_code, response.json()["code"]) == (503, "receiver_not_connected")
    assert models.ServiceSession.objects.get().refusal_reason == "receiver_not_connected"
    assert models.JournalEntry.objects.get(phase="verdict").outcome == "failed"


def test_a_receiver_that_is_slow_times_out(client, connected_cast, csp_platform):
    csp_platform.delay_s = 1.5
    response = post(client, connected_cast.visited_cso, LOCAL_START)
    assert (response.status_code, response.json()["code"]) == (504, "receiver_timed_out")


@pytest.mark.parametrize(
    "answer",
    [b"not json", b"{}", b'{"decision": "MAYBE"}', b"[]", b"\xff\xfe", b'{"decision": "ACCEPTED", '
     b'"authorization_reference": "' + b"x" * 40 + b'"}'],
)  # fmt: skip
def test_a_receiver_that_answers_rubbish_is_named_as_such(
    client, connected_cast, csp_platform, answer
):
    csp_platform.answers["/uc3-1/local-start"] = (200, answer)
    response = post(client, connected_cast.visited_cso, LOCAL_START)
    assert (response.status_code, response.json()["code"]) == (502, "receiver_answered_rubbish")
    assert models.ServiceSession.objects.get().state == "refused"


@pytest.mark.parametrize("status", [302, 400, 500])
def test_a_receiver_that_refuses_or_redirects_is_not_followed(
    client, connected_cast, csp_platform, status
):
    csp_platform.answers["/uc3-1/local-start"] = (status, {})
    response = post(client, connected_cast.visited_cso, LOCAL_START)
    assert (response.status_code, response.json()["code"]) == (502, "receiver_refused")


def test_a_home_csp_cannot_send_the_cso_s_message(client, connected_cast):
    response = post(client, connected_cast.home_csp, LOCAL_START)
    assert (response.status_code, response.json()["code"]) == (403, "party_not_held")


def test_a_suspended_platform_starts_nothing(client, connected_cast):
    models.Platform.objects.update(status="suspended")
    response = post(client, connected_cast.visited_cso, LOCAL_START)
    assert (response.status_code, response.json()["code"]) == (403, "platform_suspended")

"""UC3-3: the vehicle's contract certificate names the home-CSP, who decides over real HTTP."""

import pytest

from roaming import models
from roaming.domain.agreement import Service
from roaming.hub_switch import deliver_due
from tests import factories
from tests.cast import make_party
from tests.roaming.api.identifying import PNC, PNC_START, distribute, post, stage
from tests.roaming.api.messages import SDR, changed

ASKED = "/uc3-3/plug-and-charge-start"


@pytest.fixture
def one(db):
    with stage(1) as one:
        one[0].accept("AUTH-1")
        yield one


def start(client, one, body=PNC_START):
    return post(client, one.cast.visited_cso, PNC, body)


def test_the_home_csp_of_the_ema_id_decides_and_a_session_opens(client, one):
    response = start(client, one)
    assert response.status_code == 200, response.content
    answer = response.json()
    assert (answer["decision"], answer["home_csp"], answer["authorised"]) == (
        "ACCEPTED", "DE-HOM", "ONLINE",
    )  # fmt: skip
    session = models.ServiceSession.objects.get(pk=answer["service_session_id"])
    assert (session.state, session.opened_by) == ("authorised", "UC3-3")
    assert session.identification_method == "PNC"
    assert session.authorization_reference == "AUTH-1"
    assert session.personal_data.contract_id == "DE-HOM-C12345678"
    assert session.contract_hmac is not None
    phases = models.JournalEntry.objects.order_by("id").values_list("phase", "use_case")
    assert list(phases) == [("admitted", "UC3-3"), ("verdict", "UC3-3")]


def test_what_is_known_of_the_certificate_goes_on_as_it_was_sent(client, one):
    certificate = {"certificate_hash_data": [{"serial_number": "3A7F"}],
                   "certificate_status": "good", "root": {"name": "V2G root"}}  # fmt: skip
    start(client, one, changed(PNC_START, **certificate))
    (asked,) = one[0].platform.messages(ASKED)
    assert {name: asked.body[name] for name in certificate} == certificate
    assert asked.body["identification"] == {
        "method": "PNC", "token_uid": "DE-HOM-C12345678", "contract_id": "DE-HOM-C12345678",
        "authorised": "",
    }  # fmt: skip
    assert "emaid" not in asked.body


def test_nobody_can_smuggle_in_what_the_clearing_house_alone_says(client, one):
    start(client, one, changed(PNC_START, decided={"decision": "ACCEPTED"}, broadcast=True))
    (asked,) = one[0].platform.messages(ASKED)
    assert not {"decided", "broadcast"} & set(asked.body)


def test_a_refusal_is_a_business_answer(client, one):
    one[0].refuse("blocked")
    answer = start(client, one).json()
    assert (answer["decision"], answer["reason"]) == ("REFUSED", "blocked")
    assert models.ServiceSession.objects.get().state == "refused"


@pytest.mark.parametrize("sent", ["DEHOMC12345678", "DE-HOM-C12345678-X", "de-hom-c12345678"])
def test_the_ema_id_is_one_token_however_it_is_written(client, one, sent):
    distribute(one[0].party, "DEHOMC12345678", kind="EMAID", whitelist="ALWAYS")
    answer = start(client, one, changed(PNC_START, emaid=sent)).json()
    assert (answer["authorised"], answer["offline_reason"]) == ("OFFLINE", "whitelist_always")
    deliver_due()
    (told,) = one[0].platform.messages(ASKED)
    assert told.body["decided"]["authorised"] == "OFFLINE"
    assert told.body["identification"]["contract_id"] == sent


def test_its_sdr_is_of_the_same_token(client, one):
    session_id = start(client, one).json()["service_session_id"]
    for number, identification in enumerate(
        (
            {"method": "PNC", "token_uid": "DEHOMC12345678"},
            {"method": "PNC", "contract_id": "DE-HOM-C12345678-X"},
        )
    ):
        sdr = changed(
            SDR, id=f"SDR-{number}", service_session_id=session_id, identification=identification
        )
        assert post(client, one.cast.visited_cso, "/api/v1/sdrs", sdr).status_code == 201
    session = models.ServiceSession.objects.get()
    tokens = {bytes(sdr.token_hmac) for sdr in models.Sdr.objects.all()}
    assert tokens == {bytes(session.token_hmac)}


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"emaid": "NL-NOP-C12345678"}, "unknown_party", "home_csp"),
        ({"emaid": ""}, "invalid_field", "emaid"),
        ({"emaid": "Ü" * 14}, "invalid_identifier", "emaid"),
        ({"emaid": "customer/4711"}, "home_csp_unknown", "home_csp"),
        ({"emaid": "customer/4711", "home_csp": "DE-HOM"}, "invalid_identifier", "emaid"),
        ({"emaid": ...}, "invalid_field", None),
        ({"emaid": 5}, "invalid_field", "emaid"),
        ({"evse_id": ""}, "invalid_field", "evse_id"),
        ({"evse_id": "DE*VIS*E999"}, "unknown_evse", "evse_id"),
        ({"home_csp": "FR-OUT"}, "contract_of_other_csp", "home_csp"),
        ({"visited_cso": "DE*XXX"}, "party_not_held", "visited_cso"),
        ({"requested_at": "2026-10-05T10:00:00"}, "time_without_offset", "requested_at"),
        ({"requested_at": "0001-01-01T00:00:00Z"}, "invalid_field", "requested_at"),
        ({"cso_session_id": "x" * 65}, "invalid_field", "cso_session_id"),
    ],
)
def test_what_cannot_be_routed_is_refused_with_its_code(client, one, fields, code, field):
    response = start(client, one, changed(PNC_START, **fields))
    problem = response.json()
    assert (problem["code"], problem.get("field")) == (code, field)
    assert one[0].platform.received == []
    entry = models.JournalEntry.objects.get()
    assert (entry.outcome, entry.refusal_code) == ("refused_by_hub", code)


def test_a_wrong_check_digit_is_refused_only_where_the_policy_is_strict(client, one):
    body = changed(PNC_START, emaid="DE-HOM-C12345678-0")
    assert start(client, one, body).status_code == 200
    models.Operator.objects.update(strict_check_digits=True)
    problem = start(client, one, body).json()
    assert (problem["code"], problem["field"]) == ("invalid_identifier", "emaid")


def test_plug_and_charge_has_to_be_agreed_on(client, one):
    other = make_party("No PnC", "CSP", "NL-SEC", endpoint=one[0].platform.url)
    services = tuple(s for s in Service if s is not Service.PLUG_AND_CHARGE)
    factories.make_agreement(one.cast.visited_cso.operator, other.operator, services=services)
    body = changed(PNC_START, emaid="NL-SEC-C12345678")
    assert start(client, one, body).json()["code"] == "service_not_covered"


@pytest.mark.parametrize("status", ["suspended", "ended"])
def test_an_agreement_that_is_not_active_stops_new_sessions(client, one, status):
    models.Agreement.objects.update(status=status)
    assert start(client, one).json()["code"] == f"agreement_{status}"
    assert one[0].platform.received == []


def test_a_suspended_platform_starts_nothing(client, one):
    models.Platform.objects.update(status="suspended")
    assert start(client, one).json()["code"] == "platform_suspended"


def test_a_home_csp_cannot_send_the_cso_s_message(client, one):
    assert post(client, one.cast.home_csp, PNC, PNC_START).json()["code"] == "party_not_held"


def test_who_presents_no_token_is_not_authenticated(client, one):
    response = client.post(PNC, data=PNC_START, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


def test_a_home_csp_that_is_down_is_named_as_such(client, one):
    models.RoamingEndpoint.objects.update(url="http://127.0.0.1:1/")
    response = start(client, one)
    assert (response.status_code, response.json()["code"]) == (503, "receiver_not_connected")
    assert models.ServiceSession.objects.get().refusal_reason == "receiver_not_connected"

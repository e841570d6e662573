"""Every rule of the door has an SDR that makes it fire, and one that comes near and does not."""

import json

import pytest

from roaming import models
from roaming.hub_switch import deliver_due
from roaming.models.clock import set_business_clock
from settlement.domain.reconciliation.rules import AT_THE_DOOR
from tests import factories
from tests.roaming.api.messages import SDR, changed


@pytest.fixture(autouse=True)
def business_time(db, now):
    from datetime import timedelta

    later = now + timedelta(days=1)
    set_business_clock(later, speed=0, ceiling=later)


def send(client, party, body):
    return client.post(
        "/api/v1/sdrs", data=body, content_type="application/json", headers=party.headers
    )


START, END = SDR["start_date_time"], SDR["end_date_time"]
EXAMPLES = {
    "DAT-01": ({"currency": ...}, {"tariff_id": ...}),
    "DAT-03": ({"cso_session_id": "x" * 65}, {"cso_session_id": "x" * 64}),
    "DAT-04": ({"time_zone": "Mars/Olympus"}, {"time_zone": "Europe/Paris"}),
    "TIM-01": ({"start_date_time": END, "end_date_time": START}, {"end_date_time": START}),
    "TIM-02": ({"end_date_time": "2097-01-01T00:00:00Z"}, {}),
    "TIM-03": ({"start_date_time": START[:19]}, {"start_date_time": START}),
    "TIM-04": ({"start_date_time": "1970-01-01T00:00:00Z"}, {}),
    "QTY-01": ({"total_energy": -1}, {"total_energy": 0}),
    "QTY-05": ({"evse_id": "??"}, {"evse_id": "devise001"}),
    "AUT-02": ({"service_session_id": "mine"}, {"service_session_id": ...}),
    "AUT-06": (
        {"identification": {"contract_id": "FR-OUT-C12345678"}},
        {"identification": {"contract_id": "DE-HOM-C12345678"}},
    ),
    "AGR-03": ({"home_csp": "FR-NIX"}, {}),
}


def rules_after(client, cast, changes):
    answer = send(client, cast.visited_cso, changed(SDR, **changes)).json()
    return {finding["rule"]: finding["severity"] for finding in answer["findings"]}


def test_every_rule_of_the_door_has_its_examples():
    told_elsewhere = {"DUP-01"}
    assert set(EXAMPLES) == {rule.id for rule in AT_THE_DOOR} - told_elsewhere


@pytest.mark.parametrize("rule", sorted(EXAMPLES))
def test_it_fires(client, connected_cast, rule):
    assert rule in rules_after(client, connected_cast, EXAMPLES[rule][0])


@pytest.mark.parametrize("rule", sorted(EXAMPLES))
def test_it_keeps_silent(client, connected_cast, rule):
    assert rule not in rules_after(client, connected_cast, EXAMPLES[rule][1])


def test_the_contract_of_somebody_unknown_is_a_milder_finding(client, connected_cast):
    changes = {"identification": {"contract_id": "NL-XXX-C12345678"}}
    assert rules_after(client, connected_cast, changes)["AUT-06"] == "warning"


def test_a_contract_under_another_name_of_the_same_csp_is_right(client, connected_cast):
    factories.IdentifierFactory(
        operator=connected_cast.home_csp.operator, role="CSP", identifier="DE-SIS"
    )
    changes = {"identification": {"contract_id": "DE-SIS-C12345678"}}
    assert "AUT-06" not in rules_after(client, connected_cast, changes)


def test_a_refused_attempt_under_a_known_id_is_seen_by_both(client, connected_cast):
    sdr_id = send(client, connected_cast.visited_cso, SDR).json()["sdr_id"]
    other = changed(SDR, total_energy=21)
    for _ in range(2):
        assert send(client, connected_cast.visited_cso, other).status_code == 409
    for party in (connected_cast.visited_cso, connected_cast.home_csp):
        answer = client.get(f"/api/v1/sdrs/{sdr_id}", headers=party.headers).json()
        (finding,) = answer["findings"]
        assert (finding["rule"], finding["severity"]) == ("DUP-01", "warning")
        assert "21 kWh" in finding["claimed"]
    assert models.Sdr.objects.get().energy_kwh == 20
    assert models.SdrState.objects.get().state == "validated"


def test_the_same_content_again_is_no_attempt(client, connected_cast):
    for _ in range(2):
        send(client, connected_cast.visited_cso, SDR)
    assert not models.Finding.objects.exists()


OCMF = 'OCMF|{"RD":[{"RV":100.5,"RU":"kWh"},{"RV":120.5,"RU":"kWh"}]}|{"SD":"88\\u0061"}'
SIGNED = (
    '{ "encoding_method" :"OCMF",\t"signed_values":\n [{"nature":"\\u0045nd" ,"plain_data":"",'
    f'"signed_data": {json.dumps(OCMF)}}}],  "of_the_maker": 1.50 }}'
)


def test_signed_meter_data_is_kept_and_passed_on_byte_by_byte(client, connected_cast, csp_platform):
    body = json.dumps(SDR)[:-1] + f', "signed_data": {SIGNED}}}'
    sdr_id = send(client, connected_cast.visited_cso, body).json()["sdr_id"]
    assert models.SdrOriginal.objects.get(sdr=sdr_id).content == body
    delivery = models.Delivery.objects.get()
    assert SIGNED in delivery.body
    assert deliver_due() == 1
    (message,) = csp_platform.messages("/uc3-9/sdrs")
    assert message.body["sdrs"][0]["sdr"]["signed_data"] == json.loads(SIGNED)
    asked = client.get(f"/api/v1/sdrs/{sdr_id}", headers=connected_cast.home_csp.headers)
    assert SIGNED in asked.content.decode()
    seen = json.loads(models.Sdr.objects.get().rated_part)["meter_data"]
    assert seen == {"method": "OCMF", "energy_kwh": "20.0"}

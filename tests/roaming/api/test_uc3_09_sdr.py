"""UC3-9: SDRs one by one and in bulk; refused, rejected, known, delivered, seen."""

import json

import pytest

from roaming import models
from roaming.hub_switch import deliver_due
from tests.roaming.api.messages import SDR, changed


@pytest.fixture(autouse=True)
def business_time(db, now, settings):
    from datetime import timedelta

    from roaming.models.clock import set_business_clock

    later = now + timedelta(days=1)
    set_business_clock(later, speed=0, ceiling=later)


def send(client, party, body, content_type="application/json"):
    return client.post("/api/v1/sdrs", data=body, content_type=content_type, headers=party.headers)


def send_bulk(client, party, body, content_type="application/json"):
    return client.post(
        "/api/v1/sdrs/bulk", data=body, content_type=content_type, headers=party.headers
    )


def test_an_sdr_is_stored_answered_and_delivered(client, connected_cast, csp_platform):
    response = send(client, connected_cast.visited_cso, SDR)
    assert response.status_code == 201, response.content
    answer = response.json()
    assert (answer["state"], answer["findings"], answer["known"]) == ("validated", [], False)
    sdr = models.Sdr.objects.get(pk=answer["sdr_id"])
    assert sdr.agreement == connected_cast.agreement
    assert (sdr.claim_before_tax, sdr.energy_kwh) == (5, 20)
    assert json.loads(sdr.original.content) == SDR
    assert sdr.events.get().to_state == sdr.standing.state == "validated"
    assert models.JournalEntry.objects.get(object_key="SDR-1").outcome == "accepted"
    assert deliver_due() == 1
    (message,) = csp_platform.messages("/uc3-9/sdrs")
    assert message.body["sdrs"][0]["sdr"] == SDR


def test_the_same_content_again_gets_the_same_answer(client, connected_cast):
    first = send(client, connected_cast.visited_cso, SDR).json()
    response = send(client, connected_cast.visited_cso, SDR)
    assert response.status_code == 200
    assert response.json() == first | {"known": True}
    spaced = json.dumps(dict(reversed(SDR.items())), indent=3)
    assert send(client, connected_cast.visited_cso, spaced).json() == first | {"known": True}
    assert models.Sdr.objects.count() == models.Delivery.objects.count() == 1


def test_other_content_under_the_same_id_is_refused(client, connected_cast):
    send(client, connected_cast.visited_cso, SDR)
    response = send(client, connected_cast.visited_cso, changed(SDR, total_energy=21))
    problem = response.json()
    assert (response.status_code, problem["code"], problem["field"]) == (
        409,
        "duplicate_with_other_content",
        "id",
    )
    assert models.Sdr.objects.get().energy_kwh == 20


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"id": ...}, "invalid_field", None),
        ({"id": ""}, "invalid_field", "id"),
        ({"id": "x" * 65}, "invalid_field", "id"),
        ({"visited_cso": "DE*XXX"}, "party_not_held", "visited_cso"),
        ({"visited_cso": "?"}, "invalid_identifier", "visited_cso"),
        ({"home_csp": "?"}, "invalid_identifier", "home_csp"),
        ({"home_csp": ...}, "invalid_field", None),
        ({"total_energy": "NaN"}, "invalid_field", "total_energy"),
        ({"total_energy": "1e900"}, "invalid_field", "total_energy"),
        ({"total_energy": "1" * 40}, "invalid_field", "total_energy"),
        ({"total_cost": {"excl_vat": "Infinity"}}, "invalid_field", "total_cost.excl_vat"),
        ({"start_date_time": "yesterday"}, "invalid_field", "start_date_time"),
        ({"evse_id": 7}, "invalid_field", "evse_id"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_field(client, connected_cast, fields, code, field):
    response = send(client, connected_cast.visited_cso, changed(SDR, **fields))
    problem = response.json()
    assert (problem["code"], problem.get("field")) == (code, field), problem
    assert not models.Sdr.objects.exists()


@pytest.mark.parametrize(
    ("fields", "rule", "state"),
    [
        ({"end_date_time": "2026-10-05T09:00:00+02:00"}, "TIM-01", "rejected"),
        ({"end_date_time": "2027-10-05T09:00:00+02:00"}, "TIM-02", "rejected"),
        ({"start_date_time": "2026-10-05T10:00:00"}, "TIM-03", "validated"),
        ({"start_date_time": "0001-01-01T00:00:00+14:00"}, "TIM-04", "rejected"),
        ({"end_date_time": "9999-12-31T23:59:59-12:00"}, "TIM-04", "rejected"),
        ({"total_energy": -1}, "QTY-01", "rejected"),
        ({"total_energy": ...}, "DAT-01", "rejected"),
        ({"total_cost": {}}, "DAT-01", "rejected"),
        ({"charging_periods": ...}, "DAT-01", "rejected"),
        ({"charging_periods": None}, "DAT-01", "rejected"),
        ({"currency": "EURO"}, "DAT-03", "rejected"),
        ({"connector_id": "x" * 50}, "DAT-03", "validated"),
        ({"identification": {"method": "AUTH_REQUEST"}}, "DAT-03", "validated"),
        ({"home_csp": "NL-NOP"}, "AGR-03", "rejected"),
        ({"home_csp": "FR-OUT"}, "AGR-01", "rejected"),
        ({"start_date_time": "2020-10-05T10:00:00+02:00"}, "AGR-01", "rejected"),
        ({"service_session_id": "not-ours"}, "AUT-02", "validated"),
        ({"evse_id": "rubbish"}, "QTY-05", "validated"),
    ],
)
def test_a_content_error_is_a_finding_and_the_sdr_is_kept(
    client, connected_cast, fields, rule, state
):
    response = send(client, connected_cast.visited_cso, changed(SDR, **fields))
    assert response.status_code == 201, response.content
    answer = response.json()
    assert rule in [finding["rule"] for finding in answer["findings"]]
    assert answer["state"] == state
    assert models.Finding.objects.filter(rule=rule, sdr=answer["sdr_id"]).exists()


def test_a_naive_time_is_read_in_the_zone_of_the_sdr(client, connected_cast):
    send(client, connected_cast.visited_cso, changed(SDR, start_date_time="2026-10-05T10:00:00"))
    assert models.Sdr.objects.get().started_at.isoformat() == "2026-10-05T08:00:00+00:00"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "malformed_body"),
        (b" ", "malformed_body"),
        (b"\xff\xfe", "malformed_body"),
        (b'{"x": ' + b"[" * 100_000, "malformed_body"),
        (b'{"id": NaN}', "malformed_body"),
        (b"[]", "invalid_field"),
        (json.dumps(SDR | {"cso_session_id": "\x00"}).encode(), "malformed_body"),
        (b" " * 1_000_001, "body_too_large"),
    ],
)
def test_a_malformed_body_is_refused(client, connected_cast, body, code):
    response = send(client, connected_cast.visited_cso, body)
    assert response.json()["code"] == code
    assert response.status_code in (400, 413, 422)


def test_an_unsupported_content_type_is_refused(client, connected_cast):
    response = send(client, connected_cast.visited_cso, b"<sdr/>", "application/xml")
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


def test_unknown_extra_fields_are_kept(client, connected_cast):
    send(client, connected_cast.visited_cso, changed(SDR, remark={"a": [1.10]}))
    assert '"remark"' in models.SdrOriginal.objects.get().content


def test_a_bulk_call_keeps_the_good_and_reports_the_bad_by_index(client, connected_cast):
    lines = [
        changed(SDR, id="A"),
        changed(SDR, id="B", visited_cso="DE*XXX"),
        changed(SDR, id="C", total_energy=-1),
        changed(SDR, id="A"),
        changed(SDR, id="A", total_energy=1),
        {"id": "D"},
    ]
    response = send_bulk(client, connected_cast.visited_cso, lines)
    assert response.status_code == 200, response.content
    answer = response.json()
    assert (answer["accepted"], answer["refused"]) == (3, 3)
    codes = [line["refusal"] and line["refusal"]["code"] for line in answer["results"]]
    assert codes == [
        None, "party_not_held", None, None, "duplicate_with_other_content", "invalid_field",
    ]  # fmt: skip
    assert [line["index"] for line in answer["results"]] == list(range(6))
    assert answer["results"][3]["known"] is True
    assert answer["results"][3]["sdr_id"] == answer["results"][0]["sdr_id"]
    assert answer["results"][2]["state"] == "rejected"
    assert set(models.Sdr.objects.values_list("reference", flat=True)) == {"A", "C"}
    assert models.JournalEntry.objects.count() == 6


def test_ndjson_is_read_line_by_line(client, connected_cast):
    lines = [json.dumps(changed(SDR, id="A")), "{broken", json.dumps(changed(SDR, id="B"))]
    body = "\n".join(lines) + "\n"
    answer = send_bulk(client, connected_cast.visited_cso, body, "application/x-ndjson").json()
    assert [line["accepted"] for line in answer["results"]] == [True, False, True]
    assert answer["results"][1]["refusal"]["code"] == "malformed_body"


def test_a_record_that_is_no_json_ends_an_array_but_only_its_line_of_ndjson(client, connected_cast):
    lines = [json.dumps(changed(SDR, id="A")), '{"id": "B", ', json.dumps(changed(SDR, id="C"))]
    cso = connected_cast.visited_cso

    def send(body, content_type):
        return client.post(
            "/api/v1/sdrs/bulk", data=body, content_type=content_type, headers=cso.headers
        )

    array = send("[" + ",".join(lines) + "]", "application/json")
    assert (array.status_code, array.json()["code"]) == (400, "malformed_body")
    assert models.Sdr.objects.count() == 0
    answer = send("\n".join(lines), "application/x-ndjson").json()
    assert [line["accepted"] for line in answer["results"]] == [True, False, True]
    assert answer["results"][1]["refusal"]["code"] == "malformed_body"


def test_the_documentation_of_bulk_calls_says_which_form_keeps_good_lines(client, db):
    schema = client.get("/api/schema?format=json").json()
    description = schema["paths"]["/api/v1/sdrs/bulk"]["post"]["description"]
    assert "NDJSON" in description
    assert "malformed_body" in description


def test_more_than_ten_thousand_are_refused_as_a_whole(client, connected_cast):
    body = b"{}\n" * 10_001
    response = send_bulk(client, connected_cast.visited_cso, body, "application/x-ndjson")
    assert (response.status_code, response.json()["code"]) == (413, "too_many_records")


def test_an_empty_bulk_call_is_answered(client, connected_cast):
    answer = send_bulk(client, connected_cast.visited_cso, []).json()
    assert answer == {"accepted": 0, "refused": 0, "results": []}


def test_an_sdr_is_seen_by_its_two_parties_alone(client, connected_cast):
    sdr_id = send(client, connected_cast.visited_cso, SDR).json()["sdr_id"]

    def seen(party):
        one = client.get(f"/api/v1/sdrs/{sdr_id}", headers=party.headers)
        many = client.get("/api/v1/sdrs", headers=party.headers).json()["results"]
        return one.status_code, len(many)

    assert seen(connected_cast.visited_cso) == (200, 1)
    assert seen(connected_cast.home_csp) == (200, 1)
    assert seen(connected_cast.outsider) == (404, 0)


def test_the_list_gives_the_record_back_as_it_was_sent(client, connected_cast):
    send(client, connected_cast.visited_cso, SDR)
    (row,) = client.get(
        "/api/v1/sdrs?state=validated", headers=connected_cast.home_csp.headers
    ).json()["results"]
    assert row["sdr"] == SDR
    assert (
        client.get("/api/v1/sdrs?state=rejected", headers=connected_cast.home_csp.headers).json()[
            "results"
        ]
        == []
    )


def test_a_home_csp_cannot_send_an_sdr(client, connected_cast):
    assert send(client, connected_cast.home_csp, SDR).json()["code"] == "party_not_held"


def test_an_unknown_address_and_method_are_problems_too(client, connected_cast):
    response = client.get("/api/v1/nowhere", headers=connected_cast.home_csp.headers)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    response = client.patch("/api/v1/sdrs", headers=connected_cast.home_csp.headers)
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")

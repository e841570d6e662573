"""Messages that broke something once: each is refused or kept, and nobody else is harmed."""

import json

import pytest

from roaming import models
from roaming.hub_switch import deliver_due
from tests.cast import make_party
from tests.fake_party import fake_party
from tests.roaming.api.messages import LOCAL_START, SDR, SITE, TARIFF, changed


@pytest.fixture(autouse=True)
def business_time(db, now):
    from datetime import timedelta

    from roaming.models.clock import set_business_clock

    later = now + timedelta(days=1)
    set_business_clock(later, speed=0, ceiling=later)


def call(client, party, method, address, body):
    send = getattr(client, method)
    return send(address, data=body, content_type="application/json", headers=party.headers)


IMPOSSIBLE = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"]


@pytest.mark.parametrize("moment", IMPOSSIBLE)
def test_an_impossible_time_never_reaches_the_lists_of_others(client, connected_cast, moment):
    cso = connected_cast.visited_cso
    for method, address, body, field in (
        ("put", "/api/v1/tariffs/T1", changed(TARIFF, valid_from=moment), "valid_from"),
        ("put", "/api/v1/tariffs/T1", changed(TARIFF, valid_to=moment), "valid_to"),
        ("put", "/api/v1/sites/LOC1", changed(SITE, last_updated=moment), "last_updated"),
    ):
        problem = call(client, cso, method, address, body).json()
        assert (problem["code"], problem["field"]) == ("invalid_field", field)
    for kind in ("tariffs", "sites", "sdrs"):
        assert (
            client.get(f"/api/v1/{kind}", headers=connected_cast.home_csp.headers).status_code
            == 200
        )


def test_a_site_from_the_future_does_not_freeze_the_site(client, connected_cast):
    body = changed(SITE, last_updated="2999-01-01T00:00:00Z")
    problem = call(client, connected_cast.visited_cso, "put", "/api/v1/sites/LOC1", body).json()
    assert problem["code"] == "invalid_field"


def test_a_large_claim_is_listed_with_all_its_digits(client, connected_cast):
    claim = "9" * 28
    body = changed(SDR, total_energy=-1, total_cost={"excl_vat": claim})
    assert call(client, connected_cast.visited_cso, "post", "/api/v1/sdrs", body).status_code == 201
    for party in (connected_cast.visited_cso, connected_cast.home_csp):
        (row,) = client.get("/api/v1/sdrs", headers=party.headers).json()["results"]
        assert row["findings"][0]["money_at_stake"] == claim


@pytest.mark.parametrize(
    ("method", "address", "body"),
    [
        ("put", "/api/v1/sites/LOC1", SITE),
        ("put", "/api/v1/tariffs/T1", TARIFF),
        ("post", "/api/v1/sdrs", SDR),
        ("post", "/api/v1/service-sessions/local-start", LOCAL_START),
        ("post", "/api/v1/identifications/authorisation", LOCAL_START),
    ],
)
@pytest.mark.parametrize(
    "extra", [b'"\xff"', b'"a\\u0000"', b"[" * 200 + b"]" * 200], ids=["utf8", "nul", "deep"]
)
def test_rubbish_in_an_unknown_field_is_malformed(
    client, connected_cast, method, address, body, extra
):
    raw = json.dumps(body).encode()[:-1] + b', "x": ' + extra + b"}"
    response = call(client, connected_cast.visited_cso, method, address, raw)
    assert (response.status_code, response.json()["code"]) == (400, "malformed_body")


def test_brackets_inside_texts_are_no_nesting(client, connected_cast):
    body = changed(SDR, remark="[{" * 500 + '\\"[')
    assert call(client, connected_cast.visited_cso, "post", "/api/v1/sdrs", body).status_code == 201


@pytest.mark.parametrize("content_type", ["application/json", "application/x-ndjson"])
@pytest.mark.parametrize("bad", [b'{"id": "B\xff"}', b'{"id": "B\\u0000"}'])
def test_one_rubbish_record_does_not_sink_a_bulk_call(client, connected_cast, content_type, bad):
    records = [json.dumps(changed(SDR, id="A")).encode(), bad]
    if content_type == "application/json":
        body = b"[" + b",".join(records) + b"]"
    else:
        body = b"\n".join(records)
    response = client.post(
        "/api/v1/sdrs/bulk", data=body, content_type=content_type,
        headers=connected_cast.visited_cso.headers,
    )  # fmt: skip
    lines = response.json()["results"]
    assert [line["accepted"] for line in lines] == [True, False]
    assert models.Sdr.objects.get().reference == "A"


@pytest.mark.parametrize("amount", ["sNaN", "NaN", "Infinity", "1e500000"])
def test_taxes_that_are_no_numbers_are_refused(client, connected_cast, amount):
    body = changed(SDR, total_cost={"before_taxes": "5.00", "taxes": [{"amount": amount}]})
    problem = call(client, connected_cast.visited_cso, "post", "/api/v1/sdrs", body).json()
    assert problem["field"].startswith("total_cost")


def test_taxes_are_added_exactly(client, connected_cast):
    raw = json.dumps(changed(SDR, total_cost="?")).replace(
        '"?"', '{"before_taxes": 5, "taxes": [{"amount": 0.12345678901234567891}]}'
    )
    call(client, connected_cast.visited_cso, "post", "/api/v1/sdrs", raw)
    assert str(models.Sdr.objects.get().claim_after_tax) == "5.12345678901234567891"


@pytest.mark.parametrize("extra", ["1" * 5000, "1e99999999999999999999"])
def test_a_retry_with_odd_numbers_still_gets_the_same_answer(client, connected_cast, extra):
    raw = json.dumps(SDR)[:-1] + f', "x": {extra}}}'
    cso = connected_cast.visited_cso
    first = call(client, cso, "post", "/api/v1/sdrs", raw)
    again = call(client, cso, "post", "/api/v1/sdrs", raw.replace(", ", ",  "))
    assert (first.status_code, again.status_code) == (201, 200)


def test_a_duplicate_within_a_call_gets_the_findings_too(client, connected_cast):
    record = changed(SDR, total_energy=-1)
    answer = call(
        client, connected_cast.visited_cso, "post", "/api/v1/sdrs/bulk", [record, record]
    ).json()
    first, second = answer["results"]
    assert second["findings"] == first["findings"] != []


def test_a_nul_in_a_receiver_s_answer_harms_nobody(client, connected_cast, csp_platform):
    csp_platform.answers["/uc1-2/sites"] = (200, b"ok\x00")
    call(client, connected_cast.visited_cso, "put", "/api/v1/sites/LOC1", SITE)
    assert deliver_due() == 1
    assert models.Delivery.objects.get().state == "delivered"


def test_a_decision_as_deep_as_a_tower_is_rubbish(client, connected_cast, csp_platform):
    tower = b'{"decision": "ACCEPTED", "x": ' + b"[" * 5000 + b"]" * 5000 + b"}"
    csp_platform.answers["/uc3-1/local-start"] = (200, tower)
    cso = connected_cast.visited_cso
    response = call(client, cso, "post", "/api/v1/service-sessions/local-start", LOCAL_START)
    assert response.json()["code"] == "receiver_answered_rubbish"
    assert models.ServiceSession.objects.get().state == "refused"


@pytest.mark.parametrize(
    "connectors",
    [
        [{"id": "1", "max_electric_power": -1}],
        [{"id": "1", "max_electric_power": 10**12}],
        [{"id": "1"}, {"id": "1"}],
        [{"id": ""}],
        [{"id": "1", "standard": "x" * 41}],
    ],
)
def test_a_site_with_impossible_connectors_is_refused(client, connected_cast, connectors):
    evse = {"evse_id": "DE*VIS*E100", "connectors": connectors}
    body = changed(SITE, evses=[evse])
    problem = call(client, connected_cast.visited_cso, "put", "/api/v1/sites/LOC1", body).json()
    assert problem["code"] == "invalid_field"


@pytest.mark.parametrize("fields", [{"country": "ßß"}, {"id": "ß" * 30}])
def test_letters_that_grow_when_capitalised_are_refused(client, connected_cast, fields):
    body = changed(SITE, **fields)
    response = client.put(
        f"/api/v1/sites/{body['id']}", data=body, content_type="application/json",
        headers=connected_cast.visited_cso.headers,
    )  # fmt: skip
    assert response.json()["code"] == "invalid_field"


@pytest.mark.parametrize("kind", ["sites", "tariffs", "service-sessions", "sdrs"])
@pytest.mark.parametrize("position", ["abc", "\x00", "9" * 40])
def test_a_made_up_cursor_is_refused_by_its_name(client, connected_cast, kind, position):
    from base64 import b64encode
    from urllib.parse import urlencode

    cursor = b64encode(urlencode({"p": position}).encode()).decode()
    response = client.get(
        f"/api/v1/{kind}", {"cursor": cursor}, headers=connected_cast.home_csp.headers
    )
    assert (response.status_code, response.json()["field"]) == (422, "cursor")


@pytest.mark.parametrize("size", ["0", "-1", "1001", "ten", "", "1.5", "9" * 5000, "٣"])
def test_a_page_size_that_is_none_is_refused_by_its_name(client, connected_cast, size):
    response = client.get(
        "/api/v1/sdrs", {"page_size": size}, headers=connected_cast.home_csp.headers
    )
    assert (response.status_code, response.json()["field"]) == (422, "page_size")


def test_a_bad_filter_is_named_in_words(client, connected_cast):
    response = client.get(
        "/api/v1/sdrs?service_session_id=x", headers=connected_cast.home_csp.headers
    )
    problem = response.json()
    assert (problem["code"], problem["field"]) == ("invalid_field", "service_session_id")
    assert "ErrorDetail" not in problem["detail"]


@pytest.mark.parametrize("energy", ["0." + "1" * 20_000, "1e-20000", "1e-999999"])
def test_absurd_digits_of_a_completion_are_refused(client, connected_cast, energy):
    cso = connected_cast.visited_cso
    start = call(client, cso, "post", "/api/v1/service-sessions/local-start", LOCAL_START).json()
    body = {
        "start_date_time": "2026-10-05T10:00:00+02:00",
        "end_date_time": "2026-10-05T11:00:00+02:00",
        "total_energy": energy,
    }
    address = f"/api/v1/service-sessions/{start['service_session_id']}/completion"
    assert call(client, cso, "post", address, body).json()["field"] == "total_energy"


def test_two_versions_at_one_instant_come_one_after_the_other(client, connected_cast):
    cso = connected_cast.visited_cso
    call(client, cso, "put", "/api/v1/tariffs/T1", TARIFF)
    response = client.delete("/api/v1/tariffs/T1?visited_cso=DE*VIS", headers=cso.headers)
    assert response.status_code == 200
    first, second = models.TariffVersion.objects.order_by("id")
    assert first.received_at < second.received_at


def test_what_was_never_announced_cannot_be_withdrawn(client, connected_cast):
    cso = connected_cast.visited_cso
    call(client, cso, "put", "/api/v1/tariffs/T1", TARIFF)
    for address in (
        "/api/v1/tariffs/T1?visited_cso=DE*VIS&home_csp=DE-HOM",
        "/api/v1/tariffs/T2?visited_cso=DE*VIS",
    ):
        assert client.delete(address, headers=cso.headers).json()["code"] == "not_found"
    assert (
        client.delete("/api/v1/tariffs/%00?visited_cso=DE*VIS", headers=cso.headers).json()["code"]
        == "invalid_field"
    )


def test_the_seller_of_an_evse_cannot_take_it_back(client, connected_cast, now):
    from psycopg.types.range import TimestamptzRange

    seller = connected_cast.visited_cso
    buyer = make_party("Buyer", "CSO", "NL*BUY")
    ownership = models.EvseOwnership.objects.get(evse=connected_cast.evse)
    ownership.during = TimestamptzRange(ownership.during.lower, now)
    ownership.save()
    models.EvseOwnership.objects.create(
        evse=connected_cast.evse, visited_cso=buyer.identifier, during=TimestamptzRange(now, None)
    )
    evse = {"evse_id": "DE*VIS*E001", "connectors": []}
    by_seller = changed(SITE, evses=[evse])
    by_buyer = changed(by_seller, visited_cso="NL*BUY")
    address = "/api/v1/sites/LOC1"
    assert call(client, seller, "put", address, by_seller).json()["code"] == "party_not_held"
    assert call(client, buyer, "put", address, by_buyer).status_code == 200


def test_a_contract_is_shown_to_no_other_home_csp(client, connected_cast):
    with fake_party() as platform:
        platform.accept()
        other = make_party("Other", "CSP", "NL-OTH", endpoint=platform.url)
        from tests import factories

        factories.make_agreement(connected_cast.visited_cso.operator, other.operator)
        body = changed(LOCAL_START, home_csp="NL-OTH")
        problem = call(
            client, connected_cast.visited_cso, "post",
            "/api/v1/service-sessions/local-start", body,
        ).json()  # fmt: skip
        assert problem["code"] == "contract_of_other_csp"
        assert platform.received == []


def test_an_sdr_is_under_the_agreement_of_its_session(client, connected_cast):
    from roaming.domain.agreement import Service
    from tests import factories

    cso = connected_cast.visited_cso
    other = make_party("Second CSP", "CSP", "NL-SEC")
    first = factories.make_agreement(cso.operator, other.operator, services=(Service.RESERVATION,))
    second = factories.make_agreement(cso.operator, other.operator, services=(Service.LOCAL_START,))
    body = changed(SDR, home_csp="NL-SEC")
    call(client, cso, "post", "/api/v1/sdrs", body)
    assert models.Sdr.objects.get().agreement == second != first


def test_an_ended_platform_gets_nothing_any_more(client, connected_cast, csp_platform):
    call(client, connected_cast.visited_cso, "put", "/api/v1/sites/LOC1", SITE)
    models.Platform.objects.filter(pk=connected_cast.home_csp.platform.pk).update(status="ended")
    deliver_due()
    assert csp_platform.received == []
    response = client.get("/api/v1/sites", headers=connected_cast.home_csp.headers)
    assert response.status_code == 401


def test_an_agreement_that_was_ended_is_named_as_such(client, connected_cast, now):
    from roaming.use_cases.agreement_lifecycle import end_agreement

    end_agreement(connected_cast.agreement, now)
    problem = call(
        client, connected_cast.visited_cso, "post",
        "/api/v1/service-sessions/local-start", LOCAL_START,
    ).json()  # fmt: skip
    assert problem["code"] == "agreement_ended"


def test_chunked_uploads_are_asked_for_their_length(client, connected_cast):
    response = client.post(
        "/api/v1/sdrs", data=json.dumps(SDR), content_type="application/json",
        headers=connected_cast.visited_cso.headers | {"Transfer-Encoding": "chunked"},
    )  # fmt: skip
    assert (response.status_code, response.json()["code"]) == (411, "length_required")

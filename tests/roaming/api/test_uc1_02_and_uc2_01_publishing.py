"""UC1-2 and UC2-1: what a CSO publishes is stored, served and delivered to the entitled."""

import json

import pytest

from roaming import models
from roaming.hub_switch import deliver_due
from tests.roaming.api.messages import SITE, TARIFF, changed


def put(client, party, kind, body, name=None):
    name = name or body["id"]
    return client.put(
        f"/api/v1/{kind}/{name}",
        data=body,
        content_type="application/json",
        headers=party.headers,
    )


def listed(client, party, kind, **query):
    response = client.get(f"/api/v1/{kind}", query, headers=party.headers)
    assert response.status_code == 200, response.content
    return response.json()["results"]


def test_a_site_is_stored_with_its_evses_and_delivered_to_the_home_csp(
    client, connected_cast, csp_platform
):
    response = put(client, connected_cast.visited_cso, "sites", SITE)
    assert response.status_code == 200, response.content
    assert response.json()["taken"] is True
    evse = models.Evse.objects.get(key="DEVISE100")
    assert evse.site.time_zone == "Europe/Berlin"
    assert evse.connectors.get().tariff_ids == ["T1"]
    assert evse.ownerships.get().visited_cso == connected_cast.visited_cso.identifier
    assert deliver_due() == 1
    (message,) = csp_platform.messages("/uc1-2/sites")
    assert message.body == SITE
    assert models.Delivery.objects.get().state == "delivered"


def test_a_site_that_is_not_newer_changes_nothing(client, connected_cast):
    put(client, connected_cast.visited_cso, "sites", SITE)
    answer = put(client, connected_cast.visited_cso, "sites", changed(SITE, name="Later")).json()
    assert answer["taken"] is False
    assert models.Site.objects.get(key="LOC1").name == "Am Markt"
    assert models.Delivery.objects.count() == 1


def test_an_evse_that_a_newer_site_lacks_is_removed(client, connected_cast):
    put(client, connected_cast.visited_cso, "sites", SITE)
    newer = changed(SITE, evses=[], last_updated="2026-10-02T08:00:00+02:00")
    put(client, connected_cast.visited_cso, "sites", newer)
    assert models.Evse.objects.get(key="DEVISE100").removed_at is not None


def test_sites_are_seen_by_their_cso_and_its_home_csps_alone(client, connected_cast):
    put(client, connected_cast.visited_cso, "sites", SITE)
    ours = [
        row["site"]
        for row in listed(client, connected_cast.home_csp, "sites")
        if row["site_id"] == "LOC1"
    ]
    assert ours == [SITE]
    assert len(listed(client, connected_cast.visited_cso, "sites", country="de")) == 2
    assert listed(client, connected_cast.outsider, "sites") == []


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"visited_cso": "DE*XXX"}, "party_not_held", "visited_cso"),
        ({"evses": [{"evse_id": "DE*XXX*E1", "connectors": []}]}, "party_not_held",
         "evses[0].evse_id"),
        ({"evses": [{"evse_id": "?", "connectors": []}]}, "invalid_identifier",
         "evses[0].evse_id"),
        ({"evses": SITE["evses"] * 2}, "invalid_field", "evses"),
        ({"last_updated": "2026-10-01T08:00:00"}, "time_without_offset", "last_updated"),
        ({"time_zone": "Europe/Atlantis"}, "invalid_field", "time_zone"),
        ({"time_zone": "../etc/passwd"}, "invalid_field", "time_zone"),
        ({"country": "DEU"}, "invalid_field", "country"),
        ({"coordinates": {"latitude": "NaN", "longitude": "1"}}, "invalid_field",
         "coordinates.latitude"),
        ({"coordinates": {"latitude": "1", "longitude": "1e400"}}, "invalid_field",
         "coordinates.longitude"),
        ({"address": ...}, "invalid_field", None),
        ({"address": "x" * 201}, "invalid_field", "address"),
        ({"name": 5}, "invalid_field", "name"),
    ],
)  # fmt: skip
def test_a_bad_site_is_refused_with_its_field(client, connected_cast, fields, code, field):
    response = put(client, connected_cast.visited_cso, "sites", changed(SITE, **fields))
    problem = response.json()
    assert (problem["code"], problem.get("field")) == (code, field), problem
    assert not models.Site.objects.filter(key="LOC1").exists()


def test_a_tariff_version_is_kept_for_good_and_delivered(client, connected_cast, csp_platform):
    first = put(client, connected_cast.visited_cso, "tariffs", TARIFF)
    assert first.status_code == 200, first.content
    assert put(client, connected_cast.visited_cso, "tariffs", TARIFF).json()["taken"] is False
    dearer = json.loads(json.dumps(TARIFF).replace("0.25", "0.350"))
    assert put(client, connected_cast.visited_cso, "tariffs", dearer).json()["taken"] is True
    bodies = list(models.TariffVersion.objects.order_by("id").values_list("body", flat=True))
    assert len(bodies) == 2
    while deliver_due():
        pass
    messages = csp_platform.messages("/uc2-1/tariffs")
    prices = [m.body["elements"][0]["price_components"][0]["price"] for m in messages]
    assert prices == [0.25, 0.35]


def test_decimals_leave_as_they_came(client, connected_cast):
    body = json.dumps(TARIFF).replace("0.25", "0.2500000000000000000001")
    client.put(
        "/api/v1/tariffs/T1", data=body, content_type="application/json",
        headers=connected_cast.visited_cso.headers,
    )  # fmt: skip
    response = client.get("/api/v1/tariffs", headers=connected_cast.home_csp.headers)
    assert b"0.2500000000000000000001" in response.content


def test_a_tariff_for_one_home_csp_is_shown_to_no_other(client, connected_cast):
    from tests import factories

    factories.make_agreement(connected_cast.visited_cso.operator, connected_cast.outsider.operator)
    put(client, connected_cast.visited_cso, "tariffs", changed(TARIFF, home_csp="DE-HOM"))
    assert len(listed(client, connected_cast.home_csp, "tariffs")) == 1
    assert len(listed(client, connected_cast.visited_cso, "tariffs")) == 1
    assert listed(client, connected_cast.outsider, "tariffs") == []
    assert [d.receiver for d in models.Delivery.objects.all()] == [connected_cast.home_csp.platform]


def test_a_withdrawal_is_a_version_of_its_own(client, connected_cast, csp_platform):
    put(client, connected_cast.visited_cso, "tariffs", TARIFF)
    response = client.delete(
        "/api/v1/tariffs/T1?visited_cso=DE*VIS", headers=connected_cast.visited_cso.headers
    )
    assert response.status_code == 200, response.content
    assert list(
        models.TariffVersion.objects.order_by("id").values_list("withdrawn", flat=True)
    ) == [False, True]
    while deliver_due():
        pass
    assert csp_platform.messages("/uc2-1/tariffs")[-1].body["withdrawn"] is True


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"elements": []}, "invalid_field", "elements"),
        ({"currency": "EURO"}, "invalid_field", "currency"),
        ({"valid_from": "2026-10-01T00:00:00"}, "time_without_offset", "valid_from"),
        ({"valid_to": "2026-09-01T00:00:00Z"}, "invalid_field", "valid_to"),
        ({"home_csp": "XX-NOP"}, "invalid_identifier", "home_csp"),
        ({"home_csp": "NL-NOP"}, "unknown_party", "home_csp"),
        ({"visited_cso": "FR*XXX"}, "party_not_held", "visited_cso"),
    ],
)
def test_a_bad_tariff_is_refused_with_its_field(client, connected_cast, fields, code, field):
    response = put(client, connected_cast.visited_cso, "tariffs", changed(TARIFF, **fields))
    problem = response.json()
    assert (problem["code"], problem.get("field")) == (code, field), problem
    assert not models.TariffVersion.objects.exists()


def test_a_delivery_that_fails_comes_due_again_and_keeps_its_order(
    client, connected_cast, csp_platform
):
    csp_platform.answers["/uc2-1/tariffs"] = (500, {})
    put(client, connected_cast.visited_cso, "tariffs", TARIFF)
    put(
        client,
        connected_cast.visited_cso,
        "tariffs",
        changed(TARIFF, valid_from="2026-11-01T00:00:00Z"),
    )
    assert deliver_due() == 2  # the second waits behind the first, untried
    first = models.Delivery.objects.order_by("id")[0]
    assert (first.state, first.attempts) == ("waiting", 1)
    assert "500" in first.last_error
    assert deliver_due() == 0
    csp_platform.answers["/uc2-1/tariffs"] = (200, {})
    assert deliver_due(first.due_at) == 1
    assert deliver_due(first.due_at) == 1
    froms = [m.body["valid_from"] for m in csp_platform.messages("/uc2-1/tariffs")[1:]]
    assert froms == [TARIFF["valid_from"], "2026-11-01T00:00:00Z"]


def test_a_delivery_past_its_deadline_is_given_up(client, connected_cast, csp_platform, settings):
    settings.DELIVERY_DEADLINE_HOURS = 0
    csp_platform.answers["/uc2-1/tariffs"] = (500, {})
    put(client, connected_cast.visited_cso, "tariffs", TARIFF)
    deliver_due()
    assert models.Delivery.objects.get().state == "dead"

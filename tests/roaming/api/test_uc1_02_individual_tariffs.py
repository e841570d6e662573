"""UC1-2 and UC2-2: connectors with tariffs of their own for a home-CSP, shown to it alone."""

import copy
import json

import pytest

from roaming import models
from tests import factories
from tests.cast import make_party
from tests.roaming.api.messages import SITE, changed
from tests.roaming.api.visit import refusal

OWN = {"home_csp": "DE-HOM", "tariff_ids": ["T2"]}
OTHERS = {"home_csp": "NL-OTH", "tariff_ids": ["SECRET"], "remark": "kept"}


def site_with(*entries, **fields):
    site = copy.deepcopy(changed(SITE, **fields))
    site["evses"][0]["connectors"][0]["tariffs_for"] = list(entries)
    return site


def entries_of(site):
    return site["evses"][0]["connectors"][0]["tariffs_for"]


@pytest.fixture
def other(visit):
    """Another home-CSP with an agreement."""
    party = make_party("Other CSP", "CSP", "NL-OTH")
    factories.make_agreement(visit.cast.visited_cso.operator, party.operator)
    return party


def publish(visit, body):
    return visit.client.put(
        f"/api/v1/sites/{SITE['id']}",
        data=body,
        content_type="application/json",
        headers=visit.cast.visited_cso.headers,
    )


def listed(visit, party):
    rows = visit.client.get("/api/v1/sites", headers=party.headers).json()["results"]
    return next(row["site"] for row in rows if row["site_id"] == SITE["id"])


def test_the_connector_keeps_tariffs_for_all_and_for_each(visit, other):
    assert publish(visit, site_with(OWN, OTHERS)).status_code == 200
    connector = models.Connector.objects.get(evse__key="DEVISE100")
    assert connector.tariff_ids == ["T1"]
    rows = connector.individual_tariffs.order_by("home_csp__identifier")
    assert [(str(row.home_csp), row.tariff_ids) for row in rows] == [
        ("DE-HOM", ["T2"]), ("NL-OTH", ["SECRET"]),
    ]  # fmt: skip
    publish(visit, site_with(OWN, last_updated="2026-10-02T08:00:00+02:00"))
    assert [str(row.home_csp) for row in models.ConnectorTariffs.objects.all()] == ["DE-HOM"]


def test_each_home_csp_is_sent_and_shown_its_own_entry_alone(visit, other):
    sent = site_with(OWN, OTHERS)
    publish(visit, sent)
    (message,) = visit.told("uc1-2/sites")
    assert message.body == site_with(OWN)
    for_other = models.Delivery.objects.get(use_case="UC1-2", receiver=other.platform)
    assert json.loads(for_other.body) == site_with(OTHERS)
    assert entries_of(listed(visit, visit.cast.home_csp)) == [OWN]
    assert entries_of(listed(visit, other)) == [OTHERS]
    assert listed(visit, visit.cast.visited_cso) == sent


def test_a_site_without_them_is_shown_byte_for_byte(visit):
    publish(visit, SITE)
    assert listed(visit, visit.cast.home_csp) == SITE
    assert not models.ConnectorTariffs.objects.exists()


def test_an_escaped_name_hides_nothing(visit, other):
    body = site_with(OWN, OTHERS)
    text = json.dumps(body).replace('"tariffs_for"', '"tariffs\\u005ffor"')
    publish(visit, text)
    assert models.ConnectorTariffs.objects.count() == 2
    assert "SECRET" not in str(listed(visit, visit.cast.home_csp))


def test_tariffs_in_force_at_the_connector_are_those_of_the_asker(visit, other):
    publish(visit, site_with(OWN, OTHERS))
    query = {"visited_cso": "DE*VIS", "evse_id": "DE*VIS*E100", "connector_id": "1"}
    for party, ids in ((visit.cast.home_csp, ["T2"]), (other, ["SECRET"])):
        answer = visit.client.get("/api/v1/tariffs/in-force", query, headers=party.headers)
        assert answer.json()["connectors"] == [{"connector_id": "1", "tariff_ids": ids}]


@pytest.mark.parametrize(
    ("entry", "code", "field"),
    [
        ({"home_csp": "NL-NOP", "tariff_ids": []}, "unknown_party", "home_csp"),
        ({"home_csp": "?", "tariff_ids": []}, "invalid_identifier", "home_csp"),
        ({"home_csp": "DE-HOM", "tariff_ids": ["x" * 37]}, "invalid_field", "tariff_ids"),
        ({"home_csp": "DE-HOM", "tariff_ids": [""]}, "invalid_field", "tariff_ids"),
    ],
)
def test_a_bad_entry_is_refused_with_its_place(visit, entry, code, field):
    place = f"evses[0].connectors[0].tariffs_for[0].{field}"
    assert refusal(publish(visit, site_with(entry))) == (422, code, place)
    assert not models.Site.objects.filter(key="LOC1").exists()


def test_one_home_csp_stands_at_a_connector_once(visit):
    place = "evses[0].connectors[0].tariffs_for[1]"
    twice = site_with(OWN, {"home_csp": "DEHOM", "tariff_ids": ["T3"]})
    assert refusal(publish(visit, twice)) == (422, "invalid_field", place)

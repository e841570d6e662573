"""Which names are time zones, wherever one is given: a site, an SDR, a calendar, rate_sdr."""

import json
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from roaming import models
from roaming.admin.agreements import known_zone
from roaming.domain.time_zones import find_zone, zone_names
from settlement.domain.periods import period_holding
from settlement.domain.reconciliation.rerating import Rerater, ToRerate
from settlement.domain.reconciliation.tariff_store import Asked, TariffStore
from tests.roaming.api.messages import SDR, SITE, changed

NO_ZONES = [
    "localtime", "posixrules", "Factory", "right/UTC", "right/Europe/Berlin", "posix/UTC",
    "leapseconds", "tzdata.zi", "zone.tab", "europe/berlin", "Europe", "Europe/", "../UTC",
    "Europe//Berlin", "/etc/localtime", "Mars/Olympus", "UTC\x01", " ",
]  # fmt: skip


@pytest.mark.parametrize("name", [*NO_ZONES, ""])
def test_what_is_no_zone_of_the_database_is_none(name):
    assert find_zone(name) is None


def test_every_zone_of_the_database_can_be_read():
    assert len(zone_names()) > 500
    assert all(find_zone(name).key == name for name in zone_names())


@pytest.mark.parametrize("name", NO_ZONES)
def test_a_site_needs_a_zone_of_the_database(client, connected_cast, name):
    response = client.put(
        "/api/v1/sites/LOC1", data=changed(SITE, time_zone=name),
        content_type="application/json", headers=connected_cast.visited_cso.headers,
    )  # fmt: skip
    assert (response.status_code, response.json()["field"]) == (422, "time_zone")


@pytest.mark.parametrize("name", ["localtime", "right/Europe/Berlin", "Mars/Olympus"])
def test_an_sdr_that_names_no_zone_is_read_in_that_of_its_site(client, connected_cast, name):
    body = changed(SDR, time_zone=name, start_date_time="2026-10-05T10:00:00")
    response = client.post(
        "/api/v1/sdrs", data=json.dumps(body), content_type="application/json",
        headers=connected_cast.visited_cso.headers,
    )  # fmt: skip
    findings = {finding["rule"]: finding for finding in response.json()["findings"]}
    assert (findings["DAT-04"]["severity"], findings["DAT-04"]["claimed"]) == ("warning", name)
    sdr = models.Sdr.objects.get()
    assert sdr.time_zone == "Europe/Berlin"
    assert sdr.started_at.isoformat() == "2026-10-05T08:00:00+00:00"


@pytest.mark.parametrize("name", NO_ZONES)
def test_a_calendar_needs_a_zone_of_the_database(now, name):
    with pytest.raises(ValidationError):
        known_zone(name)
    with pytest.raises(LookupError):
        period_holding("monthly", name, now)


@pytest.mark.parametrize("name", ["localtime", "right/UTC", "Mars/Olympus", ""])
def test_nothing_is_rated_in_what_is_no_zone(now, name):
    asked = Asked(1, 2, now, now - now)
    part = json.dumps(
        {
            "id": "1", "currency": "EUR", "start_date_time": "2026-10-05T10:00:00+02:00",
            "end_date_time": "2026-10-05T11:00:00+02:00", "charging_periods": [],
        }
    )  # fmt: skip
    rerated = Rerater(TariffStore()).rerate(
        ToRerate(
            rated_part=part, time_zone=name, asked=asked, tariff_ids=(), before_tax=Decimal(5),
            currency="EUR",
        )
    )  # fmt: skip
    assert rerated.price.failure.startswith("no_time_zone")

"""The demo's networks: complete, valid by every check digit, and in the product's vocabulary."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from schwifty import BIC, IBAN
from stdnum import lei
from stdnum.eu import vat as eu_vat
from stdnum.gb import vat as gb_vat

from roaming.domain.identifiers import EvseId, OperatorId, ProviderId, SiteId
from roaming.domain.tariff import parse_tariff
from roaming.simulator.demo_network import NO_AGREEMENT, demo_network
from roaming.simulator.months import Month
from roaming.simulator.network import Network
from roaming.simulator.perth_network import perth_network
from roaming.simulator.perth_rows import PerthRow
from roaming.simulator.sdr_writer import to_json
from tests.roaming.simulator.worlds import OCTOBER, october


def perth_row(site: str, charge_point: str, model: str = "APT 22kW Dual Outlet") -> PerthRow:
    start = datetime(2026, 10, 5, 9, tzinfo=UTC)
    end = start + timedelta(hours=1)
    return PerthRow("file", 2, charge_point, "1", start, end, Decimal(5), site, model)


def perth() -> Network:
    return perth_network(
        [
            perth_row("Broxden Park & Ride", "50284"),
            perth_row("Broxden Park & Ride, Perth", "50284"),
            perth_row(" Leslie Street Car Park, Blairgowrie", "50994", "APT Triple Rapid Charger"),
            perth_row("Canal Street Car Park 3rd floor ", "51318", "Siemens 7 kW Dual Outlet"),
            perth_row("Nowhere Lane, Perth", "60000"),
        ],
        OCTOBER,
    )


networks = pytest.mark.parametrize("network", [october(), perth()], ids=["demo", "perth"])


@networks
def test_six_organisations_are_four_operators_and_four_providers(network: Network) -> None:
    assert len(network.organisations) == 6
    assert len(network.operators) == len(network.providers) == 4
    both = [o for o in network.organisations if o.operator_id and o.provider_id]
    assert len(both) == 2
    one, two = both
    assert (one.operator_id, two.provider_id) in network.agreement_by_pair
    assert (two.operator_id, one.provider_id) in network.agreement_by_pair


@networks
def test_legal_data_has_correct_check_digits(network: Network) -> None:
    for organisation in network.organisations:
        checks = gb_vat if organisation.country == "GB" else eu_vat
        assert checks.is_valid(organisation.vat_id), organisation.vat_id
        assert organisation.vat_id.startswith(organisation.country)
        assert lei.is_valid(organisation.lei), organisation.lei
        assert IBAN(organisation.iban).country_code == organisation.country
        assert BIC(organisation.bic).country_code == organisation.country
        assert organisation.contact_email.isascii()
    for field in ("name", "vat_id", "lei", "iban"):
        assert len({getattr(o, field) for o in network.organisations}) == 6


@networks
def test_every_identifier_is_valid_and_names_its_owner(network: Network) -> None:
    for organisation in network.operators:
        assert OperatorId.parse(organisation.operator_id).display == organisation.operator_id
    for organisation in network.providers:
        assert ProviderId.parse(organisation.provider_id).display == organisation.provider_id
    for site in network.sites:
        assert SiteId.parse(site.site_id).operator == OperatorId.parse(site.operator_id)
        for evse in site.evses:
            assert EvseId.parse(evse.evse_id).operator == OperatorId.parse(site.operator_id)
    keys = [EvseId.parse(evse_id).key for evse_id in network.places]
    assert len(set(keys)) == len(keys) == sum(len(site.evses) for site in network.sites)


@networks
def test_sites_have_an_address_a_position_and_a_zone(network: Network) -> None:
    for site in network.sites:
        assert all((site.name, site.address, site.postal_code, site.city))
        assert 41 < Decimal(site.latitude) < 60
        assert -6 < Decimal(site.longitude) < 16
        assert network.places[site.evses[0].evse_id].zone.key.startswith("Europe/")
        assert OperatorId.parse(site.operator_id).country == site.country


def test_the_demo_stands_in_two_countries_and_zones() -> None:
    assert {site.country for site in october().sites} == {"DE", "FR"}
    assert {site.time_zone for site in october().sites} == {"Europe/Berlin", "Europe/Paris"}
    assert {site.time_zone for site in perth().sites} == {"Europe/London"}


@networks
def test_most_pairs_of_operator_and_provider_have_an_agreement(network: Network) -> None:
    pairs = network.agreement_by_pair
    assert len(pairs) == len(network.agreements) >= 13
    for operator_id, provider_id in pairs:
        assert network.organisation_by_id[operator_id] != network.organisation_by_id[provider_id]
    assert NO_AGREEMENT not in pairs


@networks
def test_every_connector_has_a_tariff_in_force_all_month_and_an_older_one(
    network: Network,
) -> None:
    for place in network.places.values():
        for connector in place.evse.connectors:
            for moment in (OCTOBER.start(place.zone), OCTOBER.end(place.zone)):
                version = network.tariff_in_force(connector.tariff_id, moment)
                assert version.operator_id == place.site.operator_id
                assert version.body["currency"] == network.currency
                older = next(network.older_versions(version))
                assert older.valid_from < version.valid_from
    with pytest.raises(LookupError):
        network.tariff_in_force(connector.tariff_id, datetime(2020, 1, 1, tzinfo=UTC))


@networks
def test_prices_are_published_before_they_are_valid_and_never_two_at_once(
    network: Network,
) -> None:
    seen = set()
    for version in network.tariffs:
        assert version.published_at < version.valid_from
        key = (version.tariff_id, version.home_csp, version.published_at)
        assert key not in seen
        seen.add(key)
    published = [version.published_at for version in network.tariffs]
    assert published == sorted(published)


@networks
def test_tariffs_are_ocpi_that_the_product_reads(network: Network) -> None:
    for version in network.tariffs:
        tariff = parse_tariff(to_json(version.body))
        assert tariff.id == version.tariff_id
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:00:00Z", version.body["valid_from"])
        prices = [c.price for e in tariff.elements for c in e.price_components]
        assert all(price > 0 for price in prices)


def test_a_price_changes_in_the_middle_of_the_month() -> None:
    network = october()
    before = network.tariff_in_force("NLN-DC", datetime(2026, 10, 15, 21, 59, tzinfo=UTC))
    after = network.tariff_in_force("NLN-DC", datetime(2026, 10, 15, 22, 0, tzinfo=UTC))
    assert before is not after
    assert after.body["valid_from"] == "2026-10-15T22:00:00Z"  # midnight in Berlin


@networks
def test_some_providers_have_a_tariff_of_their_own(network: Network) -> None:
    own = {(v.tariff_id, v.home_csp) for v in network.tariffs if v.home_csp}
    assert len(own) == 2
    for tariff_id, csp in own:
        last = OCTOBER.end(UTC)
        assert network.tariff_in_force(tariff_id, last, csp).home_csp == csp
        assert network.tariff_in_force(tariff_id, last).home_csp is None
        assert csp in {p.provider_id for p in network.providers}
        # One of them only from the middle of the month, but published before.
    (later,) = {key for key in own if not network.tariff_in_force(
        key[0], OCTOBER.start(UTC), key[1]).home_csp}  # fmt: skip
    general = network.tariff_in_force(later[0], OCTOBER.start(UTC))
    at = datetime(2026, 10, 10, tzinfo=UTC)
    announced = network.announced_for(general, later[1], at)
    assert announced is not None
    assert announced.published_at < at < announced.valid_from
    assert network.announced_for(general, later[1], OCTOBER.start(UTC)) is None


def test_charge_points_of_one_site_are_one_site_whatever_its_name_in_the_file() -> None:
    names = {site.name: site for site in perth().sites}
    assert set(names) == {
        "Perth Broxden Park & Ride",
        "Blairgowrie Leslie Street Car Park",
        "Perth Canal Street Car Park",
        "Perth Nowhere Lane",
    }
    connector = names["Blairgowrie Leslie Street Car Park"].evses[0].connectors[0]
    assert (connector.power_type, connector.tariff_id) == ("DC", "HIL-RAPID")


def test_months_are_read_and_bounded() -> None:
    network = demo_network(Month.parse("2026-03"))
    zone = network.places["DE*NLN*E1*01"].zone
    assert Month.parse("2026-12").following == Month(2027, 1)
    assert Month.parse("2026-03").start(zone) == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert Month.parse("2026-03").end(zone) == datetime(2026, 3, 31, 22, tzinfo=UTC)
    for text in ("2026-13", "2026-1", "26-01", "", "2026-01-01", "\u0662026-01", "2026-01\n"):
        with pytest.raises(ValueError, match="YYYY-MM"):
            Month.parse(text)

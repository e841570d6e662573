"""The demo's network in Germany and France: six organisations, four operators, four providers.

Two of them are both, and owe each other. All are fictitious; their VAT ids, IBANs and LEIs have
correct check digits and belong to nobody known to us.
"""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from roaming.simulator.months import Month
from roaming.simulator.network import (
    AgreementTerms,
    Connector,
    Evse,
    Network,
    Organisation,
    Site,
)
from roaming.simulator.tariffs import (
    PriceList,
    PricingPlace,
    by_the_hour,
    day_and_night,
    energy_only,
    versions,
    with_parking,
    working_hours,
)

ORGANISATIONS = (
    Organisation(
        name="Nordlicht",
        legal_name="Nordlicht Ladenetz GmbH",
        street="Am Kaiserkai 910",
        postal_code="20457",
        city="Hamburg",
        country="DE",
        language="de",
        vat_id="DE299004175",
        iban="DE58700999010417302218",
        bic="FICTDEFFXXX",
        lei="529900DEMONLN0000053",
        contact_email="roaming@nordlicht.example",
        finance_email="buchhaltung@nordlicht.example",
        operator_id="DE*NLN",
        provider_id="DE-NLM",
    ),
    Organisation(
        name="Azur",
        legal_name="Réseau Azur Mobilité SAS",
        street="980 cours Lafayette",
        postal_code="69003",
        city="Lyon",
        country="FR",
        language="fr",
        vat_id="FR45902147735",
        iban="FR7639991022100041773022110",
        bic="FICTFRPPXXX",
        lei="969500DEMORAM0000008",
        contact_email="itinerance@azur.example",
        finance_email="comptabilite@azur.example",
        operator_id="FR*RAM",
        provider_id="FR-RAM",
        sends_tariff_snapshot=True,
    ),
    Organisation(
        name="Hollerbach",
        legal_name="Stadtwerke Hollerbach Laden GmbH",
        street="Schlossbergring 770",
        postal_code="79098",
        city="Freiburg im Breisgau",
        country="DE",
        language="de",
        vat_id="DE817300522",
        iban="DE23700999020088123405",
        bic="FICTDEFFXXX",
        lei="529900DEMOSHL0000025",
        contact_email="laden@hollerbach.example",
        finance_email="rechnung@hollerbach.example",
        operator_id="DE*SHL",
        sends_tariff_snapshot=True,
    ),
    Organisation(
        name="Bornes du Marais",
        legal_name="Bornes du Marais SARL",
        street="640 quai des Bateliers",
        postal_code="67000",
        city="Strasbourg",
        country="FR",
        language="fr",
        vat_id="FR19915308266",
        iban="FR7639992004700088123405125",
        bic="FICTFRPPXXX",
        lei="969500DEMOBDM0000083",
        contact_email="exploitation@marais.example",
        finance_email="factures@marais.example",
        operator_id="FR*BDM",
    ),
    Organisation(
        name="Fahrstromkarte",
        legal_name="Fahrstromkarte GmbH",
        street="Sonnenstraße 850",
        postal_code="80331",
        city="München",
        country="DE",
        language="de",
        vat_id="DE275518304",
        iban="DE50700999035501740012",
        bic="FICTDEFFXXX",
        lei="529900DEMOFSK0000083",
        contact_email="partner@fahrstromkarte.example",
        finance_email="finanzen@fahrstromkarte.example",
        provider_id="DE-FSK",
    ),
    Organisation(
        name="Itinéo",
        legal_name="Itinéo Recharge SAS",
        street="720 rue Sainte-Catherine",
        postal_code="33000",
        city="Bordeaux",
        country="FR",
        language="fr",
        vat_id="FR68908770159",
        iban="FR7639993011200550174001259",
        bic="FICTFRPPXXX",
        lei="969500DEMOITI0000002",
        contact_email="operateurs@itineo.example",
        finance_email="compta@itineo.example",
        provider_id="FR-ITI",
    ),
)

# operator, site, name, address, postal code, city, latitude, longitude, AC EVSEs, DC EVSEs
_SITES = (
    ("DE*NLN", "1", "Hafenblick", "Hafenstraße 91", "20457", "Hamburg", "53.5436", "9.9885", 6, 3),
    ("DE*NLN", "2", "Holstentor", "Wallstraße 40", "23560", "Lübeck", "53.8655", "10.6866", 4, 2),
    ("DE*NLN", "3", "Förde", "Kaistraße 77", "24103", "Kiel", "54.3213", "10.1349", 4, 1),
    ("DE*NLN", "4", "Warnow", "Am Strande 23", "18055", "Rostock", "54.0924", "12.1407", 4, 2),
    ("DE*SHL", "1", "Schlossberg", "Leopoldring 9", "79098", "Freiburg", "47.9959", "7.8522", 8, 2),
    ("DE*SHL", "2", "Ortenau", "Hauptstraße 112", "77652", "Offenburg", "48.4735", "7.9498", 4, 2),
    ("DE*SHL", "3", "Fächer", "Kriegsstraße 200", "76135", "Karlsruhe", "49.0069", "8.4037", 6, 3),
    ("FR*RAM", "1", "Part-Dieu", "12 rue Garibaldi", "69003", "Lyon", "45.7607", "4.8592", 6, 3),
    ("FR*RAM", "2", "Bastille", "5 quai Perrière", "38000", "Grenoble", "45.1930", "5.7270", 4, 2),
    ("FR*RAM", "3", "Lac", "30 avenue d'Albigny", "74000", "Annecy", "45.9034", "6.1370", 4, 1),
    ("FR*RAM", "4", "Rhône", "8 avenue Gambetta", "26000", "Valence", "44.9305", "4.8890", 4, 2),
    (
        "FR*BDM",
        "1",
        "Krutenau",
        "17 rue de Zurich",
        "67000",
        "Strasbourg",
        "48.5790",
        "7.7574",
        6,
        2,
    ),
    ("FR*BDM", "2", "Vignes", "3 route de Rouffach", "68000", "Colmar", "48.0720", "7.3520", 4, 2),
    ("FR*BDM", "3", "Filature", "20 rue de l'Ill", "68100", "Mulhouse", "47.7490", "7.3420", 4, 2),
)

_PRICES = (
    PriceList("DE*NLN", "NLN-AC", energy_only, ("0.43",), ("0.49",)),
    PriceList("DE*NLN", "NLN-AC", energy_only, ("0.41",), ("0.45",), home_csp="FR-ITI"),
    PriceList(
        "DE*NLN", "NLN-DC", day_and_night, ("0.55", "0.45"), ("0.62", "0.51"), ("0.66", "0.54")
    ),
    PriceList("DE*SHL", "SHL-AC", with_parking, ("0.35", "0.38", "2.00"), ("0.50", "0.42", "2.40")),
    PriceList("DE*SHL", "SHL-DC", with_parking, ("0.75", "0.51", "6.00"), ("1.00", "0.57", "8.00")),
    PriceList("FR*RAM", "RAM-AC", working_hours, ("0.39", "0.31"), ("0.44", "0.35")),
    PriceList("FR*RAM", "RAM-AC", working_hours, (), (), ("0.41", "0.33"), home_csp="DE-NLM"),
    PriceList("FR*RAM", "RAM-DC", energy_only, ("0.54",), ("0.5825",), ("0.6125",)),
    PriceList(
        "FR*BDM",
        "BDM-AC",
        by_the_hour,
        ("0.25", "0.48", "1.20"),
        ("0.29", "0.60", "1.60"),
        bounds=("3.00", "14.00"),
    ),
    PriceList("FR*BDM", "BDM-DC", day_and_night, ("0.47", "0.39"), ("0.53", "0.44")),
)

_PLACES = {
    "DE": PricingPlace("EUR", 19, ZoneInfo("Europe/Berlin")),
    "FR": PricingPlace("EUR", 20, ZoneInfo("Europe/Paris")),
}

# The one pair without an agreement: its drivers are refused, and the switch shows why.
NO_AGREEMENT = ("FR*BDM", "DE-FSK")


def demo_network(month: Month) -> Network:
    """The network as it stands in `month`."""
    tariffs = [
        version
        for prices in _PRICES
        for version in versions(prices, _PLACES[prices.operator_id[:2]], month)
    ]
    return Network(
        currency="EUR",
        organisations=ORGANISATIONS,
        sites=tuple(_site(row) for row in _SITES),
        tariffs=tuple(sorted(tariffs, key=lambda v: (v.published_at, v.tariff_id))),
        agreements=tuple(
            agreements(
                ORGANISATIONS, "EUR", month, without=frozenset({NO_AGREEMENT}), to_the_cent="FR*BDM"
            )
        ),
    )


def agreements(
    organisations: tuple[Organisation, ...],
    currency: str,
    month: Month,
    without: frozenset[tuple[str, str]] = frozenset(),
    to_the_cent: str = "",
) -> list[AgreementTerms]:
    """One agreement for every operator with every provider of another organisation.

    With the operator `to_the_cent` no difference of money is tolerated.
    """
    valid_from = month.start(ZoneInfo("UTC")) - timedelta(days=60)
    return [
        AgreementTerms(
            cso.operator_id,
            csp.provider_id,
            currency,
            valid_from,
            tolerance_money="0.00" if cso.operator_id == to_the_cent else "0.01",
        )
        for cso in organisations
        for csp in organisations
        if cso.operator_id
        and csp.provider_id
        and cso is not csp
        and (cso.operator_id, csp.provider_id) not in without
    ]


def _site(row: tuple[str, str, str, str, str, str, str, str, int, int]) -> Site:
    operator, number, name, address, postal_code, city, latitude, longitude, slow, fast = row
    country, code = operator.split("*")
    evses = [
        Evse(f"{operator}*E{number}*{n:02}", (_type_2(f"{code}-AC"),)) for n in range(1, slow + 1)
    ]
    evses += [
        Evse(f"{operator}*E{number}*{n:02}", _rapid(f"{code}-DC")) for n in range(51, fast + 51)
    ]
    return Site(
        site_id=f"{operator}*P{number}",
        operator_id=operator,
        name=f"{city} {name}",
        address=address,
        postal_code=postal_code,
        city=city,
        country=country,
        latitude=latitude,
        longitude=longitude,
        time_zone=_PLACES[country].zone.key,
        evses=tuple(evses),
    )


def _type_2(tariff_id: str) -> Connector:
    return Connector("1", "IEC_62196_T2", "SOCKET", "AC_3_PHASE", 230, 32, 22080, tariff_id)


def _rapid(tariff_id: str) -> tuple[Connector, ...]:
    return (
        Connector("1", "IEC_62196_T2_COMBO", "CABLE", "DC", 920, 400, 150_000, tariff_id),
        Connector("2", "CHADEMO", "CABLE", "DC", 500, 125, 50_000, tariff_id),
    )

"""The network around the charge points of Perth & Kinross, Scotland, in pounds.

The sites are real (Perth & Kinross Council open data, Open Government Licence 3.0); positions are
those of the place, to two decimals. Who operates them here, and everybody's customers, are
fictitious.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from roaming.simulator.demo_network import agreements
from roaming.simulator.months import Month
from roaming.simulator.network import Connector, Evse, Network, Organisation, Site
from roaming.simulator.perth_rows import PerthRow, max_power_w
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


def _organisation(
    name: str, legal_name: str, numbers: tuple[str, str, str], **ids: str
) -> Organisation:
    vat_id, iban, lei = numbers
    domain = name.casefold().replace(" ", "-") + ".example"
    return Organisation(
        name=name,
        legal_name=legal_name,
        street="900 High Street",
        postal_code="PH1 5TJ",
        city="Perth",
        country="GB",
        language="en",
        vat_id=vat_id,
        iban=iban,
        bic="FICTGB2LXXX",
        lei=lei,
        contact_email=f"roaming@{domain}",
        finance_email=f"accounts@{domain}",
        operator_id=ids.get("operator_id"),
        provider_id=ids.get("provider_id"),
        sends_tariff_snapshot="operator_id" in ids and "provider_id" not in ids,
    )


ORGANISATIONS = (
    _organisation(
        "Tayside",
        "Tayside Charging Ltd",
        ("GB301744200", "GB36FICT99010110447382", "213800DEMOTYC0000020"),
        operator_id="GB*TYC",
        provider_id="GB-TYC",
    ),
    _organisation(
        "Lomond",
        "Lomond Electric Mobility Ltd",
        ("GB312590819", "GB31FICT99010220088124", "213800DEMOLOM0000028"),
        operator_id="GB*LOM",
        provider_id="GB-LEM",
    ),
    _organisation(
        "Grampian",
        "Grampian Posts Ltd",
        ("GB298716304", "GB74FICT99010330550174", "213800DEMOGRA0000087"),
        operator_id="GB*GRA",
    ),
    _organisation(
        "Hillfoots",
        "Hillfoots Power Ltd",
        ("GB334882005", "GB81FICT99010441370026", "213800DEMOHIL0000037"),
        operator_id="GB*HIL",
    ),
    _organisation(
        "Strath Card",
        "Strath Card Ltd",
        ("GB276013515", "GB80FICT99010552290417", "213800DEMOSTR0000025"),
        provider_id="GB-STR",
    ),
    _organisation(
        "Plug Along",
        "Plug Along Ltd",
        ("GB340551627", "GB21FICT99010663704418", "213800DEMOPLU0000084"),
        provider_id="GB-PLU",
    ),
)

_PRICES = (
    PriceList("GB*TYC", "TYC-SLOW", energy_only, ("0.33",), ("0.37",)),
    PriceList("GB*TYC", "TYC-SLOW", energy_only, ("0.31",), ("0.34",), home_csp="GB-PLU"),
    PriceList("GB*TYC", "TYC-RAPID", day_and_night, ("0.48", "0.39"), ("0.55", "0.45")),
    PriceList(
        "GB*LOM", "LOM-SLOW", with_parking, ("0.30", "0.28", "0.80"), ("0.40", "0.31", "1.00")
    ),
    PriceList(
        "GB*LOM", "LOM-RAPID", with_parking, ("0.75", "0.42", "4.00"), ("1.00", "0.47", "5.20")
    ),
    PriceList("GB*GRA", "GRA-SLOW", working_hours, ("0.32", "0.25"), ("0.36", "0.29")),
    PriceList("GB*GRA", "GRA-SLOW", working_hours, (), (), ("0.33", "0.27"), home_csp="GB-STR"),
    PriceList("GB*GRA", "GRA-RAPID", energy_only, ("0.44",), ("0.4925",), ("0.5175",)),
    PriceList(
        "GB*HIL",
        "HIL-SLOW",
        by_the_hour,
        ("0.22", "0.40", "0.60"),
        ("0.26", "0.52", "0.80"),
        bounds=("2.50", "9.00"),
    ),
    PriceList("GB*HIL", "HIL-RAPID", day_and_night, ("0.43", "0.36"), ("0.49", "0.41")),
)
_OPERATORS = ("GB*TYC", "GB*LOM", "GB*GRA", "GB*HIL")
_PLACE = PricingPlace("GBP", 20, ZoneInfo("Europe/London"))


@dataclass(frozen=True, slots=True)
class _Locality:
    operator: str
    city: str
    postal_code: str
    latitude: str
    longitude: str


# The site's name up to the first comma begins so.
_LOCALITIES = {
    "Broxden Park & Ride": _Locality("GB*TYC", "Perth", "PH2", "56.38", "-3.48"),
    "Market Square Alyth": _Locality("GB*TYC", "Alyth", "PH11", "56.62", "-3.23"),
    "Kinross Park and Ride": _Locality("GB*LOM", "Kinross", "KY13", "56.21", "-3.43"),
    "Moness Terrace Car Park": _Locality("GB*LOM", "Aberfeldy", "PH15", "56.62", "-3.87"),
    "South Inch Car Park": _Locality("GB*GRA", "Perth", "PH2", "56.39", "-3.43"),
    "Friarton Depot": _Locality("GB*GRA", "Perth", "PH2", "56.38", "-3.42"),
    "Mill Street": _Locality("GB*GRA", "Perth", "PH1", "56.40", "-3.43"),
    "Canal Street Car Park": _Locality("GB*GRA", "Perth", "PH2", "56.39", "-3.43"),
    "Rie-Achan Road Car Park": _Locality("GB*HIL", "Pitlochry", "PH16", "56.70", "-3.73"),
    "King Street Car Park": _Locality("GB*HIL", "Crieff", "PH7", "56.37", "-3.84"),
    "Leslie Street Car Park": _Locality("GB*HIL", "Blairgowrie", "PH10", "56.59", "-3.34"),
    "Atholl Street Car Park": _Locality("GB*LOM", "Dunkeld", "PH8", "56.57", "-3.59"),
    "Crown Inn Wynd Car Park": _Locality("GB*HIL", "Auchterarder", "PH3", "56.30", "-3.70"),
}


def perth_network(rows: Iterable[PerthRow], month: Month) -> Network:
    """A network with an EVSE for every connector of the rows, and each site under one operator."""
    names: dict[str, Counter[str]] = {}
    connectors: dict[str, set[tuple[str, str]]] = {}
    for row in rows:
        names.setdefault(row.charge_point, Counter())[_site_name(row.site)] += 1
        connectors.setdefault(row.charge_point, set()).add((row.connector, row.model))
    by_site: dict[str, list[str]] = {}
    for charge_point in sorted(names):
        # Of a charge point's several names the most frequent, then the first of the alphabet.
        name = min(names[charge_point], key=lambda n: (-names[charge_point][n], n))
        by_site.setdefault(name, []).append(charge_point)
    tariffs = [v for prices in _PRICES for v in versions(prices, _PLACE, month)]
    return Network(
        currency="GBP",
        organisations=ORGANISATIONS,
        sites=tuple(
            _site(name, {cp: connectors[cp] for cp in charge_points})
            for name, charge_points in sorted(by_site.items())
        ),
        tariffs=tuple(sorted(tariffs, key=lambda v: (v.published_at, v.tariff_id))),
        agreements=tuple(agreements(ORGANISATIONS, "GBP", month, to_the_cent="GB*HIL")),
    )


def evse_id(operator_id: str, charge_point: str, connector: str) -> str:
    """The EVSE of a connector; connectors of one charge point charge at the same time."""
    return f"{operator_id}*E{charge_point}*{connector}"


def _site_name(site: str) -> str:
    """Without the town and the storey, which the files write or leave out."""
    name = " ".join(site.split(",", maxsplit=1)[0].split())
    return next((known for known in _LOCALITIES if name.startswith(known)), name)


def _site(name: str, charge_points: dict[str, set[tuple[str, str]]]) -> Site:
    number = zlib.crc32(name.encode())
    unknown = _Locality(_OPERATORS[number % 4], "Perth", "PH1", "56.40", "-3.43")
    locality = _LOCALITIES.get(name, unknown)
    code = locality.operator.removeprefix("GB*")
    evses = []
    for charge_point, connectors in charge_points.items():
        for connector, models in _by_connector(connectors).items():
            evse = evse_id(locality.operator, charge_point, connector)
            evses.append(
                Evse(evse, (_connector(connector, max(models), code),), ("RFID", "QR_CODE"))
            )
    return Site(
        site_id=f"{locality.operator}*P{number:010}",
        operator_id=locality.operator,
        name=f"{locality.city} {name}",
        address=name,
        postal_code=locality.postal_code,
        city=locality.city,
        country="GB",
        latitude=locality.latitude,
        longitude=locality.longitude,
        time_zone=_PLACE.zone.key,
        evses=tuple(evses),
    )


def _by_connector(connectors: set[tuple[str, str]]) -> dict[str, list[str]]:
    models: dict[str, list[str]] = {}
    for connector, model in sorted(connectors):
        models.setdefault(connector, []).append(model)
    return models


def _connector(connector: str, model: str, code: str) -> Connector:
    power_w = max_power_w(model)
    if power_w > 50_000:
        return Connector(connector, "CHADEMO", "CABLE", "DC", 500, 125, power_w, f"{code}-RAPID")
    kind = "AC_1_PHASE" if power_w < 10_000 else "AC_3_PHASE"
    return Connector(connector, "IEC_62196_T2", "SOCKET", kind, 230, 32, power_w, f"{code}-SLOW")

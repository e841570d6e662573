"""The stations and tariffs of a simulated CSO: as messages to publish, as values to bill by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from roaming.domain.identifiers import EvseId, IdentifierError
from roaming.simulator.network import Connector, Evse, Place, Site, TariffVersion
from roaming.simulator.operator.config import ConfigError, Json
from roaming.simulator.tariffs import component, utc_text

VALID_SINCE = timedelta(hours=1)
METHODS = ("RFID", "APP", "QR_CODE", "PNC")


class Stations:
    """Sites and tariffs, looked up by EVSE. Messages are kept as they are sent."""

    def __init__(self, sites: Iterable[Json], tariffs: Iterable[Json]) -> None:
        self.sites = list(sites)
        self.tariffs = list(tariffs)
        self._places: dict[str, Place] = {}
        for site in self.sites:
            for evse_id, place in _places_of(site).items():
                self._places[evse_key(evse_id)] = place
        for tariff in self.tariffs:
            _check_tariff(tariff)

    @property
    def evse_ids(self) -> list[str]:
        """As they were written, in their order."""
        return [place.evse.evse_id for place in self._places.values()]

    def place(self, evse_id: str) -> Place | None:
        """The EVSE with its site, however its id is written; None where it is not ours."""
        return self._places.get(evse_key(evse_id))

    def add_tariff(self, tariff: Json) -> None:
        """One more version. ConfigError where it is none."""
        _check_tariff(tariff)
        self.tariffs.append(tariff)

    def tariff(self, connector: Connector, home_csp: str, at: datetime) -> TariffVersion | None:
        """What is charged there: a tariff for this home-CSP beats the general one; newest first."""
        found = [
            tariff
            for tariff in self.tariffs
            if tariff["id"] == connector.tariff_id
            and _moment(tariff["valid_from"]) <= at
            and tariff.get("home_csp") in (None, home_csp)
        ]
        if not found:
            return None
        best = max(found, key=lambda t: (t.get("home_csp") is not None, _moment(t["valid_from"])))
        return TariffVersion(
            operator_id=best["visited_cso"],
            tariff_id=best["id"],
            valid_from=_moment(best["valid_from"]),
            published_at=_moment(best["valid_from"]),
            body={
                **best,
                "elements": _sessions_elements(best),
                "all_elements": best["elements"],
            },
        )

    def reservation_prices(
        self, connector: Connector, home_csp: str, at: datetime
    ) -> ReservationPrices:
        """What a reservation costs that ran out unused."""
        version = self.tariff(connector, home_csp, at)
        elements = version.body["all_elements"] if version else []
        flats, times = [], {}
        for element in elements:
            kind = element.get("restrictions", {}).get("reservation")
            for part in element["price_components"] if kind else ():
                if part["type"] == "FLAT":
                    flats.append(_complete(part))
                elif part["type"] == "TIME":
                    times[kind] = _complete(part)
        # Where both price its time, what is for expired reservations counts (OCPI mod_tariffs).
        return ReservationPrices(
            flats, times.get("RESERVATION_EXPIRES") or times.get("RESERVATION")
        )


@dataclass(frozen=True, slots=True)
class ReservationPrices:
    """Fees, each charged once, and the price of an hour."""

    flats: list[Json]
    time: Json | None


def evse_key(evse_id: str) -> str:
    """The key under which an EVSE is found, however its id is written.

    >>> evse_key("DE*SIM*E1") == evse_key("desime1")
    True
    """
    try:
        return EvseId.parse(evse_id).key
    except IdentifierError:
        return evse_id


def stations_of(cso: str, sites: list[Json], tariffs: list[Json], now: datetime) -> Stations:
    """What the configuration says, filled in; a station and a tariff of our own where it is silent.

    ConfigError where a site or a tariff lacks what nobody can guess.
    """
    since = utc_text(now - VALID_SINCE)
    sites = [{"visited_cso": cso, "last_updated": utc_text(now), **site} for site in sites]
    tariffs = [{"visited_cso": cso, "valid_from": since, **tariff} for tariff in tariffs]
    return Stations(
        sites or [{**default_site(cso), "last_updated": utc_text(now)}],
        tariffs or [{**default_tariff(), "visited_cso": cso, "valid_from": since}],
    )


def default_site(cso: str) -> Json:
    """A site with two EVSEs, one slow and one fast."""
    country = cso[:2].upper() if cso[:2].isalpha() else "DE"
    prefix = cso if "*" in cso else f"{cso[:2]}*{cso[2:]}"
    return {
        "id": "SIM-1",
        "visited_cso": cso,
        "name": "Simulated station",
        "address": "Marktplatz 1",
        "city": "Jena",
        "postal_code": "07743",
        "country": country,
        "coordinates": {"latitude": "50.927", "longitude": "11.586"},
        "time_zone": "Europe/Berlin",
        "evses": [
            _default_evse(f"{prefix}*E1", "IEC_62196_T2", "AC_3_PHASE", 22_000),
            _default_evse(f"{prefix}*E2", "IEC_62196_T2_COMBO", "DC", 150_000),
        ],
    }


def _default_evse(evse_id: str, standard: str, power_type: str, power_w: int) -> Json:
    connector = {
        "id": "1",
        "standard": standard,
        "format": "CABLE" if power_type == "DC" else "SOCKET",
        "power_type": power_type,
        "max_voltage": 400,
        "max_amperage": power_w // 400,
        "max_electric_power": power_w,
        "tariff_ids": ["SIM-T1"],
    }
    return {
        "evse_id": evse_id,
        "connectors": [connector],
        "authentication_methods": list(METHODS),
    }


def default_tariff() -> Json:
    """0.49 EUR for a kWh, and 6.00 EUR for each hour of a reservation that nobody used."""
    return {
        "id": "SIM-T1",
        "currency": "EUR",
        "elements": [
            {"price_components": [component("ENERGY", "0.49", 19)]},
            {
                "price_components": [component("TIME", "6.00", 19)],
                "restrictions": {"reservation": "RESERVATION_EXPIRES"},
            },
        ],
    }


def _sessions_elements(tariff: Json) -> list[Json]:
    """The elements that price a session, each price with what our arithmetic asks for."""
    return [
        {**element, "price_components": [_complete(part) for part in element["price_components"]]}
        for element in tariff["elements"]
        if "reservation" not in element.get("restrictions", {})
    ]


def _complete(part: Json) -> Json:
    return {
        **part,
        "price": Decimal(str(part["price"])),
        "vat": Decimal(str(part.get("vat") or 0)),
        "step_size": int(part.get("step_size", 1)),
    }


def _places_of(message: Json) -> dict[str, Place]:
    try:
        zone = ZoneInfo(message["time_zone"])
        evses = tuple(_evse(part) for part in message["evses"])
        site = Site(
            site_id=message["id"],
            operator_id=message["visited_cso"],
            name=message.get("name", ""),
            address=message["address"],
            postal_code=message.get("postal_code", ""),
            city=message["city"],
            country=message["country"],
            latitude=str(message["coordinates"]["latitude"]),
            longitude=str(message["coordinates"]["longitude"]),
            time_zone=message["time_zone"],
            evses=evses,
        )
    except (KeyError, TypeError) as error:
        raise ConfigError(f"sites: {error} is missing or no site looks like that") from error
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(f"sites: time_zone {message['time_zone']!r} is unknown") from error
    return {evse.evse_id: Place(site, evse, zone) for evse in evses}


def _evse(part: Json) -> Evse:
    connectors = tuple(
        Connector(
            connector_id=str(connector["id"]),
            standard=connector.get("standard", ""),
            format=connector.get("format", ""),
            power_type=connector.get("power_type", ""),
            max_voltage_v=int(connector.get("max_voltage", 400)),
            max_current_a=int(connector.get("max_amperage", 32)),
            max_power_w=int(connector.get("max_electric_power") or 22_000),
            tariff_id=next(iter(connector.get("tariff_ids", [])), ""),
        )
        for connector in part["connectors"]
    )
    if not connectors:
        raise ConfigError(f"sites: {part['evse_id']} has no connector")
    return Evse(part["evse_id"], connectors, tuple(part.get("authentication_methods", METHODS)))


def _check_tariff(tariff: Json) -> None:
    try:
        _moment(tariff["valid_from"])
        parts: list[Any] = [
            part for element in tariff["elements"] for part in element["price_components"]
        ]
        for part in parts:
            _complete(part)
        if any(part["type"] == "TIME" for e in _sessions_elements(tariff)
               for part in e["price_components"]):  # fmt: skip
            raise ConfigError(
                f"tariffs: this operator bills ENERGY, FLAT and PARKING_TIME; {tariff['id']} "
                "prices TIME"
            )
        _ = tariff["id"], tariff["currency"]
    except ConfigError:
        raise
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise ConfigError(f"tariffs: {error!r} in {tariff.get('id', 'one of them')}") from error


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)

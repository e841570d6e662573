"""The demo's tariffs: five shapes in OCPI 2.2.1, and the dates on which their prices change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from roaming.simulator.months import Month, midnight
from roaming.simulator.network import TariffVersion

Element = dict[str, Any]
Shape = Callable[[tuple[str, ...], int], list[Element]]

NOTICE = timedelta(days=14)
"""How long before it becomes valid a price is published."""


def component(kind: str, price: str, vat: int, step_size: int = 1) -> dict[str, Any]:
    """An OCPI price component: per kWh, per hour or flat, before VAT; step in Wh or seconds."""
    return {
        "type": kind,
        "price": Decimal(price),
        "vat": Decimal(vat),
        "step_size": step_size,
    }


def energy_only(prices: tuple[str, ...], vat: int) -> list[Element]:
    """One price per kWh."""
    (energy,) = prices
    return [{"price_components": [component("ENERGY", energy, vat)]}]


def day_and_night(prices: tuple[str, ...], vat: int) -> list[Element]:
    """A price per kWh by day (07:00 to 20:00) and one by night; each kWh begun is billed."""
    day, night = prices
    return [
        {
            "price_components": [component("ENERGY", day, vat, 1000)],
            "restrictions": {"start_time": "07:00", "end_time": "20:00"},
        },
        {"price_components": [component("ENERGY", night, vat, 1000)]},
    ]


def working_hours(prices: tuple[str, ...], vat: int) -> list[Element]:
    """A price per kWh from Monday to Friday (08:00 to 18:00) and one for all other hours."""
    work, rest = prices
    days = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"]
    return [
        {
            "price_components": [component("ENERGY", work, vat)],
            "restrictions": {"start_time": "08:00", "end_time": "18:00", "day_of_week": days},
        },
        {"price_components": [component("ENERGY", rest, vat)]},
    ]


def with_parking(prices: tuple[str, ...], vat: int) -> list[Element]:
    """A fee per session, a price per kWh, and parking by the quarter of an hour begun.

    A quarter of an hour is a finite decimal of an hour, which makes every bill exact.
    """
    fee, energy, parking = prices
    return [
        {
            "price_components": [
                component("FLAT", fee, vat),
                component("ENERGY", energy, vat),
                component("PARKING_TIME", parking, vat, 900),
            ]
        }
    ]


def by_the_hour(prices: tuple[str, ...], vat: int) -> list[Element]:
    """A price per kWh, charging time and parking each by the quarter of an hour begun."""
    energy, time, parking = prices
    return [
        {
            "price_components": [
                component("ENERGY", energy, vat),
                component("TIME", time, vat, 900),
                component("PARKING_TIME", parking, vat, 900),
            ]
        }
    ]


@dataclass(frozen=True, slots=True)
class PriceList:
    """A tariff with its prices: before, now, and from the middle of the month on; () for none.

    `home_csp`: for this provider's customers alone. `bounds`: the least and the most that a session
    costs, before VAT.
    """

    operator_id: str
    tariff_id: str
    shape: Shape
    before: tuple[str, ...]
    now: tuple[str, ...]
    from_the_16th: tuple[str, ...] = ()
    home_csp: str | None = None
    bounds: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class PricingPlace:
    """What the country of the stations decides: currency, VAT in per cent, and local midnight."""

    currency: str
    vat: int
    zone: ZoneInfo


def versions(prices: PriceList, place: PricingPlace, month: Month) -> Iterator[TariffVersion]:
    """The tariff's versions around `month`, each valid from a local midnight."""
    starts: list[tuple[date, tuple[str, ...]]] = [
        (month.first - timedelta(days=100), prices.before),
        (month.first - timedelta(days=10), prices.now),
    ]
    starts.append((month.first.replace(day=16), prices.from_the_16th))
    for day, amounts in starts:
        if not amounts:
            continue
        valid_from = midnight(day, place.zone)
        published_at = valid_from - NOTICE
        yield TariffVersion(
            prices.operator_id,
            prices.tariff_id,
            valid_from,
            published_at,
            {
                "id": prices.tariff_id,
                "currency": place.currency,
                "elements": prices.shape(amounts, place.vat),
                "last_updated": utc_text(published_at),
                "valid_from": utc_text(valid_from),
                **_bounds(prices.bounds, place.vat),
            },
            prices.home_csp,
        )


def _bounds(bounds: tuple[str, str] | None, vat: int) -> dict[str, Any]:
    return {
        name: {"excl_vat": Decimal(bound), "incl_vat": Decimal(bound) * (100 + vat) / 100}
        for name, bound in zip(("min_price", "max_price"), bounds or (), strict=False)
    }


def utc_text(moment: datetime) -> str:
    """RFC 3339 in UTC, `2026-09-01T00:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

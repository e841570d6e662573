"""A tariff's elements in words: what each prices, and when; amounts elsewhere lead here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.html import format_html

from roaming.domain.tariff import InvalidTariffError, parse_tariff
from roaming.domain.tariff.elements import PriceComponent, TariffRestrictions
from roaming.staff_pages.cells import plain_number
from roaming.staff_pages.staff_admin import Panel

_PER = {"ENERGY": "per kWh", "TIME": "per hour", "PARKING_TIME": "per hour parked", "FLAT": "flat"}
_STEPS = {"ENERGY": "Wh", "TIME": "s", "PARKING_TIME": "s"}
_BOUNDS = (("kwh", "kWh"), ("current", "A"), ("power", "kW"), ("duration", "s"))


def elements_panel(body: str) -> Panel:
    """The first element whose restrictions hold prices a dimension."""
    try:
        tariff = parse_tariff(body)
    except InvalidTariffError as invalid:
        return Panel("Price elements", ("",), [], f"It cannot be read: {invalid}.")
    lines = [
        (
            format_html('<span id="element-{}">{}</span>', number, number),
            "; ".join(_price(part, tariff.currency) for part in element.price_components),
            "; ".join(_conditions(element.restrictions)) or "always",
        )
        for number, element in enumerate(tariff.elements, start=1)
    ]
    note = "Per dimension the first element that holds at that instant prices it. Local times."
    return Panel("Price elements", ("Element", "Price", "When"), lines, "", note=note)


def _price(part: PriceComponent, currency: str) -> str:
    """For example `0.5 EUR per kWh, 19 % tax, in steps of 100 Wh`."""
    words = f"{plain_number(part.price)} {currency} {_PER[part.type]}"
    if part.vat is not None:
        words += f", {plain_number(part.vat)} % tax"
    if part.type in _STEPS and part.step_size and part.step_size > 1:
        words += f", in steps of {plain_number(part.step_size)} {_STEPS[part.type]}"
    return words


def _conditions(given: TariffRestrictions | None) -> Iterator[str]:
    if given is None:
        return
    yield from _span("", "", given.start_time, given.end_time)
    yield from _span("", "", given.start_date, given.end_date)
    if given.day_of_week:
        yield ", ".join(day.capitalize() for day in given.day_of_week)
    for name, unit in _BOUNDS:
        least, most = getattr(given, f"min_{name}"), getattr(given, f"max_{name}")
        yield from _span(
            "" if name in {"kwh", "power", "current"} else "session of ",
            unit,
            None if least is None else plain_number(least),
            None if most is None else plain_number(most),
        )
    if given.reservation:
        yield given.reservation.replace("_", " ").capitalize()


def _span(what: str, unit: str, begin: Any, end: Any) -> Iterator[str]:
    """From inclusive, to exclusive; nothing where neither is given.

    >>> list(_span("", "kWh", "5", None)), list(_span("", "", "08:00", "20:00"))
    (['from 5 kWh'], ['from 08:00 to 20:00'])
    """
    if begin is None and end is None:
        return
    words = [f"from {begin}"] if begin is not None else []
    words += [f"to {end}"] if end is not None else []
    yield f"{what}{' '.join(words)} {unit}".strip()

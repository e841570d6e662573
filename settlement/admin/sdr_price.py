"""What an SDR's page says about its price: line by line, each leading to its tariff element."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils import timezone

from roaming.domain.money import currency_digits
from roaming.models import Sdr
from roaming.staff_pages.cells import EMPTY, anchor, figure, money, money_text
from roaming.staff_pages.staff_admin import Panel
from settlement.domain.rating import PricedSdr
from settlement.domain.rating.presentation import plain, unit_of
from settlement.domain.rating.priced import PricedLine
from settlement.reports.sdr_calculation import Calculation, calculation_of

HEADERS = (
    "Period", "What", "Volume", "Rounded up by", "Price", "Before tax", "Tax", "Tariff element",
)  # fmt: skip
SUB_TOTALS = {
    "fixed": "Flat", "energy": "Energy", "time": "Time", "parking": "Parking",
    "reservation": "Reservation",
}  # fmt: skip


def calculation_panel(row: Sdr) -> Panel:
    """The clearing house's own calculation."""
    if row.credit:
        return Panel("How the price comes about", ("",), [], "A credit takes back another SDR.")
    made = calculation_of(row)
    if made.priced is None:
        why = made.failure.replace("_", " ") or "the SDR cannot be read"
        return Panel("How the price comes about", ("",), [], f"No price follows: {why}.")
    zone = made.time_zone.key if made.time_zone else "UTC"
    return Panel(
        "How the price comes about",
        HEADERS,
        [*_lines(made, made.priced), *_sums(made.priced, row)],
        "",
        note=f"Rated with the tariff in force at the start; times in {zone}. Amounts are exact, "
        "and rounded once, at the end.",
    )


def _lines(made: Calculation, priced: PricedSdr) -> Iterator[tuple[Any, ...]]:
    shown = -1
    for line in priced.lines:
        name = EMPTY
        if line.period != shown:
            shown, name = line.period, _period(made, line.period)
        yield (name, *_cells(made, priced, line))


def _cells(made: Calculation, priced: PricedSdr, line: PricedLine) -> Iterator[Any]:
    unit, digits = unit_of(line), currency_digits(priced.currency)
    component = line.component
    reservation = component.reservation if component is not None else None
    kind = " of ".join(filter(None, (line.dimension, reservation)))
    yield kind.replace("_", " ").capitalize()
    yield _volume(line.volume, unit)
    yield _volume(line.step_added, unit) if line.extra is not None else EMPTY
    if component is None:
        yield from ("free", money(Decimal(0), priced.currency), EMPTY, _unpriced(made, line))
        return
    price = f"{plain(component.price, digits)} {priced.currency}"
    yield figure(f"{price}/{unit}" if unit else price)
    yield money(line.amount_before_tax, priced.currency)
    taxes = [
        f"{tax.name} {plain(tax.percentage)} %: {plain(tax.amount, digits)}" for tax in line.taxes
    ]
    yield ", ".join(taxes) or EMPTY
    yield _element(made, line.tariff_id, component.element_index)


def _period(made: Calculation, number: int) -> str:
    """For example `1, from 10:15:00`."""
    if made.parsed is None:
        return str(number + 1)
    start = made.parsed.charging_periods[number].start_date_time
    return f"{number + 1}, from {timezone.localtime(start, made.time_zone):%d %b %H:%M:%S}"


def _volume(volume: Decimal, unit: str) -> Any:
    """Hours also as a clock shows them."""
    if unit != "h":
        return figure(f"{plain(volume)} {unit}".rstrip()) if unit else EMPTY
    seconds = timedelta(seconds=int((volume * 3600).to_integral_value()))
    return figure(f"{plain(volume)} h ({seconds})")


def _element(made: Calculation, tariff_id: str, index: int) -> Any:
    """Leads to the element on the page of the version that priced the line."""
    words = f"{tariff_id}, element {index + 1}"
    version = made.version_of(tariff_id)
    if version is None:
        return f"{words} (the SDR's own snapshot)"
    address = reverse("admin:roaming_tariffversion_change", args=[version.pk])
    return anchor(f"{address}#element-{index + 1}", words)


def _unpriced(made: Calculation, line: PricedLine) -> Any:
    return f"no element of {line.tariff_id} prices it"


def _sums(priced: PricedSdr, row: Sdr) -> Iterator[tuple[Any, ...]]:
    """Sub-totals, bounds, the total, and what was claimed and settled beside it."""
    currency = priced.currency
    for kind, amount in priced.sub_totals()._asdict().items():
        if amount is not None:
            yield _sum(f"{SUB_TOTALS[kind]} in all", amount.before_tax, currency)
    for bound in priced.bounds:
        yield _sum(
            f"{bound.kind.replace('_', ' ')} of {bound.tariff_id}", bound.before_tax, currency
        )
    yield _sum("Total, exact", priced.total_before_tax, currency)
    rounded = priced.rounded()
    tax = "" if rounded.after_tax is None else f"with tax {money_text(rounded.after_tax, currency)}"
    yield (
        *_sum(f"Total, rounded {priced.rounding.lower()}", rounded.before_tax, currency)[:6],
        tax,
        "",
    )
    yield _sum("The visited-CSO claims", row.claim_before_tax, row.currency)
    yield _sum("Settled", getattr(row.standing, "settled_amount", None), row.currency)


def _sum(name: str, amount: Decimal | None, currency: str) -> tuple[Any, ...]:
    return ("", name.replace("_", " "), "", "", "", money(amount, currency), "", "")

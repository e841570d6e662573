"""How an SDR's price comes about by the tariff in force: line by line, in the viewer's own form."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from clearinghouse.portal.presentation import EMPTY, figure, money, money_text, quantity
from clearinghouse.portal.tables import Row, Table, headers
from roaming.models import Sdr
from settlement.domain.rating import PricedSdr
from settlement.domain.rating.presentation import unit_of
from settlement.domain.rating.priced import PricedLine
from settlement.reports.sdr_calculation import Calculation, calculation_of

_SECONDS_PER_HOUR = 3600


def price_table(sdr: Sdr) -> Table | None:
    """Every period and dimension with what prices it; None for a credit, which has no price."""
    if sdr.credit:
        return None
    made = calculation_of(sdr)
    titles = (
        _("Period"), _("What"), _("Volume"), _("Rounded up by"), _("Price"), _("Before tax"),
        _("Tariff element"),
    )  # fmt: skip
    if made.priced is None:
        why = made.failure.replace("_", " ") or _("the SDR cannot be read")
        return Table(_("How the price comes about"), [], [], _("No price follows: %s.") % why)
    zone = made.time_zone.key if made.time_zone else "UTC"
    return Table(
        _("How the price comes about"),
        headers(*titles, figures=titles[2:6]),
        [Row(cells) for cells in (*_lines(made, made.priced), *_sums(made.priced))],
        "",
        note=_(
            "Rated with the tariff in force when the session started; times of the site, %(zone)s. "
            "Amounts are exact and rounded once, at the end."
        )
        % {"zone": zone},
        shown_caption=False,
    )


def _lines(made: Calculation, priced: PricedSdr) -> Iterator[tuple[Any, ...]]:
    for line in priced.lines:
        unit = unit_of(line)
        component = line.component
        per = f"/{unit}" if unit else ""
        yield (
            _period(made, line.period),
            _kind(line),
            _volume(line.volume, unit),
            _volume(line.step_added, unit) if line.extra is not None else EMPTY,
            figure(f"{money_text(component.price, priced.currency)}{per}")
            if component is not None
            else _("free"),
            money(line.amount_before_tax, priced.currency),
            _element(made, line),
        )


def _kind(line: PricedLine) -> str:
    names = {
        "ENERGY": _("Energy"),
        "TIME": _("Time"),
        "PARKING_TIME": _("Parking"),
        "FLAT": _("Flat"),
    }
    name = names.get(line.dimension, line.dimension)
    if line.component is None or not line.component.reservation:
        return name
    return _("%s of the reservation") % name


def _period(made: Calculation, number: int) -> str:
    """For example `1, from 10:15:00`."""
    if made.parsed is None:
        return str(number + 1)
    start = made.parsed.charging_periods[number].start_date_time
    return _("%(number)d, from %(clock)s") % {
        "number": number + 1,
        "clock": f"{timezone.localtime(start, made.time_zone):%H:%M:%S}",
    }


def _volume(volume: Decimal, unit: str) -> Any:
    """Hours as a clock shows them: binary fractions of hours say little."""
    if unit != "h":
        return quantity(volume, unit) if unit else EMPTY
    seconds = int((volume * _SECONDS_PER_HOUR).to_integral_value())
    return f"{timedelta(seconds=seconds)} h"


def _element(made: Calculation, line: PricedLine) -> str:
    named = {"tariff": line.tariff_id}
    if line.component is None:
        return _("no element of %(tariff)s prices it") % named
    words = _("%(tariff)s, element %(number)d") % {
        **named,
        "number": line.component.element_index + 1,
    }
    if made.version_of(line.tariff_id) is None:
        return _("%s (as the SDR shows it)") % words
    return words


def _sums(priced: PricedSdr) -> Iterator[tuple[Any, ...]]:
    """What min_price and max_price changed, the exact total, and the total as it is settled."""
    named = {"MIN_PRICE": _("Minimum price"), "MAX_PRICE": _("Maximum price")}
    amounts = [
        (named.get(bound.kind.upper(), bound.kind), bound.before_tax) for bound in priced.bounds
    ]
    amounts.append((_("Total, exact"), priced.total_before_tax))
    amounts.append((_("Total, rounded"), priced.rounded().before_tax))
    for name, amount in amounts:
        yield (name, "", "", "", "", money(amount, priced.currency), "")

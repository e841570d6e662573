"""A priced SDR for machines (JSON values, decimals as plain strings) and for people (text)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from roaming.domain.money import currency_digits
from settlement.domain.rating.drafts import SECONDS_PER_HOUR
from settlement.domain.rating.findings import RatingFinding
from settlement.domain.rating.priced import PricedLine, PricedSdr
from settlement.domain.rating.sdr_to_rate import SdrToRate
from settlement.domain.rating.taxation import Taxability

_UNITS = {"ENERGY": "kWh", "FLAT": ""}
_FINEST = Decimal("1E-28")


def plain(value: Decimal, digits: int = 0) -> str:
    """A decimal as people write it: no exponent, no idle zeros beyond `digits`.

    >>> plain(Decimal("7.0000"), 2), plain(Decimal("1E+2")), plain(Decimal("0.029000"), 2)
    ('7.00', '100', '0.029')
    """
    if value.adjusted() < _FINEST.adjusted():
        value = Decimal(0)
    whole, _, fraction = f"{+value:f}".partition(".")
    fraction = fraction.rstrip("0").ljust(digits, "0")
    return f"{whole}.{fraction}" if fraction else whole


def as_json(priced: PricedSdr) -> dict[str, Any]:
    """The whole answer; amounts unrounded except `rounded`. Periods and elements count from 0."""
    digits = currency_digits(priced.currency)
    rounded = priced.rounded()
    sub_totals = priced.sub_totals()._asdict()
    return {
        "total_before_tax": plain(priced.total_before_tax, digits),
        "total_after_tax": _maybe(priced.total_after_tax, digits),
        "currency": priced.currency,
        "rounded": {
            "before_tax": plain(rounded.before_tax, digits),
            "after_tax": _maybe(rounded.after_tax, digits),
        },
        "lines": [_line(line, digits) for line in priced.lines],
        "bounds": [
            {
                "kind": bound.kind,
                "tariff_id": bound.tariff_id,
                "before_tax": plain(bound.before_tax, digits),
                "after_tax": _maybe(bound.after_tax, digits),
            }
            for bound in priced.bounds
        ],
        "sub_totals": {
            kind: {
                "before_tax": plain(amount.before_tax, digits),
                "after_tax": _maybe(amount.after_tax, digits),
            }
            for kind, amount in sub_totals.items()
            if amount is not None
        },
        "findings": [_finding(finding, digits) for finding in priced.findings],
    }


def _line(line: PricedLine, digits: int) -> dict[str, Any]:
    component = line.component
    return {
        "period": line.period,
        "dimension": line.dimension,
        "tariff_id": line.tariff_id,
        "element": line.element_index,
        "component": component.kind if component else None,
        "reservation": component.reservation if component else None,
        "volume": plain(line.volume),
        "unit": unit_of(line),
        "step_added": plain(line.step_added),
        "price": _maybe(line.price, digits),
        "amount_before_tax": plain(line.amount_before_tax, digits),
        "taxes": [
            {
                "name": tax.name,
                "percentage": plain(tax.percentage),
                "amount": plain(tax.amount, digits),
            }
            for tax in line.taxes
        ],
        "amount_after_tax": _maybe(line.amount_after_tax, digits),
    }


def _finding(finding: RatingFinding, digits: int) -> dict[str, Any]:
    return {
        "family": finding.family,
        "code": finding.code,
        "severity": finding.severity.value,
        "detail": finding.detail,
        "periods": list(finding.periods),
        "total_before_tax_if_split": _maybe(finding.total_if_split, digits),
        "money_at_stake": _maybe(finding.money_at_stake, digits),
    }


def _maybe(value: Decimal | None, digits: int) -> str | None:
    return None if value is None else plain(value, digits)


def unit_of(line: PricedLine) -> str:
    """kWh, h, or nothing for FLAT."""
    return _UNITS.get(line.dimension, "h")


def printable(text: str) -> str:
    r"""One line for a terminal: what is not printable in names from outside is replaced.

    >>> printable("tariff \x1b[31mX\n")
    'tariff �[31mX�'
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else "�" for c in text)


def explanation(priced: PricedSdr, sdr: SdrToRate, time_zone: ZoneInfo) -> str:
    """The calculation line by line, with periods and elements counted from 1."""
    return "\n".join(printable(line) for line in _explain(priced, sdr, time_zone))


def _explain(priced: PricedSdr, sdr: SdrToRate, time_zone: ZoneInfo) -> Iterator[str]:
    currency, digits = priced.currency, currency_digits(priced.currency)

    def at(moment: datetime) -> str:
        return f"{moment.astimezone(time_zone):%a %Y-%m-%d %H:%M:%S %Z}"

    yield f"Session from {at(sdr.start_date_time)} to {at(sdr.end_date_time)}"
    by_period: dict[int, list[PricedLine]] = {}
    for line in priced.lines:
        by_period.setdefault(line.period, []).append(line)
    for index, period in enumerate(sdr.charging_periods):
        yield f"Period {index + 1} from {at(period.start_date_time)}"
        for line in by_period.get(index, ()):
            yield f"  {_explain_line(line, currency, digits)}"
        if index not in by_period:
            yield "  nothing to price"
    for bound in priced.bounds:
        yield _explain_total(
            f"{bound.kind} of tariff {bound.tariff_id}", bound[2:], currency, digits
        )
    totals = (priced.total_before_tax, priced.total_after_tax)
    yield _explain_total("Total", totals, currency, digits)
    yield _explain_total(f"Rounded {priced.rounding}", priced.rounded(), currency, digits)
    for finding in priced.findings:
        worth = _maybe(finding.money_at_stake, digits)
        stake = "" if worth is None else f" [{worth} {currency} at stake]"
        yield f"{finding.severity.value}: {finding.family} {finding.code}: {finding.detail}{stake}"


def _explain_line(line: PricedLine, currency: str, digits: int) -> str:
    unit = unit_of(line)
    volume = _quantity(line.volume, unit)
    component = line.component
    if component is None:
        return f"{line.dimension} {volume}: free, no element of tariff {line.tariff_id} prices it"
    if line.extra is not None:
        volume = f"({volume}{_step(line.step_added, unit)})"
    name = " of ".join(filter(None, (line.dimension, component.reservation)))
    price = f"{plain(component.price, digits)} {currency}" + (f"/{unit}" if unit else "")
    kind = component.taxation.kind
    if kind in (Taxability.CONTAINED, Taxability.UNKNOWN_CONTAINED):
        price += " incl. tax"
    equals = "= at most" if kind is Taxability.UNKNOWN_CONTAINED else "="
    amount = f"{plain(line.amount_before_tax, digits)} {currency} before tax"
    taxes = "".join(
        f" + {tax.name} {plain(tax.percentage)} % {plain(tax.amount, digits)}" for tax in line.taxes
    )
    source = f"tariff {line.tariff_id}, element {component.element_index + 1}"
    return f"{name} {volume} x {price} {equals} {amount}{taxes} ({source})"


def _step(added: Decimal, unit: str) -> str:
    """What step rounding did: it adds, or takes the crumbs off a volume just above a full step."""
    if added < 0:
        return ", snapped to a full step"
    return f" + {_quantity(added, unit)} to a full step"


def _quantity(volume: Decimal, unit: str) -> str:
    """A volume; hours also as a clock shows them, since binary fractions of hours say little."""
    if unit != "h":
        return f"{plain(volume)} {unit}".rstrip()
    seconds = int((volume * SECONDS_PER_HOUR).to_integral_value())
    return f"{plain(volume)} h [{timedelta(seconds=seconds)}]"


def _explain_total(
    name: str, amount: tuple[Decimal, Decimal | None], currency: str, digits: int
) -> str:
    before, after = amount
    known = "after tax not known" if after is None else f"{plain(after, digits)} after tax"
    return f"{name}: {plain(before, digits)} {currency} before tax, {known}"

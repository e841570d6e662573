"""What rating notices beside the price: the SDR is rated nevertheless."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from roaming.domain.sdr import Severity
from roaming.domain.tariff import Tariff


@dataclass(frozen=True, slots=True)
class RatingFinding:
    """`family` is PRC or TAX (settlement.md, section 3), `code` is stable, `detail` is for people.

    `periods` counts from 0. `total_if_split` is the total before tax had the CSO started a period
    at each boundary, `money_at_stake` what the SDR is dearer for it; None where not worked out.
    """

    family: str
    code: str
    severity: Severity
    detail: str
    periods: tuple[int, ...] = ()
    total_if_split: Decimal | None = None
    money_at_stake: Decimal | None = None


def price_warning(code: str, detail: str, periods: tuple[int, ...] = ()) -> RatingFinding:
    """A PRC finding that is no more than a warning."""
    return RatingFinding("PRC", code, Severity.WARNING, detail, periods)


def oddities_of(tariff: Tariff) -> Iterator[RatingFinding]:
    """What is wrong with the tariff itself, whatever it prices."""
    low, high = tariff.min_price, tariff.max_price
    if low is not None and high is not None and low.before_tax > high.before_tax:
        detail = f"tariff {tariff.id} has a min_price above its max_price; the max_price holds"
        yield price_warning("bounds_contradict", detail)
    if tariff.tax_included == "N/A" and states_a_rate(tariff):
        detail = f"tariff {tariff.id} says that no tax is applicable, and states rates: none counts"
        yield RatingFinding("TAX", "rates_without_tax", Severity.WARNING, detail)


def states_a_rate(tariff: Tariff) -> bool:
    """Whether any component of the tariff names a tax."""
    return any(
        component.vat is not None or component.taxes
        for element in tariff.elements
        for component in element.price_components
    )


def unknown_rates(contained: bool) -> RatingFinding:
    """2.3.0, no rate in the whole tariff: one of the two totals cannot be worked out."""
    if contained:
        detail = "prices contain taxes at rates not stated: the total before tax is at most this"
        return RatingFinding("TAX", "contained_tax_unknown", Severity.SEVERE, detail)
    detail = "taxes are added at rates that the tariff does not state: no total after tax"
    return RatingFinding("TAX", "added_tax_unknown", Severity.WARNING, detail)

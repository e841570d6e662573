"""The answer of `rate`: totals, and every line that made them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import NamedTuple

import msgspec

from roaming.domain.money import Rounding, round_money
from settlement.domain.rating.drafts import SECONDS_PER_HOUR
from settlement.domain.rating.findings import RatingFinding
from settlement.domain.rating.plan import PlannedComponent
from settlement.domain.rating.stretches import ZERO
from settlement.domain.rating.taxation import Rate, tax_of

# Hours sent as binary fractions leave crumbs below this: they make no cent, not even by ceiling.
_CRUMB = Decimal("1E-12")
_WIDE = Context(prec=100)


class LineTax(NamedTuple):
    """One tax of one line or of a total, unrounded."""

    name: str
    percentage: Decimal
    amount: Decimal


class PricedLine(msgspec.Struct, frozen=True, gc=False):
    """One dimension of one period. Volumes in kWh or hours, 1 for FLAT; amounts unrounded.

    `component` is None where no element priced the dimension. `amount_after_tax` is None where the
    tariff adds taxes at rates that it does not state.
    """

    period: int
    dimension: str
    tariff_id: str
    component: PlannedComponent | None
    volume: Decimal
    extra: Decimal | None
    amount_before_tax: Decimal
    amount_after_tax: Decimal | None

    @property
    def element_index(self) -> int | None:
        return self.component.element_index if self.component else None

    @property
    def price(self) -> Decimal | None:
        """Per kWh, per hour, or flat, as the tariff states it."""
        return self.component.price if self.component else None

    @property
    def step_added(self) -> Decimal:
        """What step rounding added, in the volume's unit."""
        if self.extra is None:
            return ZERO
        return self.extra if self.dimension == "ENERGY" else self.extra / SECONDS_PER_HOUR

    @property
    def taxes(self) -> tuple[LineTax, ...]:
        rates: tuple[Rate, ...] = self.component.taxation.rates if self.component else ()
        return tuple(LineTax(*rate, tax_of(self.amount_before_tax, rate)) for rate in rates)


class Bound(NamedTuple):
    """What min_price or max_price added to the sum of the lines (negative where it cut)."""

    kind: str
    tariff_id: str
    before_tax: Decimal
    after_tax: Decimal | None


class Amount(NamedTuple):
    """Before and after tax; after is None where it cannot be known."""

    before_tax: Decimal
    after_tax: Decimal | None


class SubTotals(NamedTuple):
    """OCPI's total_fixed_cost, total_energy_cost, and so on; None where the SDR has nothing of it.

    FLAT components of a reservation count to the reservation.
    """

    fixed: Amount | None
    energy: Amount | None
    time: Amount | None
    parking: Amount | None
    reservation: Amount | None


class PricedSdr(msgspec.Struct, frozen=True, kw_only=True):
    """The price of an SDR, unrounded; `rounded()` is what is settled.

    `total_after_tax` is None where a line that costs something is taxed at rates that the tariff
    does not state (2.3.0, tax_included NO, no rate anywhere). Where VAT is omitted in 2.2.1, or the
    tariff says N/A, no tax is applicable: the total after tax is the total before tax.
    """

    currency: str
    rounding: Rounding
    lines: tuple[PricedLine, ...]
    total_before_tax: Decimal
    total_after_tax: Decimal | None
    bounds: tuple[Bound, ...] = ()
    findings: tuple[RatingFinding, ...] = ()

    def rounded(self) -> Amount:
        """Both totals at the currency's digits, rounded once, as the agreement rounds."""
        after = self.total_after_tax
        return Amount(
            self._rounded(self.total_before_tax), None if after is None else self._rounded(after)
        )

    def sub_totals(self) -> SubTotals:
        """The sums of the lines by kind, before min_price and max_price, unrounded."""
        return SubTotals(*(self._sum(kind) for kind in SubTotals._fields))

    def taxes(self) -> tuple[LineTax, ...]:
        """Each tax over all lines, before min_price and max_price, unrounded."""
        sums: dict[tuple[str, Decimal], Decimal] = {}
        for line in self.lines:
            for tax in line.taxes:
                key = (tax.name, tax.percentage)
                sums[key] = sums.get(key, ZERO) + tax.amount
        return tuple(LineTax(*key, amount) for key, amount in sums.items())

    def _rounded(self, amount: Decimal) -> Decimal:
        clean = amount.quantize(_CRUMB, ROUND_HALF_EVEN, _WIDE)
        return round_money(clean, self.currency, self.rounding)

    def _sum(self, kind: str) -> Amount | None:
        lines = list(self._of(kind))
        if not lines:
            return None
        before = sum((line.amount_before_tax for line in lines), ZERO)
        after = [line.amount_after_tax for line in lines if line.amount_after_tax is not None]
        return Amount(before, sum(after, ZERO) if len(after) == len(lines) else None)

    def _of(self, kind: str) -> Iterator[PricedLine]:
        for line in self.lines:
            if line.component is not None and sub_total_of(line) == kind:
                yield line


def sub_total_of(line: PricedLine) -> str:
    """The sub-total that a line belongs to, by the name of its field in SubTotals."""
    if line.component is not None and line.component.reservation is not None:
        return "reservation"
    return _SUB_TOTALS[line.dimension]


_SUB_TOTALS = {
    "FLAT": "fixed",
    "ENERGY": "energy",
    "TIME": "time",
    "PARKING_TIME": "parking",
    "RESERVATION_TIME": "reservation",
}

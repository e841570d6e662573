"""The answer of `rate`: totals, and every line that made them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import NamedTuple

import msgspec

from roaming.domain.money import Rounding, round_money
from settlement.domain.rating.drafts import SECONDS_PER_HOUR
from settlement.domain.rating.findings import RatingFinding
from settlement.domain.rating.plan import PlannedComponent
from settlement.domain.rating.stretches import ZERO
from settlement.domain.rating.taxation import Taxability, Taxation, tax_of

# Hours sent as binary fractions leave crumbs below this: they make no cent, not even by ceiling.
_CRUMB = Decimal("1E-12")
_WIDE = Context(prec=100)
_CONTAINED = Taxability.CONTAINED


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
        return _taxes(self.component.taxation, self.amount_before_tax) if self.component else ()


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


def sum_of(lines: Iterable[PricedLine]) -> Amount:
    """The exact sum of lines; after tax is None where it is for one of them.

    Where prices contain their taxes, those are taken out of the sum at each rate: three times 0.25
    with 20 % in it are 0.625, though no third of that is a finite decimal.
    """
    before = after = ZERO
    known = True
    contained: dict[Decimal, Decimal] = {}
    for line in lines:
        component, made = line.component, line.amount_after_tax
        if made is None:
            made, known = ZERO, False
        after += made
        if component is not None and component.taxation.kind is _CONTAINED:
            factor = component.taxation.factor
            contained[factor] = contained.get(factor, ZERO) + made
        else:
            before += line.amount_before_tax
    for factor, made in contained.items():
        before += made / factor
    return Amount(before, after if known else None)


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
        alike: dict[Taxation, list[PricedLine]] = {}
        for line in self.lines:
            if line.component is not None:
                alike.setdefault(line.component.taxation, []).append(line)
        sums: dict[tuple[str, Decimal], Decimal] = {}
        for taxation, lines in alike.items():
            for name, percentage, amount in _taxes(taxation, sum_of(lines).before_tax):
                key = (name, percentage)
                sums[key] = sums.get(key, ZERO) + amount
        return tuple(LineTax(*key, amount) for key, amount in sums.items())

    def _rounded(self, amount: Decimal) -> Decimal:
        return round_priced(amount, self.currency, self.rounding)

    def _sum(self, kind: str) -> Amount | None:
        lines = list(self._of(kind))
        return sum_of(lines) if lines else None

    def _of(self, kind: str) -> Iterator[PricedLine]:
        for line in self.lines:
            if line.component is not None and sub_total_of(line) == kind:
                yield line


def round_priced(amount: Decimal, currency: str, rounding: Rounding) -> Decimal:
    """An unrounded amount at the currency's digits; what binary fractions left makes no cent.

    >>> round_priced(Decimal("5.6200000000000001"), "EUR", Rounding.CEILING)
    Decimal('5.62')
    """
    return round_money(amount.quantize(_CRUMB, ROUND_HALF_EVEN, _WIDE), currency, rounding)


def _taxes(taxation: Taxation, before_tax: Decimal) -> tuple[LineTax, ...]:
    return tuple(LineTax(*rate, tax_of(before_tax, rate)) for rate in taxation.rates)


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

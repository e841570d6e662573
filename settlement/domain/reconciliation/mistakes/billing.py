"""The total that follows from a manner of billing: rating's own parts, put together wrongly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

import msgspec

from roaming.domain.money import Rounding, UnknownCurrencyError, minor_unit
from roaming.domain.tariff import ContentError
from settlement.domain.rating import NotRatable, TariffPlan
from settlement.domain.rating.boundaries import TooManyCutsError
from settlement.domain.rating.bounds import bounded
from settlement.domain.rating.drafts import (
    Draft,
    drafts_of,
)
from settlement.domain.rating.priced import Amount, PricedLine, round_priced, sub_total_of, sum_of
from settlement.domain.rating.pricing import money_of
from settlement.domain.rating.splitting import split_session
from settlement.domain.rating.stretches import ZERO, Session, session_of
from settlement.domain.rating.tariff_choice import plans_of
from settlement.domain.rating.taxation import Taxability
from settlement.domain.reconciliation.mistakes.departures import (
    CannotBillError,
    apply_steps,
    bill_stated,
    stay_at_start,
    swap_times,
    with_fees,
)
from settlement.domain.reconciliation.mistakes.manner import (
    Bounds,
    Cents,
    Clock,
    Energy,
    Manner,
    Prices,
    Tax,
    Times,
)
from settlement.domain.reconciliation.mistakes.material import Material

_UTC = ZoneInfo("UTC")


# Parts into which boundaries may divide a session that is to be explained.
MOST_PARTS = 500
# What a trial may raise: nobody can have billed so, or nothing can be said of it.
CANNOT_BILL = (
    NotRatable,
    ContentError,
    UnknownCurrencyError,
    CannotBillError,
    TooManyCutsError,
    ArithmeticError,
)


@dataclass(frozen=True, slots=True)
class Billed:
    """The total before tax that would be claimed, payable, and the lines that made it."""

    total: Decimal
    lines: tuple[PricedLine, ...]
    manner: Manner

    def sub_totals(self) -> dict[str, Decimal]:
        """Unrounded, before the tariff's bounds."""
        sums: dict[str, Decimal] = {}
        for line in self.lines:
            if line.component is not None:
                with_tax = self.manner.tax is Tax.LEFT_IN
                amount = line.amount_after_tax if with_tax else line.amount_before_tax
                name = sub_total_of(line)
                sums[name] = sums.get(name, ZERO) + (amount or ZERO)
        return sums


class Biller:
    """Bills one SDR in one manner after the other; keeps what several manners share."""

    def __init__(self, material: Material) -> None:
        self._material = material
        self._plans: dict[tuple[int, Clock], list[TariffPlan]] = {}
        self._drafts: dict[tuple[object, ...], list[Draft]] = {}
        self._priced: dict[tuple[object, ...], tuple[tuple[PricedLine, ...], Amount]] = {}
        self._unit = minor_unit(material.sdr.currency)

    def plans(self, tariff: int, clock: Clock) -> list[TariffPlan]:
        """The plan of each charging period. Raises what rating raises."""
        key = (tariff, clock)
        if key not in self._plans:
            material = self._material
            zone = material.time_zone if clock is Clock.LOCAL else _UTC
            given = material.tariffs[tariff].plans_in(zone)
            self._plans[key] = plans_of(material.sdr, given, zone, material.snapshots)[0]
        return self._plans[key]

    def session(self, manner: Manner) -> Session:
        """The session as this manner sees it. Raises what rating raises, and CannotBillError."""
        session = session_of(self._material.sdr, self.plans(manner.tariff, manner.clock))
        if manner.times is not Times.AS_SENT:
            swap_times(session.stretches, manner.times)
        if manner.energy is Energy.STATED:
            bill_stated(session.stretches, self._material.stated_energy_kwh)
        if manner.prices is Prices.AT_START:
            stay_at_start(session.stretches)
        elif manner.prices is Prices.AT_BOUNDARIES:
            session = split_session(session)
            if len(session.stretches) > MOST_PARTS:
                raise CannotBillError("nobody divides a session into so many parts")
        return session

    def bill(self, manner: Manner) -> Billed:
        """The total and sub-totals. Raises what rating raises, and CannotBillError."""
        lines, total = self._lines(manner)
        if manner.tax is Tax.TAKEN_OUT:
            lines = tuple(_tax_taken_out(line) for line in lines)
            total = sum_of(lines)
        if manner.cents in (Cents.PER_PERIOD, Cents.PER_PERIOD_UP):
            up = manner.cents is Cents.PER_PERIOD_UP
            lines = tuple(self._in_cents(line, up) for line in lines)
            total = _added(lines)
        total = _bounded(self.drafts(manner), lines, total, manner.bounds)
        claimed = total.after_tax if manner.tax is Tax.LEFT_IN else total.before_tax
        if claimed is None:
            raise CannotBillError("the tax is not known")
        rounding = self._material.rounding
        if manner.cents is Cents.OTHERWISE:
            half_up = rounding is Rounding.HALF_UP
            rounding = Rounding.CEILING if half_up else Rounding.HALF_UP
        return Billed(round_priced(claimed, self._material.sdr.currency, rounding), lines, manner)

    def drafts(self, manner: Manner) -> list[Draft]:
        """What is priced by which component; the same list for manners that differ later."""
        key = manner.stretching
        if key not in self._drafts:
            session = self.session(manner)
            self._drafts[key] = with_fees(session, drafts_of(session), manner.fee)
        return self._drafts[key]

    def _lines(self, manner: Manner) -> tuple[tuple[PricedLine, ...], Amount]:
        key = (*manner.stretching, manner.steps)
        priced = self._priced.get(key)
        if priced is None:
            drafts = self.drafts(manner)
            for draft in drafts:
                draft.extra = None
            apply_steps(drafts, manner.steps)
            priced = self._priced[key] = money_of(drafts)
        return priced

    def _in_cents(self, line: PricedLine, up: bool) -> PricedLine:
        before = self._cents(line.amount_before_tax, up)
        after = line.amount_after_tax
        return msgspec.structs.replace(
            line,
            amount_before_tax=before,
            amount_after_tax=None if after is None else self._cents(after, up),
        )

    def _cents(self, amount: Decimal, up: bool) -> Decimal:
        # Binary fractions leave crumbs that make no cent.
        clean = amount.quantize(Decimal("1E-12"))
        return clean.quantize(self._unit, ROUND_CEILING if up else ROUND_HALF_UP)


def _tax_taken_out(line: PricedLine) -> PricedLine:
    component = line.component
    if component is None or component.taxation.kind is not Taxability.ADDED:
        return line
    return msgspec.structs.replace(
        line,
        amount_before_tax=line.amount_before_tax / component.taxation.factor,
        amount_after_tax=line.amount_before_tax,
    )


def _added(lines: Sequence[PricedLine]) -> Amount:
    before = sum((line.amount_before_tax for line in lines), ZERO)
    after = [line.amount_after_tax for line in lines if line.amount_after_tax is not None]
    return Amount(before, sum(after, ZERO) if len(after) == len(lines) else None)


def _bounded(
    drafts: Sequence[Draft], lines: Sequence[PricedLine], total: Amount, bounds: Bounds
) -> Amount:
    plans = {id(draft.plan): draft.plan for draft in drafts if draft.plan.has_bounds}
    if not plans:
        return total
    parts = []
    for plan in {id(draft.plan): draft.plan for draft in drafts}.values():
        made = _added([b for a, b in zip(drafts, lines, strict=True) if a.plan is plan])
        tariff = plan.tariff
        if bounds is Bounds.WITHOUT_MIN:
            tariff = msgspec.structs.replace(tariff, min_price=None)
        elif bounds is Bounds.WITHOUT_MAX:
            tariff = msgspec.structs.replace(tariff, max_price=None)
        parts.append((tariff, made))
    return bounded(total, parts)[0]

"""From the stretches of a session to its costs: an operator's own arithmetic.

For tariffs of ENERGY, FLAT, TIME and PARKING_TIME prices, restricted by time of day and day of
week, with step sizes, a min_price and a max_price. Amounts are exact Decimals.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from roaming.simulator.manner import (
    HONEST,
    BoundHabit,
    CentHabit,
    Manner,
    StepHabit,
    TaxHabit,
    TimeHabit,
)

Json = dict[str, Any]

WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
UNDERSTOOD = {"start_time", "end_time", "day_of_week"}
CENT = Decimal("0.01")
CRUMB = Decimal("1e-12")
HOUR_DIGITS = Decimal("1e-12")
PER_UNIT = {"ENERGY": 1000, "TIME": 3600, "PARKING_TIME": 3600}
"""Steps of size 1 in a unit of the volume: Wh in a kWh, s in an hour."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a session in which no price changes: UTC, kWh; parking has no energy."""

    start: datetime
    end: datetime
    charging: bool
    energy_kwh: Decimal

    @property
    def seconds(self) -> int:
        return int((self.end - self.start).total_seconds())

    @property
    def hours(self) -> Decimal:
        return hours(self.seconds)


@dataclass(frozen=True, slots=True)
class Amount:
    """Money before and after VAT, unrounded."""

    before_tax: Decimal = Decimal(0)
    after_tax: Decimal = Decimal(0)

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.before_tax + other.before_tax, self.after_tax + other.after_tax)

    @classmethod
    def of(cls, volume: Decimal, component: Json) -> Amount:
        """`volume` (kWh, hours, or 1) at the component's price."""
        before_tax = volume * component["price"]
        return cls(before_tax, before_tax * (100 + component["vat"]) / 100)


@dataclass(frozen=True, slots=True)
class Costs:
    """The sub-totals of a bill; `bounds` is what a min_price added or a max_price took."""

    energy: Amount = Amount()
    fixed: Amount = Amount()
    time: Amount = Amount()
    parking: Amount = Amount()
    bounds: Amount = Amount()

    @property
    def total(self) -> Amount:
        return self.energy + self.fixed + self.time + self.parking + self.bounds


@dataclass(frozen=True, slots=True)
class Item:
    """A volume (kWh, hours, or 1) and the component that prices it."""

    kind: str
    volume: Decimal
    component: Json


class NotBilledError(Exception):
    """Nobody can bill a session in this manner: what it needs is not there."""


def hours(seconds: int) -> Decimal:
    """Hours to twelve decimals, far below any step size.

    >>> hours(2214)
    Decimal('0.615')
    """
    return trimmed((Decimal(seconds) / 3600).quantize(HOUR_DIGITS))


def price(
    stretches: Sequence[Stretch],
    tariff: Json,
    zone: ZoneInfo,
    manner: Manner = HONEST,
    energy_added: Decimal = Decimal(0),
) -> Costs:
    """The costs of the stretches; `energy_added` is billed with the last of the energy.

    Raises NotBilledError, and ValueError for restrictions that nobody here bills by.
    """
    items = list(_items(stretches, tariff["elements"], zone, manner))
    if energy_added:
        items = _with_more_energy(items, energy_added)
    items = _stepped(items, manner.steps)
    sums = dict.fromkeys(("FLAT", "ENERGY", "TIME", "PARKING_TIME"), Amount())
    for item in items:
        sums[item.kind] += _in_cents(_amount(item, manner.tax), manner.cents)
    costs = Costs(sums["ENERGY"], sums["FLAT"], sums["TIME"], sums["PARKING_TIME"])
    return replace(costs, bounds=_bounds(costs.total, tariff, manner.bounds))


def payable(total: Amount, manner: Manner = HONEST) -> Amount:
    """What is claimed: cents, and by some the amount with tax as if it were the one before."""
    before = total.after_tax if manner.tax is TaxHabit.LEFT_IN else total.before_tax
    up = manner.cents is CentHabit.UP
    return Amount(cents(before, up), cents(total.after_tax, up))


def _items(
    stretches: Sequence[Stretch], elements: list[Json], zone: ZoneInfo, manner: Manner
) -> Iterator[Item]:
    fee_due = True
    for stretch in stretches:
        local = stretch.start.astimezone(UTC if manner.in_utc else zone)
        flat = component_at(elements, "FLAT", local) if fee_due else None
        if flat:
            fee_due = False
            yield from [Item("FLAT", Decimal(1), flat)] * manner.fees
        energy = component_at(elements, "ENERGY", local) if stretch.charging else None
        if energy:
            yield Item("ENERGY", stretch.energy_kwh, energy)
        charging = {TimeHabit.ALL_CHARGING: True, TimeHabit.ALL_PARKING: False}
        kind = "TIME" if charging.get(manner.times, stretch.charging) else "PARKING_TIME"
        passed = component_at(elements, kind, local)
        if passed:
            yield Item(kind, stretch.hours, passed)


def _with_more_energy(items: list[Item], energy_kwh: Decimal) -> list[Item]:
    last = _last(items, ("ENERGY",))
    if last is None:
        raise NotBilledError("no energy is priced")
    more = replace(items[last], volume=items[last].volume + energy_kwh)
    return [*items[:last], more, *items[last + 1 :]]


def _last(items: list[Item], kinds: tuple[str, ...]) -> int | None:
    """The place of the last paid item of these kinds."""
    places = [n for n, i in enumerate(items) if i.kind in kinds and i.component["price"]]
    return places[-1] if places else None


def _stepped(items: list[Item], habit: StepHabit) -> list[Item]:
    """Volumes rounded up to whole steps: energy once, and once the kind of time paid last."""
    if habit is StepHabit.PER_PERIOD:
        return [replace(i, volume=_up(i.volume, i)) if i.kind in PER_UNIT else i for i in items]
    stepped = list(items)
    for kinds in (("ENERGY",), ("TIME", "PARKING_TIME")):
        last = _last(items, kinds)
        if last is not None:
            item = items[last]
            total = sum((i.volume for i in items if i.kind == item.kind), Decimal(0))
            stepped[last] = replace(item, volume=item.volume + _up(total, item) - total)
    return _with_one_more(stepped) if habit is StepHabit.ONE_MORE else stepped


def _with_one_more(items: list[Item]) -> list[Item]:
    """A whole step of parking or time, or else of energy, on what is rounded up already."""
    for kinds in (("TIME", "PARKING_TIME"), ("ENERGY",)):
        last = _last(items, kinds)
        if last is not None and items[last].component["step_size"] > 1:
            item = items[last]
            step = Decimal(item.component["step_size"]) / PER_UNIT[item.kind]
            more = replace(item, volume=item.volume + step)
            return [*items[:last], more, *items[last + 1 :]]
    raise NotBilledError("no step size applies")


def _up(volume: Decimal, item: Item) -> Decimal:
    return steps_up(volume, item.component["step_size"], PER_UNIT[item.kind])


def steps_up(volume: Decimal, step_size: int, per_unit: int) -> Decimal:
    """`volume` rounded up to whole steps; a volume that is a step to the digit stays.

    >>> steps_up(Decimal("0.615"), 900, 3600), steps_up(Decimal("0.75"), 900, 3600)
    (Decimal('0.75'), Decimal('0.75'))
    """
    if step_size <= 1:
        return volume
    steps = (volume * per_unit / step_size).quantize(Decimal("1e-6"))
    return steps.to_integral_value(ROUND_CEILING) * step_size / per_unit


def _amount(item: Item, tax: TaxHabit) -> Amount:
    if tax is not TaxHabit.TAKEN_OUT:
        return Amount.of(item.volume, item.component)
    with_tax: Decimal = item.volume * item.component["price"]
    return Amount(with_tax * 100 / (100 + item.component["vat"]), with_tax)


def _in_cents(amount: Amount, habit: CentHabit) -> Amount:
    if habit not in (CentHabit.PER_PERIOD, CentHabit.UP_PER_PERIOD):
        return amount
    up = habit is CentHabit.UP_PER_PERIOD
    return Amount(cents(amount.before_tax, up), cents(amount.after_tax, up))


def _bounds(total: Amount, tariff: Json, habit: BoundHabit) -> Amount:
    """What a min_price adds or a max_price takes, before and after tax each for itself."""
    before, after = total.before_tax, total.after_tax
    ratio = after / before if before else Decimal(1)
    low, high = tariff.get("min_price"), tariff.get("max_price")
    if low and habit is not BoundHabit.NO_MINIMUM:
        before = max(before, low["excl_vat"])
        after = max(after, low.get("incl_vat", low["excl_vat"] * ratio))
    if high and habit is not BoundHabit.NO_MAXIMUM:
        before = min(before, high["excl_vat"])
        after = min(after, high.get("incl_vat", high["excl_vat"] * ratio))
    return Amount(before - total.before_tax, after - total.after_tax)


def component_at(elements: list[Json], kind: str, local: datetime) -> Json | None:
    """The price component of a dimension that is active at a local time; None if it is free."""
    for element in elements:
        if _holds(element.get("restrictions", {}), local):
            for component in element["price_components"]:
                if component["type"] == kind:
                    return dict(component)
    return None


def _holds(restrictions: Json, local: datetime) -> bool:
    if not restrictions.keys() <= UNDERSTOOD:
        raise ValueError(f"this operator does not bill by {sorted(restrictions)}")
    if WEEKDAYS[local.weekday()] not in restrictions.get("day_of_week", WEEKDAYS):
        return False
    start = time.fromisoformat(restrictions.get("start_time", "00:00"))
    end = time.fromisoformat(restrictions.get("end_time", "00:00"))
    clock = local.time()
    if start < end:
        return start <= clock < end
    return start <= clock or clock < end or end == time(0) == start


def trimmed(number: Decimal) -> Decimal:
    """The same number without trailing zeros and without an exponent.

    >>> trimmed(Decimal("24.500")), trimmed(Decimal("120"))
    (Decimal('24.5'), Decimal('120'))
    """
    return Decimal(f"{number.normalize():f}")


def rounded(amount: Decimal) -> Decimal:
    """To the cent, half up.

    >>> rounded(Decimal("7.245"))
    Decimal('7.25')
    """
    return amount.quantize(CENT, ROUND_HALF_UP)


def cents(amount: Decimal, up: bool) -> Decimal:
    """To the cent, half up or up; what a division left below a millionth of it is nothing.

    >>> cents(Decimal("7.241"), up=True), cents(Decimal("7.2400000000000000001"), up=True)
    (Decimal('7.25'), Decimal('7.24'))
    """
    return amount.quantize(CRUMB).quantize(CENT, ROUND_CEILING if up else ROUND_HALF_UP)

"""A tariff version compiled once into a plan: what `rate` looks up instead of working out.

Pure: the same tariff and zone give the same plan, so the caller may keep it as long as it likes.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import accumulate
from zoneinfo import ZoneInfo

from roaming.domain.tariff import PriceComponent, Reservation, Tariff, TariffElement
from settlement.domain.rating.findings import RatingFinding, oddities_of
from settlement.domain.rating.restrictions import Boundaries, Test, compile_restrictions
from settlement.domain.rating.taxation import Taxation, leaves_rates_open, taxation_of

_WH_PER_KWH = Decimal(1000)


class PlannedComponent:
    """A price component with what follows from it. Identity is its place in the tariff.

    `step` is in kWh for ENERGY and in seconds for the times. A component whose price is zero is
    free: it takes no part in step rounding, as if there were none.
    """

    __slots__ = (
        "component_index",
        "element_index",
        "free",
        "kind",
        "price",
        "reservation",
        "step",
        "tariff_id",
        "taxation",
    )

    def __init__(
        self,
        tariff: Tariff,
        place: tuple[int, int],
        component: PriceComponent,
        reservation: Reservation | None,
    ) -> None:
        self.tariff_id = tariff.id
        self.element_index, self.component_index = place
        self.kind = component.type
        self.reservation = reservation
        self.price = component.price
        self.free = component.price == 0
        step = component.step_size or Decimal(1)
        self.step = step / _WH_PER_KWH if component.type == "ENERGY" else step
        self.taxation: Taxation = taxation_of(tariff, component)


# In the tariff's order: the first whose test holds (None always holds) is the active one.
Choices = tuple[tuple[PlannedComponent, Test | None], ...]


@dataclass(frozen=True, slots=True, eq=False)
class TariffPlan:
    """What `rate` needs of a tariff in one time zone.

    `metered` are the session's dimensions in the order of a receipt. `reservation_*` price a
    reservation that was used, `expired_time` and `expiry_flat` one that was not. The boundaries are
    those at which the active components can change: `boundaries_until` counts those of the day up
    to each minute, and has 0 at -1; `asks_meters` is for energy and duration.
    `has_bounds` is for min_price and max_price, `is_odd` for findings from the tariff itself.
    """

    tariff: Tariff
    time_zone: ZoneInfo
    flat: Choices
    metered: tuple[tuple[str, Choices], ...]
    reservation_flat: Choices
    reservation_time: Choices
    expired_time: Choices
    expiry_flat: Choices
    asks_local_time: bool
    asks_weekday: bool
    asks_meters: bool
    has_bounds: bool
    boundary_minutes: tuple[int, ...]
    boundaries_until: tuple[int, ...]
    boundary_energies_kwh: tuple[Decimal, ...]
    boundary_durations: tuple[timedelta, ...]
    oddities: tuple[RatingFinding, ...]
    is_odd: bool

    @property
    def tariff_id(self) -> str:
        return self.tariff.id


def compile_tariff(tariff: Tariff, time_zone: ZoneInfo) -> TariffPlan:
    """The plan of a tariff version for sites in one time zone (settlement.md, section 2).

    >>> from roaming.domain.tariff import parse_tariff
    >>> tariff = parse_tariff(
    ...     '{"id": "16", "currency": "EUR", "elements": [{"price_components":'
    ...     ' [{"type": "ENERGY", "price": 0.25, "vat": 10.0, "step_size": 1}]}]}'
    ... )
    >>> compile_tariff(tariff, ZoneInfo("UTC")).asks_local_time
    False
    """
    boundaries = Boundaries()
    elements = [
        (index, element, compile_restrictions(element.restrictions, boundaries))
        for index, element in enumerate(tariff.elements)
    ]

    def choices(kind: str, reservation: Reservation | None) -> Choices:
        return tuple(
            (PlannedComponent(tariff, (index, place), component, reservation), test)
            for index, element, test in elements
            if _reservation_of(element) == reservation
            for place, component in enumerate(element.price_components)
            if component.type == kind
        )

    kinds = ("ENERGY", "TIME", "PARKING_TIME")
    reservation_time = choices("TIME", "RESERVATION")
    oddities = tuple(oddities_of(tariff))
    return TariffPlan(
        tariff=tariff,
        time_zone=time_zone,
        flat=choices("FLAT", None),
        metered=tuple((kind, choices(kind, None)) for kind in kinds),
        reservation_flat=choices("FLAT", "RESERVATION"),
        reservation_time=reservation_time,
        # Where both price the time of an expired reservation, RESERVATION_EXPIRES does (OCPI).
        expired_time=choices("TIME", "RESERVATION_EXPIRES") + reservation_time,
        expiry_flat=choices("FLAT", "RESERVATION_EXPIRES"),
        asks_local_time=bool(boundaries.minutes),
        asks_weekday=any(e.restrictions and e.restrictions.day_of_week for e in tariff.elements),
        asks_meters=bool(boundaries.energies_kwh or boundaries.durations),
        boundary_minutes=tuple(sorted(boundaries.minutes)),
        boundaries_until=_boundaries_until(boundaries.minutes),
        boundary_energies_kwh=tuple(sorted(boundaries.energies_kwh)),
        boundary_durations=tuple(sorted(boundaries.durations)),
        has_bounds=tariff.min_price is not None or tariff.max_price is not None,
        oddities=oddities,
        is_odd=bool(oddities) or leaves_rates_open(tariff),
    )


def _boundaries_until(minutes: Set[int]) -> tuple[int, ...]:
    """How many boundaries a day has had by each of its minutes; none by minute -1."""
    counts = accumulate(minute in minutes for minute in range(24 * 60))
    return (*counts, 0)


def _reservation_of(element: TariffElement) -> Reservation | None:
    return element.restrictions.reservation if element.restrictions else None

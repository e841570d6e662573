"""Which component prices what, and how step sizes round it up.

A draft is a line before its money: a period, a dimension, its volume, the component, the extra.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from settlement.domain.rating.not_ratable import Cause, NotRatable
from settlement.domain.rating.plan import Choices, PlannedComponent, TariffPlan
from settlement.domain.rating.stretches import ZERO, Session, Stretch

ONE = Decimal(1)
_FEES = ("RESERVATION", "RESERVATION_EXPIRES")
SECONDS_PER_HOUR = Decimal(3600)
# A volume this near to a multiple of its step, in kWh or hours, is that multiple.
SNAP_KWH = Decimal("0.000001")
SNAP_S = SNAP_KWH * SECONDS_PER_HOUR


class Draft(msgspec.Struct, gc=False):
    """`component` is None where no element prices the dimension: it costs nothing.

    `extra` is what the step size added, in kWh or in seconds.
    """

    period: int
    plan: TariffPlan
    dimension: str
    component: PlannedComponent | None
    volume: Decimal
    extra: Decimal | None = None


def active(choices: Choices, stretch: Stretch) -> PlannedComponent | None:
    """The first component whose restrictions hold as the stretch starts."""
    for component, test in choices:
        if test is None or test(stretch):
            return component
    return None


def drafts_of(session: Session) -> list[Draft]:
    """Every dimension of every stretch with the component that is active for it.

    FLAT is charged once, by the first that becomes active; a reservation and its expiry each have
    a FLAT of their own. Raises NotRatable for negative volumes, and where a restriction asks for
    what a period does not say.
    """
    drafts: list[Draft] = []
    flat_due = True
    fees_due = set(_FEES if session.expired else _FEES[:1])
    for stretch in session.stretches:
        if stretch.reserving:
            _draft_reservation(stretch, session.expired, fees_due, drafts)
        if not stretch.charging:
            continue
        plan, volumes = stretch.plan, stretch.volumes
        if flat_due and plan.flat:
            component = active(plan.flat, stretch)
            if component is not None:
                drafts.append(Draft(stretch.period, plan, "FLAT", component, ONE))
                flat_due = False
        for dimension, choices in plan.metered:
            volume = volumes.get(dimension)
            if volume:
                if volume.is_signed():
                    _refuse_negative(stretch, dimension)
                component = active(choices, stretch)
                drafts.append(Draft(stretch.period, plan, dimension, component, volume))
    return drafts


def _draft_reservation(
    stretch: Stretch, expired: bool, fees_due: set[str], drafts: list[Draft]
) -> None:
    plan = stretch.plan
    for name, choices in (
        ("RESERVATION", plan.reservation_flat),
        ("RESERVATION_EXPIRES", plan.expiry_flat),
    ):
        fee = active(choices, stretch) if name in fees_due else None
        if fee is not None:
            drafts.append(Draft(stretch.period, plan, "FLAT", fee, ONE))
            fees_due.discard(name)
    if stretch.volumes["RESERVATION_TIME"] < 0:
        _refuse_negative(stretch, "RESERVATION_TIME")
    component = active(plan.expired_time if expired else plan.reservation_time, stretch)
    volume = stretch.volumes["RESERVATION_TIME"]
    drafts.append(Draft(stretch.period, plan, "RESERVATION_TIME", component, volume))


def _refuse_negative(stretch: Stretch, dimension: str) -> None:
    number = stretch.period + 1
    volume = stretch.volumes[dimension]
    raise NotRatable(
        Cause.NEGATIVE_VOLUME,
        f"charging_periods[{stretch.period}].dimensions",
        f"period {number} has {volume:f} of {dimension}",
    )


def round_up_to_steps(drafts: Iterable[Draft]) -> None:
    """Add to the last paid line what its step size adds to the total of its dimension.

    Once for ENERGY, once for TIME and PARKING_TIME together, where only the dimension paid last is
    rounded, and once for the time of a reservation. Free volumes count for nothing (OCPI mod_cdrs,
    step_size; mod_tariffs, "switching to Free-of-Charge Tariff Element").
    """
    energy = time = parking = reserved = ZERO
    last_energy = last_time = last_reserved = None
    for draft in drafts:
        component = draft.component
        if component is None or component.free:
            continue
        dimension = draft.dimension
        if dimension == "ENERGY":
            energy += draft.volume
            last_energy = draft
        elif dimension == "TIME":
            time += draft.volume
            last_time = draft
        elif dimension == "PARKING_TIME":
            parking += draft.volume
            last_time = draft
        elif dimension == "RESERVATION_TIME":
            reserved += draft.volume
            last_reserved = draft
    if last_energy is not None:
        _round_up(last_energy, energy, SNAP_KWH)
    if last_time is not None:
        total = time if last_time.dimension == "TIME" else parking
        _round_up(last_time, total * SECONDS_PER_HOUR, SNAP_S)
    if last_reserved is not None:
        _round_up(last_reserved, reserved * SECONDS_PER_HOUR, SNAP_S)


def _round_up(last: Draft, total: Decimal, tolerance: Decimal) -> None:
    assert last.component is not None, "only priced drafts are kept"
    extra = up_to_step(total, last.component.step, tolerance)
    if extra:
        last.extra = extra


def up_to_step(total: Decimal, step: Decimal, tolerance: Decimal) -> Decimal:
    """What is missing to the next multiple of the step; a total this near to one snaps to it.

    All in the same unit. Negative by at most the tolerance where the total lies just above.

    >>> up_to_step(Decimal("2400"), Decimal("900"), Decimal("0.0036"))
    Decimal('300')
    >>> up_to_step(Decimal("2700.0012"), Decimal("900"), Decimal("0.0036"))
    Decimal('-0.0012')
    """
    beyond = total % step
    if beyond <= tolerance:
        return -beyond
    return step - beyond

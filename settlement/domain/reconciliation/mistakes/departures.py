"""Departures from the right manner: sessions, drafts and steps as a mistake changes them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from roaming.domain.charging_periods import CONSUMED
from settlement.domain.rating.drafts import (
    SECONDS_PER_HOUR,
    SNAP_KWH,
    SNAP_S,
    Draft,
    active,
    round_up_to_steps,
    up_to_step,
)
from settlement.domain.rating.stretches import ZERO, Session, Stretch
from settlement.domain.reconciliation.mistakes.manner import Fee, Steps, Times

_METERED = ("ENERGY", "TIME", "PARKING_TIME")


class CannotBillError(Exception):
    """Nobody can have billed in this manner: what it needs is not there."""


def swap_times(stretches: Sequence[Stretch], times: Times) -> None:
    """Charging time becomes parking, or parking charging time, in each period."""
    moved, to = "TIME", "PARKING_TIME"
    if times is Times.PARKING_IS_TIME:
        moved, to = to, moved
    for stretch in stretches:
        volume = stretch.volumes.pop(moved, None)
        if volume:
            stretch.volumes[to] = stretch.volumes.get(to, ZERO) + volume


def bill_stated(stretches: Sequence[Stretch], stated: Decimal | None) -> None:
    """The last period with energy takes what the others leave of the stated total."""
    charging = [stretch for stretch in stretches if "ENERGY" in stretch.volumes]
    if stated is None or not charging:
        raise CannotBillError("no total energy is stated")
    others = sum((stretch.volumes["ENERGY"] for stretch in charging[:-1]), ZERO)
    if stated < others or not stated.is_finite():
        raise CannotBillError("the stated energy is less than all but the last period")
    charging[-1].volumes["ENERGY"] = stated - others


def stay_at_start(stretches: Sequence[Stretch]) -> None:
    """Restrictions see the first instant of the session in each period."""
    first = stretches[0]
    limits = {kind: v for kind, v in first.volumes.items() if kind not in CONSUMED}
    for stretch in stretches[1:]:
        stretch.start, stretch.local = first.start, first.local
        stretch.minute, stretch.ordinal = first.minute, first.ordinal
        stretch.weekday, stretch.elapsed = first.weekday, first.elapsed
        stretch.energy_before = first.energy_before
        consumed = {kind: v for kind, v in stretch.volumes.items() if kind in CONSUMED}
        stretch.volumes = consumed | limits


def with_fees(session: Session, drafts: list[Draft], fee: Fee) -> list[Draft]:
    """The drafts with the flat fee as often as this manner charges it; not a reservation's."""
    if fee is Fee.ONCE:
        return drafts
    first = next((draft for draft in drafts if _is_fee(draft)), None)
    if first is None:
        raise CannotBillError("there is no flat fee")
    if fee is Fee.TWICE:
        return [*drafts, Draft(first.period, first.plan, "FLAT", first.component, first.volume)]
    more = []
    for stretch in session.stretches:
        if stretch.charging and stretch.period != first.period:
            component = active(stretch.plan.flat, stretch)
            if component is not None:
                more.append(Draft(stretch.period, stretch.plan, "FLAT", component, first.volume))
    return [*drafts, *more]


def _is_fee(draft: Draft) -> bool:
    component = draft.component
    return draft.dimension == "FLAT" and component is not None and component.reservation is None


def apply_steps(drafts: Sequence[Draft], steps: Steps) -> None:
    """What the steps add to each draft in this manner, in the place of what they ought to add."""
    if steps is Steps.NONE:
        return
    round_up_to_steps(drafts)
    if steps in (Steps.ONE_MORE_ENERGY, Steps.ONE_MORE_TIME):
        wanted = _METERED[:1] if steps is Steps.ONE_MORE_ENERGY else _METERED[1:]
        last = _paid(drafts, wanted)[-1:]
        if not last or last[0].component is None:
            raise CannotBillError("no step size applies")
        last[0].extra = (last[0].extra or ZERO) + last[0].component.step
    elif steps is not Steps.ONCE:
        kinds = {Steps.PER_PERIOD_ENERGY: _METERED[:1], Steps.PER_PERIOD_TIME: _METERED[1:]}
        for draft in _paid(drafts, kinds.get(steps, _METERED)):
            draft.extra = _up_alone(draft) or None


def _paid(drafts: Sequence[Draft], kinds: tuple[str, ...]) -> list[Draft]:
    return [
        draft
        for draft in drafts
        if draft.dimension in kinds and draft.component is not None and not draft.component.free
    ]


def _up_alone(draft: Draft) -> Decimal:
    assert draft.component is not None, "only paid drafts are rounded"
    if draft.dimension == "ENERGY":
        return up_to_step(draft.volume, draft.component.step, SNAP_KWH)
    return up_to_step(draft.volume * SECONDS_PER_HOUR, draft.component.step, SNAP_S)

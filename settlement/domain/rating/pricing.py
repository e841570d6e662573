"""From a session to money: lines, their sum, and the tariff's bounds on it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from settlement.domain.rating.bounds import bounded
from settlement.domain.rating.drafts import (
    SECONDS_PER_HOUR,
    Draft,
    drafts_of,
    round_up_to_steps,
)
from settlement.domain.rating.priced import Amount, Bound, PricedLine, sum_of
from settlement.domain.rating.stretches import ZERO, Session
from settlement.domain.rating.taxation import Taxability

_CONTAINED = Taxability.CONTAINED
_ADDED = Taxability.ADDED
_UNKNOWN_ADDED = Taxability.UNKNOWN_ADDED


class Pricing(msgspec.Struct, frozen=True):
    """Lines, total within the bounds, and what the bounds changed."""

    lines: tuple[PricedLine, ...]
    total: Amount
    bounds: tuple[Bound, ...] = ()


def price_session(session: Session) -> Pricing:
    """All of settlement.md, section 2, for a session as it stands. Raises NotRatable."""
    drafts = drafts_of(session)
    round_up_to_steps(drafts)
    lines, total = money_of(drafts)
    for stretch in session.stretches:
        if stretch.plan.has_bounds:
            return _within_bounds(session, drafts, lines, total)
    return Pricing(lines, total)


def money_of(drafts: Iterable[Draft]) -> tuple[tuple[PricedLine, ...], Amount]:
    """Lines and their exact sum; before and after tax as the table in taxation.py has it."""
    lines = []
    total_before, total_after = ZERO, ZERO
    known, contained = True, False
    for draft in drafts:
        component = draft.component
        before: Decimal = ZERO
        after: Decimal | None = ZERO
        if component is not None:
            if draft.extra is None:
                before = draft.volume * component.price
            else:
                before = _price_with_step(draft, draft.extra, component.price)
            after = before
            kind, _, factor = component.taxation
            if kind is _ADDED:
                after = before * factor
            elif kind is _CONTAINED:
                before, contained = before / factor, True
            elif kind is _UNKNOWN_ADDED and before:
                after, known = None, False
        total_before += before
        if after is not None:
            total_after += after
        lines.append(
            PricedLine(
                draft.period,
                draft.dimension,
                draft.plan.tariff.id,
                component,
                draft.volume,
                draft.extra,
                before,
                after,
            )
        )
    if contained:  # a sum of quotients is not exact
        return tuple(lines), sum_of(lines)
    return tuple(lines), Amount(total_before, total_after if known else None)


def _price_with_step(draft: Draft, extra: Decimal, price: Decimal) -> Decimal:
    """The division by 3,600 comes last, so that 40 minutes stay exact."""
    if draft.dimension == "ENERGY":
        return (draft.volume + extra) * price
    return (draft.volume * SECONDS_PER_HOUR + extra) * price / SECONDS_PER_HOUR


def _within_bounds(
    session: Session, drafts: list[Draft], lines: tuple[PricedLine, ...], total: Amount
) -> Pricing:
    plans = {id(stretch.plan): stretch.plan for stretch in session.stretches}
    parts = []
    for plan in plans.values():
        made = money_of([draft for draft in drafts if draft.plan is plan])[1]
        parts.append((plan.tariff, made))
    return Pricing(lines, *bounded(total, parts))

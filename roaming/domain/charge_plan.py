"""The charge plan of a running session (IEC 63119-2, 8.3, UC3-7 and UC3-10).

The home-CSP says what its user wishes, the visited-CSO answers with a plan and tells when the plan
changes. Power in kW, current in A (per phase), energy in kWh; times carry their offset.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from roaming.domain.moments import CLOCK_TOLERANCE, check_moment
from roaming.domain.refusals import Refusal
from roaming.domain.sdr import usable_number
from roaming.domain.sdr.message import Moment
from roaming.domain.wire_text import check_line

MOST_KWH = Decimal(10_000)
# More than any connector gives: a value in W or mA where kW or A belong is refused.
MOST_KW, MOST_A = Decimal(5_000), Decimal(5_000)
LONGEST_STAY = timedelta(days=31)
LONGEST_REASON = 60


class Profile(StrEnum):
    """What matters to the user, as OCPI names it."""

    CHEAP = "CHEAP"
    FAST = "FAST"
    GREEN = "GREEN"
    REGULAR = "REGULAR"


class ChargePlanWishes(msgspec.Struct, kw_only=True, frozen=True):
    """UC3-7 as the home-CSP sends it: at least one wish. Unknown extra fields are passed on.

    `energy_kwh` is what the user would like by `departure_time`, `minimum_energy_kwh` what the user
    needs; `maximum_power_kw` is what the vehicle or its user can take.
    """

    departure_time: Moment | None = None
    energy_kwh: Decimal | None = None
    minimum_energy_kwh: Decimal | None = None
    maximum_power_kw: Decimal | None = None
    profile: Profile | None = None


class ChargePlanWishesNotice(ChargePlanWishes, kw_only=True, frozen=True):
    """What the visited-CSO receives: the wishes as the home-CSP sent them, with ids and parties."""

    service_session_id: UUID
    visited_cso: str
    home_csp: str
    evse_id: str
    connector_id: str | None = None
    cso_session_id: str | None = None
    csp_session_id: str | None = None


class PlanPeriod(msgspec.Struct, kw_only=True, frozen=True):
    """From this moment until the next period starts: at most this power, this current, or both."""

    start_date_time: Moment
    maximum_power_kw: Decimal | None = None
    maximum_current_a: Decimal | None = None


class ChargePlanContent(msgspec.Struct, kw_only=True, frozen=True):
    """A plan of the visited-CSO. `stamped_at` is the CSO's own clock: the newest stamp counts.

    Periods come in the order of their starts; the last one lasts until `end_date_time`, or until
    the session ends.
    """

    stamped_at: Moment
    periods: Annotated[tuple[PlanPeriod, ...], msgspec.Meta(min_length=1, max_length=1_000)]
    end_date_time: Moment | None = None


class ChargePlanAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """What the visited-CSO answers to wishes. ACCEPTED without a plan: it follows by UC3-10."""

    decision: Literal["ACCEPTED", "REJECTED"]
    reason: str = ""
    plan: ChargePlanContent | None = None


class ChargePlanUpdate(ChargePlanContent, kw_only=True, frozen=True):
    """UC3-10 as the visited-CSO sends it. Unknown extra fields are kept and passed on."""

    reason: str = ""


class ChargePlanUpdateNotice(ChargePlanUpdate, kw_only=True, frozen=True):
    """What the home-CSP receives: the plan as its CSO sent it, with ids and parties.

    `number` counts the steps of the session's exchange. The newest `stamped_at` is the plan.
    """

    service_session_id: UUID
    visited_cso: str
    home_csp: str
    csp_session_id: str | None = None
    number: int


class PlanUntaken(StrEnum):
    """Why an update changed nothing. None of these is an error."""

    OLDER = "older"
    """A plan that is stamped later is stored."""
    REPEATED = "repeated"
    """A plan with this stamp is stored."""


def why_plan_untaken(stamped_at: datetime, newest: datetime | None) -> PlanUntaken | None:
    """Why a plan is left aside, None where it counts. `newest` is the newest stamp stored.

    >>> from datetime import UTC
    >>> why_plan_untaken(datetime(2026, 10, 5, tzinfo=UTC), datetime(2026, 10, 6, tzinfo=UTC)).value
    'older'
    """
    if newest is None or stamped_at > newest:
        return None
    return PlanUntaken.REPEATED if stamped_at == newest else PlanUntaken.OLDER


def check_wishes(wishes: ChargePlanWishes, now: datetime) -> None:
    """Refuses time_without_offset and invalid_field, with the field."""
    if all(getattr(wishes, name) is None for name in ChargePlanWishes.__struct_fields__):
        raise Refusal("invalid_field", "Say at least one wish.")
    if wishes.departure_time is not None:
        check_moment(wishes.departure_time, "departure_time")
        if not now - CLOCK_TOLERANCE <= wishes.departure_time <= now + LONGEST_STAY:
            raise Refusal("invalid_field", "From now on, within 31 days.", "departure_time")
    for name, most in (
        ("energy_kwh", MOST_KWH), ("minimum_energy_kwh", MOST_KWH), ("maximum_power_kw", MOST_KW),
    ):  # fmt: skip
        _check_number(getattr(wishes, name), most, name)
    least, wanted = wishes.minimum_energy_kwh, wishes.energy_kwh
    if least is not None and wanted is not None and least > wanted:
        raise Refusal(
            "invalid_field", "The minimum is more than what is wished for.", "minimum_energy_kwh"
        )


def check_plan(plan: ChargePlanContent, now: datetime, place: str = "") -> None:
    """Refuses what is no plan: times without offset or order, limits that are none.

    `place` goes before the names of the fields, for a plan inside another message.
    """
    check_moment(plan.stamped_at, f"{place}stamped_at")
    if plan.stamped_at > now + CLOCK_TOLERANCE:
        raise Refusal("invalid_field", "The time lies in the future.", f"{place}stamped_at")
    for index, period in enumerate(plan.periods):
        field = f"{place}periods[{index}]"
        check_moment(period.start_date_time, f"{field}.start_date_time")
        if period.maximum_power_kw is None and period.maximum_current_a is None:
            raise Refusal("invalid_field", "Say a power in kW or a current in A.", field)
        _check_number(period.maximum_power_kw, MOST_KW, f"{field}.maximum_power_kw")
        _check_number(period.maximum_current_a, MOST_A, f"{field}.maximum_current_a")
    _check_order(plan, place)


def _check_order(plan: ChargePlanContent, place: str) -> None:
    starts = [period.start_date_time for period in plan.periods]
    for index, (before, start) in enumerate(pairwise(starts), start=1):
        if start <= before:
            raise Refusal(
                "invalid_field",
                "Each period starts after the one before it.",
                f"{place}periods[{index}].start_date_time",
            )
    if plan.end_date_time is not None:
        check_moment(plan.end_date_time, f"{place}end_date_time")
        if plan.end_date_time <= starts[-1]:
            raise Refusal(
                "invalid_field", "The end lies after the last start.", f"{place}end_date_time"
            )


def _check_number(value: Decimal | None, most: Decimal, field: str) -> None:
    if value is not None and (not usable_number(value) or not 0 <= value <= most):
        raise Refusal("invalid_field", f"A number from 0 to {most:f}.", field)


def check_reason(reason: str) -> None:
    """Refuses a reason that cannot be shown: at most 60 printable characters."""
    check_line(reason, LONGEST_REASON, "reason")


def read_plan_answer(body: bytes, now: datetime) -> ChargePlanAnswer:
    """The visited-CSO's answer to wishes. Raises ValueError where it is none.

    >>> from datetime import UTC
    >>> read_plan_answer(b'{"decision": "REJECTED", "reason": "full"}', datetime.now(UTC)).reason
    'full'
    """
    answer = msgspec.json.decode(body, type=ChargePlanAnswer)
    try:
        check_reason(answer.reason)
        if answer.plan is not None:
            check_plan(answer.plan, now, "plan.")
    except Refusal as refusal:
        raise ValueError(f"{refusal.field}: {refusal.detail}") from refusal
    if answer.decision == "REJECTED" and answer.plan is not None:
        raise ValueError("plan: a rejection has none")
    return answer

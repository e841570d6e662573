"""Dynamic charging information of a running session (IEC 63119-2, 8.3, UC3-6).

The newest stamp of the visited-CSO counts, whatever the order in which messages arrive: taking in
the same messages in any order, any of them twice, leaves the same values.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec

from roaming.domain.charging_periods import ChargingPeriod
from roaming.domain.moments import CLOCK_TOLERANCE, check_moment
from roaming.domain.money import UnknownCurrencyError, currency_digits
from roaming.domain.refusals import Refusal
from roaming.domain.sdr import usable_number
from roaming.domain.sdr.message import Moment
from roaming.domain.session import SessionState
from roaming.domain.wire_text import check_line

MOST_KWH, MOST_KW, MOST_MONEY = Decimal(1_000_000), Decimal(100_000), Decimal(10) ** 9


class CostSoFar(msgspec.Struct, kw_only=True, frozen=True):
    """What the session has cost so far, in `currency` (ISO 4217)."""

    before_tax: Decimal
    after_tax: Decimal | None = None
    currency: str


class ChargingInformation(msgspec.Struct, kw_only=True, frozen=True):
    """UC3-6 as the visited-CSO sends it. Unknown extra fields are kept and passed on.

    `stamped_at` is the CSO's own clock and decides what is newest. `energy_kwh` counts from the
    start of the session; `power_kw` is what flows now, below zero back to the grid;
    `state_of_charge` is in percent; `charging_periods` use the vocabulary of the SDR.
    """

    stamped_at: Moment
    energy_kwh: Decimal
    power_kw: Decimal | None = None
    cost: CostSoFar | None = None
    state_of_charge: Decimal | None = None
    charging_periods: (
        Annotated[tuple[ChargingPeriod, ...], msgspec.Meta(max_length=10_000)] | None
    ) = None
    cso_session_id: str | None = None


class ChargingInformationNotice(ChargingInformation, kw_only=True, frozen=True):
    """What the home-CSP receives: the message as its CSO sent it, with ids and parties.

    `state` is the session's. Drop what is stamped before something that you have: an older message
    may still be on its way when a newer one comes.
    """

    service_session_id: UUID
    visited_cso: str
    home_csp: str
    csp_session_id: str | None = None
    state: str


class ChargingInformationQuestion(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What the visited-CSO receives when the home-CSP wants to know now; answer UC3-6's message."""

    service_session_id: UUID
    visited_cso: str
    home_csp: str
    evse_id: str
    connector_id: str | None = None
    cso_session_id: str | None = None
    csp_session_id: str | None = None
    requested_at: Moment


class Untaken(StrEnum):
    """Why a message changed nothing. None of these is an error."""

    OLDER = "older"
    """Something that is stamped later is stored."""
    REPEATED = "repeated"
    """The same stamp is stored with as much energy."""
    SESSION_OVER = "session_over"
    """The session was completed: its end says how much it was."""


class Oddity(StrEnum):
    """What was taken all the same, for the visited-CSO to look at."""

    ENERGY_FELL = "energy_fell"
    """Less energy than an earlier message said."""
    OTHER_CURRENCY = "other_currency"
    """Not the currency of the agreement."""


@dataclass(frozen=True, slots=True)
class Newest:
    """What is stored of a session: the stamp and the energy that go with each other."""

    stamped_at: datetime | None = None
    energy_kwh: Decimal | None = None


def why_untaken(
    message: ChargingInformation, stored: Newest, state: SessionState
) -> Untaken | None:
    """Why the message is left aside, None where it counts.

    Two messages with one stamp: the one with more energy counts, for energy only grows.
    """
    if state is SessionState.COMPLETED:
        return Untaken.SESSION_OVER
    if stored.stamped_at is None or message.stamped_at > stored.stamped_at:
        return None
    if message.stamped_at < stored.stamped_at:
        return Untaken.OLDER
    more = stored.energy_kwh is None or message.energy_kwh > stored.energy_kwh
    return None if more else Untaken.REPEATED


def oddities(message: ChargingInformation, stored: Newest, currency: str) -> list[Oddity]:
    """What is odd about a message that was taken. `currency` is the agreement's."""
    found = []
    if stored.energy_kwh is not None and message.energy_kwh < stored.energy_kwh:
        found.append(Oddity.ENERGY_FELL)
    if message.cost is not None and message.cost.currency != currency:
        found.append(Oddity.OTHER_CURRENCY)
    return found


def age_s(stamped_at: datetime, now: datetime) -> int:
    """Whole seconds since the stamp; 0 where the CSO's clock runs ahead.

    >>> from datetime import UTC
    >>> age_s(datetime(2026, 10, 5, 12, tzinfo=UTC), datetime(2026, 10, 5, 12, 1, tzinfo=UTC))
    60
    """
    return max(0, (now - stamped_at) // timedelta(seconds=1))


def check_charging_information(message: ChargingInformation, now: datetime) -> None:
    """Refuses time_without_offset and invalid_field, with the field."""
    check_moment(message.stamped_at, "stamped_at")
    if message.stamped_at > now + CLOCK_TOLERANCE:
        # It would stand above everything that comes until then.
        raise Refusal("invalid_field", "The time lies in the future.", "stamped_at")
    _check_number(message.energy_kwh, Decimal(0), MOST_KWH, "energy_kwh")
    if message.power_kw is not None:
        _check_number(message.power_kw, -MOST_KW, MOST_KW, "power_kw")
    if message.state_of_charge is not None:
        _check_number(message.state_of_charge, Decimal(0), Decimal(100), "state_of_charge")
    if message.cost is not None:
        _check_cost(message.cost)
    check_line(message.cso_session_id, 64, "cso_session_id")


def _check_cost(cost: CostSoFar) -> None:
    try:
        currency_digits(cost.currency)
    except UnknownCurrencyError as unknown:
        raise Refusal(
            "invalid_field", "Three capital letters, ISO 4217.", "cost.currency"
        ) from unknown
    _check_number(cost.before_tax, -MOST_MONEY, MOST_MONEY, "cost.before_tax")
    if cost.after_tax is not None:
        _check_number(cost.after_tax, -MOST_MONEY, MOST_MONEY, "cost.after_tax")


def _check_number(value: Decimal, least: Decimal, most: Decimal, field: str) -> None:
    if not usable_number(value) or not least <= value <= most:
        raise Refusal("invalid_field", f"A number from {least:f} to {most:f}.", field)

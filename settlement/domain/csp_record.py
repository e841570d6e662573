"""The home-CSP's own record of a session as it arrives, and what is refused of it (6.4.2).

A record is evidence, not a claim: what cannot be compared is refused, so that its sender mends it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated

import msgspec

from roaming.domain.moments import CLOCK_TOLERANCE, check_moment
from roaming.domain.refusals import Refusal
from roaming.domain.sdr import usable_number
from roaming.domain.sdr.message import Moment

LONGEST_REFERENCE = 64


def _text(longest: int, least: int = 0) -> msgspec.Meta:
    return msgspec.Meta(max_length=longest, min_length=least)


class RecordedIdentification(msgspec.Struct, kw_only=True, frozen=True):
    """How the user identified (5.6)."""

    method: Annotated[str, _text(8)] = ""
    token_uid: Annotated[str, _text(36)] = ""
    contract_id: Annotated[str, _text(36)] = ""
    authorised: Annotated[str, _text(8)] = ""


class RecordedCost(msgspec.Struct, kw_only=True, frozen=True):
    """What the home-CSP expects to pay, before tax."""

    before_tax: Decimal


class CspRecordMessage(msgspec.Struct, kw_only=True, frozen=True):
    """What the home-CSP itself knows of a session. Energy in kWh; unknown extra fields are kept.

    It is found by `service_session_id`, else by `authorization_reference`, else by identification,
    EVSE and time: say what you have of them.
    """

    id: Annotated[str, _text(LONGEST_REFERENCE, 1)]
    home_csp: Annotated[str, _text(20)]
    visited_cso: Annotated[str, _text(20)]
    service_session_id: Annotated[str, _text(64)] | None = None
    csp_session_id: Annotated[str, _text(64)] | None = None
    cso_session_id: Annotated[str, _text(64)] | None = None
    authorization_reference: Annotated[str, _text(36)] | None = None
    identification: RecordedIdentification = RecordedIdentification()
    evse_id: Annotated[str, _text(48)] = ""
    start_date_time: Moment
    end_date_time: Moment
    total_energy: Decimal
    currency: Annotated[str, msgspec.Meta(pattern="^([A-Z]{3})?$", max_length=3)] = ""
    total_cost: RecordedCost | None = None


def check_record(message: CspRecordMessage, now: datetime) -> None:
    """Refuses invalid_field and time_without_offset: what no session can have been.

    >>> check_record(CspRecordMessage(id="1", home_csp="DE-HOM", visited_cso="DE*VIS",
    ...     start_date_time=datetime(2026, 10, 5), end_date_time=datetime(2026, 10, 5),
    ...     total_energy=Decimal(1)), datetime(2026, 10, 6))
    Traceback (most recent call last):
    ...
    roaming.domain.refusals.Refusal: time_without_offset: Say the offset from UTC.
    """
    check_moment(message.start_date_time, "start_date_time")
    check_moment(message.end_date_time, "end_date_time")
    if message.end_date_time < message.start_date_time:
        raise Refusal("invalid_field", "The end lies before the start.", "end_date_time")
    if message.end_date_time > now + CLOCK_TOLERANCE:
        raise Refusal("invalid_field", "The end lies in the future.", "end_date_time")
    if message.end_date_time - message.start_date_time > timedelta(days=366):
        raise Refusal("invalid_field", "Longer than a year.", "end_date_time")
    if not usable_number(message.total_energy) or message.total_energy < 0:
        raise Refusal("invalid_field", "0 or more kWh.", "total_energy")
    _check_cost(message)


def _check_cost(message: CspRecordMessage) -> None:
    if message.total_cost is None:
        return
    if not usable_number(message.total_cost.before_tax):
        raise Refusal("invalid_field", "Not a number of a possible size.", "total_cost.before_tax")
    if not message.currency:
        raise Refusal("invalid_field", "Costs have a currency.", "currency")

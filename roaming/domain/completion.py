"""The end of a service session as the visited-CSO reports it (UC3-5)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from roaming.domain.moments import check_moment
from roaming.domain.refusals import Refusal
from roaming.domain.sdr import usable_number
from roaming.domain.sdr.message import Moment
from roaming.domain.wire_text import check_line

MOST_KWH = Decimal(1_000_000)
LONGEST_REASON = 60


class CompletionMessage(msgspec.Struct, kw_only=True, frozen=True):
    """UC3-5, native form. Energy in kWh; times with their offset. Extra fields are passed on.

    Start, end and energy belong to every session in which something was provided; its SDR follows
    (UC3-9). `nothing_provided`: the user was authorised and went away; no SDR is due.
    """

    start_date_time: Moment | None = None
    end_date_time: Moment | None = None
    total_energy: Decimal | None = None
    cso_session_id: str | None = None
    nothing_provided: bool = False
    reason: str = ""


class CompletionNotice(CompletionMessage, kw_only=True, frozen=True):
    """What the home-CSP receives: the message as its CSO sent it, with ids and parties.

    `closed_by_clearing_house`: no news came for a long time and a person closed the session; the
    visited-CSO's own message may still follow, and counts then.
    """

    service_session_id: UUID
    visited_cso: str
    home_csp: str
    csp_session_id: str | None = None
    closed_by_clearing_house: bool | None = None


class Provided(msgspec.Struct, kw_only=True, frozen=True):
    """What a completed session came to: kWh between two moments."""

    start_date_time: Moment
    end_date_time: Moment
    total_energy: Decimal


def read_completion(message: CompletionMessage) -> Provided | None:
    """What was provided, None where nothing was. Refuses time_without_offset and invalid_field."""
    check_line(message.cso_session_id, 64, "cso_session_id")
    check_line(message.reason, LONGEST_REASON, "reason")
    for name in ("start_date_time", "end_date_time"):
        moment: datetime | None = getattr(message, name)
        if moment is not None:
            check_moment(moment, name)
    energy = message.total_energy
    if energy is not None and not (usable_number(energy) and 0 <= energy < MOST_KWH):
        raise Refusal("invalid_field", "Energy in kWh, 0 or more.", "total_energy")
    if message.nothing_provided:
        if energy:
            raise Refusal("invalid_field", "Nothing was provided: no energy.", "total_energy")
        return None
    start, end = message.start_date_time, message.end_date_time
    for name in ("start_date_time", "end_date_time", "total_energy"):
        if getattr(message, name) is None:
            raise Refusal("invalid_field", "Missing; or say nothing_provided.", name)
    assert start is not None and end is not None and energy is not None, "looked at just now"  # noqa: PT018
    if end < start:
        raise Refusal("invalid_field", "The end lies before the start.", "end_date_time")
    return Provided(start_date_time=start, end_date_time=end, total_energy=energy)

"""Times as parties send them: aware, and possible at all."""

from __future__ import annotations

from datetime import datetime, timedelta

from roaming.domain.refusals import Refusal

# A clock that runs a little ahead is a fact of the field, not a fraud.
CLOCK_TOLERANCE = timedelta(minutes=5)
# The least and the greatest offset from UTC that any zone has had since 2000: Baker, Kiribati.
LEAST_OFFSET, GREATEST_OFFSET = timedelta(hours=-12), timedelta(hours=14)
POSSIBLE = "A time between 2000 and 2100, its offset from UTC between -12:00 and +14:00."


def plausible_moment(moment: datetime | None) -> bool:
    """Whether a time can be one of this business at all: from 2000 to 2100, at an offset of Earth.

    Every time that a party sends passes here before it reaches the database, which knows no offset
    of 16 hours or more and would fail on it. A naive time has no offset that could be impossible.

    >>> plausible_moment(datetime.min), plausible_moment(None)
    (False, True)
    >>> plausible_moment(datetime.fromisoformat("2026-10-05T12:00:00+16:00"))
    False
    """
    if moment is None:
        return True
    return 2000 <= moment.year < 2100 and (moment.tzinfo is None or _offset_is_possible(moment))


def _offset_is_possible(moment: datetime) -> bool:
    offset = moment.utcoffset()
    return offset is None or LEAST_OFFSET <= offset <= GREATEST_OFFSET


def check_moment(moment: datetime, field: str) -> None:
    """Refuses a time without offset (time_without_offset) and an impossible one (invalid_field)."""
    if moment.tzinfo is None:
        raise Refusal("time_without_offset", "Say the offset from UTC.", field)
    if not plausible_moment(moment):
        raise Refusal("invalid_field", POSSIBLE, field)

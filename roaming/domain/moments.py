"""Times as parties send them: aware, and possible at all."""

from __future__ import annotations

from datetime import datetime, timedelta

from roaming.domain.refusals import Refusal

# A clock that runs a little ahead is a fact of the field, not a fraud.
CLOCK_TOLERANCE = timedelta(minutes=5)


def plausible_moment(moment: datetime | None) -> bool:
    """Whether a time can be one of this business at all: from 2000 to 2100.

    >>> plausible_moment(datetime.min), plausible_moment(None)
    (False, True)
    """
    return moment is None or 2000 <= moment.year < 2100


def check_moment(moment: datetime, field: str) -> None:
    """Refuses a time without offset (time_without_offset) and an impossible one (invalid_field)."""
    if moment.tzinfo is None:
        raise Refusal("time_without_offset", "Say the offset from UTC.", field)
    if not plausible_moment(moment):
        raise Refusal("invalid_field", "A time between 2000 and 2100.", field)

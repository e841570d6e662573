"""What a line of a statement is (settlement.md, sections 1 and 5)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from roaming.domain.sdr import Basis


class LineKind(StrEnum):
    """Why a line has its amount; an adjustment belongs to an earlier, final period."""

    CLAIM = "claim"
    RULING = "ruling"
    CREDIT = "credit"
    ADJUSTMENT = "adjustment"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()


def kind_of_line(basis: Basis, ended_at: datetime, period_start: datetime) -> LineKind:
    """The kind of an SDR's line in the period that starts at `period_start` (aware).

    >>> from datetime import UTC
    >>> october, late = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 9, 30, 23, tzinfo=UTC)
    >>> kind_of_line(Basis.CLAIM, late, october).label
    'Adjustment'
    """
    if ended_at < period_start:
        return LineKind.ADJUSTMENT
    return LineKind(basis.value)

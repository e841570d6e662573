"""A calendar month, whose bounds depend on the place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_FORM = re.compile(r"([12][0-9]{3})-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month of the calendar.

    >>> str(Month.parse("2026-02")), Month(2026, 2).days
    ('2026-02', 28)
    """

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> Month:
        """Reads `YYYY-MM`; ValueError for everything else."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise ValueError(f"a month is written YYYY-MM, such as 2026-09, not {text[:20]!r}")
        return cls(int(match[1]), int(match[2]))

    @property
    def first(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def following(self) -> Month:
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    @property
    def days(self) -> int:
        return (self.following.first - self.first).days

    def start(self, zone: ZoneInfo) -> datetime:
        """The first instant of the month in `zone`, in UTC."""
        return midnight(self.first, zone)

    def end(self, zone: ZoneInfo) -> datetime:
        """The first instant after the month in `zone`, in UTC."""
        return midnight(self.following.first, zone)

    def holds(self, day: date) -> bool:
        return (day.year, day.month) == (self.year, self.month)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


def midnight(day: date, zone: ZoneInfo, after: timedelta = timedelta(0)) -> datetime:
    """When the local `day` begins in `zone`, in UTC; `after` is added to the local clock."""
    return (datetime.combine(day, time(0), zone) + after).astimezone(UTC)

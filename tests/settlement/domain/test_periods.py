"""Periods tile time in the calendar's zone, also where clocks change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.domain.periods import period_holding

ZONES = st.sampled_from(
    ["Europe/Berlin", "Europe/London", "America/Santiago", "Asia/Kathmandu", "Asia/Beirut", "UTC"]
)
CYCLES = st.sampled_from(["daily", "weekly", "monthly"])
MOMENTS = st.datetimes(datetime(2015, 1, 1), datetime(2035, 1, 1)).map(  # noqa: DTZ001
    lambda moment: moment.replace(tzinfo=UTC)
)


@given(CYCLES, ZONES, MOMENTS)
def test_every_moment_lies_in_one_period_that_adjoins_the_next(cycle, zone, moment):
    period = period_holding(cycle, zone, moment)
    assert period.start <= moment < period.end
    assert period_holding(cycle, zone, period.start) == period
    last = period.end - timedelta(microseconds=1)
    assert period_holding(cycle, zone, last) == period
    following = period_holding(cycle, zone, period.end)
    assert following.start == period.end
    assert following.label > period.label


@pytest.mark.parametrize(
    ("cycle", "moment", "label", "hours"),
    [
        ("daily", datetime(2026, 3, 29, 12, tzinfo=UTC), "2026-03-29", 23),
        ("daily", datetime(2026, 10, 25, 12, tzinfo=UTC), "2026-10-25", 25),
        ("weekly", datetime(2026, 10, 25, 12, tzinfo=UTC), "2026-W43", 7 * 24 + 1),
        ("weekly", datetime(2026, 1, 1, 12, tzinfo=UTC), "2026-W01", 7 * 24),
        ("weekly", datetime(2027, 1, 1, 12, tzinfo=UTC), "2026-W53", 7 * 24),
        ("monthly", datetime(2026, 10, 31, 22, 59, tzinfo=UTC), "2026-10", 31 * 24 + 1),
        ("monthly", datetime(2026, 10, 31, 23, 0, tzinfo=UTC), "2026-11", 30 * 24),
    ],
)
def test_days_weeks_and_months_are_those_of_the_wall_clock(cycle, moment, label, hours):
    period = period_holding(cycle, "Europe/Berlin", moment)
    assert (period.label, period.end - period.start) == (label, timedelta(hours=hours))
    local = period.start.astimezone(ZoneInfo("Europe/Berlin"))
    assert (local.hour, local.minute) == (0, 0)

"""Local time: three zones, both folds of the repeated hour, and the hour that does not exist."""

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tests.settlement.domain.rating.cases import (
    BERLIN,
    KOLKATA,
    LONDON,
    NEW_YORK,
    UTC_ZONE,
    codes,
    component,
    element,
    priced,
    sdr,
    tariff,
    total,
)

NIGHT_AND_DAY = tariff(
    element(component("ENERGY", 1), start_time="22:00", end_time="06:00"),
    element(component("ENERGY", 2)),
)


def one_kwh_at(utc: str, zone: ZoneInfo) -> Decimal:
    end = (datetime.fromisoformat(utc) + timedelta(seconds=1)).isoformat()
    return total(NIGHT_AND_DAY, sdr(utc, (utc, {"ENERGY": 1}), end=end), zone)


@pytest.mark.parametrize(
    ("zone", "utc", "expected"),
    [
        (BERLIN, "2026-01-15T20:59:59+00:00", 2),
        (BERLIN, "2026-01-15T21:00:00+00:00", 1),
        (BERLIN, "2026-07-15T19:59:59+00:00", 2),
        (BERLIN, "2026-07-15T20:00:00+00:00", 1),
        (LONDON, "2026-01-15T21:59:59+00:00", 2),
        (LONDON, "2026-01-15T22:00:00+00:00", 1),
        (LONDON, "2026-07-15T21:00:00+00:00", 1),
        (NEW_YORK, "2026-01-16T02:59:59+00:00", 2),
        (NEW_YORK, "2026-01-16T03:00:00+00:00", 1),
        (NEW_YORK, "2026-07-16T02:00:00+00:00", 1),
        (KOLKATA, "2026-01-15T16:29:59+00:00", 2),
        (KOLKATA, "2026-01-15T16:30:00+00:00", 1),
        (KOLKATA, "2026-07-16T00:29:59+00:00", 1),
        (KOLKATA, "2026-07-16T00:30:00+00:00", 2),
    ],
)
def test_the_night_begins_by_the_clock_of_the_site(zone, utc, expected):
    assert one_kwh_at(utc, zone) == expected


def test_the_offset_in_which_a_time_is_sent_changes_nothing():
    for sent in ("2026-01-15T21:00:00Z", "2026-01-15T22:00:00+01:00", "2026-01-16T02:30:00+05:30"):
        assert one_kwh_at(sent, BERLIN) == 1


def at_quarter_past_two(*utc: str, **window: str) -> list[int]:
    """Which of these instants in Berlin lie in the window."""
    by_window = tariff(element(component("ENERGY", 1), **window), element(component("ENERGY", 0)))
    return [
        int(
            total(
                by_window,
                sdr(moment, (moment, {"ENERGY": 1}), end=f"{moment[:-1]}"[:17] + "59Z"),
                BERLIN,
            )
        )
        for moment in utc
    ]


def test_the_repeated_hour_lies_in_the_window_in_both_folds():
    """On 25 October 2026 Berlin's clocks show 02:00 to 03:00 twice, from 00:00 and 01:00 UTC."""
    quarters = (
        "2026-10-24T23:45:00Z",
        "2026-10-25T00:15:00Z",
        "2026-10-25T01:15:00Z",
        "2026-10-25T02:15:00Z",
    )
    assert at_quarter_past_two(*quarters, start_time="02:00", end_time="03:00") == [0, 1, 1, 0]


def test_a_window_that_ends_inside_the_repeated_hour_opens_twice():
    quarters = (
        "2026-10-25T00:15:00Z",
        "2026-10-25T00:45:00Z",
        "2026-10-25T01:15:00Z",
        "2026-10-25T01:45:00Z",
    )
    assert at_quarter_past_two(*quarters, start_time="01:00", end_time="02:30") == [1, 0, 1, 0]


def test_a_window_inside_the_missing_hour_never_opens():
    """On 29 March 2026 Berlin's clocks go from 02:00 to 03:00 at 01:00 UTC."""
    quarters = ("2026-03-29T00:45:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z")
    assert at_quarter_past_two(*quarters, start_time="02:00", end_time="03:00") == [0, 0, 0]
    assert at_quarter_past_two(*quarters, start_time="03:00", end_time="04:00") == [0, 1, 1]


def test_durations_are_real_time_across_the_clock_change():
    after_two_hours = tariff(element(component("ENERGY", 1), min_duration=7200))
    night = sdr(
        "2026-10-25T01:30:00+02:00",
        ("2026-10-25T01:30:00+02:00", {"ENERGY": 1}),
        ("2026-10-25T02:30:00+01:00", {"ENERGY": 1}),
        ("2026-10-25T03:30:00+01:00", {"ENERGY": 1}),
        end="2026-10-25T04:00:00+01:00",
    )
    assert total(after_two_hours, night, BERLIN) == 2


def test_a_period_over_the_whole_repeated_hour_is_split_at_both_its_ends():
    cheap_from_two = tariff(
        element(component("ENERGY", 1), start_time="02:00", end_time="03:00"),
        element(component("ENERGY", 2)),
    )
    night = sdr(
        "2026-10-25T01:00:00+02:00",
        ("2026-10-25T01:00:00+02:00", {"ENERGY": 4}),
        end="2026-10-25T04:00:00+01:00",
    )
    answer = priced(cheap_from_two, night, BERLIN)
    assert codes(answer) == ["boundary_inside_period"]
    assert answer.total_before_tax == 8
    assert answer.findings[0].total_if_split == 2 + 1 + 1 + 2


def test_a_clock_change_that_reopens_a_window_is_a_boundary():
    until_half_past_two = tariff(
        element(component("ENERGY", 1), end_time="02:30"), element(component("ENERGY", 2))
    )
    night = sdr(
        "2026-10-25T00:30:00Z", ("2026-10-25T00:30:00Z", {"ENERGY": 3}), end="2026-10-25T02:00:00Z"
    )
    answer = priced(until_half_past_two, night, BERLIN)
    assert answer.total_before_tax == 6
    assert answer.findings[0].total_if_split == 2 + 1 + 2


def test_the_same_session_costs_otherwise_in_another_zone():
    session = sdr("2026-01-15T20:30:00Z", ("2026-01-15T20:30:00Z", {"ENERGY": 1}))
    session = sdr(
        "2026-01-15T21:30:00Z",
        ("2026-01-15T21:30:00Z", {"ENERGY": 1}),
        end="2026-01-15T21:45:00Z",
    )
    assert total(NIGHT_AND_DAY, session, UTC_ZONE) == 2
    assert total(NIGHT_AND_DAY, session, BERLIN) == 1

"""When an element applies: times, days, energy, duration, current and power."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from settlement.domain.rating import NotRatable, parse_sdr
from tests.settlement.domain.rating.cases import (
    BERLIN,
    cdr,
    component,
    element,
    priced,
    sdr,
    tariff,
    total,
)


def applies(restrictions: dict, session, zone=BERLIN) -> bool:
    """Whether an element with these restrictions prices the session's energy."""
    energy = component("ENERGY", 1)
    return total(tariff(element(energy, **restrictions)), session, zone) != 0


def charging_at(local: str, **dimensions):
    """One kWh from a local time in Berlin, over within a second."""
    start = datetime.fromisoformat(local).replace(tzinfo=BERLIN)
    end = start.astimezone(UTC) + timedelta(seconds=1)
    volumes = {"ENERGY": 1, **dimensions}
    return sdr(start.isoformat(), (start.isoformat(), volumes), end=end.isoformat())


@pytest.mark.parametrize(
    ("start", "end", "moment", "expected"),
    [
        ("08:00", "20:00", "07:59:59", False),
        ("08:00", "20:00", "08:00:00", True),
        ("08:00", "20:00", "19:59:58", True),
        ("08:00", "20:00", "20:00:00", False),
        ("08:00", None, "23:59:58", True),
        ("08:00", None, "00:00:00", False),
        (None, "08:00", "07:59:58", True),
        (None, "08:00", "08:00:00", False),
        (None, "00:00", "23:59:58", True),
        ("00:00", "00:00", "12:00:00", True),
        ("20:00", "00:00", "23:59:58", True),
        ("20:00", "00:00", "00:00:00", False),
        ("20:00", "00:00", "19:59:58", False),
        ("22:00", "06:00", "22:00:00", True),
        ("22:00", "06:00", "00:00:00", True),
        ("22:00", "06:00", "05:59:58", True),
        ("22:00", "06:00", "06:00:00", False),
        ("22:00", "06:00", "12:00:00", False),
        ("08:00", "08:00", "08:00:00", False),
    ],
)
def test_the_time_of_day_is_local_from_start_until_before_end(start, end, moment, expected):
    given = {"start_time": start, "end_time": end}
    restrictions = {name: value for name, value in given.items() if value}
    assert applies(restrictions, charging_at(f"2026-06-10T{moment}")) is expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-12-23T23:59:58", False),
        ("2026-12-24T00:00:00", True),
        ("2026-12-26T23:59:58", True),
        ("2026-12-27T00:00:00", False),
    ],
)
def test_the_start_date_counts_and_the_end_date_does_not(moment, expected):
    restrictions = {"start_date": "2026-12-24", "end_date": "2026-12-27"}
    assert applies(restrictions, charging_at(moment)) is expected


def test_a_wrapping_window_asks_for_the_weekday_of_the_instant_not_of_its_start():
    friday_night = {"start_time": "22:00", "end_time": "06:00", "day_of_week": ["FRIDAY"]}
    assert applies(friday_night, charging_at("2026-06-12T23:00:00"))
    assert not applies(friday_night, charging_at("2026-06-13T01:00:00"))
    assert applies(friday_night, charging_at("2026-06-12T01:00:00"))


def test_the_weekday_is_the_site_s_where_utc_still_has_yesterday():
    saturday = {"day_of_week": ["SATURDAY"]}
    assert applies(saturday, charging_at("2026-06-13T01:00:00"))
    assert not applies(saturday, charging_at("2026-06-14T01:00:00"))


def test_an_empty_list_of_weekdays_restricts_nothing():
    assert applies({"day_of_week": []}, charging_at("2026-06-13T01:00:00"))


@pytest.mark.parametrize(
    ("before", "expected"),
    [("4.999", 1), ("4.9999995", 1), ("4.9999999995", 2), ("5", 2), ("5.001", 2)],
)
def test_min_kwh_is_reached_inclusively_by_the_energy_of_the_periods_before(before, expected):
    stepped = tariff(element(component("ENERGY", 2), min_kwh=5), element(component("ENERGY", 1)))
    answer = priced(stepped, sdr("10:00", ("10:00", {"ENERGY": before}), ("11:00", {"ENERGY": 1})))
    assert answer.lines[-1].price == expected


@pytest.mark.parametrize(("before", "expected"), [("4.9999995", 2), ("5", 1), ("5.001", 1)])
def test_max_kwh_is_exclusive(before, expected):
    stepped = tariff(element(component("ENERGY", 2), max_kwh=5), element(component("ENERGY", 1)))
    answer = priced(stepped, sdr("10:00", ("10:00", {"ENERGY": before}), ("11:00", {"ENERGY": 1})))
    assert answer.lines[-1].price == expected


def test_the_energy_of_a_period_without_a_price_counts_towards_min_kwh():
    only_later = tariff(element(component("ENERGY", 2), min_kwh=5))
    session = sdr("10:00", ("10:00", {"ENERGY": 5}), ("11:00", {"ENERGY": 3}))
    assert total(only_later, session) == 6


@pytest.mark.parametrize(
    ("begin", "expected"), [("10:29", 1), ("10:30", 2), ("10:59", 2), ("11:00", 1)]
)
def test_durations_are_inclusive_at_the_lower_and_exclusive_at_the_upper_end(begin, expected):
    half_hour = tariff(
        element(component("TIME", 2), min_duration=1800, max_duration=3600),
        element(component("TIME", 1)),
    )
    session = sdr("10:00", ("10:00", {"PARKING_TIME": 0.1}), (begin, {"TIME": 0.001}), end="11:00")
    assert priced(half_hour, session).lines[-1].price == expected


def test_the_duration_counts_parking_too():
    after_an_hour = tariff(element(component("ENERGY", 1), min_duration=3600))
    session = sdr("10:00", ("10:00", {"PARKING_TIME": 1}), ("11:00", {"ENERGY": 4}), end="12:00")
    assert total(after_an_hour, session) == 4


def test_the_duration_of_a_session_starts_after_its_reservation():
    first_half_hour_free = tariff(
        element(component("ENERGY", 0), max_duration=1800), element(component("ENERGY", 1))
    )
    session = sdr(
        "10:00",
        ("10:00", {"RESERVATION_TIME": 1}),
        ("11:00", {"ENERGY": 4}),
        ("11:30", {"ENERGY": 3}),
        end="12:00",
    )
    assert total(first_half_hour_free, session) == 3


@pytest.mark.parametrize(
    ("restriction", "dimension", "value", "expected"),
    [
        ("min_current", "MIN_CURRENT", 31.9, False),
        ("min_current", "MIN_CURRENT", 32, True),
        ("max_current", "MAX_CURRENT", 31.9, True),
        ("max_current", "MAX_CURRENT", 32, False),
        ("min_power", "MIN_POWER", 31.9, False),
        ("min_power", "MIN_POWER", 32, True),
        ("max_power", "MAX_POWER", 31.9, True),
        ("max_power", "MAX_POWER", 32, False),
    ],
)
def test_current_and_power_count_from_the_minimum_and_below_the_maximum(
    restriction, dimension, value, expected
):
    session = charging_at("2026-06-10T12:00:00", **{dimension: value})
    assert applies({restriction: 32.0}, session) is expected


@pytest.mark.parametrize("restriction", ["min_current", "max_current", "min_power", "max_power"])
def test_a_limit_without_its_dimension_cannot_be_rated(restriction):
    with pytest.raises(NotRatable) as refused:
        applies({restriction: 32}, charging_at("2026-06-10T12:00:00", CURRENT=10, POWER=10))
    assert refused.value.cause == "dimension_missing"
    assert restriction.upper() in refused.value.detail
    assert refused.value.field == "charging_periods[0].dimensions"


def test_a_limit_is_not_missed_where_the_element_is_out_of_hours_anyway():
    by_day = tariff(
        element(component("ENERGY", 2), max_power=11, start_time="08:00", end_time="20:00"),
        element(component("ENERGY", 1)),
    )
    assert total(by_day, charging_at("2026-06-10T21:00:00"), BERLIN) == 1


def test_a_limit_is_not_missed_where_an_earlier_element_applies_or_nothing_is_consumed():
    fallback_first = tariff(
        element(component("ENERGY", 1)),
        element(component("ENERGY", 2), component("TIME", 5), max_power=11),
    )
    assert total(fallback_first, charging_at("2026-06-10T21:00:00"), BERLIN) == 1


def test_the_first_matching_element_is_chosen_for_each_dimension_by_itself():
    mixed = tariff(
        element(component("ENERGY", 7), component("TIME", 7), start_time="12:00"),
        element(component("TIME", 3)),
        element(component("ENERGY", 2), component("TIME", 9)),
    )
    answer = priced(mixed, sdr("10:00", ("10:00", {"ENERGY": 1, "TIME": 1}), end="11:00"))
    assert {line.dimension: line.element_index for line in answer.lines} == {
        "ENERGY": 2,
        "TIME": 1,
    }


def test_the_first_of_two_components_of_one_dimension_in_an_element_counts():
    twice = tariff(element(component("ENERGY", 1), component("ENERGY", 2)))
    assert total(twice, sdr("10:00", ("10:00", {"ENERGY": 1}))) == 1


def test_a_dimension_without_a_price_costs_nothing_and_is_still_a_line():
    answer = priced(tariff(element(component("ENERGY", 1))), sdr("10:00", ("10:00", {"TIME": 1})))
    (line,) = answer.lines
    assert (line.dimension, line.component, line.amount_before_tax) == ("TIME", None, Decimal(0))


def test_flat_is_charged_once_by_the_first_that_becomes_active():
    evening = tariff(
        element(component("FLAT", 5), start_time="20:00"),
        element(component("FLAT", 2), start_time="18:00"),
        element(component("ENERGY", 1)),
    )
    hours = [(hour, {"ENERGY": 1}) for hour in ("17:00", "18:00", "20:00", "21:00")]
    answer = priced(evening, sdr("17:00", *hours, end="22:00"))
    assert [(n.period, n.price) for n in answer.lines if n.dimension == "FLAT"] == [(1, 2)]


def test_flat_is_due_where_nothing_was_consumed():
    fee = tariff(element(component("FLAT", "0.50")))
    assert total(fee, sdr("10:00", ("10:00", {"ENERGY": 0}))) == Decimal("0.50")


def test_an_element_for_bookings_prices_nothing():
    booking = tariff(element(component("FLAT", 5), booking="BOOKING"))
    assert total(booking, sdr("10:00", ("10:00", {"ENERGY": 1}))) == 0


def test_a_dimension_given_in_two_parts_is_added_up_and_limits_keep_their_extremes():
    by_power = tariff(
        element(component("ENERGY", 2), min_power=11), element(component("ENERGY", 1))
    )
    parts = [("ENERGY", 1), ("ENERGY", 2), ("MIN_POWER", 12), ("MIN_POWER", 10)]
    content = cdr("10:00", ("10:00", {}), end="11:00")
    content["charging_periods"][0]["dimensions"] = [
        {"type": kind, "volume": volume} for kind, volume in parts
    ]
    assert total(by_power, parse_sdr(content)) == 3

"""A boundary inside a period: its start prices it, a finding says what a split would cost."""

from decimal import Decimal

import pytest

from roaming.domain.sdr import Severity
from tests.settlement.domain.rating.cases import (
    BERLIN,
    codes,
    component,
    element,
    priced,
    sdr,
    tariff,
)

EVENING = tariff(element(component("ENERGY", 1), end_time="17:00"), element(component("ENERGY", 2)))


def test_the_state_at_the_start_prices_the_whole_period():
    answer = priced(EVENING, sdr("16:00", ("16:00", {"ENERGY": 4}), end="18:00"))
    assert answer.total_before_tax == 4


def test_the_finding_carries_the_total_of_the_split_and_the_money_at_stake():
    answer = priced(EVENING, sdr("16:00", ("16:00", {"ENERGY": 4}), end="18:00"))
    (finding,) = answer.findings
    assert (finding.family, finding.code) == ("PRC", "boundary_inside_period")
    assert finding.severity is Severity.WARNING
    assert finding.periods == (0,)
    assert finding.total_if_split == 2 + 4
    assert finding.money_at_stake == -2
    assert "2019-02-04T17:00:00+00:00" in finding.detail


def test_volumes_are_split_in_proportion_to_time():
    answer = priced(EVENING, sdr("16:45", ("16:45", {"ENERGY": 4}), end="17:45"))
    assert answer.findings[0].total_if_split == 1 + 6


def test_a_boundary_where_a_period_starts_or_ends_is_not_inside():
    session = sdr("16:00", ("16:00", {"ENERGY": 4}), ("17:00", {"ENERGY": 4}), end="18:00")
    assert codes(priced(EVENING, session)) == []
    assert codes(priced(EVENING, sdr("16:00", ("16:00", {"ENERGY": 4}), end="17:00"))) == []
    assert codes(priced(EVENING, sdr("17:00", ("17:00", {"ENERGY": 4}), end="18:00"))) == []


def test_a_second_beyond_the_boundary_is_inside():
    late = sdr("16:00", ("16:00", {"ENERGY": 4}), end="2019-02-04T17:00:01Z")
    assert codes(priced(EVENING, late)) == ["boundary_inside_period"]


def test_a_window_that_opens_and_closes_inside_a_period_is_seen():
    peak = tariff(
        element(component("ENERGY", 5), start_time="17:00", end_time="17:30"),
        element(component("ENERGY", 1)),
    )
    answer = priced(peak, sdr("16:00", ("16:00", {"ENERGY": 4}), end="20:00"))
    assert answer.findings[0].total_if_split == Decimal("3.5") + Decimal("2.5")


def test_midnight_is_a_boundary_for_weekdays_and_dates():
    monday = tariff(
        element(component("ENERGY", 1), day_of_week=["MONDAY"]), element(component("ENERGY", 3))
    )
    until = tariff(
        element(component("ENERGY", 1), end_date="2019-02-05"), element(component("ENERGY", 3))
    )
    night = sdr("22:00", ("22:00", {"ENERGY": 4}), end="2019-02-05T02:00:00Z")
    for prices in (monday, until):
        answer = priced(prices, night)
        assert answer.total_before_tax == 4
        assert answer.findings[0].total_if_split == 2 + 6
    assert codes(priced(monday, sdr("22:00", ("22:00", {"ENERGY": 4}), end="23:00"))) == []


def test_a_night_without_a_boundary_at_midnight_has_no_finding():
    night = tariff(
        element(component("ENERGY", 1), start_time="22:00", end_time="06:00"),
        element(component("ENERGY", 2)),
    )
    session = sdr("22:00", ("22:00", {"ENERGY": 4}), end="2019-02-05T06:00:00Z")
    assert codes(priced(night, session)) == []
    too_long = sdr("22:00", ("22:00", {"ENERGY": 4}), end="2019-02-05T08:00:00Z")
    assert priced(night, too_long).findings[0].total_if_split == Decimal("3.2") + Decimal("1.6")


def test_a_limit_of_energy_inside_a_period_splits_exactly_there():
    first_free = tariff(
        element(component("ENERGY", 0), max_kwh="0.7"), element(component("ENERGY", 1, 500))
    )
    answer = priced(first_free, sdr("10:00", ("10:00", {"ENERGY": "1.8"}), end="11:00"))
    assert answer.total_before_tax == 0
    assert answer.findings[0].total_if_split == Decimal("1.5")


def test_a_limit_of_energy_that_the_session_only_just_reaches_is_not_inside():
    first_free = tariff(element(component("ENERGY", 0), max_kwh=5), element(component("ENERGY", 1)))
    for kwh in ("5", "5.0000000005", "4.9999999995"):
        answer = priced(first_free, sdr("10:00", ("10:00", {"ENERGY": kwh}), end="11:00"))
        assert codes(answer) == []


def test_a_limit_of_duration_inside_a_period_splits_there_and_the_session_goes_on():
    grace = tariff(
        element(component("PARKING_TIME", 0), max_duration=1800),
        element(component("PARKING_TIME", 60, 60)),
    )
    answer = priced(grace, sdr("10:00", ("10:00", {"PARKING_TIME": 1}), end="11:00"))
    assert answer.total_before_tax == 0
    assert answer.findings[0].total_if_split == 30


def test_a_fee_that_becomes_active_inside_a_period_is_found():
    night_fee = tariff(
        element(component("FLAT", 3), start_time="22:00"), element(component("ENERGY", 1))
    )
    answer = priced(night_fee, sdr("21:00", ("21:00", {"ENERGY": 2}), end="23:00"))
    assert answer.total_before_tax == 2
    assert answer.findings[0].total_if_split == 5


def test_a_boundary_that_changes_nothing_that_was_consumed_is_no_finding():
    parking = tariff(
        element(component("ENERGY", 1)), element(component("PARKING_TIME", 2), start_time="17:00")
    )
    assert codes(priced(parking, sdr("16:00", ("16:00", {"ENERGY": 4}), end="18:00"))) == []


def test_several_periods_with_boundaries_are_one_finding():
    twice = tariff(
        element(component("ENERGY", 2), start_time="11:00", end_time="13:00"),
        element(component("ENERGY", 1)),
    )
    session = sdr("10:00", ("10:00", {"ENERGY": 2}), ("12:00", {"ENERGY": 2}), end="14:00")
    answer = priced(twice, session)
    (finding,) = answer.findings
    assert finding.periods == (0, 1)
    assert answer.total_before_tax == 2 + 4
    assert finding.total_if_split == 1 + 2 + 2 + 1


def test_the_split_counts_steps_and_bounds_for_the_session_as_a_whole():
    evening = tariff(
        element(component("TIME", 60, 600), end_time="17:00"),
        element(component("TIME", 120, 600)),
        max_price={"excl_vat": 50},
    )
    answer = priced(evening, sdr("16:50", ("16:50", {"TIME": "0.25"}), end="17:05"))
    assert answer.total_before_tax == 20
    assert answer.findings[0].total_if_split == 10 + 20
    capped = priced(evening, sdr("16:30", ("16:30", {"TIME": 1}), end="17:30"))
    assert (capped.total_before_tax, capped.findings[0].total_if_split) == (50, 50)


def test_a_split_part_that_cannot_be_rated_leaves_the_finding_without_a_total():
    by_power = tariff(
        element(component("ENERGY", 1), end_time="17:00"),
        element(component("ENERGY", 2), max_power=11),
    )
    answer = priced(by_power, sdr("16:00", ("16:00", {"ENERGY": 4}), end="18:00"))
    (finding,) = answer.findings
    assert (finding.total_if_split, finding.money_at_stake) == (None, None)


def test_a_period_of_years_is_reported_and_not_split():
    year = sdr("2019-01-01T00:00:00Z", ("2019-01-01T00:00:00Z", {"ENERGY": 4}), end="10:00")
    long = sdr(
        "2010-01-01T00:00:00Z",
        ("2010-01-01T00:00:00Z", {"ENERGY": 4}),
        end="2019-01-01T00:00:00Z",
    )
    assert priced(EVENING, year).findings[0].total_if_split is not None
    (finding,) = priced(EVENING, long).findings
    assert finding.total_if_split is None


def test_limits_of_power_stay_what_they_are_in_each_part():
    prices = tariff(
        element(component("ENERGY", 3), max_power=11, start_time="17:00"),
        element(component("ENERGY", 1)),
    )
    slow = sdr("16:00", ("16:00", {"ENERGY": 4, "MAX_POWER": 8}), end="18:00")
    fast = sdr("16:00", ("16:00", {"ENERGY": 4, "MAX_POWER": 22}), end="18:00")
    assert priced(prices, slow).findings[0].total_if_split == 2 + 6
    assert codes(priced(prices, fast)) == []


@pytest.mark.parametrize("zone_hour", ["15:00", "16:00"])
def test_boundaries_lie_in_local_time(zone_hour):
    session = sdr("15:00", ("15:00", {"ENERGY": 4}), end="16:30")
    assert codes(priced(EVENING, session)) == []
    assert codes(priced(EVENING, session, BERLIN)) == ["boundary_inside_period"]

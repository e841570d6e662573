"""Step sizes: once for energy, once for the times together, by the component that is paid last."""

from decimal import Decimal

import pytest

from tests.settlement.domain.rating.cases import component, element, priced, sdr, tariff, total


def energy_billed(kwh, step_size: int) -> Decimal:
    """What is billed of one period, at 1 EUR per kWh."""
    return total(
        tariff(element(component("ENERGY", 1, step_size))), sdr("10:00", ("10:00", {"ENERGY": kwh}))
    )


@pytest.mark.parametrize(
    ("kwh", "step_size", "billed"),
    [
        ("0.1152", 1, "0.116"),
        ("0.1152", 25, "0.125"),
        ("0.1152", 500, "0.5"),
        ("0.101", 25, "0.125"),
        ("0.125", 25, "0.125"),
        ("0.126", 25, "0.150"),
        ("20.45", 100, "20.5"),
        ("20", 0, "20"),
        ("20.0001", 0, "20.001"),
        ("5", 5000, "5"),
        ("5.001", 5000, "10"),
        ("5.0000005", 5000, "5"),
        ("5.000001", 5000, "5"),
        ("5.0000011", 5000, "10"),
        ("4.9999995", 5000, "5"),
    ],
)
def test_energy_is_rounded_up_to_full_steps_and_an_exact_multiple_stays(kwh, step_size, billed):
    assert energy_billed(kwh, step_size) == Decimal(billed)


@pytest.mark.parametrize(
    ("hours", "step_size", "seconds"),
    [
        ("0.6666666666666666", 900, 2700),
        ("0.6666666666666666", 600, 2400),
        ("0.666667", 600, 2400),
        ("0.6667", 600, 3000),
        ("0.25", 900, 900),
        ("0.2500003", 900, 900),
        ("0.2503", 900, 1800),
        ("0.0834", 1, 301),
        ("0.0834", 0, 301),
    ],
)
def test_time_is_rounded_up_in_seconds_whatever_its_fraction_of_an_hour(hours, step_size, seconds):
    hourly = tariff(element(component("TIME", 3600, step_size)))
    assert total(hourly, sdr("10:00", ("10:00", {"TIME": hours}))) == seconds


def test_what_the_step_added_is_shown_on_the_last_line():
    answer = priced(
        tariff(element(component("PARKING_TIME", 2, 900))),
        sdr("10:00", ("10:00", {"PARKING_TIME": 0.5}), ("11:00", {"PARKING_TIME": 0.2})),
    )
    first, last = answer.lines
    assert (first.step_added, last.step_added) == (0, Decimal("0.05"))
    assert (first.amount_before_tax, last.amount_before_tax) == (1, Decimal("0.5"))


def test_the_step_rounds_the_total_of_the_session_not_each_period():
    hourly = tariff(element(component("TIME", 60, 600)))
    periods = [("10:00", {"TIME": "0.15"}), ("10:09", {"TIME": "0.15"}), ("10:18", {"TIME": 0.2})]
    assert total(hourly, sdr("10:00", *periods, end="10:30")) == 30


def test_the_last_price_pays_for_what_the_step_adds():
    evening = tariff(
        element(component("TIME", 6, 1800), end_time="17:00"), element(component("TIME", 60, 600))
    )
    session = sdr("16:54", ("16:54", {"TIME": "0.1"}), ("17:00", {"TIME": "0.05"}), end="17:03")
    answer = priced(evening, session)
    assert [line.amount_before_tax for line in answer.lines] == [Decimal("0.6"), 4]


def test_charging_time_followed_by_parking_is_not_rounded():
    both = tariff(element(component("TIME", 60, 300), component("PARKING_TIME", 120, 300)))
    session = sdr("10:00", ("10:00", {"TIME": 0.35}), ("10:21", {"PARKING_TIME": 0.1}))
    assert total(both, session) == 21 + 20


def test_parking_followed_by_charging_rounds_the_charging_alone():
    both = tariff(element(component("TIME", 60, 300), component("PARKING_TIME", 120, 300)))
    session = sdr("10:00", ("10:00", {"PARKING_TIME": 0.1}), ("10:06", {"TIME": 0.35}))
    assert total(both, session) == 12 + 25


def test_after_a_pause_the_whole_charging_time_is_rounded():
    both = tariff(element(component("TIME", 60, 600), component("PARKING_TIME", 120, 600)))
    session = sdr(
        "10:00",
        ("10:00", {"TIME": "0.1"}),
        ("10:06", {"PARKING_TIME": "0.05"}),
        ("10:09", {"TIME": "0.1"}),
    )
    assert total(both, session) == 20 + 6


def test_in_one_period_parking_comes_after_charging():
    both = tariff(element(component("TIME", 60, 300), component("PARKING_TIME", 120, 300)))
    assert total(both, sdr("10:00", ("10:00", {"TIME": 0.35, "PARKING_TIME": 0.1}))) == 21 + 20


def test_parking_of_no_length_is_not_paid_last():
    both = tariff(element(component("TIME", 60, 300), component("PARKING_TIME", 120, 300)))
    assert total(both, sdr("10:00", ("10:00", {"TIME": 0.35, "PARKING_TIME": 0}))) == 25


@pytest.mark.parametrize("free", [None, 0])
def test_a_last_period_that_is_free_leaves_the_step_to_the_last_paid_one(free):
    """Free by having no component, or by a component whose price is zero: it is the same."""
    elements = [element(component("PARKING_TIME", 60, 900), end_time="20:00")]
    if free is not None:
        elements.append(element(component("PARKING_TIME", free, 60)))
    session = sdr("19:52", ("19:52", {"PARKING_TIME": "0.1"}), ("20:00", {"PARKING_TIME": "0.2"}))
    assert total(tariff(*elements), session) == 15


@pytest.mark.parametrize("free", [None, 0])
def test_free_energy_in_front_counts_for_nothing_in_the_steps(free):
    elements = [element(component("ENERGY", 1, 500), min_kwh="0.7")]
    if free is not None:
        elements.append(element(component("ENERGY", free, 500)))
    session = sdr("10:00", ("10:00", {"ENERGY": "0.7"}), ("11:00", {"ENERGY": "1.1"}))
    assert total(tariff(*elements), session) == Decimal("1.5")


def test_charging_followed_by_parking_that_is_free_is_rounded():
    both = tariff(element(component("TIME", 60, 600), component("PARKING_TIME", 0, 300)))
    session = sdr("10:00", ("10:00", {"TIME": "0.15"}), ("10:09", {"PARKING_TIME": "0.5"}))
    assert total(both, session) == 10


def test_energy_and_time_are_rounded_each_for_itself():
    both = tariff(element(component("ENERGY", 1, 1000), component("TIME", 60, 600)))
    assert total(both, sdr("10:00", ("10:00", {"ENERGY": "1.2", "TIME": "0.15"}))) == 2 + 10


def test_the_step_of_the_last_component_holds_even_where_it_is_the_finer_one():
    evening = tariff(
        element(component("ENERGY", 1, 5000), end_time="17:00"), element(component("ENERGY", 1, 1))
    )
    session = sdr("16:00", ("16:00", {"ENERGY": "1.2"}), ("17:00", {"ENERGY": "1.1"}))
    assert total(evening, session) == Decimal("2.3")


def test_a_flat_component_has_no_step():
    assert total(tariff(element(component("FLAT", 1, 900))), sdr("10:00", ("10:00", {}))) == 1


def test_forty_minutes_stay_exact_although_they_are_no_decimal_fraction_of_an_hour():
    thirds = tariff(element(component("TIME", 3, 2400)))
    answer = priced(thirds, sdr("10:00", ("10:00", {"TIME": "0.66"})))
    assert answer.total_before_tax == 2

"""SDRs that say what no session can be, and are rated all the same, with a warning."""

from decimal import Decimal

import pytest

from settlement.domain.rating import NotRatable
from tests.settlement.domain.rating.cases import codes, component, element, priced, sdr, tariff

ENERGY = tariff(element(component("ENERGY", 1)))
DEARER_BY_THE_KWH = tariff(
    element(component("ENERGY", 1), max_kwh=10),
    element(component("ENERGY", 2), min_kwh=10),
)
DEARER_AFTER_HALF_AN_HOUR = tariff(
    element(component("ENERGY", 1), min_duration=0, max_duration=1800),
    element(component("ENERGY", 2), min_duration=1800),
)


def test_a_period_before_the_session_is_rated_as_at_its_start():
    session = sdr("10:20", ("10:00", {"ENERGY": 1}), ("11:00", {"ENERGY": 1}), end="11:05")
    answer = priced(DEARER_AFTER_HALF_AN_HOUR, session)
    assert answer.total_before_tax == 3
    assert codes(answer) == ["periods_outside_session", "boundary_inside_period"]
    assert answer.findings[0].periods == (0,)


def test_the_duration_is_counted_from_the_session_also_inside_a_period_before_it():
    """10:45 is 25 minutes into the session, 45 into the period: no boundary lies inside."""
    session = sdr("10:20", ("10:00", {"ENERGY": 1}), ("10:45", {}), end="10:50")
    answer = priced(DEARER_AFTER_HALF_AN_HOUR, session)
    assert (answer.total_before_tax, codes(answer)) == (1, ["periods_outside_session"])


def test_a_limit_of_no_duration_never_holds_not_even_before_the_session():
    never = tariff(element(component("ENERGY", 1), max_duration=0))
    session = sdr("10:20", ("10:00", {"ENERGY": 1}), end="10:50")
    assert priced(never, session).total_before_tax == 0


def test_a_period_after_the_end_of_the_session_is_rated():
    session = sdr("10:00", ("10:00", {"ENERGY": 1}), ("11:05", {"ENERGY": 2}), end="11:00")
    answer = priced(ENERGY, session)
    assert answer.total_before_tax == 3
    assert [(f.code, f.periods) for f in answer.findings] == [("periods_outside_session", (1,))]


def test_boundaries_inside_periods_are_found_also_outside_the_session():
    evening = tariff(
        element(component("ENERGY", 1), end_time="17:00"), element(component("ENERGY", 2))
    )
    session = sdr("17:30", ("16:00", {"ENERGY": 4}), ("18:00", {}), end="17:45")
    answer = priced(evening, session)
    assert codes(answer) == ["periods_outside_session", "boundary_inside_period"]
    assert (answer.total_before_tax, answer.findings[1].total_if_split) == (4, 6)


@pytest.mark.parametrize("year", ["0001", "1969", "2201", "9999"])
def test_a_period_in_no_usable_year_cannot_be_rated(year):
    session = sdr("10:00", ("10:00", {}), (f"{year}-06-01T00:00:00Z", {"ENERGY": 1}))
    with pytest.raises(NotRatable) as refused:
        priced(ENERGY, session)
    assert refused.value.cause == "time_out_of_range"
    assert refused.value.field == "charging_periods[1].start_date_time"


def test_periods_out_of_order_are_rated_in_the_order_of_their_starts():
    session = sdr("10:00", ("11:00", {"ENERGY": 1}), ("10:00", {"ENERGY": 10}), end="12:00")
    answer = priced(DEARER_BY_THE_KWH, session)
    assert answer.total_before_tax == 10 * 1 + 1 * 2
    assert [(line.period, line.amount_before_tax) for line in answer.lines] == [(1, 10), (0, 2)]
    assert [(f.code, f.periods) for f in answer.findings] == [("periods_not_in_order", (1,))]


def test_periods_that_start_together_stay_in_the_order_given():
    session = sdr("10:00", ("10:00", {}), ("10:00", {"ENERGY": 10}), ("10:00", {"ENERGY": 1}))
    answer = priced(DEARER_BY_THE_KWH, session)
    assert [line.period for line in answer.lines] == [1, 2]
    assert (answer.total_before_tax, codes(answer)) == (12, [])


def test_a_currency_in_small_letters_is_read_in_capitals():
    answer = priced(ENERGY, sdr("10:00", ("10:00", {"ENERGY": "1.5"}), currency="eur"))
    assert (answer.currency, answer.rounded().before_tax) == ("EUR", Decimal("1.50"))
    assert codes(answer) == ["currency_in_small_letters"]

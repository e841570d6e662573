"""min_price and max_price: bounds on the total, before and after tax each on its own."""

from decimal import Decimal

import msgspec
import pytest

from tests.settlement.domain.rating.cases import codes, component, element, priced, sdr, tariff

ELEMENT = element(component("FLAT", 1, vat=20), component("ENERGY", 1, vat=10))


def charged(kwh, **bounds):
    """Totals of a session that costs 1 + kWh before and 1.2 + 1.1 kWh after tax."""
    answer = priced(tariff(ELEMENT, **bounds), sdr("10:00", ("10:00", {"ENERGY": kwh})))
    return answer.total_before_tax, answer.total_after_tax


def price(before, after=None):
    return {"excl_vat": before} if after is None else {"excl_vat": before, "incl_vat": after}


def test_a_total_between_the_bounds_stays():
    assert charged(9, min_price=price(5, 6), max_price=price(20, 22)) == (10, Decimal("11.1"))


def test_each_bound_holds_for_itself_before_and_after_tax():
    assert charged(9, max_price=price(8, 20)) == (8, Decimal("11.1"))
    assert charged(9, max_price=price(20, 11)) == (10, 11)
    assert charged(9, max_price=price(8, 9)) == (8, 9)
    assert charged(9, min_price=price(12, 5)) == (12, Decimal("11.1"))
    assert charged(9, min_price=price(5, 12)) == (10, 12)
    assert charged(9, min_price=price(12, 14)) == (12, 14)


def test_the_shape_of_the_newer_version_is_the_same_bound():
    limit = {"before_taxes": 8, "after_taxes": 9}
    assert charged(9, max_price=limit, tax_included="NO") == (8, 9)


def test_a_bound_without_its_amount_after_tax_carries_the_tax_of_the_session():
    after = Decimal("11.1") * 8 / 10
    assert charged(9, max_price=price(8)) == (8, after)
    assert charged(9, max_price={"before_taxes": 8}) == (8, after)
    assert charged(9, min_price=price(20)) == (20, Decimal("22.2"))


def test_a_bound_without_its_amount_after_tax_is_that_amount_where_no_tax_applies():
    untaxed = tariff(element(component("ENERGY", 1)), max_price=price(8))
    answer = priced(untaxed, sdr("10:00", ("10:00", {"ENERGY": 10})))
    assert (answer.total_before_tax, answer.total_after_tax) == (8, 8)


def test_a_session_of_nothing_costs_the_minimum():
    free = tariff(element(component("ENERGY", 1, vat=10)), min_price=price("0.5", "0.55"))
    answer = priced(free, sdr("10:00", ("10:00", {"ENERGY": 0})))
    assert (answer.total_before_tax, answer.total_after_tax) == (Decimal("0.5"), Decimal("0.55"))


def test_where_the_minimum_is_above_the_maximum_the_maximum_holds_and_is_reported():
    contradictory = tariff(ELEMENT, min_price=price(9, 10), max_price=price(5, 6))
    answer = priced(contradictory, sdr("10:00", ("10:00", {"ENERGY": 1})))
    assert (answer.total_before_tax, answer.total_after_tax) == (5, 6)
    assert codes(answer) == ["bounds_contradict"]


def test_the_lines_stay_as_they_are_and_the_bound_says_what_it_changed():
    answer = priced(tariff(ELEMENT, max_price=price(8, 9)), sdr("10:00", ("10:00", {"ENERGY": 9})))
    assert sum(line.amount_before_tax for line in answer.lines) == 10
    (bound,) = answer.bounds
    assert bound == ("max_price", "T", -2, Decimal("-2.1"))


def test_unknown_taxes_stay_unknown_under_a_bound():
    open_rates = tariff(
        element(component("ENERGY", 1)), tax_included="NO", max_price={"before_taxes": 8}
    )
    answer = priced(open_rates, sdr("10:00", ("10:00", {"ENERGY": 9})))
    assert (answer.total_before_tax, answer.total_after_tax) == (8, None)


def two_tariffs(first_bounds, second_bounds):
    """4 kWh under A and 6 kWh under B, at 1 EUR per kWh."""
    energy = element(component("ENERGY", 1))
    tariffs = [tariff(energy, id="A", **first_bounds), tariff(energy, id="B", **second_bounds)]
    session = sdr("10:00", ("10:00", {"ENERGY": 4}), ("11:00", {"ENERGY": 6}))
    first, second = session.charging_periods
    periods = (
        msgspec.structs.replace(first, tariff_id="A"),
        msgspec.structs.replace(second, tariff_id="B"),
    )
    return priced(tariffs, msgspec.structs.replace(session, charging_periods=periods))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({}, {}, 10),
        ({"max_price": price(3)}, {}, 9),
        ({"max_price": price(3)}, {"max_price": price(5)}, 8),
        ({"max_price": price(50)}, {"max_price": price(5)}, 9),
        ({"min_price": price(8)}, {}, 10),
        ({"min_price": price(12)}, {"min_price": price(11)}, 12),
        ({"max_price": price(3)}, {"min_price": price(12)}, 12),
    ],
)
def test_under_several_tariffs_each_caps_its_part_and_the_highest_minimum_lifts_the_whole(
    first, second, expected
):
    assert two_tariffs(first, second).total_before_tax == expected

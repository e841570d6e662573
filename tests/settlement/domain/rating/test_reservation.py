"""RESERVATION and RESERVATION_EXPIRES: what a reservation costs, used or not."""

from decimal import Decimal

import pytest

from tests.settlement.domain.rating.cases import component, element, priced, sdr, tariff, total

SESSION = element(component("FLAT", 1), component("ENERGY", 1), component("TIME", 1))


def reservation(*components, kind="RESERVATION", **more):
    return element(*components, reservation=kind, **more)


def expiry(*components):
    return reservation(*components, kind="RESERVATION_EXPIRES")


USED = sdr("10:00", ("10:00", {"RESERVATION_TIME": 0.5}), ("10:30", {"ENERGY": 4}), end="11:00")
EXPIRED = sdr("10:00", ("10:00", {"RESERVATION_TIME": 0.5}), end="10:30")


def test_an_expired_reservation_costs_nothing_of_the_session_s_elements():
    assert total(tariff(SESSION), EXPIRED) == 0


def test_a_reservation_is_priced_by_its_own_elements_only():
    assert total(tariff(reservation(component("TIME", 6)), SESSION), USED) == 3 + 1 + 4


def test_elements_for_reservations_never_price_the_session():
    assert total(tariff(reservation(component("TIME", 6), component("FLAT", 9))), USED) == 3 + 9
    plain = sdr("10:00", ("10:00", {"ENERGY": 4, "TIME": 1}))
    assert total(tariff(reservation(component("TIME", 6), component("FLAT", 9))), plain) == 0


def test_energy_in_a_reservation_element_prices_nothing():
    odd = tariff(reservation(component("ENERGY", 9), component("PARKING_TIME", 9)))
    assert total(odd, USED) == 0


def test_the_expiry_prices_the_time_where_both_have_time_in_any_order():
    time, expired_time = reservation(component("TIME", 6)), expiry(component("TIME", 20))
    for elements in ((time, expired_time), (expired_time, time)):
        assert total(tariff(*elements, SESSION), EXPIRED) == 10
        assert total(tariff(*elements, SESSION), USED) == 3 + 1 + 4


def test_the_reservation_prices_the_time_where_the_expiry_only_has_a_fee():
    both = tariff(expiry(component("FLAT", 4)), reservation(component("TIME", 6)), SESSION)
    assert total(both, EXPIRED) == 4 + 3
    assert total(both, USED) == 3 + 1 + 4


def test_an_expired_reservation_owes_the_fee_for_reserving_and_the_one_for_expiring():
    fees = tariff(reservation(component("FLAT", 2)), expiry(component("FLAT", 4)))
    assert total(fees, EXPIRED) == 6
    assert total(fees, USED) == 2


def test_the_fee_of_a_reservation_is_charged_once_over_several_periods():
    session = sdr(
        "10:00",
        ("10:00", {"RESERVATION_TIME": 0.25}),
        ("10:15", {"RESERVATION_TIME": 0.25}),
        ("10:30", {"ENERGY": 1}),
        end="11:00",
    )
    both = tariff(reservation(component("FLAT", 2), component("TIME", 4)), SESSION)
    assert total(both, session) == 2 + 2 + 1 + 1


def test_periods_of_nothing_after_a_reservation_do_not_make_it_used():
    session = sdr(
        "10:00",
        ("10:00", {"RESERVATION_TIME": 1}),
        ("11:00", {"ENERGY": 0, "TIME": 0}),
        end="11:00",
    )
    assert total(tariff(expiry(component("FLAT", 4)), SESSION), session) == 4


def test_parking_after_a_reservation_makes_it_used():
    session = sdr(
        "10:00", ("10:00", {"RESERVATION_TIME": 1}), ("11:00", {"PARKING_TIME": 1}), end="12:00"
    )
    assert total(tariff(expiry(component("FLAT", 4)), SESSION), session) == 1


def test_the_time_of_a_reservation_has_its_own_step_beside_that_of_the_session():
    both = tariff(reservation(component("TIME", 60, 600)), element(component("TIME", 120, 300)))
    session = sdr(
        "10:00", ("10:00", {"RESERVATION_TIME": "0.15"}), ("10:09", {"TIME": "0.1"}), end="10:15"
    )
    assert total(both, session) == 10 + 20


def test_restrictions_of_a_reservation_are_judged_where_it_starts():
    by_time = tariff(
        reservation(component("TIME", 10), end_time="10:15"), reservation(component("TIME", 2))
    )
    session = sdr(
        "10:00",
        ("10:00", {"RESERVATION_TIME": "0.25"}),
        ("10:15", {"RESERVATION_TIME": "0.25"}),
        end="10:30",
    )
    assert total(by_time, session) == 3


def test_a_reservation_has_a_sub_total_of_its_own_with_its_fees():
    both = tariff(reservation(component("FLAT", 2), component("TIME", 4)), SESSION)
    sub_totals = priced(both, USED).sub_totals()
    assert sub_totals.reservation.before_tax == 4
    assert sub_totals.fixed.before_tax == 1
    assert sub_totals.energy.before_tax == 4
    assert sub_totals.time is None


@pytest.mark.parametrize("hours", ["0.3666666666666667", "0.36666666666666664"])
def test_twenty_two_minutes_in_steps_of_ten_are_thirty(hours):
    session = sdr(
        "10:00", ("10:00", {"RESERVATION_TIME": hours}), ("10:22", {"ENERGY": 20}), end="11:22"
    )
    answer = priced(tariff(reservation(component("TIME", 2, 600))), session)
    assert answer.total_before_tax == 1
    assert answer.lines[0].step_added.quantize(Decimal("0.0001")) == Decimal("0.1333")

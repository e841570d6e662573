"""Fees are rounded once, and the right rule charges."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.domain.fees import Charged, FeeTerms, charge, fee_for
from tests.settlement.sdrs import OCTOBER_5

DAY = timedelta(days=1)


@given(st.integers(0, 10**6), st.decimals(0, 10, places=6))
def test_a_fee_is_rounded_once_and_by_half_a_cent_at_most(count, unit):
    amount = charge(count, unit, "EUR")
    assert abs(amount - count * unit) <= Decimal("0.005")
    assert amount == amount.quantize(Decimal("0.01"))


def terms(rule_id, role="CSO", operator=None, currency="EUR", until=None):
    return FeeTerms(rule_id, role, operator, Decimal("0.10"), currency, OCTOBER_5, until)


@pytest.mark.parametrize(
    ("rules", "rule_id"),
    [
        ([], None),
        ([terms(1)], 1),
        ([terms(1), terms(2, operator=7)], 2),  # its own replaces the general one
        ([terms(1), terms(2, operator=8)], 1),
        ([terms(1, role="CSP")], None),
        ([terms(1, currency="CHF")], None),
        ([terms(1), terms(2, operator=7, until=OCTOBER_5 + DAY)], 1),  # its own has ended
    ],
)
def test_the_rule_that_charges_an_sdr(rules, rule_id):
    found = fee_for(Charged(7, "CSO", "EUR", OCTOBER_5 + DAY), rules)
    assert (found and found.rule_id) == rule_id

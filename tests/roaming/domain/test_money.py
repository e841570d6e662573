"""Money: ISO 4217 digits, two ways to round, and a split whose parts add up."""

from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roaming.domain.money import (
    Rounding,
    UnknownCurrencyError,
    currency_digits,
    minor_unit,
    round_money,
    split_money,
)

amounts = st.decimals("-1000000", "1000000", places=6)
payable = st.decimals("-1000000", "1000000", places=2)
weights = st.lists(st.decimals("0", "1000", places=3), min_size=1, max_size=12).filter(any)


@pytest.mark.parametrize(
    ("currency", "digits"),
    [
        ("EUR", 2),
        ("GBP", 2),
        ("JPY", 0),
        ("KWD", 3),
        ("CLF", 4),
        # The till rounds these to whole units, the books do not.
        ("RSD", 2),
        ("ALL", 2),
        ("HUF", 2),
        ("ISK", 0),
    ],
)
def test_the_digits_are_those_of_iso_4217(currency, digits):
    assert currency_digits(currency) == digits
    assert minor_unit(currency) == Decimal(10) ** -digits


@pytest.mark.parametrize("code", ["", "EU", "eur", "EURO", "E R", "ÄÖÜ", "XQQ", "EUR\n", "123"])
def test_what_is_no_currency_is_refused(code):
    with pytest.raises(UnknownCurrencyError):
        currency_digits(code)


@pytest.mark.parametrize(
    ("amount", "half_up", "ceiling"),
    [
        ("5.625", "5.63", "5.63"),
        ("5.624999", "5.62", "5.63"),
        ("5.62", "5.62", "5.62"),
        ("5.620001", "5.62", "5.63"),
        ("0.005", "0.01", "0.01"),
        ("-5.625", "-5.63", "-5.62"),
        ("-0.004", "0.00", "0.00"),
        ("1E+30", "1E+30", "1E+30"),
    ],
)
def test_an_amount_is_rounded_half_up_or_to_the_ceiling(amount, half_up, ceiling):
    assert round_money(Decimal(amount), "EUR") == Decimal(half_up)
    assert round_money(Decimal(amount), "EUR", Rounding.CEILING) == Decimal(ceiling)


def test_nothing_is_never_less_than_nothing():
    assert str(round_money(Decimal("-0.001"), "EUR")) == "0.00"


def test_the_agreement_s_word_names_the_rounding():
    assert Rounding("HALF_UP") is Rounding.HALF_UP
    assert Rounding("CEILING") is Rounding.CEILING


@given(amounts, st.sampled_from(["EUR", "JPY", "KWD"]))
def test_rounding_moves_an_amount_by_less_than_its_unit(amount, currency):
    unit = minor_unit(currency)
    half_up = round_money(amount, currency)
    ceiling = round_money(amount, currency, Rounding.CEILING)
    assert abs(half_up - amount) <= unit / 2
    assert 0 <= ceiling - amount < unit
    assert half_up == amount.quantize(unit, ROUND_HALF_UP)
    assert ceiling == amount.quantize(unit, ROUND_CEILING)
    assert round_money(half_up, currency) == half_up


def test_the_units_left_over_go_to_the_largest_remainders():
    assert split_money(Decimal("10.00"), [1, 1, 1], "EUR") == (
        Decimal("3.34"),
        Decimal("3.33"),
        Decimal("3.33"),
    )
    assert split_money(Decimal("0.05"), [3, 7], "EUR") == (Decimal("0.02"), Decimal("0.03"))
    assert split_money(Decimal("100"), [1, 2], "JPY") == (33, 67)
    assert split_money(Decimal("-10.00"), [1, 1, 1], "EUR")[0] == Decimal("-3.34")


@given(payable, weights)
def test_the_parts_of_a_split_add_up_and_lie_within_one_unit_of_their_share(amount, shares):
    parts = split_money(amount, shares, "EUR")
    assert sum(parts) == amount
    assert len(parts) == len(shares)
    for part, share in zip(parts, shares, strict=True):
        assert abs(part - amount * share / sum(shares)) < Decimal("0.01")
        assert part.as_tuple().exponent == -2
        assert share or not part


@pytest.mark.parametrize(
    ("amount", "shares"), [("1.005", [1]), ("1", []), ("1", [0, 0]), ("1", [2, -1])]
)
def test_what_cannot_be_split_is_refused(amount, shares):
    with pytest.raises(ValueError, match=r"finer|weights"):
        split_money(Decimal(amount), shares, "EUR")

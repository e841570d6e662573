"""The answer as JSON and as text: every line explained, no exponents, no idle zeros."""

from decimal import Decimal

import pytest

from settlement.domain.rating.presentation import as_json, explanation, plain
from tests.settlement.domain.rating.cases import BERLIN, component, element, priced, sdr, tariff

PRICES = tariff(
    element(
        component("FLAT", "0.50", vat=20),
        component("ENERGY", "0.25", vat=10),
        component("PARKING_TIME", 2, 900, vat=20),
    )
)
SESSION = sdr(
    "10:00",
    ("10:00", {"ENERGY": 20, "TIME": 1}),
    ("11:00", {"PARKING_TIME": "0.6667"}),
    end="11:40",
)


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        ("7", 2, "7.00"),
        ("7.1000", 2, "7.10"),
        ("4.997", 2, "4.997"),
        ("1E+3", 0, "1000"),
        ("1E-7", 0, "0.0000001"),
        ("1E-300", 2, "0.00"),
        ("-0.50", 0, "-0.5"),
        ("-0", 2, "0.00"),
        ("0E+5", 0, "0"),
        ("100", 0, "100"),
        ("123456789012345678901234567890", 0, "123456789012345678901234567900"),
    ],
)
def test_a_decimal_is_written_as_people_write_it(value, digits, text):
    assert plain(Decimal(value), digits) == text


def test_the_json_has_totals_lines_and_findings_unrounded():
    answer = as_json(priced(PRICES, SESSION))
    assert (answer["total_before_tax"], answer["total_after_tax"]) == ("7.00", "7.90")
    assert answer["rounded"] == {"before_tax": "7.00", "after_tax": "7.90"}
    assert answer["findings"] == []
    assert [line["dimension"] for line in answer["lines"]] == [
        "FLAT",
        "ENERGY",
        "TIME",
        "PARKING_TIME",
    ]
    assert answer["lines"][1] == {
        "period": 0,
        "dimension": "ENERGY",
        "tariff_id": "T",
        "element": 0,
        "component": "ENERGY",
        "reservation": None,
        "volume": "20",
        "unit": "kWh",
        "step_added": "0",
        "price": "0.25",
        "amount_before_tax": "5.00",
        "taxes": [{"name": "VAT", "percentage": "10", "amount": "0.50"}],
        "amount_after_tax": "5.50",
    }
    assert answer["lines"][2]["component"] is None
    assert answer["sub_totals"]["parking"] == {"before_tax": "1.50", "after_tax": "1.80"}


def test_what_is_not_known_is_null():
    answer = as_json(priced(tariff(element(component("ENERGY", 1)), tax_included="NO"), SESSION))
    assert answer["total_after_tax"] is None
    assert answer["rounded"]["after_tax"] is None
    assert answer["findings"][0]["code"] == "added_tax_unknown"


def test_the_text_explains_every_line_for_people():
    text = explanation(priced(PRICES, SESSION), SESSION, BERLIN)
    assert text.splitlines() == [
        "Session from Mon 2019-02-04 11:00:00 CET to Mon 2019-02-04 12:40:00 CET",
        "Period 1 from Mon 2019-02-04 11:00:00 CET",
        "  FLAT 1 x 0.50 EUR = 0.50 EUR before tax + VAT 20 % 0.10 (tariff T, element 1)",
        "  ENERGY 20 kWh x 0.25 EUR/kWh = 5.00 EUR before tax + VAT 10 % 0.50"
        " (tariff T, element 1)",
        "  TIME 1 h [1:00:00]: free, no element of tariff T prices it",
        "Period 2 from Mon 2019-02-04 12:00:00 CET",
        "  PARKING_TIME (0.6667 h [0:40:00] + 0.0833 h [0:05:00] to a full step) x 2.00 EUR/h"
        " = 1.50 EUR before tax + VAT 20 % 0.30 (tariff T, element 1)",
        "Total: 7.00 EUR before tax, 7.90 after tax",
        "Rounded HALF_UP: 7.00 EUR before tax, 7.90 after tax",
    ]


def text_of(prices, session):
    return explanation(priced(prices, session), session, BERLIN)


def test_a_volume_just_above_a_full_step_is_snapped_to_it_in_words():
    hourly = tariff(element(component("TIME", 4, 900)))
    text = text_of(hourly, sdr("10:00", ("10:00", {"TIME": "0.2500002"})))
    assert "TIME (0.2500002 h [0:15:00], snapped to a full step) x 4.00 EUR/h = 1.00 EUR" in text


def test_a_price_that_contains_its_taxes_says_so():
    prices = tariff(element(component("ENERGY", "0.60", vat=20)), tax_included="YES")
    ten = sdr("10:00", ("10:00", {"ENERGY": 10}))
    sentence = "ENERGY 10 kWh x 0.60 EUR/kWh incl. tax = 5.00 EUR before tax + VAT 20 % 1.00 ("
    assert sentence in text_of(prices, ten)
    unknown = tariff(element(component("ENERGY", "0.60")), tax_included="YES")
    assert "x 0.60 EUR/kWh incl. tax = at most 6.00 EUR before tax (" in text_of(unknown, ten)


def test_what_cannot_be_printed_is_replaced_and_cannot_forge_a_line():
    prices = tariff(
        element(
            component("ENERGY", 1, taxes=[{"name": "V\u202eAT", "percentage": 5}]),
        ),
        id="\x1b[31mX\n\nTotal: 0",
        max_price={"before_taxes": "0.5"},
        tax_included="NO",
    )
    text = text_of(prices, sdr("10:00", ("10:00", {"ENERGY": 1}), end="11:00"))
    assert "\ufffd[31mX\ufffd\ufffdTotal: 0, element 1" in text
    assert "+ V\ufffdAT 5 %" in text
    assert all(line.isprintable() for line in text.split("\n"))
    assert len([line for line in text.split("\n") if line.startswith("Total")]) == 1


def test_the_text_tells_bounds_findings_and_empty_periods():
    prices = tariff(
        element(component("ENERGY", 1), end_time="17:00"),
        element(component("ENERGY", 2)),
        max_price={"excl_vat": 3},
        tax_included="NO",
    )
    session = sdr("16:00", ("16:00", {"ENERGY": 4}), ("18:00", {}), end="18:30")
    text = explanation(priced(prices, session), session, BERLIN)
    assert "  nothing to price" in text
    assert "max_price of tariff T: -1.00 EUR before tax, after tax not known" in text
    session = sdr("15:30", ("15:30", {"ENERGY": 2}), end="16:30")
    text = explanation(priced(prices, session, BERLIN), session, BERLIN)
    assert "warning: PRC boundary_inside_period: " in text
    assert "[-1.00 EUR at stake]" in text

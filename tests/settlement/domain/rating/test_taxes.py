"""Tax: 2.2.1's vat, and 2.3.0's tax_included with one rate, several, or none."""

from decimal import Decimal

import pytest

from settlement.domain.rating import Rounding
from tests.settlement.domain.rating.cases import codes, component, element, priced, sdr, tariff

TEN_KWH = sdr("10:00", ("10:00", {"ENERGY": 10}), end="11:00")
GST_AND_QST = [{"name": "GST", "percentage": 5}, {"name": "QST", "percentage": "9.975"}]


def totals(answer):
    return answer.total_before_tax, answer.total_after_tax


def energy(price="0.60", tax_included=None, **more):
    extra = {} if tax_included is None else {"tax_included": tax_included}
    return tariff(element(component("ENERGY", price, **more)), **extra)


def test_a_vat_is_added_to_the_price():
    assert totals(priced(energy(vat=20), TEN_KWH)) == (6, Decimal("7.2"))


def test_an_omitted_vat_means_that_none_is_applicable():
    answer = priced(energy(), TEN_KWH)
    assert totals(answer) == (6, 6)
    assert answer.lines[0].taxes == ()


def test_a_vat_of_zero_is_a_tax_of_nothing():
    answer = priced(energy(vat=0), TEN_KWH)
    assert totals(answer) == (6, 6)
    assert [(tax.name, tax.percentage, tax.amount) for tax in answer.lines[0].taxes] == [
        ("VAT", 0, 0)
    ]


def test_a_component_without_vat_beside_one_with_it_is_taxed_with_nothing():
    mixed = tariff(element(component("ENERGY", "0.60", vat=20), component("FLAT", 1)))
    assert totals(priced(mixed, TEN_KWH)) == (7, Decimal("8.2"))


def test_tax_included_no_adds_the_rates_as_in_the_older_version():
    assert totals(priced(energy(vat=20, tax_included="NO"), TEN_KWH)) == (6, Decimal("7.2"))


def test_tax_included_yes_takes_the_rates_out_of_the_price():
    assert totals(priced(energy(vat=20, tax_included="YES"), TEN_KWH)) == (5, 6)


def test_tax_included_yes_with_several_rates_per_component():
    prices = tariff(
        element(component("ENERGY", "0.60", vat=20), component("FLAT", "1.07", vat=7)),
        tax_included="YES",
    )
    answer = priced(prices, TEN_KWH)
    assert totals(answer) == (6, Decimal("7.07"))
    assert {tax.percentage: tax.amount for tax in answer.taxes()} == {20: 1, 7: Decimal("0.07")}


def test_contained_taxes_are_taken_out_of_the_sum_once():
    """3 x 0.25 / 1.2 is 0.625; each third of it is no finite decimal."""
    prices = energy("0.25", "YES", vat=20)
    session = sdr("10:00", *((start, {"ENERGY": 1}) for start in ("10:00", "10:20", "10:40")))
    answer = priced(prices, session)
    assert totals(answer) == (Decimal("0.625"), Decimal("0.75"))
    assert answer.sub_totals().energy == (Decimal("0.625"), Decimal("0.75"))
    assert answer.taxes() == (("VAT", 20, Decimal("0.125")),)


def test_not_applicable_means_no_tax_whatever_is_stated():
    answer = priced(energy(vat=20, tax_included="N/A"), TEN_KWH)
    assert totals(answer) == (6, 6)
    assert codes(answer) == ["rates_without_tax"]
    assert codes(priced(energy(tax_included="N/A"), TEN_KWH)) == []


def test_taxes_to_be_added_at_rates_not_stated_leave_the_total_after_tax_open():
    answer = priced(energy(tax_included="NO"), TEN_KWH)
    assert totals(answer) == (6, None)
    assert answer.rounded() == (6, None)
    assert codes(answer) == ["added_tax_unknown"]


def test_taxes_contained_at_rates_not_stated_make_the_total_before_tax_an_upper_limit():
    answer = priced(energy(tax_included="YES"), TEN_KWH)
    assert totals(answer) == (6, 6)
    assert [(f.family, f.code, f.severity.value) for f in answer.findings] == [
        ("TAX", "contained_tax_unknown", "severe")
    ]


@pytest.mark.parametrize("tax_included", ["YES", "NO"])
def test_nothing_is_taxed_with_nothing_at_any_rate(tax_included):
    answer = priced(energy(0, tax_included=tax_included), TEN_KWH)
    assert totals(answer) == (0, 0)
    assert codes(answer) == []


@pytest.mark.parametrize("tax_included", ["YES", "NO"])
def test_where_other_components_state_a_rate_an_omitted_one_is_not_applicable(tax_included):
    mixed = tariff(
        element(component("ENERGY", "0.60", vat=20), component("FLAT", 1)),
        tax_included=tax_included,
    )
    expected = {"YES": (6, 7), "NO": (7, Decimal("8.2"))}
    assert totals(priced(mixed, TEN_KWH)) == expected[tax_included]


def test_several_taxes_are_each_a_percentage_of_the_net_price():
    answer = priced(energy("0.60", "NO", taxes=GST_AND_QST), TEN_KWH)
    assert totals(answer) == (6, Decimal("6.8985"))
    assert [(tax.name, tax.amount) for tax in answer.taxes()] == [
        ("GST", Decimal("0.30")),
        ("QST", Decimal("0.5985")),
    ]


def test_several_taxes_are_taken_out_of_a_price_that_contains_them():
    answer = priced(energy("1.14975", "YES", taxes=GST_AND_QST), TEN_KWH)
    assert totals(answer) == (10, Decimal("11.4975"))


def test_a_list_of_taxes_is_the_whole_list_and_vat_beside_it_is_not_added_again():
    twice = energy("0.60", "NO", vat=20, taxes=[{"name": "VAT", "percentage": 20}])
    assert totals(priced(twice, TEN_KWH)) == (6, Decimal("7.2"))


def test_a_tax_named_without_its_percentage_is_a_rate_not_stated():
    answer = priced(energy("0.60", "NO", taxes=[{"name": "GST"}]), TEN_KWH)
    assert totals(answer) == (6, None)


def test_the_north_american_examples_of_the_specification():
    session = sdr("10:00", ("10:00", {"TIME": 2.5}), end="12:30", currency="CAD")
    cad = {"currency": "CAD"}
    exclusive = tariff(element(component("TIME", 2.00)), tax_included="NO", **cad)
    inclusive = tariff(element(component("TIME", 2.10)), tax_included="YES", **cad)
    assert totals(priced(exclusive, session)) == (5, None)
    assert priced(inclusive, session).total_after_tax == Decimal("5.25")


def test_a_net_price_that_is_no_finite_decimal_is_rounded_once_at_the_end():
    answer = priced(energy("0.10", "YES", vat=19), TEN_KWH)
    assert answer.total_before_tax == Decimal(1) / Decimal("1.19")
    assert answer.rounded() == (Decimal("0.84"), Decimal("1.00"))


def test_rounding_is_half_up_or_to_the_ceiling_as_agreed():
    price = energy("0.5621")
    assert priced(price, TEN_KWH).rounded().before_tax == Decimal("5.62")
    ceiling = priced(price, TEN_KWH, rounding=Rounding.CEILING)
    assert ceiling.rounded().before_tax == Decimal("5.63")
    assert ceiling.total_before_tax == Decimal("5.621")


def test_the_crumbs_of_a_binary_fraction_make_no_cent_by_ceiling():
    hourly = tariff(element(component("TIME", 3), component("PARKING_TIME", 0)))
    session = sdr(
        "10:00", ("10:00", {"TIME": "0.6666666666666667"}), ("10:40", {"PARKING_TIME": 1})
    )
    answer = priced(hourly, session, rounding=Rounding.CEILING)
    assert answer.rounded().before_tax == Decimal("2.00")


def test_a_currency_without_cents_is_rounded_to_whole_units():
    yen = tariff(element(component("ENERGY", "32.5")), currency="JPY")
    session = sdr("10:00", ("10:00", {"ENERGY": "10.1"}), currency="JPY")
    assert priced(yen, session).rounded().before_tax == 328

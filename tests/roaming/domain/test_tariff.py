"""Reading tariffs: both versions' shapes, exact decimals, and errors that name the field."""

import contextlib
import json
import math
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roaming.domain.tariff import InvalidTariffError, Price, Tariff, TaxAmount, parse_tariff


def energy(**more):
    return {"type": "ENERGY", "price": 0.25, "step_size": 1} | more


def body(*components, restrictions=None, **more):
    found = {"price_components": list(components) or [energy()]}
    if restrictions is not None:
        found["restrictions"] = restrictions
    return {"id": "16", "currency": "EUR", "elements": [found]} | more


def first_component(content):
    return parse_tariff(content).elements[0].price_components[0]


EXAMPLES = ("2.2.1", "2.3.0-core")


@pytest.mark.parametrize("version", EXAMPLES)
def test_every_tariff_example_of_the_specification_is_read(shared_data, version):
    files = sorted((shared_data / "ocpi-spec-examples" / version).glob("tariff*.json"))
    assert len(files) >= 20
    for file in files:
        content = file.read_bytes()
        tariff = parse_tariff(content)
        assert tariff.id == json.loads(content)["id"]
        assert (tariff.tax_included is None) == (version == "2.2.1")


def test_numbers_and_strings_give_the_same_exact_decimal():
    for price in ("0.1", 0.1, Decimal("0.1")):
        assert first_component(body(energy(price=price))).price == Decimal("0.1")
    exact = json.dumps(body()).replace("0.25", "0.12345678901234567890")
    assert first_component(exact).price == Decimal("0.12345678901234567890")


def test_restrictions_are_read_with_their_types():
    restrictions = {
        "start_time": "22:00",
        "end_time": "06:00",
        "start_date": "2026-01-01",
        "end_date": "2027-01-01",
        "min_kwh": "0.5",
        "max_duration": 3600,
        "day_of_week": ["MONDAY"],
        "reservation": "RESERVATION_EXPIRES",
        "vendor_field": {"x": 1},
    }
    found = parse_tariff(body(restrictions=restrictions)).elements[0].restrictions
    assert found is not None
    assert found.start_date == date(2026, 1, 1)
    assert (found.min_kwh, found.max_duration) == (Decimal("0.5"), 3600)
    assert found.reservation == "RESERVATION_EXPIRES"


def test_null_is_the_same_as_absent():
    restrictions = dict.fromkeys(("start_time", "min_kwh", "day_of_week", "reservation"))
    content = body(energy(vat=None, taxes=None), restrictions=restrictions, min_price=None)
    tariff = parse_tariff(content)
    assert tariff.elements[0].price_components[0].vat is None
    assert tariff.min_price is None


def test_a_missing_step_size_counts_as_one():
    assert first_component(body({"type": "TIME", "price": 2})).step_size == 1
    assert first_component(body(energy(step_size=300.0))).step_size == 300
    assert first_component(body(energy(step_size=None))) == first_component(body(energy()))


def test_both_shapes_of_a_price_are_read():
    older = parse_tariff(body(min_price={"excl_vat": 0.5, "incl_vat": 0.55})).min_price
    newer = parse_tariff(body(min_price={"before_taxes": 0.5, "after_taxes": 0.55})).min_price
    for price in (older, newer):
        assert price is not None
        assert (price.before_tax, price.after_tax) == (Decimal("0.5"), Decimal("0.55"))
    assert Price(excl_vat=Decimal(1)).after_tax is None
    taxes = (
        TaxAmount(name="GST", amount=Decimal("0.05")),
        TaxAmount(name="PST", amount=Decimal(0)),
    )
    assert Price(before_taxes=Decimal(1), taxes=taxes).after_tax == Decimal("1.05")


def test_a_price_with_an_empty_list_of_taxes_does_not_say_its_amount_after_tax():
    assert Price(before_taxes=Decimal(1), taxes=()).after_tax is None


def test_validity_is_read_with_its_offset():
    tariff = parse_tariff(body(start_date_time="2026-01-01T00:00:00+01:00"))
    assert tariff.start_date_time == datetime(2025, 12, 31, 23, tzinfo=UTC)


@pytest.mark.parametrize("tax_included", ["YES", "NO", "N/A"])
def test_tax_included_is_read(tax_included):
    assert parse_tariff(body(tax_included=tax_included)).tax_included == tax_included


COMPONENT = "elements[0].price_components[0]"
RESTRICTIONS = "elements[0].restrictions"


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({}, "id"),
        (body() | {"id": None}, "id"),
        (body() | {"id": 16}, "id"),
        (body() | {"elements": []}, "elements"),
        (body() | {"elements": {}}, "elements"),
        (body() | {"elements": None}, "elements"),
        (body() | {"elements": [{}]}, "elements[0].price_components"),
        (body() | {"elements": [{"price_components": []}]}, "elements[0].price_components"),
        (body(currency="Euro"), "currency"),
        (body(currency="XXQ"), "currency"),
        (body(currency="€"), "currency"),
        (body({"type": "ENERGY"}), f"{COMPONENT}.price"),
        (body(energy(type="KWH")), f"{COMPONENT}.type"),
        (body(energy(price="NaN")), f"{COMPONENT}.price"),
        (body(energy(price="sNaN")), f"{COMPONENT}.price"),
        (body(energy(price="Infinity")), f"{COMPONENT}.price"),
        (body(energy(price=math.nan)), f"{COMPONENT}.price"),
        (body(energy(price=math.inf)), f"{COMPONENT}.price"),
        (body(energy(price="1e9")), f"{COMPONENT}.price"),
        (body(energy(price="1e-29")), f"{COMPONENT}.price"),
        (body(energy(price="0." + "1" * 29)), f"{COMPONENT}.price"),
        (body(energy(price=None)), f"{COMPONENT}.price"),
        (body(energy(price=True)), f"{COMPONENT}.price"),
        (body(energy(vat=-1)), f"{COMPONENT}.vat"),
        (body(energy(vat=100.1)), f"{COMPONENT}.vat"),
        (body(energy(vat=math.nan)), f"{COMPONENT}.vat"),
        (body(energy(step_size=-1)), f"{COMPONENT}.step_size"),
        (body(energy(step_size=0.5)), f"{COMPONENT}.step_size"),
        (body(energy(taxes=[{"percentage": 5}])), f"{COMPONENT}.taxes[0].name"),
        (
            body(energy(taxes=[{"name": "A", "percentage": 101}])),
            f"{COMPONENT}.taxes[0].percentage",
        ),
        (body(restrictions={"start_time": "24:00"}), f"{RESTRICTIONS}.start_time"),
        (body(restrictions={"start_time": "8:00"}), f"{RESTRICTIONS}.start_time"),
        (body(restrictions={"end_time": "08:00:00"}), f"{RESTRICTIONS}.end_time"),
        (body(restrictions={"end_time": "08:00\n"}), f"{RESTRICTIONS}.end_time"),
        (body(restrictions={"start_date": "2026-02-30"}), f"{RESTRICTIONS}.start_date"),
        (body(restrictions={"day_of_week": ["Monday"]}), f"{RESTRICTIONS}.day_of_week[0]"),
        (body(restrictions={"day_of_week": "MONDAY"}), f"{RESTRICTIONS}.day_of_week"),
        (body(restrictions={"min_kwh": "NaN"}), f"{RESTRICTIONS}.min_kwh"),
        (body(restrictions={"max_power": "Infinity"}), f"{RESTRICTIONS}.max_power"),
        (body(restrictions={"reservation": "MAYBE"}), f"{RESTRICTIONS}.reservation"),
        (body(restrictions=[]), RESTRICTIONS),
        (body(tax_included="MAYBE"), "tax_included"),
        (body(min_price={}), "min_price"),
        (body(min_price=5), "min_price"),
        (body(min_price={"incl_vat": 5}), "min_price"),
        (body(max_price={"excl_vat": 5, "before_taxes": 6}), "max_price"),
        (body(max_price={"excl_vat": "NaN"}), "max_price.excl_vat"),
        (body(start_date_time="2026-01-01T00:00:00"), "start_date_time"),
        (body(end_date_time="tomorrow"), "end_date_time"),
        ([], ""),
        ("[]", ""),
        ("null", ""),
        ("", ""),
        ("{", ""),
        (b"\xff", ""),
        (b'{"id": "\xff"}', ""),
        ("[" * 100_000, ""),
    ],
)
def test_what_is_wrong_is_named(content, field):
    with pytest.raises(InvalidTariffError) as invalid:
        parse_tariff(content)
    assert isinstance(invalid.value, ValueError)
    assert invalid.value.field == field
    assert invalid.value.detail


def test_an_error_can_be_seen_from_the_document_around():
    with pytest.raises(InvalidTariffError) as invalid:
        parse_tariff({})
    assert str(invalid.value.inside("tariffs[3]")) == "tariffs[3].id: missing"
    assert invalid.value.inside("tariffs[3]").field == "tariffs[3].id"


KEYS = ("id", "currency", "elements", "price_components", "type", "price")


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_garbage_is_read_or_refused_and_nothing_else_happens(content):
    with contextlib.suppress(InvalidTariffError):
        assert isinstance(parse_tariff(content), Tariff)


@given(st.decimals("-99999", "99999", places=4))
def test_a_price_survives_as_number_and_as_string(price):
    for written in (f"{price:f}", f'"{price:f}"'):
        content = (
            '{"id":"1","currency":"EUR","elements":[{"price_components":'
            f'[{{"type":"TIME","price":{written}}}]}}]}}'
        )
        found = first_component(content).price
        assert found == price
        assert found.as_tuple() == price.as_tuple()

"""What cannot be rated says why, by a stable cause and the field; what cannot be read, likewise."""

import math

import pytest

from settlement.domain.rating import InvalidSdrError, NotRatable, SdrToRate, parse_sdr
from tests.settlement.domain.rating.cases import cdr, component, element, priced, tariff

PRICES = tariff(element(component("ENERGY", 1), component("TIME", 1), component("PARKING_TIME", 1)))


def cause_of(content) -> tuple[str, str]:
    with pytest.raises(NotRatable) as refused:
        priced(PRICES, content if isinstance(content, SdrToRate) else parse_sdr(content))
    return str(refused.value.cause), refused.value.field


def with_start(text: str):
    return cdr("10:00", ("10:00", {"ENERGY": 1})) | {"start_date_time": text}


@pytest.mark.parametrize(
    ("content", "cause", "field"),
    [
        (cdr("10:00"), "no_periods", "charging_periods"),
        (cdr("10:00", ("10:00", {}), end="09:59"), "end_before_start", "end_date_time"),
        (with_start("1969-12-31T23:59:59Z"), "time_out_of_range", "start_date_time"),
        (with_start("0001-01-01T00:00:00+23:59"), "time_out_of_range", "start_date_time"),
        (
            cdr("10:00", ("10:00", {}), end="9999-12-31T23:59:59-23:59"),
            "time_out_of_range",
            "end_date_time",
        ),
        (
            cdr("10:00", ("0001-01-01T00:00:00+23:59", {})),
            "time_out_of_range",
            "charging_periods[0].start_date_time",
        ),
        (cdr("10:00", ("10:00", {}), currency="EURO"), "unknown_currency", "currency"),
        (cdr("10:00", ("10:00", {}), currency="xqq"), "unknown_currency", "currency"),
        (cdr("10:00", ("10:00", {}), currency="XQQ"), "unknown_currency", "currency"),
        (cdr("10:00", ("10:00", {}), currency=""), "unknown_currency", "currency"),
    ],
)
def test_the_cause_is_named(content, cause, field):
    assert cause_of(content) == (cause, field)


@pytest.mark.parametrize("kind", ["ENERGY", "TIME", "PARKING_TIME", "RESERVATION_TIME"])
def test_a_negative_volume_cannot_be_rated(kind):
    content = cdr("10:00", ("10:00", {kind: "-0.001"}))
    assert cause_of(content) == ("negative_volume", "charging_periods[0].dimensions")


def test_a_negative_current_or_power_is_a_flow_back_to_the_grid_and_no_error():
    content = cdr("10:00", ("10:00", {"ENERGY": 1, "MIN_POWER": -5, "MIN_CURRENT": -3}))
    assert priced(PRICES, parse_sdr(content)).total_before_tax == 1


def test_a_period_may_start_where_the_session_ends_and_periods_may_have_no_length():
    content = cdr("10:00", ("10:00", {}), ("10:00", {"ENERGY": 1}), ("11:00", {}), end="11:00")
    assert priced(PRICES, parse_sdr(content)).total_before_tax == 1


def test_periods_are_ordered_by_instant_not_by_the_digits_of_their_time():
    content = cdr(
        "2026-10-25T02:30:00+02:00",
        ("2026-10-25T02:30:00+02:00", {"ENERGY": 1}),
        ("2026-10-25T02:15:00+01:00", {"ENERGY": 1}),
        end="2026-10-25T03:00:00+01:00",
    )
    assert priced(PRICES, parse_sdr(content)).total_before_tax == 2


def without(name: str):
    return {key: value for key, value in cdr("10:00", ("10:00", {})).items() if key != name}


def with_volume(volume):
    return cdr("10:00", ("10:00", {"ENERGY": volume}))


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (without("start_date_time"), "start_date_time"),
        (without("end_date_time"), "end_date_time"),
        (without("currency"), "currency"),
        (without("charging_periods"), "charging_periods"),
        (with_start("2019-02-04T10:00:00"), "start_date_time"),
        (with_start("yesterday"), "start_date_time"),
        (with_start("2019-02-30T10:00:00Z"), "start_date_time"),
        (cdr("10:00") | {"charging_periods": {}}, "charging_periods"),
        (cdr("10:00") | {"charging_periods": [[]]}, "charging_periods[0]"),
        (cdr("10:00") | {"charging_periods": [{}]}, "charging_periods[0].start_date_time"),
        (cdr("10:00", ("2019-02-04T10:00:00", {})), "charging_periods[0].start_date_time"),
        (with_volume("NaN"), "charging_periods[0].dimensions[0].volume"),
        (with_volume("-Infinity"), "charging_periods[0].dimensions[0].volume"),
        (with_volume(math.nan), "charging_periods[0].dimensions[0].volume"),
        (with_volume(math.inf), "charging_periods[0].dimensions[0].volume"),
        (with_volume("1e9"), "charging_periods[0].dimensions[0].volume"),
        (with_volume("1e-400"), "charging_periods[0].dimensions[0].volume"),
        (with_volume("much"), "charging_periods[0].dimensions[0].volume"),
        (with_volume(None), "charging_periods[0].dimensions[0].volume"),
        (with_volume(True), "charging_periods[0].dimensions[0].volume"),
        (cdr("10:00", ("10:00", {})) | {"tariffs": {}}, "tariffs"),
        (cdr("10:00", ("10:00", {})) | {"tariff_id": 12}, "tariff_id"),
        ({"deep": math.nan}, "deep"),
        ([], ""),
        ("", ""),
        ("{", ""),
        (b"\xff{}", ""),
        (b"[" * 100_000, ""),
        ({"unwritable": object()}, ""),
        (None, ""),
    ],
)
def test_what_cannot_be_read_names_the_field(content, field):
    with pytest.raises(InvalidSdrError) as invalid:
        parse_sdr(content)
    assert invalid.value.field == field
    assert invalid.value.detail


def test_more_periods_than_any_session_has_are_refused():
    periods = [("10:00", {})] * 10_001
    with pytest.raises(InvalidSdrError) as invalid:
        parse_sdr(cdr("10:00", *periods))
    assert invalid.value.field == "charging_periods"


def test_dimensions_and_fields_that_rating_does_not_know_are_left_alone():
    content = cdr("10:00", ("10:00", {"ENERGY": 1, "STATE_OF_CHARGE": 80, "X-VENDOR": -1}))
    content |= {"remark": 7, "total_cost": "free", "cdr_location": []}
    assert priced(PRICES, parse_sdr(content)).total_before_tax == 1

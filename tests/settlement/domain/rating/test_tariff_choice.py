"""Which tariff prices which period: its own id, the SDR's, the snapshot, the store."""

import json
from typing import Any

import pytest

from roaming.domain.tariff import parse_tariff
from settlement.domain.rating import (
    InvalidSdrError,
    NotRatable,
    PlanCache,
    compile_tariff,
    parse_sdr,
    rate,
)
from tests.settlement.domain.rating.cases import (
    BERLIN,
    UTC_ZONE,
    cdr,
    codes,
    component,
    element,
    priced,
)


def body(tariff_id: str, price: int, **more: Any) -> dict[str, Any]:
    elements = [element(component("ENERGY", price))]
    return {"id": tariff_id, "currency": "EUR", "elements": elements, **more}


def kwh(*tariff_ids: str | None, **more: Any):
    """One kWh per period; the period names its tariff where an id is given."""
    hours = [(f"1{number}:00", {"ENERGY": 1}) for number in range(len(tariff_ids))]
    content = cdr("10:00", *hours, **more)
    for period, tariff_id in zip(content["charging_periods"], tariff_ids, strict=True):
        if tariff_id is not None:
            period["tariff_id"] = tariff_id
    return parse_sdr(content)


def tariffs(*bodies):
    return [parse_tariff(each) for each in bodies]


STORE = tariffs(body("A", 1), body("B", 10))


def test_the_first_tariff_of_the_store_prices_an_sdr_that_says_nothing():
    assert priced(STORE, kwh(None)).total_before_tax == 1


def test_the_snapshot_comes_before_the_store():
    assert priced(STORE, kwh(None, tariffs=[body("A", 100)])).total_before_tax == 100


def test_an_empty_or_absent_snapshot_leaves_it_to_the_store():
    assert priced(STORE, kwh(None, tariffs=[])).total_before_tax == 1
    assert priced(STORE, kwh(None, tariffs=None)).total_before_tax == 1


def test_the_period_s_id_comes_before_everything():
    snapshot = [body("A", 100), body("C", 1000)]
    assert priced(STORE, kwh("C", tariffs=snapshot, tariff_id="A")).total_before_tax == 1000
    assert priced(STORE, kwh("B", tariffs=snapshot, tariff_id="A")).total_before_tax == 10


def test_the_sdr_s_own_tariff_id_comes_before_the_snapshot_s_first():
    snapshot = [body("A", 100), body("C", 1000)]
    assert priced(STORE, kwh(None, tariffs=snapshot, tariff_id="C")).total_before_tax == 1000
    assert priced(STORE, kwh(None, tariff_id="B")).total_before_tax == 10


def test_periods_may_be_priced_by_different_tariffs():
    answer = priced(STORE, kwh("A", "B", "A"))
    assert [line.tariff_id for line in answer.lines] == ["A", "B", "A"]
    assert answer.total_before_tax == 12


def test_an_id_is_found_whatever_its_case():
    assert priced(STORE, kwh("b")).total_before_tax == 10


def test_periods_without_an_id_beside_others_with_one_are_priced_and_noticed():
    answer = priced(STORE, kwh("B", None))
    assert answer.total_before_tax == 11
    assert codes(answer) == ["tariff_id_missing"]
    assert answer.findings[0].periods == (1,)


def test_an_unknown_id_cannot_be_rated():
    with pytest.raises(NotRatable) as refused:
        priced(STORE, kwh("Z"))
    assert refused.value.cause == "unknown_tariff_id"


def test_no_tariff_at_all_cannot_be_rated():
    with pytest.raises(NotRatable) as refused:
        priced([], kwh(None))
    assert refused.value.cause == "no_tariff"


def test_a_tariff_in_another_currency_cannot_be_rated():
    with pytest.raises(NotRatable) as refused:
        priced(STORE, kwh(None, currency="CHF"))
    assert refused.value.cause == "currency_mismatch"
    assert priced(STORE, kwh(None)).currency == "EUR"


def test_the_store_s_tariff_must_be_in_force_at_the_start_of_the_session():
    start = "2019-02-04T10:00:00Z"
    over = body("A", 1, end_date_time=start)
    now = body("B", 10, start_date_time=start)
    later = body("C", 100, start_date_time="2019-02-04T10:00:01Z")
    assert priced(tariffs(over, later, now), kwh(None)).total_before_tax == 10
    with pytest.raises(NotRatable) as refused:
        priced(tariffs(over, later), kwh(None))
    assert refused.value.cause == "tariff_not_in_force"


def test_of_several_versions_the_latest_in_force_is_taken():
    old = body("A", 1)
    new = body("A", 10, start_date_time="2019-01-01T00:00:00Z")
    future = body("A", 100, start_date_time="2020-01-01T00:00:00Z")
    assert priced(tariffs(old, new, future), kwh(None)).total_before_tax == 10
    assert priced(tariffs(old, new, future), kwh("A")).total_before_tax == 10


def test_a_snapshot_or_named_tariff_out_of_force_prices_with_a_finding():
    over = body("A", 7, end_date_time="2019-01-01T00:00:00Z")
    for answer in (priced([], kwh(None, tariffs=[over])), priced(tariffs(over), kwh("A"))):
        assert answer.total_before_tax == 7
        assert codes(answer) == ["tariff_not_in_force"]


def test_one_tariff_asked_for_in_two_ways_is_one_tariff():
    capped = body("A", 5, max_price={"excl_vat": 6})
    assert priced(tariffs(capped), kwh("A", None)).total_before_tax == 6
    assert priced([], kwh("A", None, tariffs=[capped])).total_before_tax == 6


def test_a_broken_snapshot_is_only_an_error_where_it_is_needed():
    broken = {"id": "A", "currency": "EUR", "elements": [{"price_components": [{"type": "KWH"}]}]}
    with pytest.raises(InvalidSdrError) as invalid:
        priced(STORE, kwh(None, tariffs=[body("A", 1), broken]))
    assert invalid.value.field == "tariffs[1].elements[0].price_components[0].type"


def test_a_plan_for_another_zone_is_a_mistake_of_the_caller():
    plan = compile_tariff(STORE[0], BERLIN)
    with pytest.raises(ValueError, match="cannot rate in UTC"):
        rate(kwh(None), [plan], UTC_ZONE)


def test_a_cache_compiles_one_snapshot_once_per_zone_and_forgets_when_full():
    cache = PlanCache(size=2)
    content = [json.dumps(body(name, 1)).encode() for name in ("A", "B")]
    first = cache.plan(content[0], BERLIN)
    assert cache.plan(content[0], BERLIN) is first
    assert cache.plan(content[0], UTC_ZONE) is not first
    cache.plan(content[1], BERLIN)
    assert cache.plan(content[0], BERLIN) is not first

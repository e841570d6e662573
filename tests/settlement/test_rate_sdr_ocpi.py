"""`manage.py rate_sdr` reads what OCPI allows: times without offset, and names its refusals."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from tests.settlement.test_rate_sdr import CASE, CDR, TARIFF, answer


def without_offsets(value: Any) -> Any:
    """The same document with every `Z` of a time left out."""
    return json.loads(json.dumps(value).replace('Z"', '"'))


def test_a_time_without_offset_is_utc_as_ocpi_says():
    dated = TARIFF | {
        "start_date_time": "2019-02-04T10:00:00Z",
        "end_date_time": "2019-02-04T10:00:01Z",
    }
    for cdr in (CDR | {"tariffs": None}, CDR | {"tariffs": [dated]}):
        case = {"cdr": cdr, "tariffs": [dated], "time_zone": "Europe/Berlin"}
        assert answer(without_offsets(case)) == answer(case)
        assert answer(case)[1] == 0


def test_a_time_without_offset_is_not_taken_for_the_site_s():
    late = TARIFF | {"start_date_time": "2019-02-04T09:30:00"}  # half past nine in UTC, not Berlin
    cdr = without_offsets(CDR | {"tariffs": None})
    found, status = answer({"cdr": cdr, "tariffs": [late], "time_zone": "Europe/Berlin"})
    assert (found["total_before_tax"], status) == ("7.00", 0)


@pytest.mark.parametrize("write", [str.lower, str.title, str.swapcase])
def test_types_of_dimensions_in_small_letters_cost_what_they_cost(write):
    case = copy.deepcopy(CASE)
    for period in case["cdr"]["charging_periods"]:
        for dimension in period["dimensions"]:
            dimension["type"] = write(dimension["type"])
    assert answer(case) == answer(CASE)


def test_types_of_components_in_small_letters_are_refused_by_name():
    case = copy.deepcopy(CASE)
    case["tariffs"][0]["elements"][0]["price_components"][1]["type"] = "energy"
    case["cdr"]["tariffs"] = None
    found, status = answer(case)
    assert status == 1
    assert found["error"]["code"] == "invalid_tariff"
    assert found["error"]["field"] == "tariffs[0].elements[0].price_components[1].type"


@pytest.mark.parametrize("bound", ["min_price", "max_price"])
@pytest.mark.parametrize("limit", [{"incl_vat": 5}, {"after_taxes": 5}, {}])
def test_a_bound_without_its_amount_before_tax_is_refused_by_name(bound, limit):
    """OCPI makes it mandatory in both versions."""
    case = copy.deepcopy(CASE)
    case["tariffs"][0][bound] = limit
    case["cdr"]["tariffs"] = None
    found, status = answer(case)
    assert status == 1
    assert found["error"]["field"] == f"tariffs[0].{bound}"
    assert "needs excl_vat (2.2.1) or before_taxes (2.3.0)" in found["error"]["detail"]

"""The public vectors: what the OCPI text and a second implementation say an SDR costs."""

import json
import os
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from roaming.domain.tariff import parse_tariff
from settlement.domain.rating import PlanCache, compile_tariff, parse_sdr, rate

ROOT = Path(__file__).resolve().parents[4]
DATA = Path(os.environ.get("SHARED_DATA", ROOT.parent / "shared" / "data"))
FILE = DATA / "tariff-vectors" / "vectors_dev.json"
VECTORS = json.loads(FILE.read_bytes()) if FILE.is_file() else []


def agrees(stated: str | None, amount: Decimal | None) -> bool:
    """At the decimals that the vector states; what it leaves open is not checked."""
    if stated is None:
        return True
    expected = Decimal(stated)
    return amount is not None and amount.quantize(expected, ROUND_HALF_UP) == expected


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_a_vector_costs_what_it_states(vector):
    tariffs = [parse_tariff(tariff) for tariff in vector["tariffs"]]
    priced = rate(parse_sdr(vector["cdr"]), tariffs, ZoneInfo(vector["time_zone"]))
    assert agrees(vector["expected"]["excl_vat"], priced.total_before_tax)
    assert agrees(vector["expected"]["incl_vat"], priced.total_after_tax)
    assert not priced.findings


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_a_vector_s_sub_totals_are_those_it_states(vector):
    tariffs = [parse_tariff(tariff) for tariff in vector["tariffs"]]
    priced = rate(parse_sdr(vector["cdr"]), tariffs, ZoneInfo(vector["time_zone"]))
    sub_totals = priced.sub_totals()._asdict()
    for name, stated in vector["expected"].get("details", {}).items():
        amount = sub_totals[name.removeprefix("total_").removesuffix("_cost")]
        scale = Decimal("0.0001")
        assert amount.before_tax.quantize(scale) == Decimal(str(stated["excl_vat"]))
        assert amount.after_tax.quantize(scale) == Decimal(str(stated["incl_vat"]))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_a_compiled_plan_and_a_cached_snapshot_give_the_same_lines(vector):
    zone = ZoneInfo(vector["time_zone"])
    tariffs = [parse_tariff(tariff) for tariff in vector["tariffs"]]
    plans = [compile_tariff(tariff, zone) for tariff in tariffs]
    content = json.dumps(vector["cdr"]).encode()
    cache = PlanCache()
    answers = [
        rate(parse_sdr(vector["cdr"]), tariffs, zone),
        rate(parse_sdr(content), plans, zone, cache=cache),
        rate(parse_sdr(content), plans, zone, cache=cache),
    ]
    seen = [
        [(n.period, n.dimension, n.element_index, n.amount_before_tax) for n in answer.lines]
        for answer in answers
    ]
    assert seen[0] == seen[1] == seen[2]


def test_every_vector_of_the_file_ran(shared_data, request):
    """Asked of what was collected: a vector that has no test would be missed silently."""
    stated = [vector["id"] for vector in json.loads(FILE.read_bytes())]
    collected = [
        item.callspec.id
        for item in request.session.items
        if getattr(item, "originalname", "") == "test_a_vector_costs_what_it_states"
    ]
    if not collected:
        pytest.skip("the vectors were not asked to run")
    assert sorted(collected) == sorted(stated)
    assert len(set(stated)) == len(stated) >= 36

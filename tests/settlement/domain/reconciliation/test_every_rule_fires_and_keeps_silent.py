"""Every rule has an example that makes it fire, and one that comes near and does not."""

import json

import pytest

from roaming.domain.tariff import parse_tariff
from settlement.domain.rating import parse_sdr, rate
from settlement.domain.reconciliation.outcome import judge, judge_body
from settlement.domain.reconciliation.rules import (
    BODY_RULES,
    CREDIT_RULES,
    RULES,
    WHILE_RATING,
)
from tests.settlement.domain.reconciliation.body_examples import BODY_EXAMPLES
from tests.settlement.domain.reconciliation.case_examples import CASE_EXAMPLES
from tests.settlement.domain.reconciliation.right import (
    BERLIN,
    CREDIT,
    RIGHT,
    TARIFF,
    body,
    credit,
    message,
    period,
)

CREDIT_EXAMPLES = {
    "DUP-03": ([credit(original_found=False, original_before_tax=None)], [CREDIT]),
    "DUP-04": ([credit(credited=True)], [CREDIT, credit(original_found=False, credited=True)]),
    "DUP-05": (
        [credit(before_tax=-9), credit(currency="CHF"), credit(home_csp_id=3), credit(after_tax=1)],
        [CREDIT, credit(after_tax=None)],
    ),
    "AGR-01": ([credit(has_agreement=False)], [CREDIT]),
}
EXAMPLES = {
    **{("case", rule): found for rule, found in CASE_EXAMPLES.items()},
    **{("body", rule): found for rule, found in BODY_EXAMPLES.items()},
    **{("credit", rule): found for rule, found in CREDIT_EXAMPLES.items()},
}
CHECKS = {
    **{("case", rule.id): rule.check for rule in RULES},
    **{("body", rule.id): rule.check for rule in BODY_RULES},
    **{("credit", rule.id): rule.check for rule in CREDIT_RULES},
}


def examples(which):
    return [
        pytest.param(*key, case, id=f"{key[1]}-{number}")
        for key, found in sorted(EXAMPLES.items())
        for number, case in enumerate(found[which])
    ]


@pytest.mark.parametrize("key", sorted(CHECKS))
def test_a_rule_has_an_example_of_both(key):
    fires, silent = EXAMPLES[key]
    assert fires
    assert silent


def test_there_is_no_example_of_a_rule_that_does_not_exist():
    assert set(EXAMPLES) == set(CHECKS)


@pytest.mark.parametrize(("kind", "rule", "case"), examples(0))
def test_it_fires(kind, rule, case):
    verdict = CHECKS[kind, rule](case)
    assert verdict is not None
    assert len(verdict.claimed) <= 200
    assert len(verdict.expected) <= 200


@pytest.mark.parametrize(("kind", "rule", "case"), examples(1))
def test_it_keeps_silent(kind, rule, case):
    assert CHECKS[kind, rule](case) is None


def test_an_sdr_that_is_right_in_every_way_makes_no_rule_fire():
    assert judge(RIGHT).failed == ()
    assert list(judge_body(body())) == []
    assert [rule.id for rule in CREDIT_RULES if rule.check(CREDIT)] == []


def tariff(**more):
    return {**TARIFF, **more}


def priced(low, high):
    return {"min_price": {"excl_vat": low}, "max_price": {"excl_vat": high}}


BY_THE_HOUR = [
    {
        "price_components": [{"type": "ENERGY", "price": 0.45}],
        "restrictions": {"end_time": "10:15"},
    },
    {"price_components": [{"type": "ENERGY", "price": 0.90}]},
]
NO_RATE = [{"price_components": [{"type": "ENERGY", "price": 0.45}]}]
NAMED = [period(10, tariff_id="AC"), period(10, 30)]

# Rating's code -> (tariff and SDR that make it speak, those that come near)
WHILE_RATING_EXAMPLES = {
    "boundary_inside_period": (
        [(tariff(elements=BY_THE_HOUR), {})],
        [(tariff(elements=BY_THE_HOUR), {"charging_periods": [period(5), period(15, 15)]})],
    ),
    "tariff_id_missing": (
        [(TARIFF, {"charging_periods": NAMED})],
        [(TARIFF, {"charging_periods": [period(20, tariff_id="AC")]})],
    ),
    "tariff_not_in_force": (
        [(tariff(end_date_time="2026-10-01T00:00:00Z"), {"tariff_id": "AC"})],
        [(tariff(end_date_time="2026-10-06T00:00:00Z"), {"tariff_id": "AC"})],
    ),
    "bounds_contradict": ([(tariff(**priced(20, 10)), {})], [(tariff(**priced(5, 20)), {})]),
    "periods_not_in_order": (
        [(TARIFF, {"charging_periods": [period(10, 30), period(10)]})],
        [(TARIFF, {"charging_periods": [period(10), period(10)]})],
    ),
    "periods_outside_session": (
        [(TARIFF, {"charging_periods": [period(20, -1)]})],
        [(TARIFF, {"charging_periods": [period(20), period(0, 60)]})],
    ),
    "currency_in_small_letters": ([(TARIFF, {"currency": "eur"})], [(TARIFF, {})]),
    "rates_without_tax": ([(tariff(tax_included="N/A"), {})], [(TARIFF, {})]),
    "contained_tax_unknown": (
        [(tariff(tax_included="YES", elements=NO_RATE), {})],
        [(tariff(tax_included="N/A", elements=NO_RATE), {})],
    ),
    "added_tax_unknown": (
        [(tariff(tax_included="NO", elements=NO_RATE), {})],
        [(tariff(elements=NO_RATE), {})],
    ),
}


def noted(tariff, changes):
    sdr = parse_sdr(json.dumps(message(**changes)))
    priced = rate(sdr, [parse_tariff(json.dumps(tariff))], BERLIN)
    return {finding.code for finding in priced.findings}


def test_every_code_of_rating_has_its_examples():
    assert set(WHILE_RATING_EXAMPLES) == set(WHILE_RATING)


@pytest.mark.parametrize("code", sorted(WHILE_RATING))
def test_rating_notes_it_and_keeps_silent_where_it_is_not_so(code):
    speaks, silent = WHILE_RATING_EXAMPLES[code]
    assert speaks
    assert silent
    assert all(code in noted(*example) for example in speaks)
    assert not any(code in noted(*example) for example in silent)

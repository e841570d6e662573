"""A claim made by a mistake is explained by it; a right one never; another one hardly ever."""

import json
import random
import time
from datetime import timedelta
from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from settlement.domain.reconciliation.mistakes import MISTAKES, explaining
from settlement.domain.reconciliation.mistakes.registry import BY_CODE
from tests.settlement.domain.reconciliation.mistakes.claims import (
    NOW,
    OWN_CSP,
    START,
    Session,
    judged,
    tariff,
    version,
)

D = Decimal
# The others have tests of their own: they need other tariffs or periods.
ALONE = tuple(
    mistake.code
    for mistake in MISTAKES
    if mistake.code
    not in ("general_tariff", "individual_tariff", "shown_tariff", "switch_inside_period")
)
PAIRS = [
    (one, other)
    for one, other in combinations(ALONE, 2)
    if BY_CODE[one].aspect != BY_CODE[other].aspect
    # The same wrong price of the evening twice over is one mistake seen from two sides.
    and {one, other} != {"utc_restrictions", "price_of_start"}
]
sessions = st.builds(
    Session,
    day_wh=st.integers(500, 25_000),
    evening_wh=st.integers(500, 25_000),
    parking_s=st.sampled_from([0, 0, 600, 900, 2000, 7200, 14_000]),
    besides_wh=st.integers(500, 4000),
)
# Most sessions are within the bounds, and most are rounded alike in every way.
FILTERED = [HealthCheck.filter_too_much]
mistaken = settings(max_examples=30, deadline=None, suppress_health_check=FILTERED)


@pytest.mark.parametrize("mistake", ALONE)
@given(session=sessions)
@mistaken
def test_a_claim_made_by_a_mistake_is_explained_by_it(mistake, session):
    claim = session.claim(mistake)
    assume(claim != session.claim())
    price = judged(session.part(), claim)
    assert price.expected == session.claim()
    assert mistake in price.causes


@given(pair=st.sampled_from(PAIRS), session=sessions)
@settings(max_examples=150, deadline=None, suppress_health_check=FILTERED)
def test_a_claim_made_by_two_mistakes_is_explained_by_both_or_by_fewer(pair, session):
    claim = session.claim(*pair)
    assume(claim not in (session.claim(), session.claim(pair[0]), session.claim(pair[1])))
    causes = judged(session.part(), claim).causes
    fewer = [cause for cause in causes if "+" not in cause]
    assert "+".join(sorted(pair, key=list(BY_CODE).index)) in causes or fewer


@given(session=sessions)
@mistaken
def test_a_right_claim_is_never_explained(session):
    price = judged(session.part(), session.claim())
    assert (price.payable, price.causes, price.tariff_issue) == (price.expected, (), "")


def test_an_unrelated_claim_is_hardly_ever_explained(capsys):
    rng = random.Random(5)
    explained = {"one": 0, "two": 0, "none": 0}
    for _ in range(120):
        session = Session(rng.randint(500, 30_000), rng.randint(500, 30_000), 2000)
        claim = D(rng.randint(600, 3800)) / 100
        causes = judged(session.part(), claim, tolerance="0.01").causes
        explained["none" if not causes else "two" if "+" in causes[0] else "one"] += 1
    with capsys.disabled():
        print(f"\nunrelated claims explained by chance: {explained}")
    assert explained["one"] <= 4
    assert explained["two"] <= 12  # hundreds of pairs within 32 euros


def test_a_difference_within_the_tolerance_is_not_explained():
    session = Session(1500, 2500, 0, 0)
    assert judged(session.part(), session.claim("step_twice"), tolerance="5").causes == ()


def test_the_general_instead_of_the_individual_tariff_and_the_reverse():
    own = version(4, tariff("0.30", "0.25"), 15, home_csp=OWN_CSP)
    session = Session(21_200, 3100, 2000, 0)
    price = judged(session.part(), session.claim(), (NOW, own))
    assert (price.tariff_version_id, price.causes) == (4, ("general_tariff",))
    assert price.tariff_issue == "general_tariff"
    later = version(4, tariff("0.33", "0.21"), -5, home_csp=OWN_CSP)
    price = judged(session.part(), session.claim("older_version"), (NOW, later))
    assert (price.tariff_version_id, price.causes) == (2, ("individual_tariff",))


def test_the_tariff_of_another_home_csp_is_never_named():
    others = version(4, tariff("0.33", "0.21"), 15, home_csp=OWN_CSP + 1)
    session = Session(21_200, 3100, 2000, 0)
    assert judged(session.part(), session.claim("older_version"), (NOW, others)).causes == ()


def test_a_tariff_that_only_the_sdr_shows():
    session = Session(21_200, 3100, 2000, 0)
    shown = json.loads(tariff("0.33", "0.21"))
    price = judged(session.part(tariffs=[shown]), session.claim("older_version"), (NOW,))
    assert (price.tariff_issue, price.causes) == ("snapshot_differs", ("shown_tariff",))
    both = session.claim("older_version", "flat_twice")
    assert "shown_tariff+flat_twice" in judged(session.part(tariffs=[shown]), both, (NOW,)).causes


def test_a_price_that_changes_inside_a_period():
    # One period over the two: 17.3 kWh, up to 18 by the step, half of the energy at each price.
    whole = json.loads(Session(8650, 8650, 0, 0).part())
    first = whole["charging_periods"][0]
    first["dimensions"] = [{"type": "ENERGY", "volume": 17.3}, {"type": "TIME", "volume": 1.0}]
    whole["charging_periods"] = [first]
    price = judged(json.dumps(whole), Session(8650, 8650, 0, 0).claim())
    assert price.expected == D("7.76")  # 18 x 0.37 + 0.60 + 0.50
    assert "switch_inside_period" in price.causes


def test_a_wrong_version_and_a_second_mistake_are_both_named_and_the_version_is_the_issue():
    session = Session(8200, 9100, 2000, 0)
    price = judged(session.part(), session.claim("older_version", "step_twice"))
    assert price.causes == ("older_version+step_twice",)
    assert price.tariff_issue == "older_version"


@pytest.fixture
def ambiguous():
    """A fee of what a kWh costs: one too many of either is the same claim."""
    body = tariff("0.50", "0.50").replace('"min_price"', '"x"').replace('"max_price"', '"y"')
    return (version(2, body, 20),), Session(8000, 9000, 0, 0)


def test_where_several_explain_all_are_listed_and_single_ones_alone(ambiguous):
    versions, session = ambiguous
    claim = D("10.10")  # 17 x 0.50 + 0.60 + 2 x 0.50
    assert judged(session.part(), claim, versions).causes == (
        "step_twice",
        "flat_twice",
        "flat_per_period",
    )


def test_sub_totals_narrow_what_explains(ambiguous):
    versions, session = ambiguous
    stated = {"total_energy_cost": {"excl_vat": 9.0}, "total_fixed_cost": {"excl_vat": 0.5}}
    assert judged(session.part(**stated), D("10.10"), versions).causes == ("step_twice",)
    stated = {"total_energy_cost": {"excl_vat": 8.5}, "total_fixed_cost": {"excl_vat": 1.0}}
    assert judged(session.part(**stated), D("10.10"), versions).causes[:1] == ("flat_twice",)
    # What agrees with nothing narrows nothing.
    stated = {"total_energy_cost": {"excl_vat": 3.3}}
    assert judged(session.part(**stated), D("10.10"), versions).causes[:2] == (
        "step_twice",
        "flat_twice",
    )


@pytest.mark.parametrize("stated", ["0.5", {"excl_vat": "x"}, {"excl_vat": 1e30}, [], {}])
def test_unreadable_sub_totals_do_no_harm(ambiguous, stated):
    versions, session = ambiguous
    part = session.part(total_fixed_cost=stated)
    assert "flat_twice" in judged(part, D("10.10"), versions).causes


def test_the_time_is_bounded_whatever_is_sent():
    """Ten thousand periods are not tried; as many as are tried take less than a second or two."""
    content = json.loads(Session(8200, 9100, 0).part())
    for count in (200, 10_000):
        content["charging_periods"] = [
            {
                "start_date_time": (START + timedelta(seconds=n % 3600)).isoformat(),
                "dimensions": [{"type": "ENERGY", "volume": 0.01}, {"type": "TIME", "volume": 0.1}],
            }
            for n in range(count)
        ]
        started = time.process_time()
        judged(json.dumps(content), D("1.23"))
        assert time.process_time() - started < 5
    assert explaining.MOST_PRICED <= 12_000


def test_the_time_is_bounded_under_the_longest_of_tariffs():
    """A thousand elements, none of which holds, over a week that each of them may divide."""
    content = json.loads(Session(8200, 9100, 0).part())
    content["end_date_time"] = (START + timedelta(days=7)).isoformat()
    body = json.loads(tariff("0.37", "0.29"))
    for minute in range(1, 980):
        clock = f"{minute // 60:02}:{minute % 60:02}"
        restrictions = {"start_time": "00:00", "end_time": clock, "min_kwh": 90}
        part = {"price_components": body["elements"][0]["price_components"]}
        body["elements"].insert(0, {**part, "restrictions": restrictions})
    started = time.process_time()
    price = judged(json.dumps(content), D("1.23"), (version(2, json.dumps(body), 20),))
    assert price.expected is not None
    assert time.process_time() - started < 10


def test_what_stands_on_findings_fits_and_is_explained():
    codes = [mistake.code for mistake in MISTAKES]
    assert len(set(codes)) == len(codes)
    longest = sorted(codes, key=len)[-2:]
    assert len("+".join(longest)) <= 60
    for mistake in MISTAKES:
        assert mistake.title
        assert mistake.meaning
        assert mistake.advice.endswith(".")
        assert bool(mistake.decisions) is (mistake.aspect != "tariff")

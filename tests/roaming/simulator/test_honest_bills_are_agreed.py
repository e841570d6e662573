"""Two arithmetics, written apart: the operators' billing and the clearing house's rating agree."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roaming.domain.tariff import parse_tariff
from roaming.simulator.billing import bill
from roaming.simulator.mistakes import Mistake, of_billing
from roaming.simulator.planned_session import Method, PlannedSession
from roaming.simulator.sdr_writer import Evidence, to_json, write_sdr
from roaming.simulator.submissions import submissions
from roaming.simulator.wrong_biller import Planted, plant
from settlement.domain.rating import parse_sdr, rate
from tests.roaming.simulator.worlds import october, october_sessions


def rated(sdr: dict, tariff: dict, zone) -> tuple[Decimal, Decimal, tuple]:
    priced = rate(parse_sdr(to_json(sdr)), [parse_tariff(to_json(tariff))], zone)
    amount = priced.rounded()
    return amount.before_tax, amount.after_tax, priced.findings


def assert_agreed(session: PlannedSession) -> None:
    billed = bill(session, october())
    for with_tariff in (True, False):
        sdr = write_sdr(billed, Evidence(), with_tariff=with_tariff)
        before_tax, after_tax, findings = rated(sdr, billed.tariff.body, billed.place.zone)
        claimed = sdr["total_cost"]
        assert (before_tax, after_tax) == (claimed["excl_vat"], claimed["incl_vat"])
        assert not findings


def test_every_honest_bill_of_the_month_is_the_rated_price_to_the_cent() -> None:
    for session in october_sessions():
        assert_agreed(session)


@settings(max_examples=200, deadline=None)
@given(
    evse=st.sampled_from(sorted(october().places)),
    start_s=st.integers(0, 30 * 86400),
    charging_s=st.integers(60, 3 * 86400),
    parking_s=st.integers(0, 2 * 86400),
    energy_wh=st.integers(1, 120_000),
)
def test_bills_agree_at_any_second_and_watt_hour(
    evse: str, start_s: int, charging_s: int, parking_s: int, energy_wh: int
) -> None:
    start = datetime(2026, 10, 1, tzinfo=UTC) + timedelta(seconds=start_s)
    end_of_charging = start + timedelta(seconds=charging_s)
    assert_agreed(
        PlannedSession(
            reference="any",
            cso=evse[:6],
            csp="DE-NLM",
            evse_id=evse,
            connector_id="1",
            token_uid="04A2B3C4",
            contract_id="DENLM000000001",
            start=start,
            end_of_charging=end_of_charging,
            end=end_of_charging + timedelta(seconds=parking_s),
            energy_kwh=Decimal(energy_wh) / 1000,
            method=Method.RFID,
        )
    )


@cache
def planted_by_the_score() -> dict[str, Planted]:
    return plant(october_sessions(), october(), seed=7, share=Decimal("0.1"))


@pytest.mark.parametrize(
    "mistake",
    [mistake for mistake in Mistake if of_billing(mistake)],
)
def test_a_planted_price_mistake_deviates_by_what_is_at_stake(mistake: Mistake) -> None:
    planted = planted_by_the_score()
    seen = 0
    for session in october_sessions():
        one = planted.get(session.reference)
        if one is None or mistake not in one.mistakes:
            continue
        (submission,) = submissions(session, october(), Evidence(), one)
        sdr = {k: v for k, v in submission.sdr.items() if k != "tariffs"}
        right = bill(session, october())
        before_tax, _, _ = rated(sdr, right.tariff.body, right.place.zone)
        assert before_tax == right.claimed.before_tax
        assert abs(sdr["total_cost"]["excl_vat"] - before_tax) == one.at_stake
        seen += 1
    assert seen

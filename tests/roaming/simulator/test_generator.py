"""The generated month: repeatable, plausible, and nobody in two places at once."""

import time
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from roaming.domain.identifiers import ContractId, ProviderId, TokenUid
from roaming.simulator.demo_network import NO_AGREEMENT, demo_network
from roaming.simulator.drivers import MOST_DRIVERS, make_drivers, unknown_identification
from roaming.simulator.generator import drivers_for, generate
from roaming.simulator.months import Month
from roaming.simulator.planned_session import Method, PlannedSession, in_order
from tests.roaming.simulator.worlds import OCTOBER, october, october_sessions


def nothing_overlaps(sessions: list[PlannedSession], key: str) -> None:
    by_key = defaultdict(list)
    for session in sessions:
        by_key[getattr(session, key)].append(session)
    for group in by_key.values():
        for before, after in pairwise(group):
            assert before.end <= after.start


def test_the_same_seed_gives_the_same_month_and_another_seed_another() -> None:
    again = generate(demo_network(OCTOBER), OCTOBER, 3000, seed=1)
    assert again == october_sessions()
    assert generate(october(), OCTOBER, 3000, seed=2) != again


def test_three_thousand_sessions_are_drawn_in_less_than_two_seconds() -> None:
    network = demo_network(OCTOBER)
    began = time.process_time()
    assert len(generate(network, OCTOBER, 3000, seed=9)) == 3000
    assert time.process_time() - began < 2


def test_sessions_are_in_order_with_references_of_their_own() -> None:
    sessions = october_sessions()
    assert sessions == sorted(sessions, key=in_order)
    assert sessions[0].reference == "202610-000001"
    assert len({session.reference for session in sessions}) == 3000


def test_no_evse_and_no_driver_is_in_two_sessions_at_once() -> None:
    nothing_overlaps(october_sessions(), "evse_id")
    nothing_overlaps(october_sessions(), "token_uid")


@pytest.mark.parametrize("text", ["2026-10", "2026-03", "2028-02"])
def test_sessions_lie_within_the_month_on_the_grid(text: str) -> None:
    month = Month.parse(text)
    network = demo_network(month)
    for session in generate(network, month, 600, seed=3):
        zone = network.places[session.evse_id].zone
        assert month.start(zone) <= session.start < session.end_of_charging <= session.end
        assert session.end <= month.end(zone)
        for moment in (session.start, session.end_of_charging, session.end):
            assert moment.utcoffset() == timedelta(0)
            assert int(moment.timestamp()) % 36 == 0


def test_no_session_takes_more_than_its_connector_gives() -> None:
    for session in october_sessions():
        connector = october().places[session.evse_id].evse.connector(session.connector_id)
        charging_s = (session.end_of_charging - session.start).total_seconds()
        assert session.energy_kwh * 3_600_000 <= connector.max_power_w * Decimal(charging_s)
        assert session.energy_kwh >= 1
        assert session.energy_kwh == session.energy_kwh.quantize(Decimal("0.001"))


def test_only_pairs_with_an_agreement_meet() -> None:
    met = {(session.cso, session.csp) for session in october_sessions()}
    assert met == october().agreement_by_pair.keys()
    assert NO_AGREEMENT not in met
    owed = {("DE*NLN", "FR-RAM"), ("FR*RAM", "DE-NLM")}
    assert owed <= met  # the two that are both owe each other


def test_people_charge_by_day_and_on_working_days() -> None:
    hours, days = Counter(), Counter()
    for session in october_sessions():
        local = session.start.astimezone(october().places[session.evse_id].zone)
        hours[local.hour] += 1
        days[local.weekday()] += 1
    assert hours[17] > 5 * hours[3]
    assert len(hours) == 24
    assert days[4] > days[6]


def test_some_stay_after_charging_and_some_do_not() -> None:
    parked = [s for s in october_sessions() if s.end > s.end_of_charging]
    assert 0.2 < len(parked) / 3000 < 0.7


def test_the_repeated_hour_is_met_in_both_its_turns() -> None:
    sessions = generate(october(), OCTOBER, 9000, seed=4)
    local = [s.start.astimezone(october().places[s.evse_id].zone) for s in sessions]
    repeated = {m.fold for m in local if (m.day, m.hour) == (25, 2)}
    assert repeated == {0, 1}


def test_drivers_hold_valid_contracts_of_their_provider() -> None:
    drivers = drivers_for(october(), 3000, seed=1)
    assert {session.token_uid for session in october_sessions()} <= {d.token_uid for d in drivers}
    forms = Counter()
    for driver in drivers:
        contract = ContractId.parse(driver.contract_id, strict=True)
        assert contract.provider == ProviderId.parse(driver.csp)
        forms[contract.standard, contract.check_digit is None, contract.is_emi3] += 1
        token = TokenUid.parse(driver.token_uid)
        assert token.is_rfid == (driver.method is Method.RFID)
    assert len(forms) == 4
    assert len({TokenUid.parse(d.token_uid).key for d in drivers}) == len(drivers)
    assert len({ContractId.parse(d.contract_id).key for d in drivers}) == len(drivers)


def test_an_unknown_identification_is_well_formed_and_nobodys() -> None:
    drivers = drivers_for(october(), 3000, seed=1)
    token_uid, contract_id = unknown_identification("DE-FSK", "202610-000001")
    assert TokenUid.parse(token_uid, rfid=True).key not in {d.token_uid for d in drivers}
    contract = ContractId.parse(contract_id, strict=True)
    assert contract.provider == ProviderId.parse("DE-FSK")
    assert contract_id not in {ContractId.parse(d.contract_id).key for d in drivers}


def test_more_sessions_than_the_network_can_hold_are_refused() -> None:
    site = october().sites[0]
    one_evse = replace(october(), sites=(replace(site, evses=site.evses[:1]),))
    with pytest.raises(ValueError, match="do not fit"):
        generate(one_evse, OCTOBER, 1000, seed=1)
    with pytest.raises(ValueError, match="six digits"):
        make_drivers(october(), MOST_DRIVERS + 1, seed=1)
    assert generate(october(), OCTOBER, 0, seed=1) == []

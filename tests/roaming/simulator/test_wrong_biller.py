"""The wrong biller: what it plants is wrong by more than the tolerance, and the rest is right."""

import ast
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from roaming import simulator
from roaming.simulator.billing import bill
from roaming.simulator.demo_network import demo_network
from roaming.simulator.manner import Which
from roaming.simulator.mistakes import ROUNDINGS, Mistake, manner_of, of_billing
from roaming.simulator.planned_session import PlannedSession
from roaming.simulator.sdr_writer import Evidence, to_json
from roaming.simulator.submissions import Submission, submissions
from roaming.simulator.wrong_biller import Planted, plant
from tests.roaming.simulator.worlds import OCTOBER, october, october_sessions

EVIDENCE = Evidence("0198c0de-0000-7000-8000-000000000001", "AUTH-1")


@pytest.fixture(scope="module")
def planted() -> dict[str, Planted]:
    return plant(october_sessions(), october(), seed=7, share=Decimal("0.06"))


@pytest.fixture(scope="module")
def by_reference() -> dict[str, PlannedSession]:
    return {session.reference: session for session in october_sessions()}


def of_kind(planted: dict[str, Planted], mistake: Mistake) -> list[Planted]:
    found = [p for p in planted.values() if p.mistakes == (mistake,)]
    assert found
    return found


def sent(session: PlannedSession, planted: Planted | None) -> list[Submission]:
    return submissions(session, october(), EVIDENCE, planted)


def right(session: PlannedSession) -> dict:
    (submission,) = sent(session, None)
    assert submission.held_back == timedelta(0)
    return submission.sdr


def changed(session: PlannedSession, planted: Planted) -> set[str]:
    """The fields in which the wrong SDR differs from the right one."""
    wrong, correct = sent(session, planted)[-1].sdr, right(session)
    return {name for name in wrong if wrong[name] != correct[name]}


def test_wrong_in_every_way_and_a_fifth_in_two_at_once(planted: dict[str, Planted]) -> None:
    assert len(planted) == 180
    counts = Counter(p.mistake for p in planted.values() if p.second is None)
    assert set(counts) == set(Mistake)
    assert min(counts.values()) >= 5
    pairs = [p for p in planted.values() if p.second is not None]
    assert Decimal("0.2") <= Decimal(len(pairs)) / len(planted) < Decimal("0.22")
    assert all(of_billing(mistake) for p in pairs for mistake in p.mistakes)
    assert len({p.kind for p in pairs}) >= 15


def test_three_per_cent_are_wrong_where_nothing_is_said() -> None:
    month = plant(october_sessions(), october(), seed=7)
    assert len(month) == 90
    assert {p.mistake for p in month.values()} == set(Mistake)


def test_the_same_seed_plants_the_same_mistakes_in_every_process(
    planted: dict[str, Planted],
) -> None:
    share = Decimal("0.06")
    assert plant(october_sessions(), demo_network(OCTOBER), 7, share) == planted
    assert plant(october_sessions(), october(), 8, share) != planted


@pytest.mark.parametrize(("share", "count"), [("0", 0), ("0.01", 30), ("0.1", 300)])
def test_the_share_is_a_choice(share: str, count: int) -> None:
    assert len(plant(october_sessions(), october(), 7, Decimal(share))) == count
    assert plant(october_sessions()[:1], october(), 7, Decimal(0)) == {}


def test_no_sessions_means_no_mistakes() -> None:
    assert plant([], october(), seed=7) == {}


def test_every_mistake_is_worth_more_than_the_tolerance(
    planted: dict[str, Planted], by_reference
) -> None:
    for one in planted.values():
        session = by_reference[one.reference]
        terms = october().agreement_by_pair[session.cso, session.csp]
        assert one.at_stake > Decimal(terms.tolerance_money)
        if not ROUNDINGS & set(one.mistakes):
            assert one.at_stake >= Decimal("0.10")


def test_each_of_two_mistakes_makes_a_difference_beside_the_other(
    planted: dict[str, Planted], by_reference
) -> None:
    for one in planted.values():
        if one.second is None:
            continue
        session = by_reference[one.reference]
        tolerance = october().agreement_by_pair[session.cso, session.csp].tolerance_money
        claimed = sent(session, one)[0].sdr["total_cost"]["excl_vat"]
        for alone in one.mistakes:
            by_one = bill(session, october(), manner_of(alone)).claimed.before_tax
            assert abs(claimed - by_one) > Decimal(tolerance)


def test_wrong_money_differs_by_what_is_at_stake(planted: dict[str, Planted], by_reference) -> None:
    for one in planted.values():
        if of_billing(one.mistake):
            session = by_reference[one.reference]
            claimed = sent(session, one)[0].sdr["total_cost"]["excl_vat"]
            assert abs(claimed - right(session)["total_cost"]["excl_vat"]) == one.at_stake


def test_energy_that_is_not_the_sum_changes_no_period(
    planted: dict[str, Planted], by_reference
) -> None:
    for one in of_kind(planted, Mistake.ENERGY_NOT_SUM):
        session = by_reference[one.reference]
        wrong = {"total_energy", "total_cost", "total_energy_cost"}
        assert changed(session, one) == wrong
        wrong = sent(session, one)[0].sdr
        assert wrong["total_energy"] - session.energy_kwh >= Decimal("0.5")
        assert wrong["meter_end"] - wrong["meter_start"] == session.energy_kwh


def test_wrong_billing_changes_nothing_but_the_costs(
    planted: dict[str, Planted], by_reference
) -> None:
    for mistake in Mistake:
        if not of_billing(mistake) or manner_of(mistake).tariff is not Which.IN_FORCE:
            continue
        if mistake is Mistake.ENERGY_NOT_SUM:
            continue  # it changes the energy too
        for one in of_kind(planted, mistake):
            assert changed(by_reference[one.reference], one) <= {
                "total_cost",
                "total_energy_cost",
                "total_fixed_cost",
                "total_time_cost",
                "total_parking_cost",
            }


def test_an_old_price_comes_with_the_old_tariff_or_its_id_alone(
    planted: dict[str, Planted], by_reference
) -> None:
    snapshots = set()
    for one in of_kind(planted, Mistake.OLDER_VERSION):
        session = by_reference[one.reference]
        wrong, correct = sent(session, one)[0].sdr, right(session)
        assert wrong["tariff_id"] == correct["tariff_id"]
        assert ("tariffs" in wrong) == ("tariffs" in correct)
        snapshots.add("tariffs" in wrong)
        if "tariffs" in wrong:
            assert wrong["tariffs"][0]["valid_from"] < correct["tariffs"][0]["valid_from"]
    assert snapshots == {True, False}


def test_a_session_billed_twice_has_two_ids_and_one_content(
    planted: dict[str, Planted], by_reference
) -> None:
    for one in of_kind(planted, Mistake.BILLED_TWICE):
        first, second = sent(by_reference[one.reference], one)
        assert first.sdr == right(by_reference[one.reference])
        assert second.sdr["id"] != first.sdr["id"]
        assert second.sdr | {"id": first.sdr["id"]} == first.sdr
        assert second.held_back > first.held_back


def test_invented_sessions_and_unknown_tokens_are_never_announced(
    planted: dict[str, Planted], by_reference
) -> None:
    tokens = {session.token_uid for session in october_sessions()}
    for one in planted.values():
        unannounced = (Mistake.UNKNOWN_SESSION, Mistake.UNKNOWN_TOKEN)
        assert one.mistake.announced == (one.mistake not in unannounced)
    for one in of_kind(planted, Mistake.UNKNOWN_SESSION):
        wrong = sent(by_reference[one.reference], one)[0].sdr
        assert wrong["service_session_id"] not in (None, EVIDENCE.service_session_id)
        assert wrong["authorization_reference"] != EVIDENCE.authorization_reference
    for one in of_kind(planted, Mistake.UNKNOWN_TOKEN):
        wrong = sent(by_reference[one.reference], one)[0].sdr
        assert wrong["service_session_id"] is None
        assert wrong["identification"]["token_uid"] not in tokens
        assert wrong["identification"]["authorised"] == "OFFLINE"


def test_an_overlap_lies_in_a_correct_session_of_the_same_evse(
    planted: dict[str, Planted], by_reference
) -> None:
    for one in of_kind(planted, Mistake.OVERLAP):
        session, other = by_reference[one.reference], by_reference[one.other_reference]
        assert other.reference not in planted
        assert session.evse_id == other.evse_id
        wrong = sent(session, one)[0].sdr
        start = datetime.fromisoformat(wrong["start_date_time"])
        end = datetime.fromisoformat(wrong["end_date_time"])
        assert other.start < start < other.end
        assert end - start == session.end - session.start
        for same_driver in october_sessions():
            if same_driver.token_uid == session.token_uid and same_driver is not session:
                assert not (same_driver.start < end and start < same_driver.end)


def test_a_late_sdr_is_right_but_sent_after_the_window(
    planted: dict[str, Planted], by_reference
) -> None:
    last_end = max(session.end for session in october_sessions())
    for one in of_kind(planted, Mistake.LATE):
        session = by_reference[one.reference]
        (submission,) = sent(session, one)
        assert submission.sdr == right(session)
        window = october().agreement_by_pair[session.cso, session.csp].sdr_window_hours
        assert submission.held_back > timedelta(hours=window)
        assert session.end + submission.held_back <= last_end


def test_every_submission_can_be_sent(planted: dict[str, Planted]) -> None:
    ids = set()
    for session in october_sessions():
        for submission in sent(session, planted.get(session.reference)):
            assert to_json(submission.sdr)
            assert submission.sdr["id"] not in ids
            ids.add(submission.sdr["id"])
    assert len(ids) == 3000 + len(of_kind(planted, Mistake.BILLED_TWICE))


def test_each_mistake_names_the_family_of_rules_that_should_find_it() -> None:
    assert {mistake.family for mistake in Mistake} == {"QTY", "PRC", "DUP", "AUT", "TIM"}


def test_the_simulator_imports_nothing_of_the_clearing_house_but_identifiers() -> None:
    allowed = {"roaming.simulator", "roaming.domain.identifiers"}
    ours = {"roaming", "settlement", "clearinghouse", "django", "rest_framework"}
    for path in Path(simulator.__path__[0]).glob("**/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path.name}: relative import"
                names = [node.module or ""]
            for name in names:
                if name.split(".")[0] in ours:
                    assert any(name == a or name.startswith(a + ".") for a in allowed), (
                        f"{path.name} imports {name}"
                    )

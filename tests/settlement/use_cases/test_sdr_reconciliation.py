"""SDR reconciliation: what each kind of SDR comes to, and that it can run again (6.4.2)."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from psycopg.types.range import TimestamptzRange

from roaming import models
from settlement.models import ReconciliationRun
from settlement.use_cases.sdr_reconciliation import Scope, reconcile
from tests import factories
from tests.settlement.sdrs import (
    OCTOBER_5,
    Trade,
    announce,
    rules_of,
    standing_of,
    tariff_body,
)

NOW = OCTOBER_5 + timedelta(hours=3)


@pytest.fixture
def trade(cast):
    announce(cast.visited_cso.identifier)
    return Trade.of(cast)


def test_an_sdr_that_agrees_is_rated_and_waits_for_the_home_csp(trade):
    sdr = trade.sdr(trade.session())
    result = reconcile("live", NOW)
    standing = standing_of(sdr)
    assert (standing.state, standing.outcome, standing.matched_by) == (
        "rated", "agreed", "session_id"
    )  # fmt: skip
    assert standing.rated_before_tax == Decimal("10")
    assert standing.decide_by == sdr.received_at + timedelta(hours=72)
    assert standing.settled_amount is None
    steps = [(e.from_state, e.to_state, e.reason) for e in sdr.events.all()]
    assert steps == [("validated", "matched", "session_id"), ("matched", "rated", "agreed")]
    assert rules_of(sdr) == []
    assert (result.judged, result.changed, result.outcomes) == (1, 1, {"agreed": 1})


def test_events_carry_the_moment_of_their_sdr_in_the_key(trade):
    sdr = trade.sdr(trade.session())
    reconcile("live", NOW)
    for event in sdr.events.all():
        assert event.id.int >> 80 == sdr.id.int >> 80
        assert event.id.version == 7
        assert event.period == sdr.period


def test_a_difference_within_tolerance_is_agreed_within_tolerance(trade):
    sdr = trade.sdr(trade.session(), claim="10.01")
    reconcile("live", NOW)
    assert (standing_of(sdr).state, standing_of(sdr).outcome) == ("rated", "within_tolerance")


def test_a_total_that_is_not_the_rerated_total_deviates_with_both_values(trade):
    sdr = trade.sdr(trade.session(), claim="12.30")
    reconcile("live", NOW)
    assert standing_of(sdr).state == "deviating"
    finding = sdr.findings.get()
    assert (finding.rule, finding.severity) == ("PRC-01", "severe")
    assert (finding.claimed, finding.expected) == ("12.30 EUR", "10.00 EUR")
    assert finding.money_at_stake == Decimal("2.30")


def test_a_second_sdr_for_one_session_is_the_finding_and_the_first_is_not(trade):
    session = trade.session()
    first, second = trade.sdr(session), trade.sdr(session)
    reconcile("live", NOW)
    assert (rules_of(first), rules_of(second)) == ([], ["DUP-02"])
    assert standing_of(second).state == "deviating"
    assert second.findings.get().money_at_stake == second.claim_before_tax


def test_an_earlier_arrival_that_is_judged_later_puts_the_undecided_other_in_doubt(trade):
    session = trade.session()
    late_to_commit = trade._next_arrival()
    other = trade.sdr(session, arrival=late_to_commit + 1)
    reconcile("live", NOW)
    assert rules_of(other) == []
    first = trade.sdr(session, arrival=late_to_commit)
    reconcile("live", NOW)
    assert (rules_of(first), rules_of(other)) == ([], ["DUP-02"])


def test_a_duplicate_of_an_accepted_sdr_is_found_whatever_came_first(trade):
    session = trade.session()
    early = trade._next_arrival()
    trade.accepted(session=session, claim="10", arrival=early + 1)
    duplicate = trade.sdr(session, arrival=early)
    reconcile("live", NOW)
    assert rules_of(duplicate) == ["DUP-02"]


@pytest.mark.parametrize(
    ("fields", "cause", "state"),
    [
        ({"state": "refused"}, "refused", "deviating"),
        ({"state": "requested"}, "not_authorised", "deviating"),
        ({"state": "cancelled"}, "cancelled", "deviating"),
        ({"token_hmac": b"x" * 32}, "other_token", "deviating"),
        ({"environment": "test"}, "unknown_session", "unmatched"),
    ],
)
def test_an_sdr_without_an_authorisation_of_the_home_csp_is_found(trade, fields, cause, state):
    if fields.get("environment"):
        fields = {**fields, "agreement": _agreement_in_test(trade)}
    sdr = trade.sdr(trade.session(**fields))
    reconcile("live", NOW)
    assert rules_of(sdr) == ["AUT-01"]
    assert sdr.findings.get().causes == [cause]
    assert standing_of(sdr).state == state


@pytest.mark.parametrize("state", ["authorised", "active", "reserved", "completed"])
def test_a_session_that_the_home_csp_said_yes_to_is_authorised(trade, state):
    sdr = trade.sdr(trade.session(state=state))
    reconcile("live", NOW)
    assert (rules_of(sdr), standing_of(sdr).state) == ([], "rated")


def test_the_connector_s_tariff_for_this_home_csp_prices_the_sdr(trade):
    """Where the SDR names no tariff, and the connector carries another one for everybody else."""
    announce(trade.visited_cso, "VIP", price="0.30")
    connector = models.Connector.objects.get(evse=trade.evse)
    connector.tariff_ids = ["AC"]
    connector.save()
    general = trade.sdr(trade.session(), tariff_id="")
    models.ConnectorTariffs.objects.create(
        connector=connector, home_csp=trade.home_csp, tariff_ids=["VIP"]
    )
    reconcile("live", NOW)
    assert standing_of(general).rated_before_tax == 6  # 20 kWh at 0.30


def test_a_tariff_that_was_told_on_request_prices_the_sdr(trade):
    announce(trade.visited_cso, "ASKED", price="0.50", home_csp=trade.home_csp, on_request=True)
    sdr = trade.sdr(trade.session(), tariff_id="ASKED")
    reconcile("live", NOW)
    assert rules_of(sdr) == []
    assert standing_of(sdr).rated_before_tax == 10


def test_an_sdr_of_no_session_is_one_sided(trade):
    sdr = trade.sdr()
    reconcile("live", NOW)
    assert (standing_of(sdr).state, standing_of(sdr).outcome) == ("unmatched", "one_sided")
    assert rules_of(sdr) == ["AUT-01"]


def test_a_late_sdr_deviates(trade):
    session = trade.session()
    sdr = trade.sdr(session, received_at=OCTOBER_5 + timedelta(hours=1 + 168, seconds=1))
    on_time = trade.sdr(
        trade.session(OCTOBER_5 + timedelta(days=1)),
        received_at=OCTOBER_5 + timedelta(days=1, hours=1 + 168),
    )
    reconcile("live", NOW)
    assert (rules_of(sdr), rules_of(on_time)) == (["TIM-05"], [])


def test_overlapping_sessions_of_one_evse_put_the_later_arrival_in_doubt(trade):
    first = trade.sdr(trade.session())
    other_token = trade.session(OCTOBER_5 + timedelta(minutes=30), token_hmac=b"o" * 32)
    second = trade.sdr(other_token, token_hmac=b"o" * 32)
    touching = trade.session(OCTOBER_5 + timedelta(minutes=90, seconds=-30), token_hmac=b"p" * 32)
    third = trade.sdr(touching, token_hmac=b"p" * 32)  # 30 s are within the tolerance of 60
    reconcile("live", NOW)
    assert [rules_of(s) for s in (first, second, third)] == [[], ["TIM-06"], []]


def test_one_token_at_two_places_at_once_is_found(trade, cast):
    first = trade.sdr(trade.session())
    other = factories.make_site(cast.visited_cso.identifier, "DE*VIS*E002")
    elsewhere = trade.session(OCTOBER_5 + timedelta(minutes=30), evse=other)
    second = trade.sdr(elsewhere, evse_key=other.key, evse_id=other.evse_id)
    reconcile("live", NOW)
    assert (rules_of(first), rules_of(second)) == ([], ["TIM-07"])


def test_an_evse_that_nobody_published_deviates(trade):
    sdr = trade.sdr(trade.session(), evse_key="DEVISE404", evse_id="DE*VIS*E404")
    offline = trade.sdr(evse_key="DEVISE404", evse_id="DE*VIS*E404")
    reconcile("live", NOW)
    assert standing_of(sdr).state == "deviating"
    finding = sdr.findings.get(rule="QTY-06")
    assert (finding.claimed, finding.severity) == ("DE*VIS*E404", "severe")
    assert finding.expected == "the EVSE of the session, DE*VIS*E001"
    assert finding.causes == ["other_evse"]
    assert offline.findings.get(rule="QTY-06").causes == ["unknown_evse"]


def test_an_evse_that_was_sold_is_the_seller_s_until_then(trade):
    ownership = models.EvseOwnership.objects.get(evse=trade.evse)
    until = OCTOBER_5 + timedelta(hours=12)
    ownership.during = TimestamptzRange(ownership.during.lower, until)
    ownership.save()
    before = trade.sdr(trade.session())
    after = trade.sdr(trade.session(until))
    reconcile("live", NOW)
    assert (rules_of(before), rules_of(after)) == ([], ["QTY-06"])


def test_an_evse_published_late_clears_the_finding_when_judged_anew(trade, cast):
    sdr = trade.sdr(
        trade.session(), evse_key="DEVISE404", evse_id="DE*VIS*E404", service_session_id=None
    )
    reconcile("live", NOW)
    assert "QTY-06" in rules_of(sdr)
    factories.make_site(cast.visited_cso.identifier, "DE*VIS*E404")
    reconcile("live", NOW, scope=Scope.OPEN)
    assert "QTY-06" not in rules_of(sdr)


def test_energy_that_is_not_the_sum_of_its_periods_deviates(trade):
    sdr = trade.sdr(trade.session(), energy_kwh=Decimal("24"))
    reconcile("live", NOW)
    assert rules_of(sdr) == ["QTY-02"]
    finding = sdr.findings.get()
    assert (finding.claimed, finding.expected) == ("24 kWh", "20.0 kWh")


def test_a_claim_by_an_older_tariff_version_names_that_version(trade, cast):
    announce(cast.visited_cso.identifier, price="0.40", valid_from=OCTOBER_5 - timedelta(days=3))
    sdr = trade.sdr(trade.session(), claim="10.00")  # 20 kWh at the old 0.50
    reconcile("live", NOW)
    assert rules_of(sdr) == ["PRC-01", "PRC-04"]
    finding = sdr.findings.get(rule="PRC-04")
    assert finding.causes == ["older_version"]
    assert finding.claimed.startswith("AC valid from 2026-01-01T00:00:00Z")
    assert finding.expected.startswith("AC valid from 2026-10-02T10:00:00Z")
    assert finding.money_at_stake == Decimal("2.00")


def test_a_snapshot_of_an_older_version_is_named_even_where_the_money_agrees(trade, cast):
    announce(cast.visited_cso.identifier, price="0.40", valid_from=OCTOBER_5 - timedelta(days=3))
    old = [json.loads(tariff_body(price="0.50"))]
    sdr = trade.sdr(trade.session(), claim="8.00", part={"tariffs": old})
    reconcile("live", NOW)
    finding = sdr.findings.get()
    assert (finding.rule, finding.severity, finding.causes) == (
        "PRC-04", "warning", ["older_version"]
    )  # fmt: skip
    assert standing_of(sdr).outcome == "agreed"


def test_a_tariff_that_was_announced_after_the_start_does_not_count(trade, cast):
    announce(
        cast.visited_cso.identifier, price="0.90", valid_from=OCTOBER_5 - timedelta(days=1),
        received_at=OCTOBER_5 + timedelta(minutes=1),
    )  # fmt: skip
    sdr = trade.sdr(trade.session(), claim="18.00")
    reconcile("live", NOW)
    assert rules_of(sdr) == ["PRC-01", "PRC-04"]
    assert sdr.findings.get(rule="PRC-04").causes == ["later_version"]


def test_a_tariff_for_this_home_csp_beats_the_general_one(trade, cast):
    announce(cast.visited_cso.identifier, price="0.30", home_csp=cast.home_csp.identifier)
    sdr = trade.sdr(trade.session(), claim="6.00")
    reconcile("live", NOW)
    assert standing_of(sdr).outcome == "agreed"


def test_a_withdrawn_tariff_prices_nothing(trade, cast):
    announce(cast.visited_cso.identifier, body="", valid_from=OCTOBER_5 - timedelta(days=1))
    sdr = trade.sdr(trade.session())
    reconcile("live", NOW)
    assert standing_of(sdr).state == "not_ratable"
    assert rules_of(sdr) == ["PRC-02", "PRC-04"]


def test_what_cannot_be_read_is_not_ratable_and_stops_nobody_else(trade):
    broken = trade.sdr(trade.session(), rated_part='{"charging_periods": "\\u0000"}')
    huge = trade.sdr(
        trade.session(OCTOBER_5 + timedelta(hours=2)), claim="1" * 28, tariff_id="\x01"
    )
    good = trade.sdr(trade.session(OCTOBER_5 + timedelta(hours=4)))
    reconcile("live", NOW)
    assert [standing_of(s).state for s in (broken, huge, good)] == [
        "not_ratable", "not_ratable", "rated"
    ]  # fmt: skip


def test_a_session_opened_while_the_agreement_was_suspended_deviates(trade):
    from psycopg.types.range import TimestamptzRange

    models.AgreementSuspension.objects.create(
        agreement=trade.agreement, reason="unpaid",
        during=TimestamptzRange(OCTOBER_5 - timedelta(hours=1), OCTOBER_5 + timedelta(hours=1)),
    )  # fmt: skip
    before = trade.session(OCTOBER_5 - timedelta(hours=2))
    ran_on = trade.sdr(before, ended_at=OCTOBER_5 - timedelta(minutes=30))
    opened_then = trade.sdr(trade.session())
    reconcile("live", NOW)
    assert (rules_of(ran_on), rules_of(opened_then)) == ([], ["AGR-02"])


def test_another_currency_than_the_agreements_deviates(trade, cast):
    announce(cast.visited_cso.identifier, "CHF", body=tariff_body("CHF", "0.50", "CHF"))
    sdr = trade.sdr(trade.session(), currency="CHF", tariff_id="CHF")
    reconcile("live", NOW)
    assert rules_of(sdr) == ["PRC-05"]


def test_a_zero_cost_sdr_is_processed(trade, cast):
    announce(cast.visited_cso.identifier, "FREE", price="0")
    sdr = trade.sdr(trade.session(), claim="0", tariff_id="FREE")
    reconcile("live", NOW)
    assert standing_of(sdr).outcome == "agreed"


def test_a_second_run_with_nothing_new_writes_nothing(trade):
    trade.sdr(trade.session())
    trade.sdr(trade.session(OCTOBER_5 + timedelta(hours=3)), claim="99")
    trade.sdr()
    reconcile("live", NOW)
    before = _everything()
    again = reconcile("live", NOW + timedelta(hours=1), scope=Scope.OPEN)
    assert (again.judged, again.changed) == (3, 0)
    assert _everything() == before
    assert reconcile("live", NOW + timedelta(hours=1)).judged == 0
    assert ReconciliationRun.objects.count() == 2  # a run that finds nothing to judge is no run


def test_findings_that_no_longer_hold_are_superseded_and_kept(trade, cast):
    sdr = trade.sdr(trade.session(), tariff_id="LATER")
    reconcile("live", NOW)
    assert standing_of(sdr).state == "not_ratable"
    announce(cast.visited_cso.identifier, "LATER")  # told in time, entered late
    reconcile("live", NOW + timedelta(hours=1), scope=Scope.OPEN)
    assert (standing_of(sdr).state, rules_of(sdr)) == ("rated", [])
    superseded = sdr.findings.exclude(superseded_at=None)
    assert {f.rule for f in superseded} == {"PRC-02", "PRC-04"}
    assert {f.superseded_at for f in superseded} == {NOW + timedelta(hours=1)}


def test_findings_of_the_door_stay_and_count(trade):
    sdr = trade.sdr(trade.session())
    models.Finding.objects.create(
        id=sdr.id, environment="live", period=sdr.period, sdr=sdr, rule="TIM-03",
        severity="severe", explanation="no offset", found_at=sdr.received_at,
    )  # fmt: skip
    reconcile("live", NOW)
    assert (standing_of(sdr).state, rules_of(sdr)) == ("deviating", ["TIM-03"])


def test_test_and_live_are_reconciled_apart(trade):
    sdr = trade.sdr(trade.session())
    reconcile("test", NOW)
    assert standing_of(sdr).state == "validated"


def test_rejected_and_decided_sdrs_are_left_alone(trade):
    rejected = trade.sdr(trade.session(), state="rejected")
    accepted = trade.accepted(session=trade.session(), claim="99")
    disputed = trade.sdr(trade.session(), state="disputed")
    assert reconcile("live", NOW, scope=Scope.OPEN).judged == 0
    assert [standing_of(s).state for s in (rejected, accepted, disputed)] == [
        "rejected", "accepted", "disputed"
    ]  # fmt: skip


def test_batches_come_to_the_same_as_one_run(trade):
    sdrs = [
        trade.sdr(trade.session(OCTOBER_5 + timedelta(hours=2 * n)), claim=str(10 + n % 2))
        for n in range(7)
    ]
    result = reconcile("live", NOW, batch_size=2)
    assert result.judged == 7
    assert [standing_of(s).state for s in sdrs] == [
        "rated" if n % 2 == 0 else "deviating" for n in range(7)
    ]


def _everything():
    return [
        list(model.objects.order_by("pk").values())
        for model in (models.SdrState, models.SdrEvent, models.Finding)
    ]


def _agreement_in_test(trade):
    from tests import factories

    return factories.make_agreement(
        trade.visited_cso.operator, trade.home_csp.operator, environment="test"
    )

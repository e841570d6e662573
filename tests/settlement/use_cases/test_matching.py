"""SDRs that name no session find theirs; the home-CSP's own record is held against the claim."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from roaming import models
from settlement.domain.refusals import No, RefusedError
from settlement.use_cases.sdr_decision import Decision, approve_sdr
from settlement.use_cases.sdr_reconciliation import Scope, reconcile
from settlement.use_cases.session_choice import Choice, choose_session
from tests import factories
from tests.settlement.sdrs import OCTOBER_5, Trade, announce, rules_of, standing_of

NOW = OCTOBER_5 + timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def trade(cast):
    announce(cast.visited_cso.identifier)
    return Trade.of(cast)


def outcome_of(sdr):
    row = standing_of(sdr)
    return row.state, row.outcome, row.matched_by, row.service_session_id


def run(now=NOW, scope=Scope.NEW):
    return reconcile("live", now, scope=scope)


def test_an_sdr_without_a_session_id_is_matched_by_its_authorization_reference(trade):
    session = trade.session(authorization_reference="A-1", token_hmac=b"t" * 32)
    trade.session(authorization_reference="A-2")
    sdr = trade.sdr(authorization_reference="A-1", token_hmac=None)
    run()
    assert outcome_of(sdr) == ("rated", "agreed", "authorization_reference", session.id)
    assert models.SdrEvent.objects.filter(sdr=sdr, reason="authorization_reference").exists()


def test_else_by_identification_evse_and_time(trade):
    session = trade.session(OCTOBER_5 - timedelta(minutes=3), ended_at=OCTOBER_5 + HOUR)
    trade.session(OCTOBER_5 + 2 * HOUR)  # the next one at the same EVSE
    trade.session(token_hmac=b"o" * 32)  # somebody else
    trade.session(state="refused")  # a first try
    sdr = trade.sdr()
    run()
    assert outcome_of(sdr) == ("rated", "agreed", "identification", session.id)


@pytest.mark.parametrize(("opened", "started"), [(58, 59), (59, 61)])
def test_nothing_is_lost_at_the_edge_of_a_month(trade, opened, started):
    midnight = datetime(2026, 10, 31, 23, tzinfo=UTC)
    session = trade.session(midnight + timedelta(minutes=opened))
    sdr = trade.sdr(started_at=midnight + timedelta(minutes=started))
    record = trade.own_record(
        started_at=midnight + timedelta(minutes=started), ended_at=sdr.ended_at
    )
    run(midnight + 2 * HOUR)
    row = standing_of(sdr)
    assert (row.service_session_id, row.csp_record_id) == (session.id, record.id)


def test_where_several_sessions_fit_a_person_chooses(trade):
    sessions = [trade.session(OCTOBER_5 - timedelta(minutes=n)) for n in (5, 3)]
    sdr = trade.sdr()
    run()
    assert outcome_of(sdr) == ("unmatched", "one_sided", "", None)
    assert rules_of(sdr) == ["AUT-20"]
    finding = models.Finding.objects.get(sdr=sdr, rule="AUT-20")
    assert all(str(session.id) in finding.expected for session in sessions)

    choose_session(sdr.id, Choice(sessions[1].id, "Ada", "the CSO told us by telephone"), NOW)
    assert run().judged == 1
    assert outcome_of(sdr) == ("rated", "agreed", "chosen", sessions[1].id)
    assert rules_of(sdr) == []
    event = models.SdrEvent.objects.get(sdr=sdr, reason="session chosen")
    assert (event.actor, event.note) == ("Ada", f"{sessions[1].id}: the CSO told us by telephone")


def test_only_a_session_of_the_same_parties_is_chosen_for_what_is_not_decided(trade, cast):
    factories.make_agreement(cast.visited_cso.operator, cast.outsider.operator)
    other = Trade(
        trade.agreement, trade.visited_cso, cast.outsider.identifier, trade.platform, trade.evse
    )
    sdr, session = trade.sdr(), trade.session(OCTOBER_5 - 9 * HOUR, ended_at=OCTOBER_5 - 8 * HOUR)
    run()

    def no(sdr_id, session_id, reason="because"):
        with pytest.raises(RefusedError) as refused:
            choose_session(sdr_id, Choice(session_id, "Ada", reason), NOW)
        return refused.value.no

    assert no(sdr.id, other.session().id) is No.UNKNOWN_SESSION
    assert no(sdr.id, session.id, " ") is No.REASON_MISSING
    assert no(session.id, session.id) is No.UNKNOWN_SDR
    approve_sdr(sdr.id, Decision("Ada", "other"), NOW)
    assert no(sdr.id, session.id) is No.NOT_DECIDABLE


def test_two_sdrs_that_fit_one_session_are_not_both_paid(trade):
    trade.session()
    first = trade.sdr()
    run()
    second = trade.sdr(started_at=OCTOBER_5 + timedelta(seconds=1))
    third = trade.sdr(started_at=OCTOBER_5 + timedelta(seconds=2))
    run()
    assert standing_of(first).state == "rated"
    assert "DUP-02" in rules_of(second)
    assert "DUP-02" in rules_of(third)


def test_an_offline_start_that_has_a_session_needs_no_distributed_data(trade):
    session = trade.session(authorised="OFFLINE")
    sdr = trade.sdr(authorised="OFFLINE")
    run()
    assert outcome_of(sdr) == ("rated", "agreed", "identification", session.id)


def test_the_record_of_the_home_csp_is_found_and_agrees(trade):
    sdr = trade.sdr(trade.session())
    record = trade.own_record(energy_kwh=Decimal("20.1"))  # within half a per cent
    run()
    assert standing_of(sdr).csp_record_id == record.id
    assert rules_of(sdr) == []
    assert standing_of(sdr).state == "rated"


@pytest.mark.parametrize(
    ("fields", "rules", "at_stake"),
    [
        ({"energy_kwh": Decimal(19), "before_tax": Decimal("9.50")}, ["PRC-20", "QTY-20"], "0.50"),
        ({"ended_at": OCTOBER_5 + 2 * HOUR}, ["TIM-20"], "0"),
        ({"currency": "CHF"}, ["PRC-21"], "10"),
        ({"evse_key": "DEVISE002"}, ["QTY-21"], "10"),
        ({"token_hmac": b"o" * 32}, ["AUT-21"], "10"),
    ],
)
def test_where_it_differs_the_claim_deviates(trade, fields, rules, at_stake):
    session = trade.session()
    sdr = trade.sdr(session)
    trade.own_record(session, **fields)
    run()
    assert rules_of(sdr) == rules
    assert standing_of(sdr).outcome == "deviating"
    stakes = models.Finding.objects.filter(sdr=sdr).values_list("money_at_stake", flat=True)
    assert set(stakes) == {Decimal(at_stake)}


def test_several_records_are_a_warning_and_none_is_compared(trade):
    sdr = trade.sdr(trade.session())
    for kwh in (1, 2):
        trade.own_record(energy_kwh=Decimal(kwh), reference=f"O{kwh}")
    run()
    assert rules_of(sdr) == ["DAT-20"]
    found = models.Finding.objects.get(sdr=sdr)
    assert found.expected in ("one of O1, O2", "one of O2, O1")  # by key, of one moment
    assert standing_of(sdr).state == "rated"


def test_a_record_that_the_agreement_requires_is_missed_after_two_days_and_harms_no_claim(cast):
    announce(cast.visited_cso.identifier)
    agreement = factories.make_agreement(
        cast.visited_cso.operator, cast.outsider.operator, requires_csp_record=True
    )
    usual = Trade.of(cast)
    trade = Trade(
        agreement, usual.visited_cso, cast.outsider.identifier, usual.platform, usual.evse
    )
    sdr, never_asked = trade.sdr(trade.session()), usual.sdr(usual.session(OCTOBER_5 - 9 * HOUR))
    received = sdr.received_at
    run(received + 48 * HOUR, Scope.OPEN)
    assert rules_of(sdr) == []
    run(received + 48 * HOUR + timedelta(seconds=1), Scope.OPEN)
    assert rules_of(sdr) == ["DAT-21"]
    assert standing_of(sdr).state == "rated"
    assert rules_of(never_asked) == []

"""Who decides on an SDR, until when, and at which amount it is settled."""

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from roaming import models
from settlement.domain.refusals import No, RefusedError
from settlement.use_cases.sdr_decision import (
    Decision,
    Party,
    Silence,
    Wish,
    accept_undecided,
    approve_sdr,
    decide_many,
    decline_sdr,
)
from settlement.use_cases.sdr_reconciliation import Scope, reconcile
from tests import factories
from tests.settlement.sdrs import OCTOBER_5, Trade, announce, rules_of, standing_of, tariff_body

NOW = OCTOBER_5 + timedelta(hours=3)
LATER = OCTOBER_5 + timedelta(hours=2 + 72)
YES = Decision(by="Home CSP", reason="checked", by_home_csp=True)
NO = Decision(by="Home CSP", reason="FRD", note="card was stolen", by_home_csp=True)
STAFF = Decision(by="alice", reason="OTH", note="agreed by telephone")


@pytest.fixture
def trade(cast):
    announce(cast.visited_cso.identifier)
    return Trade.of(cast)


@pytest.fixture
def rated(trade):
    sdr = trade.sdr(trade.session())
    reconcile("live", NOW)
    return sdr


def test_silence_accepts_at_the_claim_once_the_window_has_passed(rated):
    assert accept_undecided(LATER - timedelta(seconds=1)) == Silence(0, 0)
    assert accept_undecided(LATER) == Silence(1, 0)
    standing = standing_of(rated)
    assert (standing.state, standing.settled_amount, standing.basis) == (
        "accepted", Decimal("10.00"), "claim"
    )  # fmt: skip
    event = rated.events.get(to_state="accepted")
    assert (event.from_state, event.reason, event.at) == ("rated", "silence", LATER)
    assert accept_undecided(LATER) == Silence(0, 0)


def test_silence_declines_where_the_agreement_says_so(cast):
    announce(cast.visited_cso.identifier)
    strict = factories.make_agreement(
        cast.visited_cso.operator, cast.outsider.operator, silence="declines"
    )
    trade = Trade(
        strict, cast.visited_cso.identifier, cast.outsider.identifier,
        cast.visited_cso.platform, cast.evse,
    )  # fmt: skip
    sdr = trade.sdr(trade.session())
    reconcile("live", NOW)
    assert accept_undecided(LATER) == Silence(0, 1)
    assert (standing_of(sdr).state, standing_of(sdr).settled_amount) == ("disputed", None)


def test_silence_decides_in_batches(trade):
    for n in range(5):
        trade.sdr(trade.session(OCTOBER_5 - timedelta(hours=2 * n)))
    reconcile("live", NOW)
    assert accept_undecided(LATER, batch_size=2) == Silence(5, 0)


def test_an_unrounded_claim_is_settled_at_the_currencys_digits_as_the_agreement_rounds(trade):
    sdr = trade.sdr(trade.session(), claim="10.004")
    reconcile("live", NOW)
    accept_undecided(LATER)
    assert str(standing_of(sdr).settled_amount) == "10.00"


def test_silence_does_not_accept_what_deviates(trade):
    sdr = trade.sdr(trade.session(), claim="12")
    reconcile("live", NOW)
    assert accept_undecided(LATER) == Silence(0, 0)
    assert standing_of(sdr).state == "deviating"


def test_the_home_csp_approves_a_deviating_sdr_at_the_claim(trade):
    sdr = trade.sdr(trade.session(), claim="12.345")
    reconcile("live", NOW)
    approve_sdr(sdr.id, YES, LATER)
    standing = standing_of(sdr)
    assert (standing.state, standing.settled_amount, standing.basis) == (
        "accepted", Decimal("12.35"), "claim"
    )  # fmt: skip
    event = sdr.events.get(to_state="accepted")
    assert (event.actor, event.reason, event.from_state) == ("Home CSP", "checked", "deviating")


def test_the_home_csp_declines_inside_its_window_and_the_reason_is_kept(rated):
    decline_sdr(rated.id, NO, LATER)
    assert standing_of(rated).state == "disputed"
    event = rated.events.get(to_state="disputed")
    assert (event.reason, event.note) == ("FRD", "card was stolen")
    assert accept_undecided(LATER) == Silence(0, 0)


def test_the_home_csp_declines_no_more_after_its_window(rated):
    with pytest.raises(RefusedError) as refused:
        decline_sdr(rated.id, NO, LATER + timedelta(seconds=1))
    assert refused.value.no is No.WINDOW_OVER
    decline_sdr(rated.id, STAFF, LATER + timedelta(seconds=1))  # staff may, until it is settled


def test_what_was_accepted_is_declined_by_staff_only(rated):
    accept_undecided(LATER)
    with pytest.raises(RefusedError) as refused:
        decline_sdr(rated.id, NO, LATER)
    assert refused.value.no is No.WINDOW_OVER
    decline_sdr(rated.id, STAFF, LATER)
    assert (standing_of(rated).state, standing_of(rated).basis) == ("disputed", "")


def test_a_dispute_ends_when_the_sdr_is_approved_after_all(rated):
    decline_sdr(rated.id, NO, NOW)
    approve_sdr(rated.id, YES, LATER)
    assert standing_of(rated).state == "accepted"


@pytest.mark.parametrize("state", ["rejected", "settled", "credited", "validated", "paid"])
def test_what_is_not_open_is_not_decided_on(trade, state):
    sdr = trade.sdr(trade.session(), state=state)
    for decide in (approve_sdr, decline_sdr):
        with pytest.raises(RefusedError) as refused:
            decide(sdr.id, STAFF, NOW)
        assert refused.value.no is No.NOT_DECIDABLE


def test_a_decision_needs_a_reason_and_an_sdr(rated):
    for sdr_id, decision, no in (
        (rated.id, Decision("alice", " "), No.REASON_MISSING),
        (uuid.uuid4(), STAFF, No.UNKNOWN_SDR),
    ):
        with pytest.raises(RefusedError) as refused:
            approve_sdr(sdr_id, decision, NOW)
        assert refused.value.no is no


@pytest.mark.parametrize(
    ("reason", "note"), [("", "wrong"), ("price", ""), ("OTH", " "), ("XYZ", "wrong")]
)
def test_a_decline_needs_a_reason_of_the_catalogue_and_other_says_which(rated, reason, note):
    with pytest.raises(RefusedError) as refused:
        decline_sdr(rated.id, Decision("Home CSP", reason, note, by_home_csp=True), NOW)
    assert refused.value.no is No.REASON_MISSING
    assert standing_of(rated).state == "rated"


@pytest.mark.parametrize("amount", ["-0.01", "10.01", "1.005", "NaN"])
def test_what_is_undisputed_is_an_amount_that_can_be_paid_within_the_claim(rated, amount):
    with pytest.raises(RefusedError) as refused:
        decline_sdr(rated.id, Decision("Home CSP", "PRC", undisputed=Decimal(amount)), NOW)
    assert refused.value.no is No.AMOUNT_NOT_POSSIBLE


def test_the_home_csp_approves_what_was_rated_only_inside_its_window(rated):
    with pytest.raises(RefusedError) as refused:
        approve_sdr(rated.id, YES, LATER + timedelta(seconds=1))
    assert refused.value.no is No.WINDOW_OVER
    approve_sdr(rated.id, YES, LATER)
    assert standing_of(rated).state == "accepted"


def test_of_many_decisions_each_is_taken_or_refused_by_itself(trade, cast):
    sdrs = [trade.sdr(trade.session(OCTOBER_5 - timedelta(hours=2 * n))) for n in range(4)]
    settled = trade.sdr(trade.session(OCTOBER_5 - timedelta(days=1)), state="settled")
    reconcile("live", NOW)
    wishes = [
        Wish(sdrs[0].id, True, YES),
        Wish(sdrs[1].id, False, NO),
        Wish(settled.id, True, YES),
        Wish(sdrs[2].id, False, Decision("Home CSP", "?", by_home_csp=True)),
        Wish(sdrs[0].id, False, NO),
        Wish(uuid.uuid4(), True, YES),
    ]
    party = Party("live", frozenset({cast.home_csp.identifier.pk}))
    outcomes = decide_many(wishes, NOW, party)
    assert [outcome.refusal.no if outcome.refusal else "done" for outcome in outcomes] == [
        "done", "done", No.NOT_DECIDABLE, No.REASON_MISSING, No.NOT_DECIDABLE, No.UNKNOWN_SDR
    ]  # fmt: skip
    assert [standing_of(sdr).state for sdr in sdrs] == ["accepted", "disputed", "rated", "rated"]
    assert [sdr.events.filter(actor="Home CSP").count() for sdr in sdrs] == [1, 1, 0, 0]


def test_only_the_home_csp_decides_and_nobody_else_knows_the_sdr(rated, cast):
    cso = Party("live", frozenset({cast.visited_cso.identifier.pk}))
    outsider = Party("live", frozenset({cast.outsider.identifier.pk}))
    elsewhere = Party("test", frozenset({cast.home_csp.identifier.pk}))
    for party, no in (
        (cso, No.NOT_HOME_CSP), (outsider, No.UNKNOWN_SDR), (elsewhere, No.UNKNOWN_SDR)
    ):  # fmt: skip
        with pytest.raises(RefusedError) as refused:
            approve_sdr(rated.id, YES, NOW, party)
        assert refused.value.no is no


def test_ten_thousand_decisions_take_a_constant_number_of_statements(trade, cast):
    sdrs = [trade.sdr(trade.session(OCTOBER_5 - timedelta(hours=2 * n))) for n in range(6)]
    reconcile("live", NOW)
    party = Party("live", frozenset({cast.home_csp.identifier.pk}))
    counts = []
    for chosen in (sdrs[:1], sdrs[1:]):
        with CaptureQueriesContext(connection) as queries:
            decide_many([Wish(sdr.id, True, YES) for sdr in chosen], NOW, party)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_nothing_is_settled_without_an_agreement_or_in_another_currency(trade, cast):
    announce(cast.visited_cso.identifier, "CHF", body=tariff_body("CHF", "0.50", "CHF"))
    francs = trade.sdr(trade.session(), currency="CHF", tariff_id="CHF")
    alone = trade.sdr(trade.session(OCTOBER_5 - timedelta(hours=3)), agreement=None)
    reconcile("live", NOW)
    for sdr, no in ((francs, No.OTHER_CURRENCY), (alone, No.NO_AGREEMENT)):
        with pytest.raises(RefusedError) as refused:
            approve_sdr(sdr.id, STAFF, NOW)
        assert refused.value.no is no


def test_a_credit_takes_an_unsettled_sdr_out_and_counts_nothing(rated, trade):
    credit = trade.credit_of(rated)
    result = reconcile("live", NOW)
    assert result.credits == 1
    assert (standing_of(rated).state, standing_of(rated).settled_amount) == ("credited", None)
    standing = standing_of(credit)
    assert (standing.state, standing.basis, standing.settled_amount) == ("accepted", "credit", 0)
    assert rated.events.get(to_state="credited").note == f"by credit {credit.reference}"


def test_a_credit_of_a_settled_sdr_counts_in_full_and_both_stand(trade):
    settled = trade.accepted(session=trade.session(), claim="10")
    models.SdrState.objects.filter(sdr=settled).update(state="settled")
    credit = trade.credit_of(settled)
    reconcile("live", NOW)
    assert standing_of(settled).state == "settled"
    assert standing_of(credit).settled_amount == Decimal("-10")
    again = trade.credit_of(settled)
    reconcile("live", NOW)
    assert (standing_of(again).state, rules_of(again)) == ("deviating", ["DUP-04"])


def test_a_credit_and_its_sdr_in_one_batch_take_each_other_out(trade):
    sdr = trade.sdr(trade.session())
    credit = trade.credit_of(sdr)
    reconcile("live", NOW)
    assert (standing_of(sdr).state, standing_of(credit).state) == ("credited", "accepted")


def test_a_credit_that_waited_for_its_sdr_is_taken_when_everything_is_judged_again(trade):
    credit = trade.sdr(claim="-10", credit=True, credit_reference="SDR-later")
    reconcile("live", NOW)
    assert (standing_of(credit).state, rules_of(credit)) == ("deviating", ["DUP-03"])
    sdr = trade.sdr(trade.session(), reference="SDR-later")
    reconcile("live", NOW, scope=Scope.OPEN)
    assert (standing_of(sdr).state, standing_of(credit).state) == ("credited", "accepted")
    assert rules_of(credit) == []


def test_a_correction_is_a_credit_and_a_new_sdr_for_the_same_session(trade):
    session = trade.session()
    wrong = trade.sdr(session, claim="12")
    right = trade.sdr(session)
    reconcile("live", NOW)
    assert (rules_of(wrong), rules_of(right)) == (["PRC-01"], ["DUP-02"])
    trade.credit_of(wrong)
    reconcile("live", NOW + timedelta(minutes=1))
    assert (standing_of(wrong).state, standing_of(right).state) == ("credited", "rated")
    assert rules_of(right) == []


def test_a_credit_that_deviates_is_never_approved(trade):
    credit = trade.sdr(claim="-10", credit=True, credit_reference="unknown")
    reconcile("live", NOW)
    with pytest.raises(RefusedError, match="send a right one"):
        approve_sdr(credit.id, STAFF, NOW)


def test_a_credit_whose_sdr_is_held_by_a_close_waits_for_the_next_run(committed_db):
    import psycopg

    from tests.cast import make_cast

    cast = make_cast()
    announce(cast.visited_cso.identifier)
    trade = Trade.of(cast)
    sdr = trade.accepted(session=trade.session(), claim="10")
    credit = trade.credit_of(sdr)
    parameters = connection.get_connection_params()
    plain = {k: parameters[k] for k in ("dbname", "user", "host", "port") if parameters.get(k)}
    with psycopg.connect(**plain) as other:
        other.execute("SELECT FROM roaming_sdrstate WHERE sdr_id = %s FOR UPDATE", [sdr.id])
        reconcile("live", NOW)
        assert standing_of(credit).state == "validated"
    reconcile("live", NOW)
    assert (standing_of(credit).state, standing_of(sdr).state) == ("accepted", "credited")

"""What disputes do to the money: credits, the period that takes a ruling up, what was settled."""

from decimal import Decimal

import pytest

from roaming import models
from settlement.domain.disputes import Step
from settlement.domain.refusals import No, RefusedError
from settlement.models import Dispute, OutgoingMail
from settlement.models.ruling_adjustments import reference_of
from settlement.use_cases.dispute import (
    Contest,
    Saying,
    expire_due,
    open_dispute,
    take_dispute_step,
)
from settlement.use_cases.sdr_decision import (
    Decision,
    Wish,
    decide_many,
)
from settlement.use_cases.sdr_reconciliation import reconcile
from tests.settlement.closing import Closing
from tests.settlement.disputing import (
    CSO,
    CSP,
    DAY,
    HOUR,
    HOUSE,
    NOW,
    disputed,
    explained,
    sdr_of,
)
from tests.settlement.sdrs import Trade, announce, rules_of, standing_of


@pytest.fixture
def trade(cast):
    announce(cast.visited_cso.identifier)
    return Trade.of(cast)


@pytest.fixture
def dispute(trade):
    return disputed(trade)


def step(dispute, what, actor, now=NOW, amount=None, text=""):
    said = Saying(None if amount is None else Decimal(amount), text)
    return take_dispute_step(dispute.pk, what, actor, now, said)


def refused(call, *args, **kwargs):
    with pytest.raises(RefusedError) as refusal:
        call(*args, **kwargs)
    return refusal.value.no


def test_a_credit_ends_the_dispute_for_the_csp(trade, dispute):
    credit = trade.credit_of(dispute.sdr)
    reconcile("live", NOW)
    dispute.refresh_from_db()
    assert (dispute.state, dispute.result, dispute.amount) == ("resolved", "credited", 0)
    assert (sdr_of(dispute).state, standing_of(credit).settled_amount) == ("credited", 0)
    assert dispute.events.last().text == f"by credit {credit.reference}"
    assert explained(dispute)
    assert "credited" in OutgoingMail.objects.first().text


def test_a_credit_that_is_not_exact_leaves_the_dispute_alone(trade, dispute):
    trade.sdr(claim="-1.00", credit=True, credit_reference=dispute.sdr.reference)
    reconcile("live", NOW)
    dispute.refresh_from_db()
    assert dispute.state == "respondent"


def test_a_credit_of_what_was_objected_to_counts_nothing(trade):
    """It stood on the preliminary statement, but the objection carved it out."""
    closing = Closing.of(trade)
    sdr = trade.accepted(session=trade.session(), claim="10")
    closing.publish()
    objection = Decision("Home CSP", "AUT", by_home_csp=True)
    decide_many([Wish(sdr.id, False, objection)], closing.closes_at + HOUR)
    assert Dispute.objects.get(sdr=sdr).origin == "objection"
    credit = trade.credit_of(sdr)
    reconcile("live", closing.closes_at + 2 * HOUR)
    assert (standing_of(sdr).state, standing_of(credit).settled_amount) == ("credited", 0)
    closing.finalise()
    [statement] = [s for s in closing.statements() if s.status == "final"]
    assert (statement.payable, statement.open_count) == (0, 0)


def test_a_ruling_falls_into_the_next_period_that_closes(trade, dispute):
    october = Closing.of(trade)
    october.finalise()
    assert october.statements()[0].open_amount == Decimal("14.40")
    after = october.closes_at + 3 * DAY
    step(dispute, Step.CONCEDE, CSO, after)
    november = october.following()
    november.finalise()
    [line] = november.lines()
    assert (line.sdr_id, line.kind, line.amount) == (dispute.sdr_id, "adjustment", Decimal("12.00"))


def test_in_its_own_period_a_ruling_is_a_line_of_its_own_kind(trade, dispute):
    step(dispute, Step.CONCEDE, CSO)
    october = Closing.of(trade)
    october.finalise()
    [line] = october.lines()
    assert (line.kind, line.amount, line.energy_kwh) == ("ruling", Decimal("12.00"), 24)


def test_after_settlement_a_ruling_is_a_credit_in_the_next_period(trade):
    settled = trade.accepted(session=trade.session(), claim="10.00")
    october = Closing.of(trade)
    october.finalise()
    after = october.closes_at + 3 * DAY
    dispute = open_dispute(settled.id, Contest("PRC", "", Decimal("4.00")), "alice", after)
    assert standing_of(settled).state == "settled"
    step(dispute, Step.MAINTAIN, CSO, after, text="as metered")
    step(dispute, Step.INSIST, CSP, after)
    step(dispute, Step.RULE_PARTLY, HOUSE, after, "7.00", "the tariff changed at noon")
    november = october.following()
    november.finalise()
    [line] = november.lines()
    assert (line.kind, line.amount, line.energy_kwh) == ("adjustment", Decimal("-3.00"), 0)
    assert line.sdr.reference == reference_of(dispute)
    assert (standing_of(settled).state, standing_of(settled).settled_amount) == ("settled", 10)
    assert not october.draft().changed  # the final period still says what was settled
    again = trade.credit_of(settled)
    reconcile("live", after)
    assert rules_of(again) == ["DUP-04"]  # nothing is credited twice
    contest = Contest("FRD")
    assert refused(open_dispute, settled.id, contest, "alice", after) is No.NOT_DECIDABLE


@pytest.mark.parametrize("end", [Step.DISMISS, Step.UPHOLD])
def test_after_settlement_what_is_dismissed_changes_nothing(trade, end):
    settled = trade.accepted(session=trade.session(), claim="10.00")
    october = Closing.of(trade)
    october.finalise()
    dispute = open_dispute(settled.id, Contest("FRD"), "alice", NOW)
    step(dispute, Step.MAINTAIN, CSO, text="as metered")
    step(dispute, Step.INSIST, CSP)
    step(dispute, end, HOUSE, text="so it is")
    credits = models.Sdr.objects.filter(credit=True).values_list("claim_before_tax", flat=True)
    assert list(credits) == ([] if end is Step.DISMISS else [Decimal("-10.00")])


def test_what_no_agreement_covers_is_settled_at_nothing_or_not_at_all(trade):
    sdr = trade.sdr(trade.session(), kwh="24", claim="14.40", agreement=None)
    reconcile("live", NOW)
    decide_many([Wish(sdr.id, False, Decision("Home CSP", "AGR", by_home_csp=True))], NOW)
    dispute = Dispute.objects.get(sdr=sdr)
    step(dispute, Step.MAINTAIN, CSO, text="it was agreed by telephone")
    expire_due(NOW + 5 * DAY)  # a withdrawal would settle the claim, which nothing covers
    dispute.refresh_from_db()
    assert dispute.state == "review"
    assert refused(step, dispute, Step.DISMISS, HOUSE, text="x") is No.NO_AGREEMENT
    step(dispute, Step.UPHOLD, HOUSE, text="there is no agreement")
    assert sdr_of(dispute).settled_amount == 0

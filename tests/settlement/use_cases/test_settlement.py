"""A period's way from open to final: windows, people, late SDRs, and doing it again (6.4.3)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from roaming import models
from settlement.domain.refusals import No, RefusedError
from settlement.models import (
    FeeCharge,
    LedgerEntry,
    NetPayment,
    NetPosition,
    Posting,
    SettlementPeriod,
    Statement,
    StatementLine,
)
from settlement.use_cases.books import explain_account, explain_posting, trial_balance
from settlement.use_cases.sdr_decision import Decision, decline_sdr
from settlement.use_cases.sdr_reconciliation import reconcile
from settlement.use_cases.settlement import (
    draft_period,
    finalise_period,
    open_due_periods,
    open_period,
    periods_waiting,
    publish_preliminary,
)
from tests import factories
from tests.settlement.closing import Closing, fee
from tests.settlement.sdrs import OCTOBER_5, Trade, announce, standing_of

HOURS = timedelta(hours=1)


@pytest.fixture
def closing(cast):
    announce(cast.visited_cso.identifier)
    return Closing.of(Trade.of(cast))


@pytest.fixture
def trade(closing):
    return closing.trade


def refused(step, *arguments):
    with pytest.raises(RefusedError) as error:
        step(*arguments)
    return error.value.no


def books():
    """All that a close leaves behind, without the keys that a second attempt would count up."""
    return {
        "statements": sorted(
            Statement.objects.values_list("status", "version", "content_hash", "payable")
        ),
        "lines": sorted(StatementLine.objects.values_list("sdr_id", "kind", "amount")),
        "postings": sorted(
            Posting.objects.values_list(
                "account__operator__name", "account__kind", "currency", "amount", "entry__kind"
            )
        ),
        "positions": sorted(NetPosition.objects.values_list("operator__name", "net")),
        "payments": sorted(NetPayment.objects.values_list("payer__name", "payee__name", "amount")),
        "fees": sorted(FeeCharge.objects.values_list("operator__name", "amount")),
        "standing": sorted(
            models.SdrState.objects.values_list("sdr_id", "state", "settlement_period_id")
        ),
        "events": sorted(models.SdrEvent.objects.values_list("sdr_id", "to_state", "at")),
    }


def test_a_period_is_opened_once_and_holds_local_days(closing):
    during = closing.period.during
    assert (during.lower, during.upper) == (
        datetime(2026, 9, 30, 22, tzinfo=UTC), datetime(2026, 10, 31, 23, tzinfo=UTC)
    )  # fmt: skip
    again = open_period("live", closing.period.calendar, during.upper - timedelta(microseconds=1))
    assert again == closing.period
    assert (again.label, again.status) == ("2026-10", "open")


def test_periods_are_opened_for_the_running_month_and_for_sdrs_that_have_none(trade):
    trade.accepted(session=trade.session(datetime(2026, 8, 31, 21, tzinfo=UTC)), claim="1")
    open_due_periods(datetime(2026, 11, 2, tzinfo=UTC))
    labels = SettlementPeriod.objects.order_by("label").values_list("label", flat=True)
    assert list(labels) == ["2026-09", "2026-10", "2026-11"]  # 22:00 UTC is September in Berlin
    assert open_due_periods(datetime(2026, 11, 2, tzinfo=UTC))
    assert SettlementPeriod.objects.count() == 3


def test_a_period_is_not_drafted_before_its_cut_off(closing):
    early = closing.closes_at - timedelta(seconds=1)
    assert refused(draft_period, closing.period.pk, early) is No.PERIOD_NOT_OVER
    assert closing.draft().changed


def test_the_draft_holds_the_accepted_sdrs_by_session_end_in_the_calendars_zone(closing, trade):
    end = closing.period.during.upper
    inside = trade.accepted(
        started_at=end - 2 * HOURS, ended_at=end - timedelta(microseconds=1), claim="7"
    )
    trade.accepted(started_at=end - HOURS, ended_at=end, claim="9")  # November
    begin = closing.period.during.lower
    first = trade.accepted(started_at=begin - HOURS, ended_at=begin, claim="5")
    trade.sdr(trade.session(), claim="3", state="deviating")
    trade.sdr(trade.session(), claim="4", state="disputed")
    trade.sdr(trade.session(), claim="99", state="rejected")
    closing.draft()
    [statement] = closing.statements()
    assert {line.sdr_id for line in closing.lines()} == {inside.id, first.id}
    assert (statement.sdr_count, statement.payable, statement.energy_kwh) == (2, 12, 40)
    assert (statement.open_count, statement.open_amount) == (2, 7)
    assert (statement.visited_cso, statement.home_csp) == (
        trade.visited_cso.operator, trade.home_csp.operator
    )  # fmt: skip


def test_a_pair_of_which_everything_is_open_has_a_statement_that_says_so(closing, trade):
    trade.sdr(trade.session(), claim="3", state="deviating")
    closing.finalise()
    [statement] = closing.statements()
    assert (statement.sdr_count, statement.payable, statement.open_amount) == (0, 0, 3)
    assert not LedgerEntry.objects.exists()


def test_drafting_again_with_nothing_new_changes_nothing(closing, trade):
    trade.accepted(session=trade.session(), claim="10")
    assert closing.draft().changed
    before = (books(), closing.period.version)
    assert not closing.draft().changed
    assert (books(), closing.period.version) == before


def test_drafting_again_with_something_new_replaces_the_draft(closing, trade):
    trade.accepted(session=trade.session(), claim="10")
    closing.draft()
    trade.accepted(session=trade.session(), claim="4")
    assert closing.draft().changed
    [statement] = Statement.objects.all()
    assert (statement.version, statement.payable) == (2, 14)


def test_a_draft_is_replaced_when_only_what_is_open_changed(closing, trade):
    trade.accepted(session=trade.session(), claim="10")
    closing.draft()
    trade.sdr(trade.session(), claim="3", state="deviating")
    assert closing.draft().changed
    assert closing.statements()[0].open_amount == 3


def test_publishing_needs_a_draft_that_still_holds(closing, trade):
    period, proposer = closing.period.pk, closing.proposer
    assert refused(publish_preliminary, period, proposer, closing.closes_at) is No.NOT_DRAFT
    sdr = trade.accepted(session=trade.session(), claim="10")
    closing.draft()
    decline_sdr(sdr.id, Decision("alice", "FRD"), closing.closes_at)
    assert refused(publish_preliminary, period, proposer, closing.closes_at) is No.INPUT_CHANGED
    closing.publish()
    [statement] = closing.statements()
    assert (statement.status, statement.payable, statement.open_amount) == ("preliminary", 0, 10)


def test_final_needs_a_second_person_after_the_objections(closing, trade):
    trade.accepted(session=trade.session(), claim="10")
    period = closing.period.pk
    late = closing.closes_at + 48 * HOURS
    assert refused(finalise_period, period, closing.finaliser, late) is No.NOT_PRELIMINARY
    closing.publish()
    assert refused(finalise_period, period, closing.proposer, late) is No.SAME_PERSON
    early = late - timedelta(seconds=1)
    assert refused(finalise_period, period, closing.finaliser, early) is No.OBJECTIONS_RUN
    assert finalise_period(period, closing.finaliser, late).changed


def test_the_home_csp_objects_inside_the_window_and_the_line_is_carved_out(closing, trade):
    kept = trade.accepted(session=trade.session(), claim="10")
    disputed = trade.accepted(session=trade.session(), claim="4")
    closing.publish()
    objection = Decision("Home CSP", "PRC", by_home_csp=True)
    too_late = closing.closes_at + 49 * HOURS
    assert refused(decline_sdr, disputed.id, objection, too_late) is No.WINDOW_OVER
    decline_sdr(disputed.id, objection, closing.closes_at + HOURS)
    final = (closing.period.pk, closing.finaliser, closing.closes_at + 48 * HOURS)
    assert refused(finalise_period, *final) is No.INPUT_CHANGED
    assert standing_of(kept).state == "accepted"  # the refused attempt left nothing
    closing.finalise()
    statements = Statement.objects.order_by("version").values_list("status", "payable")
    assert list(statements) == [("superseded", 14), ("final", 10)]
    assert [standing_of(s).state for s in (kept, disputed)] == ["settled", "disputed"]


def test_a_final_period_is_booked_balanced_and_every_sdr_is_settled(closing, trade):
    sdr = trade.accepted(session=trade.session(), claim="10.00")
    fee("CSO", "0.10")
    fee("CSP", "0.05")
    closing.finalise()
    standing = standing_of(sdr)
    assert (standing.state, standing.settlement_period_id) == ("settled", closing.period.pk)
    event = sdr.events.get(to_state="settled")
    assert (event.from_state, event.actor) == ("accepted", closing.finaliser.get_username())
    balance = trial_balance("live")
    assert balance.balanced
    assert {(a.operator, a.kind, a.balance) for a in balance.accounts} == {
        ("Home CSP", "memo_receivable", Decimal("10.00")),
        ("Visited CSO", "memo_payable", Decimal("-10.00")),
        ("Visited CSO", "receivable", Decimal("0.10")),
        ("Home CSP", "receivable", Decimal("0.05")),
        ("Clearing House", "fee_income", Decimal("-0.15")),
    }
    nets = dict(NetPosition.objects.values_list("operator__name", "net"))
    assert nets == {
        "Home CSP": Decimal("-10.05"),
        "Visited CSO": Decimal("9.90"),
        "Clearing House": Decimal("0.15"),
    }
    paid = NetPayment.objects.values_list("payer__name", "payee__name", "mode", "amount")
    assert set(paid) == {
        ("Home CSP", "Visited CSO", "direct", Decimal("10.00")),
        ("Visited CSO", "Clearing House", "fee", Decimal("0.10")),
        ("Home CSP", "Clearing House", "fee", Decimal("0.05")),
    }
    assert {e.effective_on.isoformat() for e in LedgerEntry.objects.all()} == {"2026-10-31"}


def test_closing_a_final_period_again_changes_nothing(closing, trade):
    trade.accepted(session=trade.session(), claim="10")
    closing.finalise()
    before = books()
    assert not closing.draft().changed
    assert not closing.publish().changed
    assert not closing.finalise().changed
    assert books() == before


def test_a_final_period_whose_sdrs_say_something_else_now_is_refused(closing, trade):
    sdr = trade.accepted(session=trade.session(), claim="10")
    closing.finalise()
    models.SdrState.objects.filter(sdr=sdr).update(settled_amount=11)
    final = (closing.period.pk, closing.closes_at)
    assert refused(draft_period, *final) is No.PERIOD_FINAL
    assert refused(finalise_period, final[0], closing.finaliser, final[1]) is No.PERIOD_FINAL


def test_statements_that_are_not_what_was_published_are_not_finalised(closing, trade):
    trade.accepted(session=trade.session(), claim="10")
    closing.publish()
    StatementLine.objects.update(kind="ruling")
    late = closing.closes_at + 48 * HOURS
    assert refused(finalise_period, closing.period.pk, closing.finaliser, late) is No.INPUT_CHANGED


def test_a_fee_of_one_operator_replaces_the_general_one_and_credits_are_free(closing, trade):
    first = trade.accepted(session=trade.session(), claim="10")
    trade.accepted(session=trade.session(), claim="5")
    trade.accepted(session=trade.session(), claim="0")
    trade.credit_of(first)
    fee("CSO", "0.10")
    fee("CSO", "0.035", operator=trade.visited_cso.operator)
    reconcile("live", OCTOBER_5 + 9 * HOURS)
    closing.draft()
    [charge] = FeeCharge.objects.all()
    assert (charge.sdr_count, charge.unit_amount, charge.amount) == (
        2, Decimal("0.035"), Decimal("0.07")
    )  # fmt: skip


def test_fees_without_a_clearing_house_are_refused_and_leave_nothing(closing, trade):
    sdr = trade.accepted(session=trade.session(), claim="10")
    fee("CSO", "0.10")
    models.Operator.objects.filter(is_clearing_house=True).update(is_clearing_house=False)
    closing.publish()
    late = closing.closes_at + 48 * HOURS
    assert (
        refused(finalise_period, closing.period.pk, closing.finaliser, late) is No.NO_CLEARING_HOUSE
    )
    assert standing_of(sdr).state == "accepted"


def test_agent_mode_books_real_accounts_and_no_memo(cast):
    announce(cast.visited_cso.identifier)
    agent = factories.make_agreement(
        cast.visited_cso.operator, cast.outsider.operator, collection_mode="agent"
    )
    trade = Trade(
        agent, cast.visited_cso.identifier, cast.outsider.identifier,
        cast.visited_cso.platform, cast.evse,
    )  # fmt: skip
    trade.accepted(session=trade.session(), claim="10")
    Closing.of(trade).finalise()
    kinds = {(a.operator, a.kind) for a in trial_balance("live").accounts}
    assert kinds == {("Outsider", "receivable"), ("Visited CSO", "payable")}
    assert NetPayment.objects.get().mode == "agent"


def test_a_balance_leads_to_its_sdrs(closing, trade):
    sdrs = [trade.accepted(session=trade.session(), claim=c) for c in ("10", "2.50")]
    fee("CSO", "0.10")
    closing.finalise()
    accounts = {(a.operator, a.kind): a for a in trial_balance("live").accounts}
    [line] = explain_account(accounts["Home CSP", "memo_receivable"].account_id)
    assert (line.amount, line.balance, line.kind) == (Decimal("12.50"),) * 2 + ("statement",)
    behind = explain_posting(line.posting_id)
    assert {b.sdr_id for b in behind} == {s.id for s in sdrs}
    assert sum(b.amount for b in behind) == line.amount
    [fees] = explain_account(accounts["Visited CSO", "receivable"].account_id)
    assert {b.sdr_id for b in explain_posting(fees.posting_id)} == {s.id for s in sdrs}


def test_test_data_never_meets_live_money(closing, trade, cast):
    trade.accepted(session=trade.session(), claim="10")
    closing.finalise()
    assert trial_balance("test").accounts == []
    in_test = open_period("test", closing.period.calendar, OCTOBER_5)
    draft_period(in_test.pk, closing.closes_at)
    assert not Statement.objects.filter(period=in_test).exists()


def test_periods_whose_next_step_is_due_are_told(closing):
    assert periods_waiting(closing.closes_at - HOURS) == []
    assert periods_waiting(closing.closes_at) == [closing.period]
    closing.publish()
    assert periods_waiting(closing.closes_at + 47 * HOURS) == []
    assert periods_waiting(closing.closes_at + 48 * HOURS) == [closing.period]
    closing.finalise()
    assert periods_waiting(closing.closes_at + 99 * HOURS) == []

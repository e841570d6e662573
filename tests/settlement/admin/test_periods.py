"""Periods go step by step to final, by two people, and every amount leads to its SDRs."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.urls import reverse

from settlement.models import (
    FeeCharge,
    FeeRule,
    LedgerAccount,
    LedgerEntry,
    Posting,
    SettlementPeriod,
    Statement,
    StatementLine,
)
from tests.clearinghouse.admin.fixtures import errors_of, offered, page, take, text_of, told
from tests.clearinghouse.admin.world import NOVEMBER, business_time, member_with


@pytest.fixture
def november(clerk, world):
    """The period after the one that is final, with one SDR that was accepted by hand."""
    clerk.post(page(SettlementPeriod, "list_step", "open-due"))
    take(clerk, world.wrong_sdr, "approve", reason="claim_is_right")
    return SettlementPeriod.objects.get(label="2026-11")


def over(period):
    return period.during.upper + timedelta(hours=period.calendar.cut_off_hours)


def report(client, period, name):
    return client.get(reverse("admin:settlement_period_report", args=[period.pk, name]))


def lines_of(response):
    content = b"".join(response.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(content)))


def test_a_period_goes_its_way_with_two_people(clerk, colleague, world, november):
    assert "Possible from 2026-12-05" in offered(clerk.get(page(november, "change")))["draft"]
    business_time(over(november))
    assert "Draft 1 is made" in told(take(clerk, november, "draft"))
    assert "up to date" in told(take(clerk, november, "draft"))
    assert "Published" in told(take(clerk, november, "publish"))
    november.refresh_from_db()
    assert november.proposed_by == world.clerk
    shown = clerk.get(page(november, "change"))
    assert "another member of staff" in offered(shown)["final"]
    assert "may object until" in offered(colleague.get(page(november, "change")))["final"]
    business_time(november.objections_until)
    assert "another member of staff" in told(take(clerk, november, "final"))
    assert f"anyone but {world.clerk}" in text_of(clerk.get(page(SettlementPeriod, "changelist")))
    assert "is final" in told(take(colleague, november, "final"))
    november.refresh_from_db()
    assert (november.status, november.finalised_by) == ("final", world.colleague)
    assert offered(colleague.get(page(november, "change"))) == {}


def test_a_refusal_of_the_use_case_is_told(clerk, world, november):
    business_time(over(november))
    take(clerk, november, "draft")
    take(clerk, world.wrong_sdr, "decline", reason="PRC")
    assert "draft the period again" in told(take(clerk, november, "publish"))
    november.refresh_from_db()
    assert november.status == "draft"


def test_a_period_can_be_drafted_again_after_it_was_published(clerk, world, november):
    business_time(over(november))
    take(clerk, november, "draft")
    take(clerk, november, "publish")
    take(clerk, world.wrong_sdr, "decline", reason="PRC")
    assert "superseded" in text_of(clerk.get(page(november, "step", "draft")))
    assert "Draft 2 is made" in told(take(clerk, november, "draft"))


def test_closing_needs_its_permission(client, world):
    client.force_login(member_with("settlement.view_settlementperiod"))
    period = world.closing.period
    assert offered(client.get(page(period, "change"))) == {}
    assert client.post(page(period, "step", "draft")).status_code == 403
    assert client.post(page(SettlementPeriod, "list_step", "open-due")).status_code == 403


def test_the_page_of_a_final_period_shows_who_did_what_and_what_came_of_it(clerk, world):
    closing = world.closing
    text = text_of(clerk.get(page(closing.period, "change")))
    (statement,) = closing.statements()
    assert page(statement, "change") in text
    assert str(closing.proposer) in text
    assert str(closing.finaliser) in text
    assert "10.00 EUR" in text
    assert "0.10 EUR" in text
    assert "-9.90 EUR" not in text  # what it is owed less its fee is positive


def test_the_reports_of_a_period_are_downloaded(clerk, world):
    period = world.closing.period
    answer = report(clerk, period, "settlement-report")
    assert answer["Content-Type"] == "text/csv"
    assert "2026-10_" in answer["Content-Disposition"]
    (line,) = lines_of(answer)
    assert (line["SDR id"], line["Settled before tax"]) == (world.sdr.reference, "10.00")
    for name in ("statements", "discrepancies", "net-positions", "net-payments"):
        assert len(lines_of(report(clerk, period, name))) < 10
    linked = dict(clerk.get(page(period, "change")).context["page_links"])
    assert len(linked) == 5


def test_a_report_needs_the_right_to_see_the_period(client, world):
    client.force_login(member_with("roaming.view_sdr"))
    assert report(client, world.closing.period, "statements").status_code == 403


def test_there_is_no_report_of_another_name_or_period(clerk, world):
    assert report(clerk, world.closing.period, "nothing").status_code == 404
    url = reverse("admin:settlement_period_report", args=[0, "statements"])
    assert clerk.get(url).status_code == 404


def test_a_statement_leads_to_its_sdrs_and_to_the_books(clerk, world):
    (statement,) = world.closing.statements()
    text = text_of(clerk.get(page(statement, "change")))
    assert page(world.sdr, "change") in text
    assert page(LedgerEntry.objects.get(kind="statement"), "change") in text
    url = page(StatementLine, "changelist")
    shown = clerk.get(url, {"statement__id__exact": statement.pk})
    assert page(world.sdr, "change") in text_of(shown)
    assert Statement.objects.count() == 1


def test_every_balance_leads_to_the_sdrs_behind_it(clerk, world):
    balance = clerk.get(reverse("admin:settlement_trial_balance"))
    assert "Debits and credits are equal" in text_of(balance)
    account = LedgerAccount.objects.get(
        operator=world.cast.home_csp.operator, kind="memo_receivable"
    )
    assert page(account, "change") in text_of(balance)
    of_account = text_of(clerk.get(page(account, "change")))
    posting = Posting.objects.get(account=account)
    assert page(posting, "change") in of_account
    assert page(posting.entry, "change") in of_account
    assert page(world.sdr, "change") in text_of(clerk.get(page(posting, "change")))


def test_the_trial_balance_needs_the_right_to_see_accounts(client, world):
    client.force_login(member_with("settlement.view_posting"))
    assert client.get(reverse("admin:settlement_trial_balance")).status_code == 403


def rule(**fields):
    return {
        "name": "Standard",
        "amount": "0.05",
        "currency": "eur",
        "validity_0": "2026-12-01T00:00",
        "validity_1": "",
        "environment": "live",
        "payer_role": "CSP",
        "operator": "",
        **fields,
    }


def test_a_fee_rule_is_made_and_its_overlap_said_in_words(clerk, world):
    add = page(FeeRule, "add")
    assert clerk.post(add, rule()).status_code == 302
    made = FeeRule.objects.get(name="Standard")
    assert (made.currency, str(made.amount)) == ("EUR", "0.05")
    again = clerk.post(add, rule(name="Another"))
    assert "End it first" in str(errors_of(again)["__all__"])
    for fields, field in (
        ({"amount": "-1"}, "amount"),
        ({"currency": "€"}, "currency"),
        ({"validity_0": "", "validity_1": "2027-01-01T00:00"}, "validity"),
    ):
        assert field in errors_of(clerk.post(add, rule(**fields)))


def test_a_fee_that_was_charged_can_only_be_ended(clerk, world):
    charged = FeeCharge.objects.get().rule
    shown = clerk.get(page(charged, "change"))
    assert "only its validity can change" in text_of(shown)
    ended = rule(validity_0="2026-01-01T00:00", validity_1="2027-01-01T00:00", amount="9")
    assert clerk.post(page(charged, "change"), ended).status_code == 302
    charged.refresh_from_db()
    assert str(charged.amount) == "0.10"
    assert charged.validity.upper.year == 2027
    history = text_of(clerk.get(page(charged, "history")))
    assert world.clerk.username in history


def test_due_periods_are_opened_by_hand(clerk, world):
    answer = clerk.post(page(SettlementPeriod, "list_step", "open-due"), follow=True)
    assert "open now" in told(answer)
    opened = SettlementPeriod.objects.get(label="2026-11")
    assert opened.during.lower <= NOVEMBER < opened.during.upper
    assert "nobody before" in text_of(clerk.get(page(SettlementPeriod, "changelist")))

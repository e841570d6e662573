"""Work queues: what waits, since when, with how much money; lists, filters and bulk decisions."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from roaming import models
from roaming.staff_pages import long_lists
from settlement.models import ReconciliationRun, SdrAssignment
from settlement.models.work_queues import Queue, missing_figures, queue_figures
from settlement.use_cases.sdr_decision import Decision, decline_sdr
from settlement.use_cases.sdr_reconciliation import reconcile
from tests.clearinghouse.admin.fixtures import offered, page, take, text_of, told
from tests.clearinghouse.admin.world import NOVEMBER, member_with
from tests.settlement.sdrs import announce, standing_of

NOVEMBER_1 = NOVEMBER - timedelta(days=19)
QUEUES = reverse("admin:queues")
LIST = reverse("admin:roaming_sdr_changelist")


@pytest.fixture
def unmatched(world):
    """Claims 10.00 and has no session."""
    sdr = world.trade.sdr(claim="10.00", started_at=NOVEMBER - timedelta(days=2))
    reconcile("live", NOVEMBER)
    assert standing_of(sdr).state == "unmatched"
    return sdr


def rows_of(response):
    (panel,) = response.context["panels"]
    return {cell_text(row[0]): [cell_text(cell) for cell in row] for row in panel.rows}


def cell_text(cell):
    import re

    return re.sub(r"<[^>]+>", "", str(cell).replace("<br>", " + "))


def bulk(client, name, keys, query="?standing=deviating", **data):
    """Chooses rows of the list and takes the step; the page that follows."""
    chosen = {"action": name, "_selected_action": [str(key) for key in keys], **data}
    return client.post(LIST + query, chosen, follow=True)


def listed(client, query):
    return list(client.get(LIST + query).context["cl"].result_list)


def test_each_queue_says_how_many_how_old_how_much_and_leads_to_its_list(clerk, world, unmatched):
    shown = clerk.get(QUEUES)
    rows = rows_of(shown)
    assert rows["Deviating"][1:5] == ["1", "14 days", "1 overdue", "2.00 EUR"]
    assert rows["Unmatched"][1:5] == ["1", "1 day", "–", "10.00 EUR"]
    assert rows["Not ratable"][1:5] == ["0", "–", "–", "–"]
    assert rows["Overdue"][1:5] == ["1", "14 days", "–", "2.00 EUR"]
    for queue, sdrs in (("deviating", [world.wrong_sdr]), ("unmatched", [unmatched])):
        query = f"?standing={queue}&environment=live"
        assert f"{LIST}{query}".replace("&", "&amp;") in text_of(shown)
        assert listed(clerk, query) == sdrs
    assert listed(clerk, "?standing=overdue&environment=live") == [world.wrong_sdr]
    assert listed(clerk, "?standing=overdue&environment=test") == []


def test_test_data_and_live_money_never_add_up(clerk, world):
    rows = rows_of(clerk.get(QUEUES, {"environment": "test"}))
    assert {row[1] for row in rows.values()} == {"0"}
    assert rows_of(clerk.get(QUEUES, {"environment": "rubbish"}))["Deviating"][1] == "1"


def test_money_is_kept_apart_by_currency(world, unmatched):
    foreign = world.trade.sdr(claim="7.00", currency="CHF", state="unmatched")
    found = queue_figures("live", NOVEMBER)[Queue.UNMATCHED]
    assert foreign.currency == "CHF"
    assert found.money == {"EUR": Decimal("10.00"), "CHF": Decimal("7.00")}
    assert found.count == 2


def test_a_queue_longer_than_is_counted_says_so(world, unmatched):
    world.trade.sdr(claim="1.00", state="unmatched")
    found = queue_figures("live", NOVEMBER, cap=1)[Queue.UNMATCHED]
    assert (found.count, found.capped) == (1, True)
    assert not queue_figures("live", NOVEMBER, cap=2)[Queue.UNMATCHED].capped


def test_a_decision_window_that_passed_is_overdue(world):
    late = world.trade.sdr(
        claim="3.00", state="rated", standing={"decide_by": NOVEMBER - timedelta(hours=1)}
    )
    world.trade.sdr(
        claim="4.00", state="rated", standing={"decide_by": NOVEMBER + timedelta(hours=1)}
    )
    found = queue_figures("live", NOVEMBER)[Queue.OVERDUE]
    assert (found.count, found.money) == (2, {"EUR": Decimal("5.00")})
    assert late.currency == "EUR"


def test_sessions_whose_sdr_does_not_come_are_a_queue(clerk, world):
    opened = NOVEMBER - timedelta(days=10)
    session = world.trade.session(
        opened, completed_at=opened, cost_so_far=Decimal("6.50"), cost_currency="EUR"
    )
    found = missing_figures("live", NOVEMBER)
    assert (found.count, found.overdue, found.money) == (1, 1, {"EUR": Decimal("6.50")})
    shown = clerk.get(QUEUES)
    assert rows_of(shown)["Missing"][1:5] == ["1", "10 days", "1 overdue", "6.50 EUR"]
    address = reverse("admin:roaming_servicesession_changelist")
    query = "?stuck=sdr&environment__exact=live"
    assert (address + query).replace("&", "&amp;") in text_of(shown)
    assert list(clerk.get(address + query).context["cl"].result_list) == [session]


def test_the_page_takes_few_queries_and_its_permission(clerk, client, world):
    clerk.get(QUEUES)
    with CaptureQueriesContext(connection) as queries:
        clerk.get(QUEUES)
    assert len(queries) <= 10
    client.force_login(member_with("roaming.view_finding"))
    assert client.get(QUEUES).status_code == 403


def test_a_queue_s_list_is_the_oldest_first_with_its_rules_and_who_has_it(clerk, world):
    newer = world.trade.sdr(claim="1.00", started_at=NOVEMBER - timedelta(days=1))
    models.SdrState.objects.filter(sdr=newer).update(state="deviating")
    assert listed(clerk, "?standing=deviating") == [world.wrong_sdr, newer]
    assert listed(clerk, "")[0] == newer
    text = text_of(clerk.get(LIST + "?standing=deviating"))
    assert "PRC-01" in text
    assert "14 days" in text
    with CaptureQueriesContext(connection) as queries:
        clerk.get(LIST + "?standing=deviating")
    assert len(queries) <= 10, [query["sql"] for query in queries]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("&age=7", True),
        ("&age=30", False),
        ("&age=rubbish", True),
        ("&rule=PRC-01", True),
        ("&rule=DUP-02", False),
        ("&at_stake=2", True),
        ("&at_stake=2,00", True),
        ("&at_stake=2.01", False),
        ("&at_stake=rubbish", False),
        ("&at_stake=NaN", False),
        ("&environment=test", False),
        ("&with=nobody", True),
        ("&with=me", False),
        ("&with=rubbish", False),
    ],
)
def test_a_queue_is_narrowed_by_age_rule_money_and_person(clerk, world, query, found):
    assert listed(clerk, f"?standing=deviating{query}") == ([world.wrong_sdr] if found else [])


def test_many_are_approved_with_a_preview_a_reason_and_what_was_left(clerk, world, unmatched):
    foreign = world.trade.sdr(claim="3.00", currency="CHF", state="deviating")
    keys = [world.wrong_sdr.pk, foreign.pk]
    shown = bulk(clerk, "approve", keys)
    assert "3.00 CHF and 12.00 EUR" in text_of(shown)
    assert standing_of(world.wrong_sdr).state == "deviating"
    without = bulk(clerk, "approve", keys, confirmed="yes")
    assert "This field is required" in text_of(without)
    done = bulk(clerk, "approve", keys, confirmed="yes", reason="claim_is_right")
    assert "1 SDR accepted" in told(done)
    assert "The SDR is in CHF, the agreement in EUR." in told(done)
    assert standing_of(world.wrong_sdr).settled_amount == Decimal("12.00")
    assert standing_of(foreign).state == "deviating"
    entry = LogEntry.objects.get(object_id=str(world.wrong_sdr.pk))
    assert entry.get_change_message() == "Approve: claim_is_right"


def test_many_are_declined(clerk, world):
    done = bulk(clerk, "decline", [world.wrong_sdr.pk], confirmed="yes", reason="PRC")
    assert "1 SDR disputed" in told(done)
    assert standing_of(world.wrong_sdr).state == "disputed"


def test_all_that_fit_the_filters_are_chosen_on_request_and_nothing_else(clerk, world, unmatched):
    other = world.trade.sdr(claim="3.00", state="deviating")
    keys = [world.wrong_sdr.pk]
    shown = bulk(clerk, "approve", keys, everything="1", confirmed="yes", reason="claim_is_right")
    assert set(shown.context["keys"]) == {world.wrong_sdr.pk, other.pk}
    assert standing_of(other).state == "deviating"
    done = bulk(clerk, "approve", shown.context["keys"], confirmed="yes", reason="claim_is_right")
    assert "2 SDRs accepted" in told(done)
    assert standing_of(unmatched).state == "unmatched"


def test_chosen_rows_are_judged_again_and_no_others(clerk, world, unmatched):
    announce(world.cast.visited_cso.identifier, price="0.60", valid_from=NOVEMBER_1)
    done = bulk(clerk, "reconcile", [world.wrong_sdr.pk], confirmed="yes", reason="new tariff")
    assert "1 judged again, 1 of them with a new result" in told(done)
    assert standing_of(world.wrong_sdr).state == "rated"
    assert standing_of(world.wrong_sdr).money_at_stake is None
    run = ReconciliationRun.objects.latest("pk")
    assert (run.judged, run.started_by) == (1, world.clerk.username)
    again = bulk(clerk, "reconcile", [world.sdr.pk], query="", confirmed="yes", reason="because")
    assert "0 judged again" in told(again)
    assert "1 left alone" in told(again)


def test_work_is_handed_to_a_colleague_with_a_note(clerk, colleague, world, unmatched):
    keys, to = [world.wrong_sdr.pk, unmatched.pk], world.colleague
    done = bulk(
        clerk, "assign", keys, "?with=nobody", confirmed="yes", colleague=to.pk, note="Please call"
    )
    assert f"2 assigned to {to}" in told(done)
    assert listed(clerk, "?with=nobody") == []
    assert listed(colleague, "?with=me") == [world.wrong_sdr, unmatched]
    assert listed(clerk, f"?with={to.pk}") == [world.wrong_sdr, unmatched]
    assert rows_of(colleague.get(QUEUES))["Assigned to you"][1:5] == [
        "2", "14 days", "1 overdue", "12.00 EUR",
    ]  # fmt: skip
    assert "Please call" in text_of(clerk.get(page(unmatched, "change")))
    take(clerk, unmatched, "assign", colleague=world.clerk.pk)
    assert SdrAssignment.objects.get(sdr=unmatched).assigned_to == world.clerk
    history = SdrAssignment.pgh_event_model.objects.filter(sdr=unmatched).order_by("pgh_id")
    assert [event.assigned_to for event in history] == [to, world.clerk]
    bulk(clerk, "approve", [unmatched.pk], "", confirmed="yes", reason="claim_is_right")
    assert rows_of(clerk.get(QUEUES))["Assigned to you"][1] == "0"


def test_work_is_handed_only_to_who_may_see_it_and_only_where_somebody_waits(clerk, world):
    blind = member_with("roaming.view_finding")
    answer = bulk(clerk, "assign", [world.wrong_sdr.pk], confirmed="yes", colleague=blind.pk)
    assert "may not see SDRs" in told(answer)
    answer = bulk(
        clerk, "assign", [world.sdr.pk], "", confirmed="yes", colleague=world.colleague.pk
    )
    assert "None of these SDRs waits" in told(answer)
    assert not SdrAssignment.objects.exists()
    assert "assign" not in offered(clerk.get(page(world.sdr, "change")))


def test_a_bulk_decision_needs_its_permission(client, world):
    client.force_login(member_with("roaming.view_sdr"))
    bulk(client, "approve", [world.wrong_sdr.pk], confirmed="yes", reason="claim_is_right")
    assert standing_of(world.wrong_sdr).state == "deviating"


def test_whatever_waits_has_its_money_at_stake(clerk, world):
    declined = world.trade.sdr(claim="4.00", state="rated")
    assert standing_of(declined).money_at_stake is None
    decline_sdr(declined.pk, Decision(by="clerk", reason="PRC"), NOVEMBER)
    assert standing_of(declined).money_at_stake == Decimal("4.00")
    credit = world.trade.sdr(
        claim="-5.00", state="deviating", credit=True, credit_reference="unknown"
    )
    assert standing_of(credit).money_at_stake == Decimal("5.00")
    assert listed(clerk, "?standing=disputed&at_stake=4") == [declined]


def test_judging_again_changes_nothing(world, unmatched):
    door = models.Finding.objects.filter(sdr=unmatched).first()
    assert door is not None
    again = reconcile("live", NOVEMBER, scope=ReconciliationRun.Scope.OPEN)
    assert (again.judged, again.changed) == (2, 0)


def test_far_pages_are_whole_and_in_order(clerk, world, monkeypatch):
    monkeypatch.setattr(long_lists, "DEEP", 0)
    newer = world.trade.sdr(claim="1.00", started_at=NOVEMBER, state="deviating")
    assert listed(clerk, "?standing=deviating") == [world.wrong_sdr, newer]
    assert "PRC-01" in text_of(clerk.get(LIST + "?standing=deviating"))


def test_money_at_stake_never_exceeds_the_claim(world):
    for standing in models.SdrState.objects.exclude(money_at_stake=None).select_related("sdr"):
        assert 0 <= standing.money_at_stake <= abs(standing.sdr.claim_before_tax)
    assert standing_of(world.wrong_sdr).money_at_stake == Decimal("2.00")

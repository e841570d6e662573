"""SDRs: the claim beside the evidence, what was found, and decisions that stay."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from roaming import models
from settlement.models import ReconciliationRun
from settlement.use_cases.sdr_reconciliation import reconcile
from tests.clearinghouse.admin.fixtures import offered, page, take, text_of, told
from tests.clearinghouse.admin.world import NOVEMBER, TOKEN_UID, member_with
from tests.settlement.sdrs import standing_of


def listed(client, **query):
    return list(client.get(page(models.Sdr, "changelist"), query).context["cl"].result_list)


def test_the_page_shows_the_claim_beside_the_evidence_and_the_difference(clerk, world):
    shown = clerk.get(page(world.wrong_sdr, "change"))
    side_by_side = next(p for p in shown.context["panels"] if p.title == "Side by side")
    money = next(row for row in side_by_side.rows if row[0] == "Before tax")
    assert "12.00 EUR" in money[1]
    assert "10.00 EUR" in money[3]
    assert "+2" in money[4]
    text = text_of(shown)
    finding = models.Finding.objects.get(sdr=world.wrong_sdr, superseded_at=None)
    assert finding.explanation in text
    assert page(finding, "change") in text
    assert "2.00 EUR" in text
    assert "matched → deviating" in text
    assert page(models.ServiceSession.objects.latest("id"), "change") in text
    assert page(world.cast.agreement, "change") in text


def test_a_settled_sdr_leads_to_its_statement(clerk, world):
    (statement,) = world.closing.statements()
    shown = clerk.get(page(world.sdr, "change"))
    assert page(statement, "change") in text_of(shown)
    assert offered(shown) == {"dispute": ""}


def test_staff_approve_a_claim_with_a_reason(clerk, world):
    assert "12.00 EUR" in text_of(clerk.get(page(world.wrong_sdr, "step", "approve")))
    response = take(
        clerk, world.wrong_sdr, "approve", reason="agreed_with_parties", note="by telephone"
    )
    assert "Accepted at 12.00 EUR" in told(response)
    assert standing_of(world.wrong_sdr).settled_amount == Decimal("12.00")
    event = world.wrong_sdr.events.latest("at")
    assert (event.actor, event.reason) == (world.clerk.username, "agreed_with_parties")
    assert (event.note, event.at) == ("by telephone", NOVEMBER)


def test_a_decision_needs_a_reason(clerk, world):
    assert "This field is required" in text_of(take(clerk, world.wrong_sdr, "approve"))
    other = take(clerk, world.wrong_sdr, "approve", reason="other")
    assert "Say which" in text_of(other)
    assert standing_of(world.wrong_sdr).state == "deviating"


def test_a_declined_sdr_is_disputed_and_can_be_approved_later(clerk, world):
    take(clerk, world.wrong_sdr, "decline", reason="PRC")
    assert standing_of(world.wrong_sdr).state == "disputed"
    assert set(offered(clerk.get(page(world.wrong_sdr, "change")))) == {"approve", "assign"}
    take(clerk, world.wrong_sdr, "approve", reason="claim_is_right")
    assert standing_of(world.wrong_sdr).state == "accepted"


def test_a_refusal_of_the_use_case_is_told(clerk, world):
    foreign = world.trade.sdr(claim="3.00", currency="CHF", state="deviating")
    assert "the agreement in EUR" in told(take(clerk, foreign, "approve", reason="claim_is_right"))
    assert standing_of(foreign).state == "deviating"


def test_a_decision_needs_its_permission(client, world):
    client.force_login(member_with("roaming.view_sdr"))
    assert offered(client.get(page(world.wrong_sdr, "change"))) == {}
    assert take(client, world.wrong_sdr, "approve", reason="other", note="x").status_code == 403
    client.force_login(member_with("roaming.view_sdr", "roaming.change_sdrstate"))
    assert set(offered(client.get(page(world.wrong_sdr, "change")))) == {"approve", "decline"}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"standing": "deviating"}, {"wrong_sdr"}),
        ({"standing": "settled"}, {"sdr"}),
        ({"standing": "paid"}, set()),
        ({"day": "2026-11-05"}, {"wrong_sdr"}),
        ({"day": "rubbish"}, set()),
        ({"pair": "0"}, set()),
        ({"pair": "x"}, set()),
        ({"q": "DE*VIS*E001"}, {"sdr", "wrong_sdr"}),
        ({"q": "DEVIS-DEHOM-"}, {"sdr", "wrong_sdr"}),
        ({"q": "not an id"}, set()),
    ],
)
def test_the_list_is_narrowed_and_searched(clerk, world, query, names):
    assert set(listed(clerk, **query)) == {getattr(world, name) for name in names}


def test_sdrs_are_found_by_session_pair_and_token(clerk, world):
    assert listed(clerk, q=str(world.session.pk)) == [world.sdr]
    assert listed(clerk, q=str(world.sdr.pk)) == [world.sdr]
    assert set(listed(clerk, pair=world.trade.pair.pk)) == {world.sdr, world.wrong_sdr}
    with_token = world.trade.sdr(claim="1.00", token_hmac=bytes(world.session.token_hmac))
    assert listed(clerk, q=TOKEN_UID) == [with_token]


def test_rows_of_the_test_environment_are_marked(clerk, world):
    assert ">test</span>" not in text_of(clerk.get(page(models.Sdr, "changelist"))).lower()


def test_findings_are_listed_by_rule_severity_and_standing(clerk, world):
    finding = models.Finding.objects.get(sdr=world.wrong_sdr, superseded_at=None)
    url = page(models.Finding, "changelist")

    def found(**query):
        return list(clerk.get(url, query).context["cl"].result_list)

    assert finding in found(rule=finding.rule)
    assert found(rule="DUP-02") == []
    assert finding in found(stands="yes", severity__exact="severe")
    assert finding not in found(stands="no")
    assert finding in found(q=world.wrong_sdr.reference)
    assert finding in found(day="2026-11-05")
    shown = text_of(clerk.get(page(finding, "change")))
    assert page(world.wrong_sdr, "change") in shown
    assert "2.00 EUR" in shown


def test_reconciliation_is_started_by_hand(clerk, world):
    new = world.trade.sdr(claim="10.00")
    url = page(ReconciliationRun, "list_step", "run")
    assert "batch by batch" in text_of(clerk.get(url))
    answer = clerk.post(url, {"environment": "live", "scope": "new"}, follow=True)
    assert "1 SDRs judged" in told(answer)
    assert standing_of(new).state != "validated"
    run = ReconciliationRun.objects.order_by("pk").last()
    assert (run.started_by, run.started_at) == (world.clerk.username, NOVEMBER)
    again = clerk.post(url, {"environment": "test", "scope": "new"}, follow=True)
    assert "Nothing waited" in told(again)


def test_starting_a_run_needs_its_permission(client, world):
    client.force_login(member_with("settlement.view_reconciliationrun"))
    assert client.post(page(ReconciliationRun, "list_step", "run")).status_code == 403
    assert client.get(page(ReconciliationRun, "list_step", "nothing")).status_code == 404


def test_staff_choose_the_session_of_an_sdr_that_fits_several(clerk, world):
    from tests.settlement.sdrs import Trade, rules_of

    trade = Trade.of(world.cast)
    token = {"token_hmac": b"s" * 32}
    start = NOVEMBER - timedelta(days=2)
    sessions = [trade.session(start - timedelta(minutes=n), **token) for n in (1, 2)]
    sdr = trade.sdr(started_at=start, reference="UNNAMED", **token)
    reconcile("live", NOVEMBER)
    assert "AUT-20" in rules_of(sdr)
    asked = text_of(clerk.get(page(sdr, "step", "choose-session")))
    assert all(str(session.id) in asked for session in sessions)
    response = take(clerk, sdr, "choose-session", session=sessions[0].id, reason="by telephone")
    assert "judged anew" in told(response)
    reconcile("live", NOVEMBER)
    assert standing_of(sdr).service_session_id == sessions[0].id
    assert "choose-session" not in offered(clerk.get(page(sdr, "change")))

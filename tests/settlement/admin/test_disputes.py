"""Staff's side of disputes: what waits, rulings with reasons, more time, files as downloads."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from settlement.domain.disputes import Side, Step
from settlement.models import Dispute, DisputeTerms, OutgoingMail
from settlement.use_cases.dispute import Actor, Saying, add_evidence, take_dispute_step
from tests.clearinghouse.admin.fixtures import offered, page, take, text_of, told
from tests.clearinghouse.admin.world import NOVEMBER, business_time, member_with
from tests.settlement.sdrs import standing_of

CSO, CSP = Actor("Visited CSO", Side.VISITED_CSO), Actor("Home CSP", Side.HOME_CSP)


@pytest.fixture
def dispute(clerk, world):
    """12.00 claimed where the tariff gives 10.00; the CSO offers 11.00, the CSP insists."""
    take(clerk, world.wrong_sdr, "decline", reason="PRC", undisputed="10.00")
    return Dispute.objects.get(sdr=world.wrong_sdr)


@pytest.fixture
def review(dispute):
    offer = Saying(Decimal("11.00"), "half-way")
    take_dispute_step(dispute.pk, Step.OFFER, CSO, NOVEMBER, offer)
    return take_dispute_step(dispute.pk, Step.INSIST, CSP, NOVEMBER)


def listed(client, **query):
    return list(client.get(page(Dispute, "changelist"), query).context["cl"].result_list)


def test_the_list_says_how_old_how_much_and_what_is_overdue(clerk, dispute):
    business_time(NOVEMBER + timedelta(days=11))
    text = text_of(clerk.get(page(Dispute, "changelist")))
    assert "11 days" in text
    assert "2.00 EUR" in text
    assert "overdue" in text
    assert listed(clerk, waits="overdue") == listed(clerk, waits="respondent") == [dispute]
    assert listed(clerk, waits="review") == []
    assert [row.result for row in listed(clerk, waits="ended")] == ["withdrawn"]
    assert listed(clerk, q=dispute.name) == listed(clerk, q=dispute.sdr.reference) == [dispute]
    assert listed(clerk, q="D-0") == listed(clerk, q="nothing") == []


def test_before_the_review_staff_wait_for_the_parties(clerk, dispute):
    waits = offered(clerk.get(page(dispute, "change")))
    assert waits["uphold"] == "Waits for the visited-CSO first."
    assert waits["extend"] == waits["write"] == ""


@pytest.mark.parametrize(
    ("name", "data", "amount", "result"),
    [
        ("uphold", {}, "10.00", "upheld"),
        ("rule-partly", {"amount": "11.50"}, "11.50", "partly"),
        ("dismiss", {}, "12.00", "dismissed"),
    ],
)
def test_staff_rule_with_a_reason(clerk, world, review, name, data, amount, result):
    assert "accepted at" in text_of(clerk.get(page(review, "step", name))) or name == "rule-partly"
    done = take(clerk, review, name, text="the tariff of 5 November", **data)
    assert f"settled at {amount} EUR" in told(done)
    review.refresh_from_db()
    assert (review.result, review.amount) == (result, Decimal(amount))
    assert standing_of(world.wrong_sdr).settled_amount == Decimal(amount)
    shown = clerk.get(page(review, "change"))
    assert "the tariff of 5 November" in text_of(shown)
    assert offered(shown) == {}


def test_an_amount_above_the_claim_is_refused(clerk, review):
    refused = take(clerk, review, "rule-partly", text="x", amount="12.01")
    assert "at most the claim of 12.00 EUR" in told(refused)


def test_more_time_and_more_words_need_a_reason(clerk, review):
    assert "This field is required" in text_of(take(clerk, review, "extend", days="3"))
    assert "Extended until" in told(take(clerk, review, "extend", days="3", text="holiday"))
    assert "due on" in told(take(clerk, review, "request-more", text="the signed meter data"))
    assert "told" in told(take(clerk, review, "write", text="thank you"))
    steps = list(review.events.values_list("step", flat=True))
    assert steps[-3:] == ["extend", "request_more", "message"]


def test_a_file_is_downloaded_by_who_may_see_the_dispute(
    clerk, client, dispute, settings, tmp_path
):
    settings.DISPUTE_FILES_DIR = tmp_path
    kept = add_evidence(dispute.pk, CSO, "meter.txt", b"24 kWh", NOVEMBER)
    url = reverse("admin:settlement_dispute_evidence", args=[dispute.pk, kept.pk])
    assert url in text_of(clerk.get(page(dispute, "change")))
    file = clerk.get(url)
    assert file.content == b"24 kWh"
    assert file["Content-Disposition"] == 'attachment; filename="meter.txt"'
    assert file["X-Content-Type-Options"] == "nosniff"
    assert clerk.get(url.replace(f"/{kept.pk}/", "/0/")).status_code == 404
    client.force_login(member_with("settlement.view_dispute"))
    assert client.get(url).status_code == 200
    assert offered(client.get(page(dispute, "change"))) == {}
    client.force_login(member_with("roaming.view_sdr"))
    assert client.get(url).status_code == 403


def test_what_is_settled_is_disputed_by_staff(clerk, world):
    done = take(clerk, world.sdr, "dispute", reason="FRD", note="stolen card")
    dispute = Dispute.objects.get(sdr=world.sdr, closed_at=None)
    assert f"{dispute.name} is open" in told(done)
    assert standing_of(world.sdr).state == "settled"
    shown = clerk.get(page(world.sdr, "change"))
    assert page(dispute, "change") in text_of(shown)
    assert offered(shown) == {}


def test_terms_are_edited_with_their_history(clerk, world):
    terms = DisputeTerms.objects.get()
    form = {
        "agreement": "", "respondent_hours": "48", "claimant_hours": "24", "review_hours": "72",
        "respondent_silent": "maintain", "claimant_silent": "accept", "review_silent": "dismiss",
    }  # fmt: skip
    clerk.post(page(terms, "change"), form)
    terms.refresh_from_db()
    assert (terms.respondent_hours, terms.respondent_silent) == (48, "maintain")
    assert "240" in text_of(clerk.get(page(terms, "history")))
    own = {**form, "agreement": str(world.cast.agreement.pk)}
    clerk.post(page(DisputeTerms, "add"), own)
    assert DisputeTerms.objects.filter(agreement=world.cast.agreement).count() == 1
    again = clerk.post(page(DisputeTerms, "add"), form)
    assert again.status_code == 200
    assert DisputeTerms.objects.count() == 2


def test_a_mail_that_was_given_up_is_sent_again(clerk, dispute):
    mail = OutgoingMail.objects.first()
    mail.state = "dead"
    mail.save()
    assert "waits again" in told(take(clerk, mail, "send-again"))
    mail.refresh_from_db()
    assert mail.state == "waiting"
    assert dispute.name in text_of(clerk.get(page(mail, "change")))

"""Disputes in the portal: each side takes steps, writes, brings files; nobody else sees them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from clearinghouse.portal.decisions import REASONS
from settlement.domain.decision_reasons import ReasonCode
from settlement.models import Dispute
from tests.clearinghouse.portal.people import member, signed_in, text
from tests.clearinghouse.portal.test_decisions import decide
from tests.clearinghouse.portal.test_sdrs import page_of
from tests.settlement.sdrs import standing_of

DISPUTES = "/portal/disputes/"


@pytest.fixture(autouse=True)
def files(settings, tmp_path):
    settings.DISPUTE_FILES_DIR = tmp_path / "files"


@pytest.fixture
def dispute(stage, csp):
    """12.00 was claimed; the home-CSP declines and says that 10.00 are right."""
    decide(csp, "decline", stage.deviating, reason="PRC", note="12 instead of 10", undisputed="10")
    return Dispute.objects.get(sdr=stage.deviating)


def address(dispute, name="dispute", *args) -> str:
    return reverse(f"portal:{name}", args=[dispute.pk, *args])


def take(client, dispute, step, **data):
    """Through the page that says what the step does."""
    place = address(dispute, "dispute-step", step)
    client.get(place)
    return client.post(place, data, follow=True)


def upload(client, dispute, name="meter.csv", content=b"kWh;EUR\n20;10.00\n"):
    file = SimpleUploadedFile(name, content)
    return client.post(address(dispute, "dispute-evidence"), {"file": file}, follow=True)


def listed(client, show) -> list[str]:
    return [row.name for row in client.get(f"{DISPUTES}?show={show}").context["table"].rows]


def test_a_decline_opens_a_dispute_that_waits_for_the_visited_cso(dispute, csp, cso, outsider):
    assert dispute.undisputed == Decimal(10)
    assert listed(csp, "open") == listed(cso, "open") == listed(cso, "yours") == [dispute.name]
    assert listed(csp, "yours") == listed(outsider, "open") == []
    page = text(cso.get(address(dispute)))
    for shown in ("Your turn", "Maintain the claim…", "12 instead of 10", "10.00\u00a0EUR"):
        assert shown in page
    assert f"D-{dispute.pk}" in text(csp.get(page_of(dispute.sdr)))


def test_an_offer_that_is_accepted_settles_the_sdr(dispute, csp, cso):
    assert "Done" in text(take(cso, dispute, "offer", amount="11.00", text="half"))
    assert "settles at 11.00\u00a0EUR" in text(csp.get(address(dispute, "dispute-step", "accept")))
    take(csp, dispute, "accept", text="")
    dispute.refresh_from_db()
    assert (dispute.result, dispute.amount) == ("agreed", 11)
    assert standing_of(dispute.sdr).settled_amount == 11
    assert listed(csp, "ended") == [dispute.name]


def test_an_amount_is_read_as_the_person_writes_it(dispute, stage):
    person = member(stage.cast.visited_cso.operator, "administrator")
    person.locale = "de-DE"
    person.save()
    browser = signed_in(person)
    assert "Enter an amount" in text(take(browser, dispute, "offer", amount="11.5x", text=""))
    take(browser, dispute, "offer", amount="10,50", text="")
    dispute.refresh_from_db()
    assert dispute.offered == Decimal("10.50")


def test_more_than_the_claim_is_not_possible(dispute, cso):
    assert "not possible" in text(take(cso, dispute, "offer", amount="13.00", text=""))


def test_a_claim_is_maintained_with_a_reason_and_the_home_csp_insists(dispute, csp, cso):
    assert "This field is required" in text(take(cso, dispute, "maintain", text=""))
    take(cso, dispute, "maintain", text="the tariff says so")
    assert "the tariff says so" in text(csp.get(address(dispute)))
    take(csp, dispute, "insist", text="")
    dispute.refresh_from_db()
    assert dispute.state == "review"


@pytest.mark.parametrize("step", ["accept", "insist", "maintain", "offer"])
def test_who_has_not_the_turn_takes_no_step(dispute, csp, step):
    answer = take(csp, dispute, step, amount="1.00", text="me")
    assert answer.status_code == (404 if step in ("maintain", "offer") else 200)
    dispute.refresh_from_db()
    assert dispute.state == "respondent"


def test_the_clearing_houses_steps_are_nobodys_here(dispute, csp, cso):
    for client in (csp, cso):
        assert client.get(address(dispute, "dispute-step", "uphold")).status_code == 404


def test_messages_reach_the_other_side_without_the_person_s_name(dispute, csp, cso):
    csp.post(address(dispute, "dispute-message"), {"text": "Look at the tariff of October."})
    page = text(cso.get(address(dispute)))
    assert "Look at the tariff of October." in page
    assert "Home CSP: " not in page


def test_evidence_is_given_back_as_an_attachment_to_both_parties_alone(dispute, csp, cso, outsider):
    upload(csp, dispute)
    file = dispute.evidence.get()
    place = address(dispute, "evidence-file", file.pk)
    for client in (csp, cso):
        answer = client.get(place)
        assert answer.content == b"kWh;EUR\n20;10.00\n"
        assert answer["Content-Disposition"].startswith("attachment")
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert outsider.get(place).status_code == 404
    assert (
        csp.get(reverse("portal:evidence-file", args=[dispute.pk + 1, file.pk])).status_code == 404
    )


def test_what_is_no_evidence_is_refused(dispute, csp, settings):
    page = upload(csp, dispute, "report.pdf", b"<html><script>alert(1)</script></html>")
    assert "Taken are PDF" in text(page)
    settings.DISPUTE_FILE_BYTES = 100
    assert "too large" in text(upload(csp, dispute, "a.txt", b"x" * 101))
    assert upload(csp, dispute, "a.txt", b"x" * 300_000).status_code == 413
    assert not dispute.evidence.exists()


def test_readers_read_and_take_no_step(dispute, stage):
    reader = signed_in(member(stage.cast.visited_cso.operator, "reader"))
    page = text(reader.get(address(dispute)))
    assert "Maintain the claim" not in page
    assert "Send the message" not in page
    assert take(reader, dispute, "maintain", text="x").status_code == 403
    assert upload(reader, dispute).status_code == 403


def test_a_dispute_of_others_is_not_found(dispute, outsider):
    for name, args in (("dispute", ()), ("dispute-step", ("concede",))):
        assert outsider.get(address(dispute, name, *args)).status_code == 404
    assert outsider.post(address(dispute, "dispute-message"), {"text": "x"}).status_code == 404
    assert upload(outsider, dispute).status_code == 404


def test_the_first_page_says_whose_turn_it_is(dispute, csp, cso):
    def calls(client):
        groups = client.get("/portal/").context["groups"]
        return [f.calls for _t, group in groups for f in group if "show=yours" in f.address]

    assert (calls(csp), calls(cso)) == ([False], [True])


def test_the_reasons_are_those_of_the_catalogue():
    assert {code for code, _words in REASONS} == {code.value for code in ReasonCode}

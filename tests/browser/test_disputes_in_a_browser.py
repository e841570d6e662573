"""A dispute in a real browser: found in the list, its file downloaded, ruled on its page."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import pytest
from django.urls import reverse

from settlement.domain.disputes import Side, Step
from settlement.models import Dispute
from settlement.models.evidence_files import keep_file
from settlement.use_cases.dispute import Actor, Saying, add_evidence, take_dispute_step
from settlement.use_cases.sdr_decision import Decision, decline_sdr
from tests.browser.conftest import Office
from tests.browser.test_in_a_browser import PHONE, log_in
from tests.clearinghouse.admin.fixtures import page as address_of
from tests.clearinghouse.admin.world import NOVEMBER

pytestmark = pytest.mark.slow

CSO, CSP = Actor("Visited CSO", Side.VISITED_CSO), Actor("Home CSP", Side.HOME_CSP)
PICTURES = os.environ.get("PICTURES", "")


def picture(office: Office, name: str) -> None:
    """Kept where PICTURES says, for a person to look at."""
    if PICTURES:
        office.page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)


@pytest.fixture
def dispute(office, settings, tmp_path):
    """In review: 12.00 claimed, 10.00 held right, 11.00 offered, a file of the visited-CSO."""
    # Where the web server, a process of its own, looks for files.
    settings.DISPUTE_FILES_DIR = tmp_path / "data" / "dispute-files"
    sdr = office.world.wrong_sdr
    no = Decision("Home CSP", "PRC", "0.60 instead of 0.50", True, Decimal("10.00"))
    decline_sdr(sdr.id, no, NOVEMBER)
    dispute = Dispute.objects.get(sdr=sdr)
    add_evidence(dispute.pk, CSO, "tariff.csv", b"from;price\n2026-11-01;0.60\n", NOVEMBER)
    offer = Saying(Decimal("11.00"), "The new price was told late: half-way.")
    take_dispute_step(dispute.pk, Step.OFFER, CSO, NOVEMBER, offer)
    insists = Saying(text="We were not told at all.")
    return take_dispute_step(dispute.pk, Step.INSIST, CSP, NOVEMBER, insists)


def test_staff_find_read_and_rule_a_dispute(office, dispute):
    log_in(office)
    page = office.go(reverse("admin:settlement_dispute_changelist"))
    assert page.locator("text=2.00 EUR").count()
    picture(office, "list")
    page.click(f"text={dispute.name}")
    page.wait_for_load_state("networkidle")
    assert page.locator("text=We were not told at all.").count()
    picture(office, "dispute")
    with page.expect_download() as download:
        page.click("text=tariff.csv >> nth=-1")
    assert download.value.suggested_filename == "tariff.csv"
    page.set_viewport_size(PHONE)
    office.go(address_of(dispute, "change"))
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    picture(office, "dispute-on-a-phone")
    office.go(address_of(dispute, "step", "rule-partly"))
    picture(office, "ruling-on-a-phone")
    page.fill("[name=amount]", "11.50")
    page.fill("[name=text]", "The price of 1 November was told on 3 November.")
    with page.expect_navigation(wait_until="networkidle"):
        page.click("form button:has-text('Set the amount')")
    assert page.locator("text=settled at 11.50 EUR").count()
    page.set_viewport_size({"width": 1280, "height": 900})
    office.go(address_of(dispute, "change"))
    picture(office, "ruled")
    office.go(reverse("admin:settlement_disputeterms_changelist"))
    picture(office, "terms")
    office.go(reverse("admin:settlement_outgoingmail_changelist"))
    picture(office, "mails")
    office.go(address_of(dispute.sdr, "change"))
    picture(office, "sdr")
    assert office.complaints == []
    dispute.refresh_from_db()
    assert dispute.amount == Decimal("11.50")
    assert keep_file(b"from;price\n2026-11-01;0.60\n") == dispute.evidence.get().sha256

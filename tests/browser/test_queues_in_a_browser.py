"""Reconciliation staff's morning in a real browser: queues, decisions by the dozen, one SDR.

At a desk and on a phone, light and dark: nothing is wider than the screen, nobody else is asked.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from roaming import models
from settlement.use_cases.sdr_reconciliation import reconcile
from tests.browser.test_in_a_browser import PHONE, log_in
from tests.clearinghouse.admin.fixtures import page as address_of
from tests.clearinghouse.admin.world import NOVEMBER
from tests.settlement.sdrs import standing_of

pytestmark = pytest.mark.slow

QUEUES = reverse("admin:queues")
LIST = reverse("admin:roaming_sdr_changelist")


@pytest.fixture
def unmatched(office):
    """Three SDRs without a session, beside the world's deviating one."""
    sdrs = [
        office.world.trade.sdr(claim=claim, started_at=NOVEMBER - timedelta(days=days))
        for claim, days in (("10.00", 9), ("7.50", 2), ("3.20", 1))
    ]
    reconcile("live", NOVEMBER)
    return sdrs


def test_many_are_decided_at_once_from_their_queue(office, unmatched):
    log_in(office)
    office.go(QUEUES)
    office.page.click("section a:has-text('Unmatched')")
    office.page.wait_for_url("**standing=unmatched*")
    boxes = office.page.locator("input.action-select")
    assert boxes.count() == 3
    boxes.nth(0).check()
    boxes.nth(1).check()
    office.page.select_option("select[name=action]", "decline")
    office.page.click("button[name=index]")
    office.page.wait_for_selector("h2:has-text('Decline: 2 SDRs')")
    assert "17.50 EUR" in office.page.locator("#content, main, body").first.inner_text()
    office.page.select_option("select[name=reason]", "AUT")
    office.page.click("button[name=confirmed]")
    office.page.wait_for_selector("text=2 SDRs disputed.")
    assert office.page.locator("input.action-select").count() == 1
    states = [standing_of(sdr).state for sdr in unmatched]
    assert states == ["disputed", "disputed", "unmatched"]
    assert office.complaints == []


def test_an_amount_leads_to_the_tariff_element_that_made_it(office):
    log_in(office)
    office.page.click("a:has-text('SDRs deviating')")
    office.page.click("table a >> nth=0")
    office.page.wait_for_url(f"**{address_of(office.world.wrong_sdr, 'change')}*")
    beside = office.page.locator("section[aria-label='Side by side']").inner_text()
    assert "+2 EUR TO THE EVIDENCE" in beside.upper()
    office.page.click("section[aria-label='How the price comes about'] a:has-text('element 1')")
    office.page.wait_for_url("**#element-1")
    element = office.page.locator("#element-1")
    assert element.is_visible()
    assert office.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_of_reconciliation_fit_a_phone_and_can_be_read(office, unmatched, scheme):
    log_in(office)
    office.page.emulate_media(color_scheme=scheme)
    office.page.set_viewport_size(PHONE)
    reports = reverse("admin:reconciliation_reports")
    addresses = [
        QUEUES, reports, f"{LIST}?standing=unmatched", address_of(office.world.wrong_sdr, "change"),
        address_of(models.TariffVersion.objects.get(tariff_id="AC"), "change"),
        address_of(office.world.wrong_sdr, "step", "assign"),
    ]  # fmt: skip
    for address in addresses:
        office.go(address)
        width = office.page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], address
        assert "&lt;" not in office.page.locator("body").inner_html().split("<script")[0]
    assert office.complaints == []

"""A clerk's way through the admin in a real browser: log-in, a refusal, a dead delivery, all pages.

No page may ask another host, report an error in the console, or be wider than a phone.
"""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.urls import reverse
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from roaming.models import Delivery
from tests.browser.conftest import PASSWORD, Office
from tests.clearinghouse.admin.fixtures import page as address_of

pytestmark = pytest.mark.slow

DOCUMENTATION = (
    "api-docs", "api-redoc", "api-refusals", "api-use-cases",
)  # fmt: skip
PHONE = {"width": 390, "height": 844}


def submit(office: Office, **fields: str) -> None:
    """Fills in the form on the page and sends it with the Enter key."""
    for name, value in fields.items():
        office.page.fill(f"[name={name}]", value)
    with office.page.expect_navigation(wait_until="networkidle"):
        office.page.keyboard.press("Enter")


def log_in(office: Office) -> list[str]:
    """With a device that is set up on the way; the recovery codes."""
    office.go(reverse("admin:index"))
    submit(office, username=office.world.clerk.username, password=PASSWORD)
    assert office.page.url.endswith(reverse("second-factor-setup"))
    device = TOTPDevice.objects.get(user=office.world.clerk)
    submit(office, code=f"{totp(device.bin_key):06d}")
    codes: list[str] = office.page.locator("#content li, ul li").all_inner_texts()
    office.page.click("text=I have noted them")
    office.page.wait_for_url(office.address + reverse("admin:index"))
    return [code for code in codes if re.fullmatch(r"[a-z0-9]{8}", code)]


def test_who_lost_the_phone_logs_in_with_a_recovery_code(office):
    codes = log_in(office)
    assert len(codes) == 10
    office.page.context.clear_cookies()
    office.go(reverse("admin:index"))
    submit(office, username=office.world.clerk.username, password=PASSWORD)
    assert not office.page.locator("nav a:has-text('Journal')").count()
    submit(office, code=codes[0])
    assert office.page.url == office.address + reverse("admin:index")
    assert office.complaints == []


def test_why_a_message_was_refused_is_one_search_away(office):
    log_in(office)
    office.page.fill("[name=q]", office.world.entry.correlation_id)
    office.page.click("text=Find >> visible=true >> nth=-1")
    office.page.wait_for_url("**/find/?q=*")
    answer = office.page.locator("section[aria-label='Why it was refused']").inner_text()
    assert "The two parties have no agreement that covers this moment" in answer
    assert "the agreement of the two parties" in answer
    assert "Ask your counterparty and the clearing house for an agreement." in answer
    office.page.click(f"section >> text={office.world.session.pk}")
    office.page.wait_for_url(f"**{address_of(office.world.session, 'change')}")
    assert office.complaints == []


def test_a_dead_delivery_is_sent_again(office):
    log_in(office)
    office.page.click("a:has-text('deliveries given up')")
    office.page.click("table a >> nth=0")
    office.page.wait_for_url(f"**{address_of(office.world.delivery, 'change')}*")
    why = office.page.locator("section[aria-label='Why it was given up']").inner_text()
    assert "did not answer in time" in why
    office.page.click("a:has-text('Send again')")
    office.page.wait_for_url("**/step/send-again/")
    office.page.click("button:has-text('Send again')")
    office.page.wait_for_selector("text=It waits again and is tried at once.")
    assert Delivery.objects.get(pk=office.world.delivery.pk).state == "waiting"
    assert office.complaints == []


def every_address() -> list[str]:
    """All lists, the newest row of each, the other pages of staff and engineers."""
    found = [reverse("admin:index"), reverse("admin:find"), *map(reverse, DOCUMENTATION)]
    found += [reverse("api-use-case", args=["UC3-2"])]
    for model in admin.site._registry:
        found.append(address_of(model, "changelist"))
        row = model._default_manager.order_by("-pk").first()
        if row is not None:
            found.append(address_of(row, "change"))
    return found


def test_no_page_asks_another_host_complains_or_is_wider_than_a_phone(office):
    log_in(office)
    office.page.set_viewport_size(PHONE)
    too_wide = []
    for address in every_address():
        office.go(address)
        width = office.page.evaluate("document.documentElement.scrollWidth")
        if width > PHONE["width"]:
            too_wide.append((address, width))
    assert office.complaints == []
    assert too_wide == []

"""An operator's clerk in the portal, in a real browser: from the invitation to a disputed SDR.

No page may complain, ask another host, be wider than a phone, or have a serious fault that axe
finds, neither in light nor in dark.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from clearinghouse.models import User
from clearinghouse.portal import accounts
from roaming.models import SdrEvent, SdrState
from settlement.domain.disputes import Side, Step
from settlement.models import Dispute
from settlement.use_cases.dispute import Actor, Saying, take_dispute_step
from settlement.use_cases.sdr_decision import Decision, decline_sdr
from settlement.use_cases.sdr_reconciliation import reconcile
from tests.browser.conftest import PASSWORD, Office
from tests.clearinghouse.admin.world import NOVEMBER

pytestmark = pytest.mark.slow

EMAIL = "robin@home.example"
PHONE = {"width": 390, "height": 844}
SCREEN = {"width": 1280, "height": 900}
SERIOUS = {"serious", "critical"}


def send(office: Office, button: str) -> None:
    """Presses a button of the page and waits for the next one."""
    with office.page.expect_navigation(wait_until="networkidle"):
        office.page.click(f"main button:has-text('{button}')")


def enter(office: Office, role: str = "administrator") -> None:
    """Accepts an invitation of the home-CSP and sets up the second factor."""
    operator = office.world.cast.home_csp.operator
    _, token = accounts.invite(operator, EMAIL, role, office.world.clerk, timezone.now())
    office.go(reverse("portal:invitation", args=[token]))
    for name, value in (("first_name", "Robin"), ("last_name", "Roe")):
        office.page.fill(f"[name={name}]", value)
    for name in ("password", "again"):
        office.page.fill(f"[name={name}]", PASSWORD)
    send(office, "Make the account")
    assert office.page.url.endswith(reverse("portal:second-factor-setup"))
    device = TOTPDevice.objects.get(user__username=EMAIL)
    office.page.fill("[name=code]", f"{totp(device.bin_key):06d}")
    send(office, "Continue")
    assert office.page.locator(".codes li").count() == 10
    office.page.click("text=I have noted them")
    office.page.wait_for_url(office.address + reverse("portal:start"))


def sign_in(office: Office) -> None:
    """Once more, half a minute later."""
    office.page.context.clear_cookies()
    TOTPDevice.objects.update(last_t=-1)
    office.go(reverse("portal:start"))
    office.page.fill("[name=username]", EMAIL)
    office.page.fill("[name=password]", PASSWORD)
    send(office, "Sign in")
    device = TOTPDevice.objects.get(user__username=EMAIL)
    office.page.fill("[name=code]", f"{totp(device.bin_key):06d}")
    send(office, "Continue")
    assert office.page.url == office.address + reverse("portal:start")


def test_a_clerk_accepts_an_invitation_and_declines_an_sdr_with_a_reason(office):
    enter(office, "clerk")
    sign_in(office)
    wrong = office.world.wrong_sdr
    office.page.click("a.tile.calls >> nth=0")
    office.page.wait_for_url("**state=deviating*")
    assert office.page.locator("tbody tr").count() == 1
    office.page.check("tbody input[name=sdr]")
    assert office.page.locator("output").inner_text() == "1"
    with office.page.expect_navigation(wait_until="networkidle"):
        office.page.click("button[value=decline]")
    send(office, "Decline")
    assert "This field is required" in office.page.locator("main").inner_text()
    office.page.select_option("[name=reason]", "PRC")
    office.page.fill("[name=note]", "12 instead of 10")
    send(office, "Decline")
    assert "Disputed" in office.page.locator("h1").inner_text()
    assert "12 instead of 10" in office.page.locator("main").inner_text()
    assert SdrState.objects.get(sdr=wrong).state == "disputed"
    assert SdrEvent.objects.filter(sdr=wrong).latest("at").actor == "Home CSP: Robin Roe"
    assert office.complaints == []


def test_the_keyboard_alone_reaches_the_content(office):
    enter(office)
    office.go(reverse("portal:sdrs"))
    office.page.keyboard.press("Tab")
    assert office.page.evaluate("document.activeElement.className") == "skip"
    office.page.keyboard.press("Enter")
    assert office.page.evaluate("document.activeElement.id") == "main"
    office.page.keyboard.press("Tab")
    ring = office.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert ring == "solid"


def declined(office: Office) -> Dispute:
    """A dispute of the home-CSP about an SDR that agreed otherwise."""
    found = Dispute.objects.first()
    if found is None:
        opened = datetime(2026, 11, 6, 10, 0, tzinfo=UTC)
        sdr = office.world.trade.sdr(claim="14.00", started_at=opened)
        reconcile("live", opened + timedelta(days=1))
        decision = Decision("Home CSP: Robin Roe", "PRC", "14 instead of 10", by_home_csp=True)
        decline_sdr(sdr.pk, decision, NOVEMBER)
        found = Dispute.objects.get()
        take_dispute_step(
            found.pk, Step.OFFER, Actor("Visited CSO: Ann", Side.VISITED_CSO), NOVEMBER,
            Saying(Decimal("12.00"), "Let us meet in the middle."),
        )  # fmt: skip
    return found


def every_address(office: Office) -> list[str]:
    """All pages that can be looked at, with rows where there are lists."""
    sdr = office.world.wrong_sdr
    dispute = declined(office)
    decide = f"{reverse('portal:decide')}?decision=decline&sdr={sdr.pk}"
    membership = User.objects.get(username=EMAIL).memberships.get()
    names = (
        "disputes", "start", "sdrs", "agreements", "downloads", "account", "password", "colleagues",
        "second-factor-setup",
    )  # fmt: skip
    return [
        *(reverse(f"portal:{name}") for name in names),
        f"{reverse('portal:sdrs')}?state=deviating",
        f"{reverse('portal:sdrs')}?q=nothing",
        f"{reverse('portal:downloads')}?month=2026-11",
        reverse("portal:sdr", args=[sdr.pk]),
        reverse("portal:sdr", args=[office.world.sdr.pk]),
        reverse("portal:agreement", args=[office.world.cast.agreement.pk]),
        reverse("portal:colleague", args=[membership.pk]),
        decide,
        reverse("portal:dispute", args=[dispute.pk]),
        reverse("portal:dispute-step", args=[dispute.pk, "withdraw"]),
    ]


def faults(office: Office, axe: Any) -> list[str]:
    """What axe finds on the page that a person could not get over."""
    found = axe.run(office.page).response["violations"]
    return [
        f"{office.page.url}: {fault['id']} {node['target']} {node['failureSummary']}"
        for fault in found
        if fault["impact"] in SERIOUS
        for node in fault["nodes"]
    ]


def test_no_page_complains_is_too_wide_or_shuts_anybody_out(office):
    axe_module = pytest.importorskip("axe_playwright_python.sync_playwright")
    axe = axe_module.Axe()
    enter(office)
    told: list[str] = []
    for scheme in ("light", "dark"):
        office.page.emulate_media(color_scheme=scheme)
        for address in every_address(office):
            for size in (SCREEN, PHONE):
                office.page.set_viewport_size(size)
                office.go(address)
                width = office.page.evaluate("document.documentElement.scrollWidth")
                if width > size["width"]:
                    told.append(f"{address} is {width} wide")
                told += faults(office, axe)
    assert told == []
    assert office.complaints == []


def test_who_is_not_signed_in_meets_pages_without_faults(office):
    axe_module = pytest.importorskip("axe_playwright_python.sync_playwright")
    axe = axe_module.Axe()
    told: list[str] = []
    for name in ("sign-in", "reset", "reset-sent"):
        office.go(reverse(f"portal:{name}"))
        told += faults(office, axe)
    assert told == []
    assert office.complaints == []

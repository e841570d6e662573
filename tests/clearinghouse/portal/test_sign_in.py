"""Signing in to the portal: lock-out, second factor, a forgotten password; staff stay outside."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests import factories
from tests.clearinghouse.portal.people import (
    PASSWORD,
    link_in_last_mail,
    member,
    sign_in,
    signed_in,
    text,
)

SETUP = "/portal/second-factor/setup/"
SECOND = "/portal/second-factor/"
OTHER = "another horse battery staple"


@pytest.fixture
def clerk(cast):
    return member(cast.home_csp.operator, "clerk")


def code_of(person) -> str:
    return f"{totp(TOTPDevice.objects.get(user=person).bin_key):06d}"


def forget_the_last_code() -> None:
    """A code is good once; as if half a minute had passed."""
    TOTPDevice.objects.update(
        last_t=-1, throttling_failure_timestamp=None, throttling_failure_count=0
    )


@pytest.fixture
def with_device(clerk):
    """The clerk, with a device that was set up; the recovery codes."""
    browser = signed_in(clerk)
    browser.get(SETUP)
    page = browser.post(SETUP, {"code": code_of(clerk)})
    forget_the_last_code()
    return re.findall(r"<li><code>(\w+)</code></li>", text(page))


def test_a_page_asked_for_is_reached_after_the_sign_in(client, clerk):
    response = client.get("/portal/account/")
    assert response["Location"] == "/portal/sign-in/?next=/portal/account/"
    response = sign_in(client, clerk.username, next="/portal/account/")
    assert response["Location"] == "/portal/account/"
    assert client.get("/portal/account/").status_code == 200


@pytest.mark.parametrize("username", ["nobody@home.example", "kim"])
def test_who_has_no_access_hears_what_a_wrong_password_hears(client, db, username):
    factories.UserFactory(username="kim")
    response = sign_in(client, username)
    assert response.status_code == 200
    assert "do not open the portal" in text(response)


def test_staff_are_told_to_use_the_admin(db):
    desk = Client()
    desk.force_login(factories.UserFactory(), "django.contrib.auth.backends.ModelBackend")
    response = desk.get("/portal/")
    assert response.status_code == 403
    assert "/admin/" in text(response)


@pytest.mark.parametrize("path", ["/admin/", "/admin/second-factor/setup/", "/admin/find/"])
def test_operators_people_do_not_reach_the_admin(clerk, path):
    response = signed_in(clerk).get(path)
    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/")


def test_the_admins_log_in_refuses_operators_people(client, clerk):
    response = client.post("/admin/login/", {"username": clerk.username, "password": PASSWORD})
    assert response.status_code == 200
    assert client.get("/admin/").status_code == 302


def test_after_five_wrong_passwords_the_right_one_is_refused(client, clerk):
    for _ in range(5):
        sign_in(client, clerk.username, "wrong")
    response = sign_in(client, clerk.username)
    assert response.status_code == 429
    assert "Too many wrong passwords" in text(response)
    assert "Content-Security-Policy" in response


# --- The second factor ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "required"), [("administrator", True), ("clerk", True), ("reader", False)]
)
def test_who_decides_sets_one_up_first_where_settings_ask_it(cast, settings, role, required):
    settings.SECOND_FACTOR_REQUIRED = True
    response = signed_in(member(cast.home_csp.operator, role)).get("/portal/account/")
    assert response.status_code == (302 if required else 200)
    if required:
        assert response["Location"] == SETUP


def test_after_the_set_up_the_portal_is_open_and_codes_were_shown(client, clerk, settings):
    settings.SECOND_FACTOR_REQUIRED = True
    sign_in(client, clerk.username)
    assert "data:image/svg+xml" in text(client.get(SETUP))
    assert "not the code" in text(client.post(SETUP, {"code": "000000"}))
    forget_the_last_code()
    page = client.post(SETUP, {"code": code_of(clerk)})
    assert len(re.findall(r"<li><code>\w+</code></li>", text(page))) == 10
    assert client.get("/portal/account/").status_code == 200


def test_who_has_a_device_must_use_it(client, clerk, with_device):
    sign_in(client, clerk.username)
    response = client.get("/portal/account/")
    assert response["Location"] == f"{SECOND}?next=/portal/account/"
    assert client.get(SETUP)["Location"] == SECOND
    client.post(SECOND, {"code": "123456"})
    assert client.get("/portal/").status_code == 302
    forget_the_last_code()
    answer = client.post(response["Location"], {"code": code_of(clerk)})
    assert answer["Location"] == "/portal/account/"
    assert client.get("/portal/account/").status_code == 200


def test_a_recovery_code_opens_once(clerk, with_device):
    for status in (200, 302):
        client = Client()
        sign_in(client, clerk.username)
        client.post(SECOND, {"code": with_device[0]})
        assert client.get("/portal/").status_code == status


def test_nobody_is_sent_to_another_host(client, clerk, with_device):
    sign_in(client, clerk.username)
    response = client.post(f"{SECOND}?next=https://evil.example/", {"code": code_of(clerk)})
    assert response["Location"] == "/portal/"


# --- A forgotten password -------------------------------------------------------------------------


def test_a_forgotten_password_is_set_anew_by_mail(client, clerk):
    before = signed_in(clerk)
    response = client.post("/portal/reset/", {"email": clerk.username.upper()}, follow=True)
    assert "on its way" in text(response)
    link = link_in_last_mail()
    page = client.get(link, follow=True)
    new = {"new_password1": OTHER, "new_password2": OTHER}
    response = client.post(page.redirect_chain[-1][0], new, follow=True)
    assert "new password is set" in text(response)
    assert before.get("/portal/").status_code == 302, "other sessions end"
    assert sign_in(client, clerk.username, OTHER).status_code == 302
    assert Client().get(link).status_code == 410


def test_the_answer_does_not_tell_who_has_an_account(client, clerk):
    known = client.post("/portal/reset/", {"email": clerk.username}, follow=True)
    unknown = client.post("/portal/reset/", {"email": "nobody@home.example"}, follow=True)
    assert text(known) == text(unknown)
    assert len(mail.outbox) == 1


def test_staff_and_suspended_people_get_no_link_and_nobody_a_heap(client, clerk):
    factories.UserFactory(username="kim@ch.example", email="kim@ch.example")
    client.post("/portal/reset/", {"email": "kim@ch.example"})
    assert not mail.outbox
    for _ in range(3):
        client.post("/portal/reset/", {"email": clerk.username})
    assert len(mail.outbox) == 1


def test_a_new_password_opens_a_locked_address(client, clerk):
    for _ in range(5):
        sign_in(client, clerk.username, "wrong")
    client.post("/portal/reset/", {"email": clerk.username})
    page = client.get(link_in_last_mail(), follow=True)
    new = {"new_password1": OTHER, "new_password2": OTHER}
    client.post(page.redirect_chain[-1][0], new)
    assert sign_in(client, clerk.username, OTHER).status_code == 302


# --- The account ----------------------------------------------------------------------------------


def test_a_password_is_changed_by_who_knows_the_old_one(clerk):
    browser, elsewhere = signed_in(clerk), signed_in(clerk)
    new = {"new_password1": OTHER, "new_password2": OTHER}
    wrong = browser.post("/portal/account/password/", {"old_password": "wrong", **new})
    assert "incorrectly" in text(wrong)
    browser.post("/portal/account/password/", {"old_password": PASSWORD, **new})
    assert browser.get("/portal/").status_code == 200
    assert elsewhere.get("/portal/").status_code == 302


def test_times_are_shown_in_the_zone_of_the_account_and_the_zone_is_named(client, clerk):
    sign_in(client, clerk.username)
    habits = {"time_zone": "Asia/Tokyo", "locale": "de-DE"}
    client.post("/portal/account/", habits)
    page = text(client.get("/portal/account/"))
    assert "JST" in page
    assert "Times are of Asia/Tokyo." in page


def test_an_unknown_zone_is_refused(clerk):
    browser = signed_in(clerk)
    response = browser.post("/portal/account/", {"time_zone": "right/UTC", "locale": "en-GB"})
    assert "Select a valid choice" in text(response)


def test_the_sign_ins_of_the_person_are_listed(client, clerk):
    sign_in(client, clerk.username)
    page = text(client.get("/portal/account/"))
    assert page.count("127.0.0.1") == 1


def test_pages_are_strict_about_what_browsers_may_do(clerk):
    response = signed_in(clerk).get("/portal/")
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "no-store" in response["Cache-Control"]
    assert re.search(r"<script[^>]*>[^<]|style=|\son\w+=", text(response)) is None


def test_what_is_far_too_large_is_refused_before_it_is_read(client, db):
    response = client.post("/portal/sign-in/", {"username": "x" * 6_000_001})
    assert response.status_code == 413

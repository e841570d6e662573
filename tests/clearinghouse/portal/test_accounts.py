"""Accounts by invitation: the link opens once, roles hold, a suspension ends what is open."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clearinghouse.models import Invitation, Membership, User
from clearinghouse.portal import accounts
from tests import factories
from tests.clearinghouse.admin.fixtures import look, page, take, told  # noqa: F401
from tests.clearinghouse.portal.people import (
    PASSWORD,
    link_in_last_mail,
    member,
    sign_in,
    signed_in,
    text,
)

COLLEAGUES = "/portal/colleagues/"
NEW = {
    "first_name": "Robin",
    "last_name": "Roe",
    "password": PASSWORD,
    "again": PASSWORD,
    "time_zone": "Europe/Paris",
    "locale": "fr-FR",
}


def invited(desk, email="robin@home.example", role="clerk") -> str:
    """The path of the link that was sent."""
    response = desk.post(COLLEAGUES, {"email": email, "role": role}, follow=True)
    assert f"on its way to {email}" in text(response)
    return link_in_last_mail()


def test_an_invited_person_has_an_account_with_role_zone_and_locale(cast, desk):
    link = invited(desk, role="reader")
    newcomer = Client()
    assert "Home CSP" in text(newcomer.get(link))
    response = newcomer.post(link, NEW)
    assert response["Location"] == "/portal/"
    robin = User.objects.get(username="robin@home.example")
    assert (robin.time_zone, robin.locale) == ("Europe/Paris", "fr-FR")
    assert not robin.is_staff
    membership = robin.memberships.get()
    assert (membership.operator, membership.role) == (cast.home_csp.operator, "reader")
    assert newcomer.get("/portal/").status_code == 200
    assert sign_in(Client(), "Robin@Home.example").status_code == 302


def test_the_link_opens_once(desk):
    link = invited(desk)
    Client().post(link, NEW)
    response = Client().get(link)
    assert response.status_code == 410
    assert Client().post(link, NEW).status_code == 410
    assert User.objects.filter(first_name="Robin").count() == 1


def test_the_link_expires(desk):
    link = invited(desk)
    past = timezone.now() - timedelta(days=8)
    Invitation.objects.update(invited_at=past, expires_at=past + timedelta(days=7))
    assert Client().get(link).status_code == 410
    assert Client().post(link, NEW).status_code == 410


def test_a_withdrawn_link_and_an_earlier_one_open_nothing(desk):
    first = invited(desk)
    second = invited(desk)
    assert Client().get(first).status_code == 410
    key = Invitation.objects.get(withdrawn_at=None).pk
    desk.post(reverse("portal:withdraw-invitation", args=[key]))
    assert Client().get(second).status_code == 410


def test_the_token_is_kept_nowhere(desk):
    token = invited(desk).rstrip("/").rpartition("/")[2]
    (row,) = Invitation.objects.values()
    assert token not in str(row)


def test_a_weak_password_or_two_different_ones_are_refused(desk):
    link = invited(desk)
    weak = Client().post(link, {**NEW, "password": "password", "again": "password"})
    assert "too common" in text(weak)
    like = Client().post(link, {**NEW, "password": "robin@home.example", "again": "x"})
    assert "too similar" in text(like)
    assert "not the same" in text(like)
    assert not User.objects.filter(username="robin@home.example").exists()


def test_who_works_for_another_operator_accepts_signed_in(cast, desk):
    known = member(cast.outsider.operator, "clerk", "sam@out.example")
    link = invited(desk, "sam@out.example")
    stranger = Client()
    response = stranger.get(link)
    assert response["Location"].startswith(reverse("portal:sign-in"))
    assert stranger.post(link, NEW).status_code == 302
    assert known.memberships.count() == 1
    own = signed_in(known)
    own.post(link)
    assert known.memberships.count() == 2
    page = text(own.get("/portal/"))
    assert "Home CSP" in page
    assert "Outsider" in page


def test_somebody_else_cannot_accept_with_the_link(cast, desk):
    member(cast.outsider.operator, "clerk", "sam@out.example")
    link = invited(desk, "sam@out.example")
    other = signed_in(member(cast.outsider.operator, "reader", "eve@out.example"))
    other.post(link)
    assert Membership.objects.filter(operator=cast.home_csp.operator).count() == 1


def test_staff_and_members_are_not_invited(cast, desk):
    factories.UserFactory(username="kim", email="kim@ch.example")
    for email, why in (
        ("kim@ch.example", "staff"),
        ("administrator@home-csp.example", "belongs to the operator already"),
    ):
        response = desk.post(COLLEAGUES, {"email": email, "role": "clerk"})
        assert why in text(response)
    assert not mail.outbox


@pytest.mark.parametrize("role", ["clerk", "reader"])
def test_only_administrators_manage_colleagues(cast, role):
    assert signed_in(member(cast.home_csp.operator, role)).get(COLLEAGUES).status_code == 403


def test_an_administrator_changes_the_role_of_a_colleague(cast, desk):
    clerk = member(cast.home_csp.operator, "clerk")
    row = clerk.memberships.get()
    desk.post(reverse("portal:colleague", args=[row.pk]), {"role": "reader"})
    row.refresh_from_db()
    assert row.role == "reader"
    assert [event.role for event in row.events.order_by("pgh_id")] == ["clerk", "reader"]


def test_nobody_suspends_oneself_and_an_administrator_stays(cast, administrator, desk):
    own = administrator.memberships.get()
    desk.post(reverse("portal:colleague-standing", args=[own.pk, "suspend"]))
    own.refresh_from_db()
    assert own.status == "active"
    other = member(cast.home_csp.operator, "administrator", "two@home.example")
    accounts.suspend(own, other)
    with pytest.raises(accounts.AccountError, match="no administrator left"):
        accounts.change_role(other.memberships.get(), "clerk", administrator)


def test_people_of_another_operator_are_not_found(cast, desk):
    stranger = member(cast.visited_cso.operator, "clerk").memberships.get()
    assert desk.get(reverse("portal:colleague", args=[stranger.pk])).status_code == 404
    address = reverse("portal:colleague-standing", args=[stranger.pk, "suspend"])
    assert desk.post(address).status_code == 404
    stranger.refresh_from_db()
    assert stranger.status == "active"


def test_a_suspension_ends_an_open_session(cast, desk):
    clerk = member(cast.home_csp.operator, "clerk")
    browser = signed_in(clerk)
    assert browser.get("/portal/").status_code == 200
    row = clerk.memberships.get()
    desk.post(reverse("portal:colleague-standing", args=[row.pk, "suspend"]))
    response = browser.get("/portal/", follow=True)
    assert response.redirect_chain[-1][0] == reverse("portal:sign-in")
    assert "access has ended" in text(response)
    assert "do not open the portal" in text(sign_in(Client(), clerk.username))
    desk.post(reverse("portal:colleague-standing", args=[row.pk, "resume"]))
    assert sign_in(browser, clerk.username).status_code == 302


def test_who_works_for_two_keeps_the_other_when_one_is_suspended(cast, desk):
    clerk = member(cast.home_csp.operator, "clerk", "two@both.example")
    member(cast.outsider.operator, "reader", "two@both.example")
    browser = signed_in(clerk)
    browser.post(reverse("portal:switch"), {"operator": cast.home_csp.operator.pk})
    assert browser.get("/portal/").wsgi_request.viewer.operator == cast.home_csp.operator
    row = clerk.memberships.get(operator=cast.home_csp.operator)
    desk.post(reverse("portal:colleague-standing", args=[row.pk, "suspend"]))
    viewer = browser.get("/portal/").wsgi_request.viewer
    assert (viewer.operator, viewer.membership.role) == (cast.outsider.operator, "reader")


def test_nobody_switches_to_an_operator_of_others(cast, desk):
    desk.post(reverse("portal:switch"), {"operator": cast.visited_cso.operator.pk})
    assert desk.get("/portal/").wsgi_request.viewer.operator == cast.home_csp.operator


def test_staff_invite_the_first_person_on_the_operators_page(cast):
    clerk = factories.UserFactory()
    desk = Client()
    desk.force_login(clerk, "django.contrib.auth.backends.ModelBackend")
    operator = cast.visited_cso.operator
    response = take(desk, operator, "invite", email="Ann@vis.example", role="administrator")
    assert told(response) == "An invitation is on its way to ann@vis.example."
    assert "ann@vis.example" in text(desk.get(page(operator, "change")))
    Client().post(link_in_last_mail(), NEW)
    membership = Membership.objects.get()
    assert membership.role == "administrator"
    take(desk, membership, "suspend", reason="left the company")
    membership.refresh_from_db()
    assert membership.status == "suspended"


def test_a_mail_server_that_is_down_is_said(desk, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    response = desk.post(COLLEAGUES, {"email": "a@b.example", "role": "clerk"}, follow=True)
    assert "could not be sent" in text(response)

"""The operator's administrators invite colleagues, change their roles, suspend and resume them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from clearinghouse.models import MemberRole, Membership
from clearinghouse.portal import accounts, own
from clearinghouse.portal.accounts import AccountError
from clearinghouse.portal.mail import send_invitation
from clearinghouse.portal.presentation import badge, link, moment
from clearinghouse.portal.tables import Row, Table, headers
from clearinghouse.portal.viewer import ADMINISTER, Viewer, portal_page
from clearinghouse.second_factor import has_second_factor

ROLE_WORDS = {
    MemberRole.ADMINISTRATOR: gettext_lazy("Administrator: decides, and manages colleagues"),
    MemberRole.CLERK: gettext_lazy("Clerk: decides"),
    MemberRole.READER: gettext_lazy("Reader: sees everything, changes nothing"),
}


class RoleForm(forms.Form):
    """What a colleague may do."""

    role = forms.ChoiceField(
        label=gettext_lazy("Role"), choices=[(r.value, words) for r, words in ROLE_WORDS.items()]
    )


class InvitationForm(RoleForm):
    """Whom to invite."""

    field_order = ["email", "role"]
    email = forms.EmailField(
        label=gettext_lazy("E-mail address"),
        max_length=150,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    role = forms.ChoiceField(
        label=gettext_lazy("Role"),
        choices=[(r.value, words) for r, words in ROLE_WORDS.items()],
        initial=MemberRole.CLERK,
    )


@portal_page(ADMINISTER)
def colleagues(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Everybody of the operator, and who is invited."""
    form = InvitationForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _invited(request, viewer, form):
        return redirect("portal:colleagues")
    context = {
        "title": _("Colleagues"),
        "people": _people(viewer),
        "invitations": _invitations(viewer),
        "form": form,
    }
    return render(request, "portal/colleagues.html", context)


def _invited(request: HttpRequest, viewer: Viewer, form: InvitationForm) -> bool:
    data = form.cleaned_data
    try:
        invitation, token = accounts.invite(
            viewer.operator, data["email"], data["role"], viewer.user, timezone.now()
        )
    except AccountError as error:
        form.add_error("email", str(error))
        return False
    address = request.build_absolute_uri(reverse("portal:invitation", args=[token]))
    if send_invitation(invitation, address):
        messages.success(
            request, _("An invitation is on its way to %(email)s.") % {"email": invitation.email}
        )
    else:
        messages.error(request, _("The e-mail could not be sent. Invite once more, later."))
    return True


def _people(viewer: Viewer) -> Table:
    rows = [
        Row(
            (
                m.user.get_full_name() or m.user.username,
                m.user.username,
                m.get_role_display(),
                _standing(m),
                _("set up") if has_second_factor(m.user) else _("none"),
                moment(m.user.last_login),
                _("you") if m.user_id == viewer.user.pk else _change(m),
            )
        )
        for m in own.members(viewer)
    ]
    titles = (
        _("Name"), _("E-mail address"), _("Role"), _("Standing"), _("Second factor"),
        _("Last sign-in"), _("Change"),
    )  # fmt: skip
    return Table(_("People of %s") % viewer.operator.name, headers(*titles), rows, "")


def _standing(membership: Membership) -> SafeString:
    active = membership.status == Membership.Status.ACTIVE
    return badge(membership.get_status_display(), "ok" if active else "warn")


def _change(membership: Membership) -> SafeString:
    address = reverse("portal:colleague", args=[membership.pk])
    return format_html(
        '{} <span class="unseen">{}</span>',
        link(address, _("Change")), membership.user.username,
    )  # fmt: skip


def _invitations(viewer: Viewer) -> Table:
    now = timezone.now()
    rows = [
        Row(
            (
                invitation.email,
                invitation.get_role_display(),
                invitation.invited_by.get_full_name() or str(invitation.invited_by),
                moment(invitation.expires_at),
                badge(_("open"), "info") if invitation.expires_at > now else badge(_("expired")),
                _withdraw(invitation.pk, invitation.email),
            )
        )
        for invitation in own.open_invitations(viewer)
    ]
    titles = (
        _("E-mail address"), _("Role"), _("Invited by"), _("Valid until"), _("Standing"),
        _("Withdraw"),
    )  # fmt: skip
    return Table(
        _("Invitations"),
        headers(*titles),
        rows,
        _("Nobody is invited who did not accept."),
        shown_caption=False,
    )


def _withdraw(key: int, email: str) -> SafeString:
    return format_html(
        '{} <span class="unseen">{}</span>',
        link(reverse("portal:withdraw-invitation", args=[key]), _("Withdraw")), email,
    )  # fmt: skip


@portal_page(ADMINISTER)
def withdraw_invitation(request: HttpRequest, viewer: Viewer, key: int) -> HttpResponse:
    """The link of an invitation ends."""
    invitation = get_object_or_404(own.open_invitations(viewer), pk=key)
    if request.method == "POST":
        accounts.withdraw(invitation, timezone.now())
        messages.success(request, _("The invitation is withdrawn."))
        return redirect("portal:colleagues")
    context = {
        "title": _("Withdraw the invitation"),
        "lines": [
            _("The link that %(email)s got opens nothing any more.") % {"email": invitation.email}
        ],
        "button": _("Withdraw"),
        "danger": True,
        "back": reverse("portal:colleagues"),
        "form": forms.Form(),
        "narrow": True,
    }
    return render(request, "portal/simple_form.html", context)


@portal_page(ADMINISTER)
def colleague(request: HttpRequest, viewer: Viewer, key: int) -> HttpResponse:
    """One colleague: another role, suspended, resumed."""
    membership = get_object_or_404(own.members(viewer), pk=key)
    form = RoleForm(request.POST or None, initial={"role": membership.role})
    if request.method == "POST" and form.is_valid():
        role = form.cleaned_data["role"]
        return _done(request, lambda: accounts.change_role(membership, role, viewer.user))
    context = {
        "title": membership.user.get_full_name() or membership.user.username,
        "membership": membership,
        "form": form,
        "own": membership.user_id == viewer.user.pk,
    }
    return render(request, "portal/colleague.html", context)


@portal_page(ADMINISTER)
@require_POST
def set_standing(request: HttpRequest, viewer: Viewer, key: int, standing: str) -> HttpResponse:
    """Suspends a colleague, or lets one in again."""
    membership = get_object_or_404(own.members(viewer), pk=key)
    acts = {"suspend": accounts.suspend, "resume": accounts.resume}
    if standing not in acts:
        raise Http404
    return _done(request, lambda: acts[standing](membership, viewer.user))


def _done(request: HttpRequest, act: Callable[[], Any]) -> HttpResponse:
    try:
        act()
    except AccountError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Done. It holds from the next page on."))
    return redirect("portal:colleagues")

"""Menu group Operators: the operators' people, who use the portal; invited from here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminSelectWidget

from clearinghouse.admin_access import REMOVE_SECOND_FACTOR, second_factor_column
from clearinghouse.models import Invitation, MemberRole, Membership
from clearinghouse.portal import accounts
from clearinghouse.portal.mail import send_invitation
from clearinghouse.second_factor import has_second_factor, remove_second_factor
from roaming.admin.operators import OperatorAdmin
from roaming.models import Operator
from roaming.staff_pages.cells import (
    column,
    link_column,
    link_to,
    moment_column,
    name_column,
    state_column,
    value_at,
)
from roaming.staff_pages.staff_admin import Panel, ShortFactAdmin
from roaming.staff_pages.steps import Situation, Step, WithReason

_SHADES = {"active": "success", "suspended": "warning"}


class InviteForm(forms.Form):
    """Whom to invite; the first of an operator is its administrator, who invites the others."""

    email = forms.EmailField(max_length=150, widget=UnfoldAdminEmailInputWidget())
    role = forms.ChoiceField(
        choices=MemberRole, initial=MemberRole.ADMINISTRATOR, widget=UnfoldAdminSelectWidget()
    )


def _invite(situation: Situation) -> str:
    data = situation.data
    invitation, token = accounts.invite(
        situation.row, data["email"], data["role"], situation.user, timezone.now()
    )
    address = situation.request.build_absolute_uri(reverse("portal:invitation", args=[token]))
    if not send_invitation(invitation, address):
        raise accounts.AccountError("The e-mail could not be sent: invite once more, later.")
    return f"An invitation is on its way to {invitation.email}."


INVITE = Step(
    name="invite",
    label="Invite a person",
    permission="clearinghouse.add_invitation",
    act=_invite,
    when=lambda situation: not situation.row.is_clearing_house,
    preview=lambda situation: [
        f"The person gets an e-mail with a link that opens once, and then sees everything of "
        f"{situation.row} in the portal.",
    ],
    form=InviteForm,
)

admin.site.unregister(Operator)


@admin.register(Operator)
class OperatorWithPeopleAdmin(OperatorAdmin):
    """Operators, and their people in the portal."""

    steps: tuple[Step, ...] = (*OperatorAdmin.steps, INVITE)

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:
        return [*super().panels(request, row), _people(row)]


def _people(row: Operator) -> Panel:
    lines: list[tuple[Any, ...]] = [
        (link_to(m, m.user.username), m.get_role_display(), m.get_status_display())
        for m in Membership.objects.filter(operator=row).select_related("user")
    ]
    waiting = Invitation.objects.filter(
        operator=row, accepted_at=None, withdrawn_at=None, expires_at__gt=timezone.now()
    )
    lines += [(link_to(i, i.email), i.get_role_display(), "Invited") for i in waiting]
    empty = "Nobody yet: invite its administrator."
    return Panel("People in the portal", ("Person", "Role", "Standing"), lines, empty)


def _suspend(situation: Situation) -> str:
    accounts.suspend(situation.row, situation.user)
    return f"{situation.row} is suspended."


def _resume(situation: Situation) -> str:
    accounts.resume(situation.row, situation.user)
    return f"{situation.row} may enter again."


def _remove_device(situation: Situation) -> str:
    remove_second_factor(situation.row.user)
    return f"{situation.row.user} sets up a new second factor at the next sign-in."


_CHANGE = "clearinghouse.change_membership"
STEPS = (
    Step(
        name="suspend",
        label="Suspend",
        permission=_CHANGE,
        act=_suspend,
        when=lambda situation: situation.row.status == Membership.Status.ACTIVE,
        preview=lambda situation: [
            f"{situation.row.user} can open nothing of {situation.row.operator} any more; an open "
            "session ends with its next page. What was decided stays."
        ],
        form=WithReason,
        danger=True,
    ),
    Step(
        name="resume",
        label="Let in again",
        permission=_CHANGE,
        act=_resume,
        when=lambda situation: situation.row.status == Membership.Status.SUSPENDED,
        preview=lambda situation: [f"{situation.row.user} can sign in again."],
        form=WithReason,
    ),
    Step(
        name=REMOVE_SECOND_FACTOR.name,
        label=REMOVE_SECOND_FACTOR.label,
        permission=_CHANGE,
        act=_remove_device,
        when=lambda situation: has_second_factor(situation.row.user),
        preview=lambda situation: REMOVE_SECOND_FACTOR.preview(
            Situation(situation.request, situation.row.user)
        ),
        form=WithReason,
        danger=True,
    ),
)


@admin.register(Membership)
class MembershipAdmin(ShortFactAdmin):
    """Who works for which operator in the portal."""

    comes_from = "People are invited on their operator's page."
    steps = STEPS
    list_display = ("person", "operator_link", "role", "standing", "seen")
    list_display_links = ("person",)
    list_filter = ("role", "status")
    list_select_related = ("user", "operator")
    search_fields = ("user__username", "user__last_name", "operator__name")
    search_help_text = "E-mail address, last name, operator"
    ordering = ("user__username",)
    fields = (("person", "full_name"), "operator_link", "role", "standing", "device", "began",
              "seen")  # fmt: skip
    readonly_fields = ("person", "full_name", "operator_link", "standing", "device", "began",
                       "seen")  # fmt: skip

    person = name_column("Person", lambda row: row.user.username)
    full_name = column("Name", lambda row: row.user.get_full_name() or "–")
    operator_link = link_column("operator", "Operator", "operator__name")
    standing = state_column("status", "Standing", _SHADES)
    device = column("Second factor", lambda row: second_factor_column(None, row.user))
    began = moment_column("since", "Since")
    seen = moment_column("user__last_login", "Last sign-in", "user__last_login")


def _withdraw(situation: Situation) -> str:
    accounts.withdraw(situation.row, timezone.now())
    return "The invitation is withdrawn."


def _is_open(row: Invitation) -> bool:
    return row.accepted_at is None and row.withdrawn_at is None


WITHDRAW = Step(
    name="withdraw",
    label="Withdraw",
    permission="clearinghouse.change_invitation",
    act=_withdraw,
    when=lambda situation: _is_open(situation.row),
    preview=lambda situation: ["The link that was sent opens nothing any more."],
    danger=True,
)


def _standing(row: Invitation) -> str:
    if row.accepted_at:
        return "accepted"
    if row.withdrawn_at:
        return "withdrawn"
    return "open" if row.expires_at > timezone.now() else "expired"


@admin.register(Invitation)
class InvitationAdmin(ShortFactAdmin):
    """Who was invited. The link itself was sent and is kept nowhere."""

    comes_from = "People are invited on their operator's page."
    steps = (WITHDRAW,)
    list_display = ("address", "operator_link", "role", "standing", "invited", "by")
    list_display_links = ("address",)
    list_filter = ("role",)
    list_select_related = ("operator", "invited_by")
    search_fields = ("email", "operator__name")
    search_help_text = "E-mail address, operator"
    ordering = ("-invited_at",)
    fields = ("address", "operator_link", "role", "standing", "by", "invited", "expires")
    readonly_fields = fields

    address = name_column("E-mail address", lambda row: row.email)
    operator_link = link_column("operator", "Operator", "operator__name")
    standing = column("Standing", _standing)
    invited = moment_column("invited_at", "Invited", "invited_at")
    expires = moment_column("expires_at", "Expires")
    by = column("Invited by", lambda row: str(value_at(row, "invited_by")))

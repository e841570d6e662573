"""Menu group Administration: who was locked out, and who lost the second factor."""

from __future__ import annotations

from typing import Any

from axes.models import AccessAttempt
from axes.utils import reset
from django.contrib import admin
from django.http import HttpRequest
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from clearinghouse.second_factor import has_second_factor, remove_second_factor
from roaming.staff_pages.cells import column, moment_column
from roaming.staff_pages.staff_admin import FactAdmin
from roaming.staff_pages.steps import Situation, Step, WithReason

# Their own pages would show the keys.
admin.site.unregister(TOTPDevice)
admin.site.unregister(StaticDevice)


def _unlock(situation: Situation) -> str:
    reset(username=situation.row.username)
    return f"{situation.row.username} can log in again."


UNLOCK = Step(
    name="unlock",
    label="Unlock",
    permission="clearinghouse.change_user",
    act=_unlock,
    when=lambda situation: True,
    preview=lambda situation: [
        f"{situation.row.username or 'Nobody'} can try again at once. Make sure that it was "
        "the person who forgot the password, and nobody who guesses."
    ],
    form=WithReason,
)


@admin.register(AccessAttempt)
class AccessAttemptAdmin(FactAdmin):
    """Wrong passwords lately, by name and address. After five a name is locked for a while."""

    comes_from = "Nobody has typed a wrong password lately."
    list_display = ("username", "ip_address", "failures_since_start", "tried")
    search_fields = ("username",)
    search_help_text = "User name, or a part of it"
    fields = ("username", "ip_address", "failures_since_start", "tried", "user_agent")
    readonly_fields = ("tried",)
    steps = (UNLOCK,)

    tried = moment_column("attempt_time", "Last try")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever manages the staff."""
        return bool(request.user.has_perm("clearinghouse.change_user"))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Under the name that the menu gives it."""
        named = {"title": "Failed log-ins", "list_heading": "failed log-ins"}
        return super().changelist_view(request, {**named, **(extra_context or {})})

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)


def _remove(situation: Situation) -> str:
    remove_second_factor(situation.row)
    return f"{situation.row} sets up a new second factor at the next log-in."


REMOVE_SECOND_FACTOR = Step(
    name="remove-second-factor",
    label="Remove second factor",
    permission="clearinghouse.change_user",
    act=_remove,
    when=lambda situation: has_second_factor(situation.row),
    preview=lambda situation: [
        f"{situation.row} has lost device and recovery codes: make sure that it is the person who "
        "asks, by another way than e-mail. The next log-in sets up a new device."
    ],
    form=WithReason,
    danger=True,
)

second_factor_column = column(
    "Second factor", lambda user: "set up" if has_second_factor(user) else "none"
)

"""Menu group Administration: staff, their groups, and what they did."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from clearinghouse.models import User
from staff_pages.cells import anchor, column, moment_column
from staff_pages.staff_admin import FactAdmin, StaffAdmin

admin.site.unregister(Group)


class NewUserForm(UserCreationForm):  # type: ignore[misc]
    """A new member of staff."""

    class Meta:
        model = User
        fields = ("username",)


class StaffForm(UserChangeForm):  # type: ignore[misc]
    """A member of staff."""

    class Meta:
        model = User
        fields = "__all__"


@admin.register(User)
class StaffUserAdmin(UserAdmin, StaffAdmin):  # type: ignore[misc]
    """Members of staff. Who leaves is made inactive: their name stands on what they decided."""

    form = StaffForm
    add_form = NewUserForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "first_name", "last_name", "email", "is_active", "last_seen")
    list_filter = ("is_active", "is_superuser", "groups")
    readonly_fields = ("last_seen", "joined")
    autocomplete_fields = ("groups",)
    filter_horizontal = ("user_permissions",)
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        (
            "What they may do",
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        ("Seen", {"fields": ("last_seen", "joined")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "usable_password", "password1", "password2")}),)

    last_seen = moment_column("last_login", "Last log-in", "last_login")
    joined = moment_column("date_joined", "Since")


@admin.register(Group)
class StaffGroupAdmin(GroupAdmin, StaffAdmin):  # type: ignore[misc]
    """Roles: what a group of staff may see and do."""


def _row(entry: LogEntry) -> Any:
    url = entry.get_admin_url()
    return anchor(url, entry.object_repr) if url else entry.object_repr


@admin.register(LogEntry)
class LogEntryAdmin(FactAdmin):
    """What staff did in the admin, looks at personal data among it."""

    list_display = ("when", "user", "what", "row", "content_type")
    list_display_links = ("when",)
    list_select_related = ("user", "content_type")
    list_filter = ("user",)
    search_fields = ("pk",)
    search_help_text = "Id of the row it was done to"
    fields = ("when", "user", "what", "row", "content_type", "object_id")
    readonly_fields = ("when", "what", "row")

    when = moment_column("action_time", "When")
    what = column("What", lambda entry: entry.get_change_message() or str(entry))
    row = column("With", _row)

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        """By the key of the row."""
        term = search_term.strip()
        return (queryset.filter(object_id=term) if term else queryset), False

"""Menu group Administration: staff, their groups, and what they did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.urls import reverse
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminSelect2MultipleWidget

from clearinghouse import admin_people  # noqa: F401  registers the operators' people
from clearinghouse.admin_access import REMOVE_SECOND_FACTOR, second_factor_column
from clearinghouse.models import User
from roaming.staff_pages.cells import anchor, column, moment_column
from roaming.staff_pages.long_lists import clean_term
from roaming.staff_pages.staff_admin import FactAdmin, StaffAdmin

admin.site.unregister(Group)


class NewUserForm(UserCreationForm):
    """A new member of staff."""

    class Meta:
        model = User
        fields = ("username",)


class StaffForm(UserChangeForm):
    """A member of staff."""

    class Meta:
        model = User
        fields = "__all__"


class WithPermissions:
    """Mixin: permissions are chosen from a list that one can type into."""

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A searchable choice for permissions; groups as they are."""
        if not db_field.name.endswith("permissions"):
            return super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]
        field = super().formfield_for_manytomany(  # type: ignore[misc]
            db_field, request, widget=UnfoldAdminSelect2MultipleWidget, **kwargs
        )
        field.widget.attrs["class"] = "unfold-admin-autocomplete admin-autocomplete"
        field.queryset = field.queryset.select_related("content_type")
        return field


@admin.register(User)
class StaffUserAdmin(WithPermissions, UserAdmin, StaffAdmin):  # type: ignore[misc, type-arg]
    """Members of staff. Who leaves is made inactive: their name stands on what they decided."""

    form = StaffForm
    add_form = NewUserForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "first_name", "last_name", "email", "is_active", "last_seen")
    list_filter = ("is_active", "is_superuser", "groups")
    readonly_fields = ("last_seen", "joined", "second_factor")
    steps = (REMOVE_SECOND_FACTOR,)
    autocomplete_fields = ("groups",)
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username",)}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        (
            "What they may do",
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        ("Log-in", {"fields": ("second_factor", "last_seen", "joined")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "usable_password", "password1", "password2")}),)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Operators' people have a list of their own."""
        return super().get_queryset(request).filter(memberships=None)

    def page_links(self, request: HttpRequest, row: Any) -> Sequence[tuple[str, str]]:
        """The ways to a new password and device. What is kept of the old is shown nowhere."""
        links = []
        if request.user.pk == row.pk:
            links.append(("Set up your second factor", reverse("second-factor-setup")))
        if self.has_change_permission(request, row):
            address = reverse("admin:auth_user_password_change", args=[row.pk])
            links.append(("Set a new password", address))
        return links

    second_factor = second_factor_column

    last_seen = moment_column("last_login", "Last log-in", "last_login")
    joined = moment_column("date_joined", "Since")


@admin.register(Group)
class StaffGroupAdmin(WithPermissions, GroupAdmin, StaffAdmin):  # type: ignore[misc]
    """Roles: what a group of staff may see and do."""

    filter_horizontal = ()


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
        term = clean_term(search_term)
        return (queryset.filter(object_id=term) if term else queryset), False

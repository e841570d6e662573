"""Menu group Operators: platforms, whom they speak for, and their registration (UC1-1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import TabularInline

from roaming.admin.deliveries import HEALTH, short
from roaming.admin.platform_form import PlatformForm
from roaming.admin.platform_steps import STEPS
from roaming.models import Delivery, Platform, PlatformIdentifier
from roaming.staff_pages.cells import (
    column,
    link_column,
    link_to,
    list_of,
    moment,
    moment_cell,
    moment_column,
    state_column,
)
from roaming.staff_pages.refusal_words import explained
from roaming.staff_pages.staff_admin import Panel, StaffAdmin
from roaming.use_cases.operator_onboarding import (
    OnboardingError,
    free_pin,
    pin_identifier,
)

SHADES = {"connected": "success", "expected": "info", "suspended": "warning", "ended": "plain"}


class PinForm(forms.ModelForm):  # type: ignore[type-arg]
    """A party is spoken for by one platform of an environment."""

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("identifier") and not data.get("DELETE"):
            try:
                free_pin(self.instance.platform, data["identifier"])
            except OnboardingError as error:
                self.add_error("identifier", str(error))
        return data


class HeldIdentifierInline(TabularInline):
    """Whom the platform speaks for. Unpinning moves a party to another platform."""

    model = PlatformIdentifier
    form = PinForm
    fields = ("identifier", "holder")
    readonly_fields = ("holder",)
    autocomplete_fields = ("identifier",)
    verbose_name = "identifier it speaks for"
    verbose_name_plural = "speaks for"
    extra = 0

    holder = link_column("identifier__operator", "Operator")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Pinned or not: there is nothing to edit."""
        return False


class SilentFilter(admin.SimpleListFilter):
    """The rows behind the number of the first page."""

    title = "standing"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("silent", "Not registered yet, or suspended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() != "silent":
            return queryset
        return queryset.filter(status__in=(Platform.Status.EXPECTED, Platform.Status.SUSPENDED))


@admin.register(Platform)
class PlatformAdmin(StaffAdmin):
    """Platforms. Their secrets are shown nowhere; a registration token once."""

    comes_from = "Add the platform that an operator runs, then issue its registration token."
    form = PlatformForm
    steps = STEPS
    form_refusals = (OnboardingError,)
    history_of = ("held_identifiers",)
    inlines = (HeldIdentifierInline,)
    list_display = ("name", "environment", "shown_status", "shown_health", "operator", "address")
    list_filter = (SilentFilter, "environment", "status", "health__state")
    list_select_related = ("run_by", "roaming_endpoint", "health")
    search_fields = ("name", "run_by__name", "held_identifiers__identifier__key")
    search_help_text = "Name, operator, identifier without separators"
    autocomplete_fields = ("run_by",)
    ordering = ("name",)
    readonly_fields = (
        "shown_status", "made", "address", "dialect", "address_since", "verified", "takes",
        "shown_health", "health_since", "last_success", "last_failure", "last_error",
    )  # fmt: skip
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "name",
                    "run_by",
                    "environment",
                    "shown_status",
                    "made",
                    "client_certificate_sha256",
                    "messages_per_minute",
                )
            },
        ),
        (
            "Roaming endpoint",
            {"fields": ("address", "dialect", "address_since", "verified", "takes")},
        ),
        (
            "Health",
            {
                "fields": (
                    ("shown_health", "health_since"),
                    ("last_success", "last_failure"),
                    "last_error",
                )
            },
        ),
    )

    operator = link_column("run_by", "Run by", "run_by__name")
    shown_status = state_column("status", "Status", SHADES)
    made = moment_column("created_at", "Made on")
    address = column("Address", lambda row: getattr(_endpoint(row), "url", "–"))
    dialect = column(
        "Dialect", lambda row: _endpoint(row).get_dialect_display() if _endpoint(row) else "–"
    )
    address_since = column(
        "Announced on", lambda row: moment(getattr(_endpoint(row), "updated_at", None))
    )

    verified = column(
        "Answered a handshake on", lambda row: moment(getattr(_endpoint(row), "verified_at", None))
    )
    takes = column("Takes", lambda row: ", ".join(getattr(_endpoint(row), "paths", [])) or "all")
    shown_health = state_column("health__state", "Health", HEALTH)
    health_since = moment_column("health__since", "Since (real time)")
    last_success = moment_column("health__last_success_at", "Last answer")
    last_failure = moment_column("health__last_failure_at", "Last failure")
    last_error = column(
        "Last error",
        lambda row: explained(getattr(getattr(row, "health", None), "last_error", "")) or "–",
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[Any]:
        """The environment is for good: live and test never mix."""
        return [*self.readonly_fields, *(["environment"] if obj is not None else [])]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ((None, {"fields": ("name", "run_by", "environment")}),)
        return self.fieldsets

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """A pin is of the platform's environment."""
        for row in formset.save(commit=False):
            pin_identifier(form.instance, row.identifier)
        for gone in formset.deleted_objects:
            gone.delete()

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:
        return [_credentials(row), _tokens(row), _deliveries(row)]


def _endpoint(row: Platform) -> Any:
    return getattr(row, "roaming_endpoint", None)


def _credentials(row: Platform) -> Panel:
    now = timezone.now()
    lines = [
        (
            f"{held.prefix}…",
            moment_cell(held.issued_at),
            moment_cell(held.expires_at),
            "revoked " + moment(held.revoked_at)
            if held.revoked_at
            else "ended"
            if held.expires_at and held.expires_at <= now
            else "valid",
        )
        for held in row.credentials.all()[:20]
    ]
    return Panel(
        "Credentials",
        ("Prefix", "Issued", "Ends", "Standing"),
        lines,
        "None yet: it registers with a registration token.",
        note="Secrets are never kept in clear and never shown.",
    )


def _tokens(row: Platform) -> Panel:
    lines = [
        (
            f"{t.prefix}…",
            moment_cell(t.issued_at),
            moment_cell(t.expires_at),
            moment_cell(t.used_at),
        )
        for t in row.registration_tokens.order_by("-issued_at")[:10]
    ]
    return Panel(
        "Registration tokens", ("Prefix", "Issued", "Ends", "Used"), lines, "None was issued."
    )


def _deliveries(row: Platform) -> Panel:
    waiting = Delivery.objects.filter(receiver=row, state=Delivery.State.WAITING)
    lines = [
        (
            link_to(d, short(d.object_key)),
            d.use_case,
            d.attempts,
            moment_cell(d.due_at),
            explained(d.last_error) or "–",
        )
        for d in waiting.order_by("due_at")[:10]
    ]
    more = list_of(Delivery._meta, f"receiver__id__exact={row.pk}", "All deliveries to it")
    return Panel(
        "Waiting for it",
        ("Object", "Use case", "Attempts", "Due", "Last error"),
        [*lines, (more, "", "", "", "")],
        "",
    )

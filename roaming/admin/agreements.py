"""Menu group Agreements: the roaming contracts, their terms and their life."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.forms.models import model_to_dict
from django.http import HttpRequest
from django.urls import reverse
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from roaming.admin.agreement_panels import acceptances, business, gap, suspensions, waits_for
from roaming.admin.agreement_steps import STEPS
from roaming.domain.agreement import Service
from roaming.domain.time_zones import find_zone
from roaming.models import (
    Agreement,
    SettlementCalendar,
)
from roaming.staff_pages.cells import (
    column,
    moment_column,
    name_column,
    one_line,
    plain_digits,
    state_column,
)
from roaming.staff_pages.ranges import range_text
from roaming.staff_pages.staff_admin import Panel, StaffAdmin
from roaming.use_cases.agreement_lifecycle import overlapping_agreements

SHADES = {"active": "success", "proposed": "info", "suspended": "warning"}
Status = Agreement.Status


class AgreementForm(forms.ModelForm):  # type: ignore[type-arg]
    """The terms of a draft."""

    services = forms.MultipleChoiceField(
        choices=[(service.value, service.label) for service in Service],
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="Sites, tariffs and SDRs are exchanged under any agreement.",
    )
    keep_although_it_overlaps = forms.BooleanField(
        required=False,
        label="Keep the draft although it overlaps",
        help_text="Only where a warning asks for it. It cannot be proposed while it overlaps.",
    )

    class Meta:
        model = Agreement
        fields = "__all__"

    def clean_currency(self) -> str:
        text: str = self.cleaned_data["currency"].strip().upper()
        if len(text) != 3 or not text.isalpha():
            raise ValidationError("Three letters, ISO 4217, such as EUR.")
        return text

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        validity = data.get("validity")
        if "validity" not in self.errors and (validity is None or validity.lower is None):
            self.add_error("validity", "Say from when.")
        if data.get("visited_cso") and data.get("visited_cso") == data.get("home_csp"):
            self.add_error("home_csp", "An agreement joins two operators.")
        if not self.errors and not data.get("keep_although_it_overlaps"):
            self._refuse_overlap(data)
        return data

    def _refuse_overlap(self, data: dict[str, Any]) -> None:
        names = ("environment", "visited_cso", "home_csp", "services", "validity")
        tried = Agreement(pk=self.instance.pk, **{name: data[name] for name in names})
        found = list(overlapping_agreements(tried)[:3])
        if found:
            said = "; ".join(f"{row}, {range_text(row.validity, '%Y-%m-%d')}" for row in found)
            raise ValidationError(
                f"It overlaps for the same service with: {said}. Change the validity or the "
                "services, or keep it as a draft by the tick at the end of the form."
            )


def services_of(row: Agreement) -> str:
    """What is covered, in few words."""
    if len(row.services) == len(Service):
        return "all"
    return ", ".join(service.replace("_", " ") for service in row.services)


@admin.register(Agreement)
class AgreementAdmin(StaffAdmin):
    """Agreements. A draft is edited; what was proposed is not, and nothing is taken back."""

    comes_from = "An agreement joins a CSO and a CSP. Both operators have to be there first."
    form = AgreementForm
    steps = STEPS
    list_display = (
        "parties", "shown_status", "valid", "shown_services", "waiting_for",
    )  # fmt: skip
    list_display_links = ("parties",)
    list_filter = ("status", "environment", "collection_mode", "calendar")
    list_select_related = ("visited_cso", "home_csp")
    search_fields = (
        "visited_cso__name", "home_csp__name",
        "visited_cso__identifiers__key", "home_csp__identifiers__key",
    )  # fmt: skip
    search_help_text = "Operator, identifier without separators"
    autocomplete_fields = ("visited_cso", "home_csp", "replaces")
    ordering = ("visited_cso__name", "home_csp__name", "-pk")
    readonly_fields = (
        "shown_status",
        "created_by",
        "made",
        "shown_services",
        "valid",
        "valid_exactly",
    )

    readonly_preprocess_fields = dict.fromkeys(
        (
            "tolerance_energy_kwh", "tolerance_energy_share", "tolerance_money",
            "tolerance_money_share",
        ),
        plain_digits,
    )  # fmt: skip
    words = {
        "visited_cso": "visited-CSO",
        "home_csp": "home-CSP",
        "validity": "Valid",
        "sdr_window_hours": "SDR window, hours",
        "decision_window_hours": "Decision window, hours",
        "tariff_notice_hours": "Tariff notice, hours",
        "silence": "Silence of the home-CSP",
        "offline_liability": "Offline sessions that it refuses",
        "requires_csp_record": "The home-CSP sends its own record",
        "requires_signed_meter_data": "Signed meter data is required",
    }
    _terms: tuple[tuple[str, dict[str, Any]], ...] = (
        ("Parties", {"fields": ("visited_cso", "home_csp", "environment", "replaces")}),
        ("What is agreed", {"fields": ("services", "validity")}),
        (
            "Money",
            {"fields": (("currency", "rounding"), "collection_mode", "netting", "calendar")},
        ),
        (
            "What may differ without a person looking at it",
            {
                "fields": (
                    ("tolerance_energy_kwh", "tolerance_energy_share"),
                    "tolerance_time_s",
                    ("tolerance_money", "tolerance_money_share"),
                ),
                "description": "The larger of the absolute value and the share counts "
                "(0.005 is half a percent).",
            },
        ),
        (
            "Windows and duties",
            {
                "fields": (
                    ("sdr_window_hours", "decision_window_hours"),
                    "silence",
                    "tariff_notice_hours",
                    "offline_liability",
                    "requires_csp_record",
                    "requires_signed_meter_data",
                )
            },
        ),
    )

    parties = name_column(
        "CSO – CSP", lambda row: f"{row.visited_cso} – {row.home_csp}", wraps=True
    )
    shown_status = state_column("status", "Status", SHADES)
    valid = column("Validity", lambda row: one_line(range_text(row.validity, "%Y-%m-%d")))
    valid_exactly = column("Valid", lambda row: range_text(row.validity))
    shown_services = column("Services", services_of)
    made = moment_column("created_at", "Made on")
    waiting_for = column("Waits for", waits_for)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("acceptances")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only a draft is edited; for anything else there are the steps."""
        if obj is not None and obj.status != Status.DRAFT:
            return False
        return bool(super().has_change_permission(request, obj))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        standing = ("Standing", {"fields": ("shown_status", "created_by", "made")})
        keep = ("Before saving", {"fields": ("keep_although_it_overlaps",)})
        if obj is None:
            return (*self._terms, keep)
        if obj.status == Status.DRAFT:
            return (standing, *self._terms, keep)
        agreed = ("What is agreed", {"fields": ("shown_services", "valid_exactly")})
        return (standing, self._terms[0], agreed, *self._terms[2:])

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """`?copy=ID`: the terms of another agreement, which the new one follows."""
        data: dict[str, Any] = super().get_changeform_initial_data(request)
        copied = str(data.pop("copy", ""))
        model = Agreement.objects.filter(pk=copied).first() if copied.isdigit() else None
        if model is None:
            return data
        terms = model_to_dict(model, exclude=["id", "validity", "replaces", "created_by"])
        return {**terms, "replaces": model.pk}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Who drafted it stands on it."""
        if not change:
            obj.created_by = request.user
        super().save_model(request, obj, form, change)

    def shows_panels_first(self, row: Any) -> bool:
        return bool(row.status != Status.DRAFT)

    def page_links(self, request: HttpRequest, row: Any) -> Sequence[tuple[str, str]]:
        if not self.has_add_permission(request):
            return ()
        url = reverse("admin:roaming_agreement_add")
        return [("Copy the terms to a new draft", f"{url}?copy={row.pk}")]

    def warnings(self, request: HttpRequest, row: Any) -> Sequence[str]:
        if row.status not in (Status.DRAFT, Status.PROPOSED):
            return ()
        said = [
            f"It overlaps for the same service with {other}, "
            f"{range_text(other.validity, '%Y-%m-%d')}: it cannot become active."
            for other in overlapping_agreements(row)[:5]
        ]
        return [*said, *gap(row)]

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:
        return [acceptances(row), suspensions(row), business(row)]


@admin.register(SettlementCalendar)
class SettlementCalendarAdmin(StaffAdmin):
    """Which periods agreements are settled in."""

    list_display = ("name", "cycle", "time_zone", "cut_off_hours", "objection_hours")
    search_fields = ("name",)
    fields = ("name", "cycle", "time_zone", "cut_off_hours", "objection_hours")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "time_zone" and field is not None:
            field.validators.append(known_zone)
        return field


def known_zone(name: str) -> None:
    """Refuses what is no time zone."""
    if find_zone(name) is None:
        raise ValidationError("No time zone has this name: such as Europe/Berlin.")

"""The registry of rules, each with how often it fired and what staff set; and setting one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pghistory
from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse

from roaming.models import Finding
from roaming.models.clock import business_now
from roaming.staff_pages.cells import (
    EMPTY,
    anchor,
    badge,
    column,
    figure,
    link_to,
    list_of,
    one_line,
    plain_digits,
)
from roaming.staff_pages.staff_admin import Panel, StaffAdmin
from settlement.admin.sdr_panels import SEVERITIES
from settlement.domain.reconciliation.rule import FAMILIES, Rule, SessionRule
from settlement.domain.reconciliation.rule_settings import PROTECTED, tolerance_of
from settlement.domain.reconciliation.rules import every_rule
from settlement.models import RuleSetting
from settlement.models.rule_settings import MOST_COUNTED, how_often_fired

_OWN = "its own"


def registry_address(rule: str = "") -> str:
    """The page of all rules, or of one."""
    name = "admin:settlement_rulesetting_registry"
    return reverse(f"{name}_rule", args=[rule]) if rule else reverse(name)


def _title(rule: str) -> str:
    known = every_rule().get(rule)
    return known.title if known else EMPTY


def _set_to(row: RuleSetting) -> str:
    if row.switched_off:
        return "off"
    said = []
    if row.severity:
        said.append(row.get_severity_display().lower())
    if row.tolerance is not None:
        rule = every_rule().get(row.rule)
        own = tolerance_of(rule) if rule else None
        said.append(f"tolerates {row.tolerance:f} {own.kind.unit if own else ''}".rstrip())
    if row.tolerance_share is not None:
        said.append(f"tolerates {row.tolerance_share * 100:f}".rstrip("0").rstrip(".") + " %")
    return ", ".join(said) or _OWN


class RuleSettingForm(forms.ModelForm):  # type: ignore[type-arg]
    """What to set, for whom, and why."""

    class Meta:
        model = RuleSetting
        fields = (
            "rule", "operator", "agreement", "switched_off", "severity", "tolerance",
            "tolerance_share", "in_force", "reason",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["reason"] = ""  # each change says its own

    def clean_rule(self) -> str:
        rule: str = self.cleaned_data["rule"].strip().upper()
        if rule not in every_rule():
            raise ValidationError("There is no such rule; an id is one like PRC-01.")
        if isinstance(every_rule()[rule], SessionRule):
            raise ValidationError("Its hours are a setting of the system.")
        if rule in PROTECTED:
            raise ValidationError(f"{rule} stays as it is. {PROTECTED[rule]}")
        return rule

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        rule = every_rule().get(data.get("rule") or self.instance.rule)
        if data.get("operator") and data.get("agreement"):
            self.add_error("agreement", "For an operator or for an agreement, not for both.")
        if rule is not None:
            self._check_tolerance(rule, data)
        return data

    def _check_tolerance(self, rule: Rule, data: dict[str, Any]) -> None:
        own = tolerance_of(rule)
        absolute, share = data.get("tolerance"), data.get("tolerance_share")
        if own is None and (absolute is not None or share is not None):
            self.add_error("tolerance", f"{rule.id} measures nothing, so nothing may differ.")
        if absolute is not None and absolute < 0:
            self.add_error("tolerance", "A tolerance is zero or more.")
        if share is not None and not 0 <= share <= 1:
            self.add_error("tolerance_share", "A share lies between 0 and 1; 0.01 is 1 %.")
        if own is not None and own.absolute is not None and share is not None:
            self.add_error("tolerance_share", f"{rule.id} has a limit, of which there is no share.")

    def _update_errors(self, errors: ValidationError) -> None:
        """The database's rule in words."""
        if "already exists" in str(errors):
            errors = ValidationError("This rule is set for them already: change that setting.")
        super()._update_errors(errors)  # type: ignore[misc]


@admin.register(RuleSetting)
class RuleSettingAdmin(StaffAdmin):
    """Settings of rules. One that should not count any more is taken out of force, and stays."""

    form = RuleSettingForm
    list_display = (
        "rule", "title", "for_whom", "what", "counts", "reason", "changed_by",
    )  # fmt: skip
    list_filter = ("in_force", "switched_off")
    list_select_related = ("operator", "agreement__visited_cso", "agreement__home_csp")
    search_fields = ("rule", "operator__name")
    autocomplete_fields = ("operator", "agreement")
    words = {
        "switched_off": "The rule is off",
        "tolerance": "Tolerance",
        "tolerance_share": "Tolerance as a share",
        "in_force": "In force",
        "reason": "Why",
    }
    readonly_preprocess_fields = {"tolerance": plain_digits, "tolerance_share": plain_digits}
    fieldsets = (
        ("Which rule, for whom", {"fields": ("rule", "operator", "agreement")}),
        (
            "What it is to be",
            {
                "fields": ("switched_off", "severity", "tolerance", "tolerance_share", "in_force"),
                "description": "What is left empty is the rule's own. The most specific setting "
                "counts, and counts whole: an agreement's before an operator's (of both parties "
                "the visited-CSO's), an operator's before the one for all. It counts from the next "
                "judgement on; what is undecided is judged anew by “Reconcile now”.",
            },
        ),
        ("Why", {"fields": ("reason",)}),
    )

    title = column("What it finds", lambda row: _title(row.rule))
    for_whom = column("For", lambda row: row.scope)
    what = column("Set to", _set_to)
    counts = column(
        "Counts",
        lambda row: badge("in force", "success") if row.in_force else badge("not in force"),
    )

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        name = "settlement_rulesetting_registry"
        return [
            path("registry/", wrap(self.registry_view), name=name),
            path("registry/<slug:rule>/", wrap(self.rule_view), name=f"{name}_rule"),
            *super().get_urls(),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A setting stays that of its rule and its parties: its history would be of another."""
        return ("rule", "operator", "agreement") if obj is not None else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"rule": request.GET.get("rule", ""), "in_force": True}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.changed_by = request.user
        with pghistory.context(why=obj.reason):
            super().save_model(request, obj, form, change)

    def list_links(self, request: HttpRequest) -> Any:
        return [("All rules", registry_address())]

    def page_links(self, request: HttpRequest, row: Any) -> Any:
        return [(f"About {row.rule}", registry_address(row.rule))]

    def registry_view(self, request: HttpRequest) -> HttpResponse:
        """Every rule by family, with what it tolerates and how often it fired."""
        self._may_see(request)
        rules = every_rule()
        fired = how_often_fired(list(rules), business_now())
        in_force = RuleSetting.objects.filter(in_force=True)
        settings = Counter(in_force.values_list("rule", flat=True))
        panels = [
            Panel(
                f"{family} · {name}",
                ("Rule", "Severity", "Tolerates", "What it means", "Last 30 days", "Settings"),
                list(_family(family, rules, fired, settings)),
                "",
            )
            for family, name in FAMILIES.items()
        ]
        return self._page(request, "Rules", panels, [("Settings", self._address("changelist"))])

    def rule_view(self, request: HttpRequest, rule: str) -> HttpResponse:
        """One rule: what it means, what it tolerates, and everything that is set for it."""
        self._may_see(request)
        known = every_rule().get(rule)
        if known is None:
            raise Http404
        links = []
        settable = rule not in PROTECTED and not isinstance(known, SessionRule)
        if self.has_add_permission(request) and settable:
            query = urlencode({"rule": rule})
            links.append(("Set it…", f"{self._address('add')}?{query}"))
        links.append(("All rules", registry_address()))
        return self._page(
            request, f"{rule}: {known.title}", [_about(known), _settings(rule)], links
        )

    def _may_see(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def _page(
        self, request: HttpRequest, title: str, panels: list[Panel], links: Any
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "panels": panels,
            "panels_first": True,
            "page_links": links,
        }
        return render(request, "admin/reconciliation/rules.html", context)


def _family(
    family: str, rules: dict[str, Rule], fired: dict[str, int], settings: Counter[str]
) -> Iterator[tuple[Any, ...]]:
    for rule in rules.values():
        if rule.family == family:
            tolerance = tolerance_of(rule)
            yield (
                one_line(anchor(registry_address(rule.id), f"{rule.id} {rule.title}")),
                badge(rule.severity.label, SEVERITIES[rule.severity.value]),
                str(tolerance) if tolerance else EMPTY,
                rule.explanation,
                _count(rule.id, fired[rule.id]),
                figure(str(settings[rule.id])) if settings[rule.id] else EMPTY,
            )


def _count(rule: str, count: int) -> Any:
    if not count:
        return EMPTY
    text = f"{MOST_COUNTED:,}+" if count > MOST_COUNTED else f"{count:,}"
    return figure(list_of(Finding._meta, urlencode({"rule": rule}), text))


def _about(rule: Rule) -> Panel:
    tolerance = tolerance_of(rule)
    fired = how_often_fired([rule.id], business_now())[rule.id]
    facts = [
        ("What it means", rule.explanation),
        ("Severity", badge(rule.severity.label, SEVERITIES[rule.severity.value])),
        ("Tolerates", str(tolerance) if tolerance else "nothing: there is no measure in it"),
        ("Fired on sessions of the last 30 days", _count(rule.id, fired)),
        ("Can be set", _can_be_set(rule)),
    ]
    return Panel("The rule", ("", ""), facts, "")


def _can_be_set(rule: Rule) -> str:
    if isinstance(rule, SessionRule):
        return "Its hours are a setting of the system."
    return f"No. {PROTECTED[rule.id]}" if rule.id in PROTECTED else "Yes"


def _settings(rule: str) -> Panel:
    rows = RuleSetting.objects.filter(rule=rule).select_related(
        "operator", "agreement__visited_cso", "agreement__home_csp", "changed_by"
    )
    lines = [
        (
            link_to(row, row.scope),
            _set_to(row),
            badge("in force", "success") if row.in_force else badge("not in force"),
            row.reason,
            str(row.changed_by or EMPTY),
        )
        for row in rows
    ]
    headers = ("For", "Set to", "Counts", "Why", "By")
    return Panel("Settings", headers, lines, "Nothing is set: the rule is as it stands above.")

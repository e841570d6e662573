"""Findings: what the checks found, with both values and the money at stake."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from roaming.models import Finding, Sdr
from roaming.staff_pages.cells import (
    column,
    link_column,
    moment_column,
    money_column,
    name_column,
    state_column,
)
from roaming.staff_pages.long_lists import clean_term, day_filter
from roaming.staff_pages.staff_admin import FactAdmin
from settlement.admin.sdr_causes import likely_causes
from settlement.admin.sdr_filters import opened_between
from settlement.admin.sdr_panels import SEVERITIES, STATES
from settlement.domain.reconciliation.rules import rule_titles


class RuleFilter(DropdownFilter):
    """One rule, by its own index."""

    title = "rule"
    parameter_name = "rule"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(rule, f"{rule} {title}") for rule, title in sorted(rule_titles().items())]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(rule=self.value()) if self.value() else queryset


class StandsFilter(DropdownFilter):
    """Whether a later run has judged anew."""

    title = "standing"
    parameter_name = "stands"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Stands"), ("no", "Superseded by a later run")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(superseded_at__isnull=self.value() == "yes")


@admin.register(Finding)
class FindingAdmin(FactAdmin):
    """Findings, of the newest sessions first."""

    list_display = (
        "name", "title", "shown_severity", "sdr_link", "state", "claimed", "expected", "at_stake",
        "stands",
    )  # fmt: skip
    list_display_links = ("name",)
    list_filter = (
        RuleFilter,
        StandsFilter,
        "severity",
        day_filter("day", "day of the session (YYYY-MM-DD)", opened_between),
    )
    list_select_related = ("sdr__standing",)
    search_fields = ("sdr",)
    search_help_text = "SDR id"
    fields = (
        "rule", "title", "shown_severity", "explanation", "claimed", "expected", "at_stake",
        "likely", "sdr_link", "state", "found", "superseded",
    )  # fmt: skip
    readonly_fields = (
        "title", "shown_severity", "at_stake", "likely", "sdr_link", "state", "found", "superseded",
    )  # fmt: skip

    name = name_column("Rule", lambda row: row.rule)
    title = column("What", lambda row: rule_titles().get(row.rule, row.explanation))
    shown_severity = state_column("severity", "Severity", SEVERITIES)
    sdr_link = link_column("sdr", "SDR")
    state = state_column("sdr__standing__state", "SDR is", STATES)
    at_stake = money_column("money_at_stake", "At stake", "sdr__currency")
    likely = column("Likely causes", likely_causes)
    found = moment_column("found_at", "Found")
    superseded = moment_column("superseded_at", "Superseded")
    stands = column("Standing", lambda row: "superseded" if row.superseded_at else "stands")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """All findings of an SDR, by the id that the CSO gave it."""
        term = clean_term(search_term)
        if not term:
            return queryset, False
        keys = list(Sdr.objects.filter(reference=term).values_list("pk", flat=True)[:100])
        return queryset.filter(sdr__in=keys), False

"""Runs of SDR reconciliation, and starting one by hand."""

from __future__ import annotations

from django.contrib import admin

from settlement.models import ReconciliationRun
from staff_pages.cells import moment_column
from staff_pages.staff_admin import FactAdmin


@admin.register(ReconciliationRun)
class ReconciliationRunAdmin(FactAdmin):
    """Runs, newest first. Celery starts them by itself when SDRs wait."""

    list_display = (
        "started", "environment", "scope", "started_by", "judged", "changed", "agreed",
        "within_tolerance", "deviating", "one_sided", "not_ratable", "credits", "duration_ms",
    )  # fmt: skip
    list_display_links = ("started",)
    list_filter = ("environment", "scope")
    fields = (
        "started", "environment", "scope", "started_by", "duration_ms", "judged", "changed",
        "agreed", "within_tolerance", "deviating", "one_sided", "not_ratable", "credits",
    )  # fmt: skip
    readonly_fields = ("started",)

    started = moment_column("started_at", "Started")

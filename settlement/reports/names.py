"""Names of files: they sort by period and never collide (experience.md)."""

from __future__ import annotations

from django.utils.text import slugify

from settlement.models import SettlementPeriod


def file_name(period: SettlementPeriod, report: str, extension: str = "csv") -> str:
    """For example `2026-10_monthly-berlin_live_settlement-report_v1.csv`."""
    calendar = slugify(period.calendar.name) or f"calendar-{period.calendar_id}"
    return f"{period.label}_{calendar}_{period.environment}_{report}_v{period.version}.{extension}"

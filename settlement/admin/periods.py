"""Menu group Settlement: periods, step by step, with who did what and who must act next."""

from __future__ import annotations

from collections.abc import Sequence
from tempfile import TemporaryFile
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest
from django.urls import path, reverse

from roaming.models.clock import business_now
from roaming.staff_pages.cells import (
    code,
    column,
    link_column,
    moment,
    state_column,
)
from roaming.staff_pages.ranges import range_text
from roaming.staff_pages.staff_admin import Panel, ShortFactAdmin
from roaming.staff_pages.steps import Situation, Step
from settlement.admin import period_panels
from settlement.admin.period_panels import may_be_drafted_from, next_actor
from settlement.domain.refusals import RefusedError
from settlement.models import (
    SettlementPeriod,
)
from settlement.reports import REPORTS, write_csv
from settlement.use_cases.settlement import (
    draft_period,
    finalise_period,
    open_due_periods,
    publish_preliminary,
)

Status = SettlementPeriod.Status
SHADES = {"open": "plain", "draft": "info", "preliminary": "warning", "final": "success"}
PERMISSION = "settlement.change_settlementperiod"
MOST = 50


def _open_due(situation: Situation) -> str:
    opened = open_due_periods(business_now())
    return f"{len(opened)} period(s) are open now." if opened else "Nothing was to be opened."


def _may_draft(situation: Situation) -> bool | str:
    period = situation.row
    if period.status == Status.FINAL:
        return False
    earliest = may_be_drafted_from(period)
    if business_now() < earliest:
        return f"Possible from {moment(earliest)}, when late SDRs are in."
    return True


def _draft(situation: Situation) -> str:
    closed = draft_period(situation.row.pk, business_now())
    if not closed.changed:
        return "The draft is up to date: nothing was settled differently since."
    return f"Draft {closed.period.version} is made."


def _draft_preview(situation: Situation) -> list[str]:
    lines = ["What was accepted is frozen into statements, one per pair of operators and currency."]
    if situation.row.status == Status.DRAFT:
        lines.append("The draft that is there is replaced where something has changed.")
    if situation.row.status == Status.PRELIMINARY:
        lines.append(
            "The published statements are superseded where something has changed: they have to be "
            "published again, and the time for objections begins anew."
        )
    return lines


def _publish(situation: Situation) -> str:
    closed = publish_preliminary(situation.row.pk, situation.user, business_now())
    until = moment(closed.period.objections_until)
    return f"Published. The parties may object until {until}; then a second person makes it final."


def _may_finalise(situation: Situation) -> bool | str:
    period = situation.row
    if period.status != Status.PRELIMINARY:
        return False
    if period.proposed_by_id == situation.user.pk:
        return "You published it: another member of staff makes it final."
    if period.objections_until and business_now() < period.objections_until:
        return f"The parties may object until {moment(period.objections_until)}."
    return True


def _finalise(situation: Situation) -> str:
    closed = finalise_period(situation.row.pk, situation.user, business_now())
    return f"{closed.period.label} is final."


STEPS = (
    Step(
        name="draft",
        label="Draft",
        permission=PERMISSION,
        act=_draft,
        when=_may_draft,
        preview=_draft_preview,
        refusals=(RefusedError,),
    ),
    Step(
        name="publish",
        label="Publish preliminary statements",
        permission=PERMISSION,
        act=_publish,
        when=lambda situation: situation.row.status == Status.DRAFT,
        preview=lambda situation: [
            f"Version {situation.row.version} is shown to the parties, who may object for "
            f"{situation.row.calendar.objection_hours} hours. You propose it: another member of "
            "staff has to make it final."
        ],
        refusals=(RefusedError,),
    ),
    Step(
        name="final",
        label="Make final",
        permission=PERMISSION,
        act=_finalise,
        when=_may_finalise,
        preview=lambda situation: [
            f"{situation.row.proposed_by} proposed it. With your yes the statements, entries, fees "
            "and payments of the period stand for good: what is found later goes to the next one.",
        ],
        danger=True,
        refusals=(RefusedError,),
    ),
)
_TITLES = {
    "settlement-report": "Settlement report",
    "statements": "Statements",
    "discrepancies": "Discrepancies",
    "net-positions": "Net positions",
    "net-payments": "Net payments",
}
OPEN_DUE = Step(
    name="open-due",
    label="Open due periods",
    permission=PERMISSION,
    act=_open_due,
    when=lambda situation: True,
    preview=lambda situation: [
        "Opens the running period of every settlement calendar in use, and those of SDRs that have "
        "none. This happens by itself every day; by hand when a calendar is new."
    ],
)


@admin.register(SettlementPeriod)
class SettlementPeriodAdmin(ShortFactAdmin):
    """Periods, the newest first."""

    steps = STEPS
    list_steps = (OPEN_DUE,)
    list_display = ("label", "calendar_link", "environment", "shown_status", "next", "covers")
    list_filter = ("status", "environment", "calendar")
    list_select_related = ("calendar", "proposed_by", "finalised_by")
    search_fields = ("label", "calendar__name")
    search_help_text = "2026-10, or the calendar"
    ordering = ("-label", "calendar__name")
    panels_first = True
    fields = (
        ("label", "calendar_link"), ("environment", "shown_status"), "covers", "input"
    )  # fmt: skip
    readonly_fields = ("calendar_link", "covers", "shown_status", "input")

    calendar_link = link_column("calendar", "Calendar", "calendar__name")
    shown_status = state_column("status", "Status", SHADES)
    next = column("Who must act next", lambda row: next_actor(row, business_now()))
    covers = column("Covers", lambda row: range_text(row.during))
    input = column("Fingerprint of what is settled", lambda row: code(row.input_hash))

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.report_view)
        own = path("<int:key>/report/<slug:name>/", view, name="settlement_period_report")
        return [own, *super().get_urls()]

    def page_links(self, request: HttpRequest, row: Any) -> Sequence[tuple[str, str]]:
        return [
            (f"{title} (CSV)", reverse("admin:settlement_period_report", args=[row.pk, name]))
            for name, title in _TITLES.items()
            if row.status != Status.OPEN or name == "discrepancies"
        ]

    def report_view(self, request: HttpRequest, key: int, name: str) -> FileResponse:
        """A report of the period as a file. It is written first, so that it is whole or refused."""
        period = self.get_object(request, str(key))
        if period is None or name not in REPORTS:
            raise Http404
        if not self.has_view_permission(request, period):
            raise PermissionDenied
        report = REPORTS[name](period)
        file = TemporaryFile()  # noqa: SIM115  the response closes it
        write_csv(report, file)
        file.seek(0)
        return FileResponse(
            file, as_attachment=True, filename=report.file_name, content_type="text/csv"
        )

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:
        return [
            period_panels.way(row),
            period_panels.statements(row),
            period_panels.positions(row),
            period_panels.payments(row),
            period_panels.fees(row),
            period_panels.books(row),
        ]

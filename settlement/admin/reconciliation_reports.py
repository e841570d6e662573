"""The download centre: reports of reconciliation filtered, CSV or XLSX; downloads are logged."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from tempfile import TemporaryFile
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from roaming.domain.sdr import SdrLifeState
from roaming.models import Environment, Operator
from roaming.models.clock import business_now
from roaming.staff_pages.cells import moment_cell
from roaming.staff_pages.long_lists import day_bounds
from roaming.staff_pages.staff_admin import Panel
from settlement.domain.reconciliation.rules import rule_titles
from settlement.models import ReconciliationRun
from settlement.models.work_queues import usual_environment
from settlement.reports import RECONCILIATION_REPORTS, Filters, Format, write

# Whoever may see on pages what stands in the reports.
PERMISSIONS = ("roaming.view_sdr", "roaming.view_finding", "roaming.view_servicesession")
LONGEST = timedelta(days=400)
TITLES = {
    "summary": "Reconciliation summary",
    "by-rule": "Findings by rule",
    "discrepancies": "Discrepancies, finding by finding",
    "missing-and-late": "Missing and late SDRs",
    "dispute-ageing": "Ageing of disputes",
}
CONTENTS = {
    "summary": "SDRs, energy and money per month, pair, currency, state and outcome.",
    "by-rule": "Findings that stand and their money per month, pair, currency and rule.",
    "discrepancies": "Every finding that stands, with both values, the cause, the money, its SDR.",
    "missing-and-late": "Sessions without their SDR, SDRs after their window; who is behind.",
    "dispute-ageing": "Every disputed SDR: since when, by whom, why, how old.",
}
NAME = "Download of a report"


def _select(choices: Any, empty: str = "") -> forms.ChoiceField:
    listed = [("", empty), *choices] if empty else list(choices)
    return forms.ChoiceField(choices=listed, required=not empty, widget=UnfoldAdminSelectWidget())


class OperatorField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """Any operator, or all of them."""

    def __init__(self, role: str) -> None:
        rows = Operator.objects.filter(identifiers__role=role).distinct().order_by("name")
        super().__init__(rows, required=False, empty_label="All", widget=UnfoldAdminSelectWidget())


class ReportForm(forms.Form):
    """What is asked for. Days are those of the sessions' start, in the viewer's zone."""

    report = _select(TITLES.items())
    environment = _select(Environment.choices)
    first_day = forms.CharField(
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}), label="From"
    )
    last_day = forms.CharField(
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}), label="Until, inclusive"
    )
    visited_cso = OperatorField("CSO")
    home_csp = OperatorField("CSP")
    rule = _select(((r, f"{r} {title}") for r, title in sorted(rule_titles().items())), "All")
    state = _select(((state.value, state.label) for state in SdrLifeState), "All")
    kind = _select((kind.value, kind.label) for kind in Format)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["visited_cso"].label = "visited-CSO"
        self.fields["home_csp"].label = "home-CSP"
        self.fields["kind"].label = "File"

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        zone = timezone.get_current_timezone()
        first = day_bounds(data.get("first_day", ""), zone)
        last = day_bounds(data.get("last_day", ""), zone)
        for name, bounds in (("first_day", first), ("last_day", last)):
            if bounds is None and name not in self.errors:
                self.add_error(name, "A day as YYYY-MM-DD.")
        if first and last:
            data["begin"], data["end"] = first[0], last[1]
            if data["end"] <= data["begin"]:
                self.add_error("last_day", "It ends before it begins.")
            elif data["end"] - data["begin"] > LONGEST:
                self.add_error("last_day", f"At most {LONGEST.days} days in one file.")
        return data


def _this_month(now: datetime) -> tuple[date, date]:
    today = timezone.localtime(now).date()
    return today.replace(day=1), today


def reports_view(request: HttpRequest) -> HttpResponse | FileResponse:
    """The form, and the file that it asks for."""
    if not request.user.has_perms(PERMISSIONS):
        raise PermissionDenied
    now = business_now()
    asked = "report" in request.GET and "kind" in request.GET
    form = ReportForm(request.GET if asked else None, initial=_initial(request, now))
    if asked and form.is_valid():
        return _file(request, form.cleaned_data, now)
    context = {
        **admin.site.each_context(request),
        "title": "Reports of reconciliation",
        "form": form,
        "panels": [_contents(), _latest()],
    }
    return render(request, "admin/reconciliation/reports.html", context)


def _initial(request: HttpRequest, now: datetime) -> dict[str, Any]:
    first, last = _this_month(now)
    return {
        "environment": usual_environment(),
        "first_day": first.isoformat(),
        "last_day": last.isoformat(),
        **{name: request.GET[name] for name in ReportForm.base_fields if name in request.GET},
    }


def _contents() -> Panel:
    lines = [(TITLES[name], CONTENTS[name]) for name in TITLES]
    return Panel("What is in them", ("Report", "Its lines"), lines, "")


def _latest() -> Panel:
    """Who downloaded what lately."""
    found = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(ReconciliationRun), object_repr=NAME
    ).select_related("user")
    lines = [
        (moment_cell(entry.action_time), str(entry.user), entry.change_message)
        for entry in found.order_by("-pk")[:10]
    ]
    return Panel("Latest downloads", ("When", "Who", "What"), lines, "Nobody has yet.")


def filters_of(request: HttpRequest, data: dict[str, Any], now: datetime) -> Filters:
    """The form as filters; every row leads to its page of the admin."""

    def page(name: str) -> str:
        marked = reverse(f"admin:{name}_change", args=["{id}"])
        return request.build_absolute_uri(marked).replace("%7Bid%7D", "{id}")

    return Filters(
        environment=data["environment"],
        begin=data["begin"],
        end=data["end"],
        now=now,
        visited_cso=data["visited_cso"].pk if data["visited_cso"] else None,
        home_csp=data["home_csp"].pk if data["home_csp"] else None,
        rule=data["rule"],
        state=data["state"],
        sdr_address=page("roaming_sdr"),
        session_address=page("roaming_servicesession"),
    )


def _file(request: HttpRequest, data: dict[str, Any], now: datetime) -> FileResponse:
    """The report as a file. It is written first, so that it is whole or refused."""
    kind = Format(data["kind"])
    report = RECONCILIATION_REPORTS[data["report"]](filters_of(request, data, now))
    file = TemporaryFile()  # noqa: SIM115  the response closes it
    write(report, kind, file)
    size = file.tell()
    file.seek(0)
    name = f"{report.file_name}.{kind.extension}"
    LogEntry.objects.create(
        user_id=int(request.user.pk or 0),
        content_type=ContentType.objects.get_for_model(ReconciliationRun),
        object_id="",
        object_repr=NAME,
        action_flag=CHANGE,
        change_message=f"{name} ({size:,} bytes)",
    )
    answer = FileResponse(file, as_attachment=True, filename=name, content_type=kind.content_type)
    answer["Cache-Control"] = "no-store"
    return answer

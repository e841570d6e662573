"""Downloads of the operator's own: what reconciliation came to in a month, and what was found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from clearinghouse.portal import own, words
from clearinghouse.portal.csv_files import Form, csv_response, plain_name
from clearinghouse.portal.presentation import money, month, quantity
from clearinghouse.portal.tables import Row, Table, headers
from clearinghouse.portal.viewer import Viewer, portal_page
from roaming.domain.uuid7 import uuid7_at
from roaming.models import Finding, Sdr
from roaming.models.clock import business_now
from settlement.domain.reconciliation.mistakes import title_of
from settlement.domain.reconciliation.rules import rule_titles

MONTHS = 13


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the viewer's zone, by the start of the sessions."""

    first: date

    @classmethod
    def read(cls, text: str, usual: Month) -> Month:
        """`2026-10`; what is no month is the usual one."""
        try:
            return cls(date.fromisoformat(f"{text}-01"))
        except ValueError:
            return usual

    @property
    def name(self) -> str:
        return f"{self.first:%Y-%m}"

    @property
    def label(self) -> str:
        return month(self.first)

    def before(self) -> Month:
        year, number = divmod(self.first.year * 12 + self.first.month - 2, 12)
        return Month(date(year, number + 1, 1))

    def after(self) -> Month:
        year, number = divmod(self.first.year * 12 + self.first.month, 12)
        return Month(date(year, number + 1, 1))

    def of(self, viewer: Viewer, rows: QuerySet[Sdr]) -> QuerySet[Sdr]:
        """The SDRs of the month: a range of the key."""
        first, end = (
            uuid7_at(datetime.combine(each.first, time.min, viewer.zone), 0)
            for each in (self, self.after())
        )
        return rows.filter(pk__gte=first, pk__lt=end)


def _months(viewer: Viewer) -> list[Month]:
    found = [Month(business_now().astimezone(viewer.zone).date().replace(day=1))]
    while len(found) < MONTHS:
        found.append(found[-1].before())
    return found


@portal_page()
def downloads(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """The month on the page, and the files."""
    months = _months(viewer)
    chosen = Month.read(request.GET.get("month", ""), months[0])
    context = {
        "title": _("Reports"),
        "months": months,
        "chosen": chosen,
        "table": _summary_table(viewer, chosen),
        "files": list(_files(chosen)),
    }
    return render(request, "portal/downloads.html", context)


def _files(chosen: Month) -> Iterator[tuple[str, str, str]]:
    for name, title in (
        ("summary", _("Reconciliation summary")),
        ("discrepancies", _("Discrepancies, finding by finding")),
    ):
        address = reverse("portal:download", args=[name]) + f"?month={chosen.name}"
        yield title, f"{address}&form=spreadsheet", f"{address}&form=machine"


_SUMMARY = (
    "visited_cso__operator__name", "home_csp__operator__name", "currency", "standing__state",
    "standing__outcome",
)  # fmt: skip


def _summary(viewer: Viewer, chosen: Month) -> Any:
    """Counts and sums per pair, currency, state and outcome; sums are exact."""
    rows = chosen.of(viewer, own.sdrs(viewer)).order_by()
    return (
        rows.values_list(*_SUMMARY)
        .annotate(
            count=Count("pk"),
            kwh=Sum("energy_kwh"),
            claimed=Sum("claim_before_tax"),
            settled=Sum("standing__settled_amount"),
        )
        .order_by(*_SUMMARY)
    )


def _summary_table(viewer: Viewer, chosen: Month) -> Table:
    lines = []
    for cso, csp, currency, state, outcome, count, kwh, claimed, settled in _summary(
        viewer, chosen
    ):
        other = csp if cso == viewer.operator.name else cso
        lines.append(
            Row(
                (
                    other or "–",
                    _("you claim") if cso == viewer.operator.name else _("you pay"),
                    words.mark(words.STATES, state),
                    words.mark(words.OUTCOMES, outcome),
                    quantity(count),
                    quantity(kwh, "kWh"),
                    money(claimed, currency),
                    money(settled, currency),
                )
            )
        )
    titles = (
        _("Counterparty"), _("Side"), _("State"), _("Outcome"), _("SDRs"), _("Energy"),
        _("Claimed"), _("Settled"),
    )  # fmt: skip
    return Table(
        _("Sessions that began in %s") % chosen.label,
        headers(*titles, figures=titles[4:]), lines,
        _("No session of that month."),
    )  # fmt: skip


@portal_page()
def download(request: HttpRequest, viewer: Viewer, name: str) -> HttpResponseBase:
    """One of the files, streamed."""
    chosen = Month.read(request.GET.get("month", ""), _months(viewer)[0])
    form = Form.asked(viewer, request.GET.get("form", ""))
    makers = {"summary": _summary_file, "discrepancies": _discrepancies_file}
    if name not in makers:
        raise Http404
    titles, rows = makers[name](viewer, chosen)
    file_name = f"{chosen.name}_{plain_name(viewer.operator.name)}_{name}.csv"
    return csv_response(form, file_name, titles, rows)


def _summary_file(viewer: Viewer, chosen: Month) -> tuple[list[str], Any]:
    titles = [
        "Visited-CSO", "Home-CSP", "Currency", "State", "Outcome", "SDRs", "Energy (kWh)",
        "Claimed before tax", "Settled before tax",
    ]  # fmt: skip
    return titles, _summary(viewer, chosen)


def _discrepancies_file(viewer: Viewer, chosen: Month) -> tuple[list[str], Any]:
    titles = [
        "Rule", "What is wrong", "Severity", "Visited-CSO", "Home-CSP", "SDR",
        "Service session id", "EVSE", "Session end", "State", "Claimed", "Expected",
        "Money at stake", "Currency", "Named cause", "Explanation",
    ]  # fmt: skip
    mine = chosen.of(viewer, own.sdrs(viewer)).order_by().values("pk")
    found = Finding.objects.filter(sdr__in=mine, superseded_at=None).order_by("rule", "sdr_id")
    values = found.values_list(
        "rule", "severity", "sdr__visited_cso__identifier",
        "sdr__home_csp__identifier", "sdr__reference", "sdr__service_session_id", "sdr__evse_id",
        "sdr__ended_at", "sdr__standing__state", "claimed", "expected", "money_at_stake",
        "sdr__currency", "causes", "explanation",
    )  # fmt: skip
    return titles, _discrepancy_rows(values)


def _discrepancy_rows(values: Any) -> Iterator[list[Any]]:
    names = rule_titles()
    for row in values.iterator(chunk_size=2_000):
        rule, *rest = row
        *front, causes, explanation = rest
        yield [rule, names.get(rule, rule), *front, "; ".join(map(title_of, causes)), explanation]

"""The work queues on one page: how many wait, since when, with how much money; each leads there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from roaming.models import Environment
from roaming.models.clock import business_now
from roaming.staff_pages.cells import EMPTY, Figure, anchor, badge, figure, money_text, one_line
from roaming.staff_pages.staff_admin import Panel
from settlement.models.work_queues import (
    CAP,
    Queue,
    QueueFigures,
    missing_figures,
    queue_figures,
    usual_environment,
)

TITLES = {
    Queue.UNMATCHED: "Unmatched",
    Queue.DEVIATING: "Deviating",
    Queue.NOT_RATABLE: "Not ratable",
    Queue.DISPUTED: "Disputed",
    Queue.OVERDUE: "Overdue",
    Queue.ASSIGNED: "Assigned to you",
    Queue.MISSING: "Missing",
}
WHAT = {
    Queue.UNMATCHED: "No session of the clearing house belongs to the claim.",
    Queue.DEVIATING: "A severe finding stands: price, energy, time or authorisation.",
    Queue.NOT_RATABLE: "No price follows from what the SDR says: often a tariff is missing.",
    Queue.DISPUTED: "Declined by the home-CSP or by staff; carved out until decided.",
    Queue.OVERDUE: "Waits longer than it may, in any queue, or its decision window has passed.",
    Queue.ASSIGNED: "What colleagues handed to you, and you to yourself.",
    Queue.MISSING: "The session is complete, its SDR did not come.",
}


def address_of(queue: Queue, environment: str) -> str:
    """The list behind a queue."""
    if queue is Queue.MISSING:
        query = urlencode({"stuck": "sdr", "environment__exact": environment})
        return f"{reverse('admin:roaming_servicesession_changelist')}?{query}"
    narrowed = {"with": "me"} if queue is Queue.ASSIGNED else {"standing": queue.value}
    query = urlencode({**narrowed, "environment": environment})
    return f"{reverse('admin:roaming_sdr_changelist')}?{query}"


def count_text(shown: QueueFigures, cap: int = CAP) -> str:
    """How many, or that there are more than anybody counted.

    >>> count_text(QueueFigures(count=1234)), count_text(QueueFigures(count=10000, capped=True))
    ('1,234', '10,000+')
    """
    return f"{cap:,}+" if shown.capped else f"{shown.count:,}"


def age_text(since: datetime | None, now: datetime) -> str:
    """How long something has waited.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 10, 5, 12, tzinfo=UTC)
    >>> age_text(noon - timedelta(days=3, hours=2), noon), age_text(noon, noon)
    ('3 days', '0 minutes')
    """
    if since is None:
        return ""
    waited = max(now - since, timedelta(0))
    if waited.days:
        return f"{waited.days} day{'' if waited.days == 1 else 's'}"
    minutes = int(waited.total_seconds() // 60)
    if minutes >= 60:
        return f"{minutes // 60} hour{'' if minutes < 120 else 's'}"
    return f"{minutes} minute{'' if minutes == 1 else 's'}"


def money_lines(shown: QueueFigures) -> Any:
    """An amount per currency; where more wait than were looked at, of the oldest."""
    if not shown.money:
        return EMPTY
    amounts = (
        (figure(money_text(total, currency)),) for currency, total in sorted(shown.money.items())
    )
    lines = format_html_join(SafeString("<br>"), "{}", amounts)
    if shown.capped:
        lines = format_html("{}<br>of the oldest {}", lines, f"{CAP:,}")
    return Figure(lines)


def _rows(environment: str, reader: Any, now: datetime) -> Iterator[tuple[Any, ...]]:
    found = queue_figures(environment, now, reader=reader)
    if reader.has_perm("roaming.view_servicesession"):
        found[Queue.MISSING] = missing_figures(environment, now)
    for queue, shown in found.items():
        late = badge(f"{shown.overdue:,} overdue", "danger") if shown.overdue else EMPTY
        yield (
            one_line(anchor(address_of(queue, environment), TITLES[queue])),
            figure(count_text(shown)),
            one_line(age_text(shown.oldest, now) or EMPTY),
            late if queue is not Queue.OVERDUE else EMPTY,
            money_lines(shown),
            WHAT[queue],
        )


def queues_view(request: HttpRequest) -> HttpResponse:
    """The page, of live data or of test data: never of both."""
    if not request.user.has_perm("roaming.view_sdr"):
        raise PermissionDenied
    asked = request.GET.get("environment", "")
    environment = asked if asked in Environment.values else usual_environment()
    now = business_now()
    days = settings.QUEUE_DAYS
    headers = ("Queue", "Waiting", "Oldest", "Late", "Money at stake", "What it is")
    panel = Panel(
        "Work queues",
        headers,
        list(_rows(environment, request.user, now)),
        "",
        note=f"Whatever waits for more than {days} days is overdue. Money is what the severest "
        "finding puts in doubt, at most the claim before tax; of missing SDRs, what was reported.",
    )
    context = {
        **admin.site.each_context(request),
        "title": "Work queues",
        "panels": [panel],
        "panels_first": True,
        "shown_environment": environment,
        "environments": Environment.choices,
    }
    return render(request, "admin/reconciliation/queues.html", context)

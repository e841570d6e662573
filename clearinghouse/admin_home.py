"""The admin's first page: does anything need a person? Every number leads to the rows behind it.

Left to right: is the switch healthy, what waits for a decision, where the month stands. Each figure
looks at a bounded number of rows, so that the page is as fast with a million SDRs as with ten.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from clearinghouse.models import User
from roaming.admin.commands import timed_out_lately
from roaming.admin.journal import answered_lately
from roaming.models import (
    Agreement,
    BankAccount,
    Command,
    Delivery,
    EndpointHealth,
    Platform,
    ServiceSession,
)
from roaming.models.clock import business_now
from roaming.models.deliveries import oldest_waiting
from roaming.staff_pages.cells import money_text
from roaming.staff_pages.refusal_words import plain_words
from settlement.admin.queues import address_of, age_text
from settlement.models import SettlementPeriod
from settlement.models.work_queues import Queue, queue_figures, usual_environment

ENOUGH = 1_000
QUEUES = {
    Queue.ASSIGNED: "SDRs assigned to you",
    Queue.DEVIATING: "SDRs deviating",
    Queue.UNMATCHED: "SDRs unmatched",
    Queue.NOT_RATABLE: "SDRs not ratable",
    Queue.DISPUTED: "SDRs disputed",
    Queue.OVERDUE: "SDRs overdue",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its words, where it leads, and whether it calls for somebody."""

    value: str
    words: str
    url: str
    needs_somebody: bool = False
    note: str = ""


def today(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Adds the three columns, as far as the person may see them."""
    now = business_now()
    columns = [
        ("The switch", list(_switch(request.user, now))),
        ("Waits for a person", list(_waiting(request.user, now))),
        ("The month", list(_month(request.user, now))),
    ]
    context["columns"] = [(title, figures) for title, figures in columns if figures]
    context["title"] = "Today"
    return context


def _address(model: str, query: str = "") -> str:
    url = reverse(f"admin:{model}_changelist")
    return f"{url}?{query}" if query else url


def _capped(rows: QuerySet[Any]) -> tuple[int, str]:
    count = len(rows.values_list("pk", flat=True)[:ENOUGH])
    return count, f"{ENOUGH:,} or more" if count == ENOUGH else f"{count:,}"


def _oldest(since: datetime | None, now: datetime) -> str:
    age = age_text(since, now)
    return f"oldest {age}" if age else ""


def _switch(user: User | AnonymousUser, now: datetime) -> Iterator[Figure]:
    if user.has_perm("roaming.view_journalentry"):
        yield from _messages(now)
    if user.has_perm("roaming.view_platform"):
        silent = (Platform.Status.EXPECTED, Platform.Status.SUSPENDED)
        count, words = _capped(Platform.objects.filter(status__in=silent))
        yield Figure(
            words,
            "platforms not registered yet, or suspended",
            _address("roaming_platform", "standing=silent"),
            count > 0,
        )
        yield _offline()
    if user.has_perm("roaming.view_command"):
        count, words = _capped(timed_out_lately(Command.objects.order_by(), now))
        yield Figure(
            words,
            "commands of the last 24 hours without a result",
            _address("roaming_command", "late=day"),
            count > 0,
        )
    if user.has_perm("roaming.view_delivery"):
        waiting = Delivery.objects.filter(state=Delivery.State.WAITING).order_by()
        oldest = oldest_waiting()
        _, words = _capped(waiting)
        yield Figure(
            words,
            "deliveries waiting",
            _address("roaming_delivery", "state__exact=waiting"),
            note=f"oldest made on {oldest:%Y-%m-%d %H:%M} UTC" if oldest else "",
        )
        count, words = _capped(Delivery.objects.filter(state=Delivery.State.DEAD).order_by())
        yield Figure(
            words,
            "deliveries given up",
            _address("roaming_delivery", "state__exact=dead"),
            count > 0,
        )


def _offline() -> Figure:
    state = EndpointHealth.State
    count, words = _capped(EndpointHealth.objects.filter(state=state.OFFLINE))
    degraded = EndpointHealth.objects.filter(state=state.DEGRADED).count()
    return Figure(
        words,
        "endpoints that are offline",
        _address("roaming_platform", "health__state__exact=offline"),
        count > 0,
        note=f"{degraded:,} more degraded" if degraded else "",
    )


def _messages(now: datetime) -> Iterator[Figure]:
    lately = answered_lately(now)
    counts = lately.aggregate(
        all=Count("id"),
        refused=Count("id", filter=Q(outcome="refused_by_hub")),
        failed=Count("id", filter=Q(outcome="failed")),
    )
    yield Figure(
        f"{counts['all']:,}",
        "messages answered in the last hour",
        _address("roaming_journalentry", "answered=hour"),
    )
    reasons = (
        lately.filter(outcome="refused_by_hub")
        .values_list("refusal_code")
        .annotate(times=Count("id"))
        .order_by("-times")[:3]
    )
    yield Figure(
        f"{counts['refused']:,}",
        "of them refused",
        _address("roaming_journalentry", "ended=refused_by_hub&answered=hour"),
        note=", ".join(f"{plain_words(code)} {times}" for code, times in reasons),
    )
    yield Figure(
        f"{counts['failed']:,}",
        "receivers that could not be asked",
        _address("roaming_journalentry", "ended=failed&answered=hour"),
        counts["failed"] > 0,
    )


def _waiting(user: User | AnonymousUser, now: datetime) -> Iterator[Figure]:
    if user.has_perm("roaming.view_sdr"):
        yield from _queues(user, now)
    if user.has_perm("roaming.view_servicesession"):
        yield from _stuck(now)
    if user.has_perm("roaming.view_agreement"):
        count, words = _capped(Agreement.objects.filter(status=Agreement.Status.PROPOSED))
        yield Figure(
            words,
            "agreements waiting for acceptance",
            _address("roaming_agreement", "status__exact=proposed"),
            count > 0,
        )
    if user.has_perm("roaming.view_bankaccount"):
        count, words = _capped(BankAccount.objects.filter(approved_by=None))
        yield Figure(
            words,
            "bank accounts waiting for a second person",
            _address("roaming_bankaccount", "approval=waiting"),
            count > 0,
        )


def _stuck(now: datetime) -> Iterator[Figure]:
    """Sessions of which nothing is heard; each number leads to them."""
    sessions = ServiceSession.objects.order_by("id")
    queues: list[tuple[str, str, QuerySet[Any]]] = [
        ("news", "sessions without news", sessions.without_news(now)),
        ("sdr", "completed sessions without an SDR", sessions.without_sdr(now)),
    ]
    for kind, words, rows in queues:
        heard = list(rows.values_list("last_news", flat=True)[:ENOUGH])
        yield Figure(
            f"{ENOUGH:,} or more" if len(heard) == ENOUGH else f"{len(heard):,}",
            words,
            _address("roaming_servicesession", f"stuck={kind}"),
            bool(heard),
            note=_oldest(min(heard, default=None), now),
        )


def _queues(user: User | AnonymousUser, now: datetime) -> Iterator[Figure]:
    """What waits in reconciliation, of live data; of test data where there is no other."""
    environment = usual_environment()
    found = queue_figures(environment, now, reader=user, cap=ENOUGH)
    for queue, words in QUEUES.items():
        shown = found[queue]
        money = [money_text(total, currency) for currency, total in sorted(shown.money.items())]
        at_stake = f"{' and '.join(money)} at stake" if money else ""
        age = age_text(shown.oldest, now)
        notes = (at_stake, f"oldest {age}" if age else "")
        yield Figure(
            f"{ENOUGH:,} or more" if shown.capped else f"{shown.count:,}",
            words,
            address_of(queue, environment),
            shown.count > 0,
            note=", ".join(filter(None, notes)),
        )


def _month(user: User | AnonymousUser, now: datetime) -> Iterator[Figure]:
    if not user.has_perm("settlement.view_settlementperiod"):
        return
    status = SettlementPeriod.Status
    rows = SettlementPeriod.objects.exclude(status=status.FINAL).select_related(
        "calendar", "proposed_by"
    )
    periods = list(rows.order_by("during")[:6])
    if not periods:
        yield Figure(
            "–",
            "no period is open",
            _address("settlement_settlementperiod"),
            note="Each opens by itself; all that were opened are final.",
        )
    for period in periods:
        yield Figure(
            period.label,
            f"{period.calendar}, {period.get_environment_display().lower()}: "
            f"{period.get_status_display().lower()}",
            reverse("admin:settlement_settlementperiod_change", args=[period.pk]),
            period.status == status.PRELIMINARY and (period.objections_until or now) <= now,
            note=_next_step(period, now),
        )


def _next_step(period: SettlementPeriod, now: datetime) -> str:
    status = SettlementPeriod.Status
    if period.status == status.PRELIMINARY:
        if period.objections_until and period.objections_until > now:
            return f"objections until {period.objections_until:%Y-%m-%d %H:%M} UTC"
        return f"waits for a second person (proposed by {period.proposed_by})"
    if period.status == status.DRAFT:
        return "waits to be published"
    ended = period.during.upper
    return "runs" if ended is not None and ended > now else "waits for its draft"

"""Stuck sessions: the queue that the first page leads to, and the step that closes one by hand."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from roaming.domain.session import OPEN, SessionState
from roaming.models import ServiceSession
from roaming.models.clock import business_now
from roaming.staff_pages.steps import Situation, Step, WithReason
from roaming.use_cases.stuck_sessions import (
    ByHand,
    StuckSessionError,
    close_stuck_session,
    is_stuck,
)

PERMISSION = "roaming.change_servicesession"


class StuckFilter(admin.SimpleListFilter):
    """Sessions without news, and completed ones without their SDR, by age."""

    title = "stuck"
    parameter_name = "stuck"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("news", f"No news for {settings.SESSION_NEWS_HOURS} hours"),
            ("sdr", f"Completed, no SDR for {settings.SDR_MISSING_HOURS} hours"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return stuck_sessions(queryset, self.value())


def stuck_sessions(queryset: QuerySet[Any], kind: str | None) -> QuerySet[Any]:
    """Of these sessions those that are stuck in this way; all of them where no way is named."""
    rows: Any = queryset
    if kind == "news":
        rows = rows.without_news(business_now())
    elif kind == "sdr":
        rows = rows.without_sdr(business_now())
    narrowed: QuerySet[Any] = rows
    return narrowed


def _may_close(situation: Situation) -> bool | str:
    state = SessionState(situation.row.state)
    waits_for_sdr = state is SessionState.COMPLETED and not situation.row.sdr_accounted_for
    if state not in OPEN and not waits_for_sdr:
        return False
    if is_stuck(situation.row, business_now()):
        return True
    if waits_for_sdr:
        return False
    return f"Only once no news came for {settings.SESSION_NEWS_HOURS} hours."


def _what_happens(situation: Situation) -> list[str]:
    row: ServiceSession = situation.row
    state = SessionState(row.state)
    if state is SessionState.COMPLETED:
        return [
            f"The SDR that {row.visited_cso} owes for it is given up: the session leaves the list. "
            "Should the SDR come after all, it is taken and reconciled like any other.",
            "Ask the visited-CSO first: without an SDR nothing is paid.",
        ]
    if state is SessionState.ACTIVE:
        became = (
            f"It becomes completed with what was reported last ({row.energy_kwh or 0} kWh); its "
            "SDR is due."
        )
    else:
        became = "It becomes cancelled: nothing was provided, and no SDR is due."
    return [
        became,
        f"{row.home_csp} is told that the clearing house closed it.",
        f"News that {row.visited_cso} brings after all counts: the session then goes on as if "
        "nobody had closed it.",
    ]


def _close(situation: Situation) -> str:
    by_hand = ByHand(situation.user, situation.data["reason"])
    before = SessionState(situation.row.state)
    closed = close_stuck_session(situation.row, by_hand, business_now())
    if before is SessionState.COMPLETED:
        return "Its SDR is no longer waited for."
    return f"Closed: the session is {SessionState(closed.state).label.lower()}."


CLOSE = Step(
    name="close",
    label="Close by hand",
    permission=PERMISSION,
    act=_close,
    when=_may_close,
    preview=_what_happens,
    form=WithReason,
    danger=True,
    refusals=(StuckSessionError,),
)

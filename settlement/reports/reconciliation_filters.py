"""What narrows a report of reconciliation: environment, days, parties, rule, state; as SQL."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.text import slugify

from roaming.domain.uuid7 import uuid7_at
from settlement.domain.reconciliation.rules import rule_titles


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """`begin` and `end` bound the session's opening. `addresses`: of an SDR's and a session's page,
    with `{id}` in them. `now`: when the report is made. Empty: no restriction."""

    environment: str
    begin: datetime
    end: datetime
    now: datetime
    visited_cso: int | None = None
    home_csp: int | None = None
    rule: str = ""
    state: str = ""
    of_operators: tuple[int, ...] | None = None
    sdr_address: str = ""
    session_address: str = ""

    def file_name(self, report: str) -> str:
        """For example `2026-10-01_2026-10-31_live_discrepancies_20261120T090000Z-1a2b3c`.

        Sorts by what it is about; other filters at the same moment make another name.
        """
        last = self.end - timedelta(seconds=1)
        days = f"{self.begin:%Y-%m-%d}_{last.astimezone(self.begin.tzinfo):%Y-%m-%d}"
        given = json.dumps(
            [self.visited_cso, self.home_csp, self.rule, self.state, self.of_operators]
        )
        digest = hashlib.sha256(given.encode()).hexdigest()[:6]
        made = f"{self.now:%Y%m%dT%H%M%S}{self.now.microsecond // 1000:03}"
        return f"{days}_{self.environment}_{slugify(report)}_{made}-{digest}"


def parameters(filters: Filters) -> dict[str, Any]:
    return {
        "environment": filters.environment,
        "after": uuid7_at(filters.begin, 0),
        "before": uuid7_at(filters.end, 0),
        "visited_cso": filters.visited_cso,
        "home_csp": filters.home_csp,
        "rule": filters.rule,
        "state": filters.state,
        "of_operators": list(filters.of_operators or ()),
        "sdr_address": filters.sdr_address,
        "session_address": filters.session_address,
        "now": filters.now,
        "titles": json.dumps(
            [{"rule": rule, "title": title} for rule, title in rule_titles().items()]
        ),
        "missing_hours": settings.SDR_MISSING_HOURS,
    }


def where(filters: Filters, row: str = "sdr") -> str:
    """The conditions on a row's environment, day and parties."""
    conditions = [
        f"{row}.environment = %(environment)s",
        f"{row}.id >= %(after)s",
        f"{row}.id < %(before)s",
    ]
    if filters.visited_cso is not None:
        conditions.append("cso.id = %(visited_cso)s")
    if filters.home_csp is not None:
        conditions.append("csp.id = %(home_csp)s")
    if filters.of_operators is not None:
        conditions.append("(cso.id = ANY (%(of_operators)s) OR csp.id = ANY (%(of_operators)s))")
    return " AND ".join(conditions)


def of_sdrs(filters: Filters) -> str:
    """The conditions on an SDR, its rule and its state among them."""
    conditions = [where(filters)]
    if filters.state:
        conditions.append("standing.state = %(state)s")
    if filters.rule:
        conditions.append(
            "EXISTS (SELECT FROM roaming_finding ruled WHERE ruled.sdr_id = sdr.id"
            " AND ruled.rule = %(rule)s AND ruled.superseded_at IS NULL)"
        )
    return " AND ".join(conditions)

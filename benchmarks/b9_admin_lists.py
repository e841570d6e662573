"""B9: every list of the admin, the work queues and their filters over 1,000,000 SDRs.

The rows are made by set-based SQL, with their standings, findings, sessions and messages. Each page
is asked for as a browser would, in this process; CPU is this process's and PostgreSQL's together.
The ratio is the worst page's CPU over 300 ms. A list of more than 10 queries, or one that counts a
big table, fails the run.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from benchmarks import clearing_house
from benchmarks.big_database import fill
from benchmarks.runner import Budget, Measurement
from benchmarks.servers import cpu_seconds

ID = "B9"
TITLE = "admin lists and queues over 1,000,000 SDRs, CPU of the worst against 300 ms"
BUDGET = Budget(at_most=1.0)
SIZE = 1_000_000
CPU_MS, QUERIES = 300, 10
TIMES = 5
BIG = ("roaming_sdr", "roaming_sdrstate", "roaming_finding", "roaming_servicesession")
# The first page is a dashboard of many small questions: its CPU counts, not its number of queries.
HOME = "/admin/"
_filled: list[int] = []


def run(size: int) -> Measurement:
    """One measurement of all pages; the rows are made once for each size."""
    clearing_house.configure()
    if _filled != [size]:
        clearing_house.fresh_database()
        clearing_house.make_parties({f"DE-B{number:02}": "" for number in range(20)})
        fill(size)
        _filled[:] = [size]
    client = clerk()
    pages = addresses()
    most = max(check(client, page) for page in pages if page != HOME)
    costs = {page: cpu_ms(client, page) for page in pages}
    worst = max(costs, key=lambda page: costs[page])
    usual = sorted(costs.values())[len(costs) // 2]
    return Measurement(
        ratio=costs[worst] / CPU_MS,
        detail=f"{len(pages)} pages, the median {usual:.0f} ms, the worst {costs[worst]:.0f} ms"
        f" ({worst}), at most {most} queries",
    )


def clerk() -> Any:
    """A member of staff who may see everything, logged in."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    user, _ = get_user_model().objects.get_or_create(
        username="clerk", defaults={"is_staff": True, "is_superuser": True}
    )
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(user)
    return client


def addresses() -> list[str]:
    """The first page, the queues, every list, and the list of SDRs under every filter."""
    from django.contrib import admin
    from django.urls import reverse

    lists = [
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
    ]
    queues = reverse("admin:queues")
    return [HOME, queues, f"{queues}?environment=test", *lists, *_narrowed_sdrs(), *_narrowed()]


def _narrowed_sdrs() -> list[str]:
    from django.urls import reverse

    from roaming.models import OperatorPair, Sdr
    from settlement.models.work_queues import QUEUED_STATES, Queue

    sdrs = reverse("admin:roaming_sdr_changelist")
    pair = OperatorPair.objects.order_by("pk").values_list("pk", flat=True)[0]
    reference = Sdr.objects.order_by("pk").values_list("reference", flat=True)[0]
    narrowings: list[dict[str, object]] = [
        *_queues((*QUEUED_STATES, Queue.OVERDUE)),
        {"standing": "rated"},
        {"p": 400},
        {"with": "me"},
        {"with": "nobody"},
        {"q": reference},
        {"q": "nobody has this"},
        {"pair": pair},
        {"rule": "PRC-01"},
        *(
            {"standing": "deviating", **narrowing}
            for narrowing in (
                {"age": 30},
                {"rule": "PRC-01"},
                {"rule": "DUP-02"},
                {"rule": "DAT-01"},
                {"pair": pair},
                {"at_stake": 10},
                {"at_stake": 1_000_000},
                {"pair": pair, "rule": "DUP-02", "at_stake": 5, "age": 7},
                {"with": "nobody", "environment": "live"},
                {"environment": "test"},
                {"p": 400},
            )
        ),
    ]
    return [f"{sdrs}?{urlencode(narrowing)}" for narrowing in narrowings]


def _queues(states: Iterable[StrEnum]) -> Iterator[dict[str, object]]:
    for state in states:
        yield {"standing": state.value, "environment": "live"}


def _narrowed() -> list[str]:
    from django.urls import reverse

    findings = reverse("admin:roaming_finding_changelist")
    sessions = reverse("admin:roaming_servicesession_changelist")
    return [
        f"{findings}?rule=PRC-01",
        f"{findings}?rule=DUP-02&stands=yes",
        f"{sessions}?stuck=sdr&environment__exact=live",
        f"{sessions}?stuck=news",
        f"{sessions}?state__exact=completed",
    ]


def check(client: Any, page: str) -> int:
    """The queries that a page takes. Raises where they are too many, or one counts a big table."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        answer = client.get(page)
    if answer.status_code != 200:
        raise RuntimeError(f"{page}: HTTP {answer.status_code}")
    said = [query["sql"] for query in queries.captured_queries]
    if len(said) > QUERIES:
        raise RuntimeError("\n".join([f"{page} takes {len(said)} queries:", *said]))
    for sql in said:
        if sql.startswith("SELECT COUNT(") and any(f'FROM "{table}"' in sql for table in BIG):
            raise RuntimeError(f"{page} counts a big table: {sql}")
    return len(said)


def cpu_ms(client: Any, page: str) -> float:
    """Milliseconds of CPU of this process and of PostgreSQL that the page takes."""
    database = clearing_house.database_pid()
    client.get(page)
    before = time.process_time() + cpu_seconds(database)
    for _ in range(TIMES):
        client.get(page)
    return (time.process_time() + cpu_seconds(database) - before) / TIMES * 1000

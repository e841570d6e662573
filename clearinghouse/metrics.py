"""Metrics for Prometheus: what the API answered, and what waits in the rows (operations).

Counters and latencies are kept by each process; with PROMETHEUS_MULTIPROC_DIR set, as script/server
does, they are added up over all of them. What waits is read from the database at each scrape.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterator

from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

MESSAGES = Counter(
    "clearinghouse_api_messages",
    "Messages of platforms answered, by operation, HTTP status and refusal code.",
    ["operation", "status", "code"],
)
LATENCY = Histogram(
    "clearinghouse_api_seconds",
    "Time from the first byte to the answer, live questions included.",
    ["operation"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10),
)

# Each by its partial index: what was delivered or replaced stays in the table for months.
_WAITING = """
    SELECT count(*), (SELECT count(*) FROM roaming_delivery WHERE state = 'dead'),
        coalesce(extract(epoch FROM now() - min(created_at)), 0)
    FROM roaming_delivery WHERE state = 'waiting'
"""
_ENDPOINTS = "SELECT state, count(*) FROM roaming_endpointhealth GROUP BY state"
_COMMANDS = "SELECT count(*) FROM roaming_command WHERE state = 'accepted'"
_QUEUES = """
    SELECT state, count(*) FROM roaming_sdrstate
    WHERE state IN ('unmatched', 'deviating', 'not_ratable', 'disputed', 'validated')
    GROUP BY state
"""


class WhatWaits(Collector):
    """Gauges from the database, read when they are asked for."""

    def collect(self) -> Iterator[Metric]:
        with connection.cursor() as cursor:
            cursor.execute(_WAITING)
            waiting, dead, oldest_s = cursor.fetchone()
            cursor.execute(_COMMANDS)
            (awaited,) = cursor.fetchone()
            cursor.execute(_ENDPOINTS)
            endpoints = cursor.fetchall()
            cursor.execute(_QUEUES)
            queues = cursor.fetchall()
        yield _gauge("deliveries_waiting", "Messages that wait to be delivered.", waiting)
        yield _gauge("deliveries_dead", "Messages that were given up.", dead)
        yield _gauge("oldest_delivery_seconds", "Age of the oldest waiting message.", oldest_s)
        yield _gauge("commands_awaited", "Commands whose result is awaited.", awaited)
        yield _by("endpoints", "Roaming endpoints by health.", "health", endpoints)
        yield _by("sdrs_in_queue", "SDRs that wait for somebody, by state.", "state", queues)


def _gauge(name: str, text: str, value: object) -> Metric:
    return GaugeMetricFamily(f"clearinghouse_{name}", text, value=float(str(value)))


def _by(name: str, text: str, label: str, rows: list[tuple[str, int]]) -> Metric:
    family = GaugeMetricFamily(f"clearinghouse_{name}", text, labels=[label])
    for key, count in rows:
        family.add_metric([key], count)
    return family


def metrics(request: HttpRequest) -> HttpResponse:
    """The page that Prometheus scrapes: with CLEARINGHOUSE_METRICS_TOKEN only, else not there."""
    expected = f"Bearer {settings.METRICS_TOKEN}"
    presented = request.META.get("HTTP_AUTHORIZATION", "")
    if not settings.METRICS_TOKEN or not hmac.compare_digest(presented.encode(), expected.encode()):
        raise Http404
    waits = CollectorRegistry()
    waits.register(WhatWaits())
    content = generate_latest(_process_registry()) + generate_latest(waits)
    return HttpResponse(content, content_type=CONTENT_TYPE_LATEST)


def _process_registry() -> CollectorRegistry:
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry

"""B3: switch one message: authenticate, authorise, route, journal, forward, answer.

An online identification (UC4-1), against a bare pass-through proxy in the same web server. Three
figures, each over what the budget allows; the worst of them is the ratio:

- CPU of the web server and of PostgreSQL for a message, less the proxy's: at most 1.5 ms
- below saturation: p99 of the added latency, at most 3 times its median
- one receiver in ten takes 5 s: what is left of the others' rate, at least 0.75
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec

from benchmarks import clearing_house
from benchmarks.load import Timing, closed_loop, paced, request
from benchmarks.runner import Budget, Measurement
from benchmarks.servers import Server, cpu_seconds, granian

ID = "B3"
TITLE = "switch one message: CPU, p99 and isolation, the worst over its budget"
BUDGET = Budget(at_most=1.0)
SIZE = 3_000
CPU_MS, TAIL, KEPT = 1.5, 3.0, 0.75
THREADS, CLIENTS = 32, 8
QUICK, SLOW = "DE-BMP", "DE-BMS"
PATH = "/api/v1/identifications/authorisation"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Place:
    """A clearing house with a proxy beside it, both in front of the same receiver."""

    hub: Server
    proxy: Server
    token: str
    database_pid: int

    def messages(self, count: int, home_csp: str = QUICK) -> list[bytes]:
        return [self._message(next(_numbers), home_csp) for _ in range(count)]

    def _message(self, number: int, home_csp: str) -> bytes:
        body = {
            "visited_cso": "DE*BMO",
            "home_csp": home_csp,
            "identification": {"method": "RFID", "token_uid": f"04{number:012X}"},
        }
        headers = {"Authorization": f"Bearer {self.token}", "Content_Type": "application/json"}
        return request(PATH, msgspec.json.encode(body), **headers)


def run(size: int) -> Measurement:
    """One measurement of all three."""
    clearing_house.configure()
    with running() as place:
        warm_up(place)
        cpu_ms, rate = cpu_of_a_message(place, size)
        median_ms, tail = added_latency(place, size // 3, rate / 3)
        kept = rate_beside_a_slow_receiver(place, size)
    ratios = (cpu_ms / CPU_MS, tail / TAIL, KEPT / kept)
    return Measurement(
        ratio=max(ratios),
        detail=f"{cpu_ms:.2f} ms CPU over the proxy, {rate:,.0f}/s; adds {median_ms:.1f} ms, p99"
        f" {tail:.1f} times that; beside a slow receiver {kept:.2f} of the rate",
    )


@contextmanager
def running() -> Iterator[Place]:
    """Receivers, the proxy, and the clearing house on a fresh database."""
    clearing_house.fresh_database()
    receiver = "benchmarks.receiver:application"
    slow = {"RECEIVER_DELAY_S": "5"}
    with (
        granian(receiver, threads=16) as quick,
        granian(receiver, threads=64, environment=slow) as late,
        granian(
            "benchmarks.reference.bare_proxy:application",
            threads=THREADS,
            environment={"RECEIVER_PORT": str(quick.port)},
        ) as proxy,
    ):
        token = clearing_house.make_parties({QUICK: quick.url, SLOW: late.url})
        with clearing_house.web_server(THREADS) as hub:
            yield Place(hub, proxy, token, clearing_house.database_pid())


def warm_up(place: Place) -> None:
    """Threads, connections, and what the switch keeps in memory."""
    for server in (place.proxy, place.hub):
        _all_answered(closed_loop(server.port, place.messages(200), CLIENTS))


def cpu_of_a_message(place: Place, size: int) -> tuple[float, float]:
    """Milliseconds of CPU that a message costs more than a passed one, and messages per second."""
    before = cpu_seconds(place.proxy.pid)
    _all_answered(closed_loop(place.proxy.port, place.messages(size), CLIENTS))
    passing = cpu_seconds(place.proxy.pid) - before
    before = cpu_seconds(place.hub.pid, place.database_pid)
    timing = _all_answered(closed_loop(place.hub.port, place.messages(size), CLIENTS))
    switching = cpu_seconds(place.hub.pid, place.database_pid) - before
    return (switching - passing) / size * 1000, timing.rate


def added_latency(place: Place, size: int, rate: float) -> tuple[float, float]:
    """Below saturation: the median of what switching adds, in ms; its p99 in medians."""
    passed = _all_answered(paced(place.proxy.port, place.messages(size), rate, CLIENTS))
    switched = _all_answered(paced(place.hub.port, place.messages(size), rate, CLIENTS))
    usual = passed.quantile(0.5)
    median = switched.quantile(0.5) - usual
    return median * 1000, (switched.quantile(0.99) - usual) / median


def rate_beside_a_slow_receiver(place: Place, size: int) -> float:
    """The rate of the others while every tenth message goes to a receiver that takes 5 s."""
    alone = _all_answered(closed_loop(place.hub.port, place.messages(size), CLIENTS))
    late = threading.Thread(
        target=paced,
        args=(place.hub.port, place.messages(size // 10, SLOW), alone.rate / 10, 64),
    )
    late.start()
    beside = _all_answered(closed_loop(place.hub.port, place.messages(size), CLIENTS))
    late.join()
    return beside.rate / alone.rate


def _all_answered(timing: Timing) -> Timing:
    if set(timing.statuses) != {200}:
        raise RuntimeError(f"not every message was switched: {timing.statuses}")
    return timing

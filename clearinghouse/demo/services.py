"""The clearing house itself: web server, Celery worker and Celery beat, each a process."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping

import urllib3

from clearinghouse.demo.children import Children
from clearinghouse.demo.surroundings import HOST

# One process answers all, so that everybody reads the same business clock to the microsecond: with
# two, one may still hold the clock of the step before while the other has let it run on.
WEB_PROCESSES = 1
WEB_THREADS = 20
WORKER_PROCESSES = 2
READY_TIMEOUT_S = 120


def start_services(children: Children, environment: Mapping[str, str], port: int) -> None:
    """Starts all three; they need a prepared database."""
    python = sys.executable
    web = {**environment, "CLEARINGHOUSE_DB_POOL": str(WEB_THREADS)}
    children.start(
        "web",
        [
            *(python, "-m", "granian", "--interface", "wsgi", "--host", HOST),
            *("--port", str(port), "--workers", str(WEB_PROCESSES), "--no-ws"),
            *("--blocking-threads", str(WEB_THREADS), "--http", "1", "--log-level", "warning"),
            "clearinghouse.wsgi:application",
        ],
        web,
    )
    celery = [python, "-m", "celery", "--app", "clearinghouse"]
    children.start(
        "worker",
        [
            *(*celery, "worker", "--loglevel", "INFO", "--concurrency", str(WORKER_PROCESSES)),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ],
        environment,
    )
    children.start("beat", [*celery, "beat", "--loglevel", "INFO"], environment)


def wait_until_ready(children: Children, address: str) -> None:
    """Returns when the API answers. ChildEndedError if a process ended, TimeoutError at last."""
    deadline = time.monotonic() + READY_TIMEOUT_S
    with urllib3.PoolManager(retries=False, timeout=5) as pool:
        while time.monotonic() < deadline:
            children.check()
            try:
                if pool.request("GET", f"{address}/clock").status == 200:
                    return
            except urllib3.exceptions.HTTPError:
                pass
            time.sleep(0.1)
    raise TimeoutError(f"The web server did not answer within {READY_TIMEOUT_S} s.")

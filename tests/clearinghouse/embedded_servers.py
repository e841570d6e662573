"""Servers for tests: stopped at the end, and asked the way any client would ask them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from clearinghouse.embedded_postgres import EmbeddedPostgres, processes


@contextmanager
def a_server(data_dir: Path, *, durable: bool = False) -> Iterator[EmbeddedPostgres]:
    """A server of `data_dir`, not yet started, that does not outlive the block."""
    server = EmbeddedPostgres(data_dir, durable=durable)
    try:
        yield server
    finally:
        server.stop()


def ask(server: EmbeddedPostgres, query: str, dbname: str = "postgres") -> Any:
    """The first value of the query's answer, as the superuser; None for a command."""
    with psycopg.connect(server.conninfo(dbname, "postgres"), autocommit=True) as connection:
        cursor = connection.execute(query)
        row = cursor.fetchone() if cursor.description else None
    return row[0] if row else None


def postmaster_id(server: EmbeddedPostgres) -> int:
    """The process id of the running server."""
    found = processes.recorded(server.cluster)
    assert found is not None
    return found.pid


def wait_until(condition: Callable[[], bool], timeout_s: float = 5) -> None:
    """Return when the condition holds; fail when it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)

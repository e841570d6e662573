"""B2: accept one SDR over HTTP, durably, against a bare FastAPI endpoint that stores the same rows.

What is compared is CPU of the web server's processes, from the request to the answer, as `/proc`
counts it. PostgreSQL's CPU is printed beside it: the product's tables have foreign keys and
triggers, the reference's have none. The reference inserts row by row in a transaction, as one
usually does; beside it stands the same endpoint with all rows in a single hand-made statement,
which is what the product does. All take their SDRs by turns, from the same clients.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from benchmarks import clearing_house
from benchmarks.b1_bulk_ingest import make_body
from benchmarks.load import closed_loop, request
from benchmarks.runner import Budget, Measurement
from benchmarks.servers import TICK_S, Server, cpu_seconds, server

ID = "B2"
TITLE = "accept one SDR, durable: server CPU over that of a bare FastAPI + psycopg endpoint"
BUDGET = Budget(at_most=1.5)
SIZE = 3_000
CLIENTS, TURNS, WARM_UP = 8, 3, 400
JSON = {"Content_Type": "application/json"}


@dataclass(slots=True)
class Side:
    """A server: where it takes an SDR, where the rows are; and the CPU seconds it has spent."""

    server: Server
    path: str
    headers: dict[str, str]
    schema: str
    web_s: float = 0
    database_s: float = 0

    def take_in(self, sdrs: Sequence[bytes]) -> None:
        """Sends them all, and counts the CPU of the web server and of PostgreSQL."""
        requests = [request(self.path, sdr, **self.headers) for sdr in sdrs]
        database_pid = clearing_house.database_pid()
        web, database = cpu_seconds(self.server.pid), cpu_seconds(database_pid)
        timing = closed_loop(self.server.port, requests, CLIENTS)
        if set(timing.statuses) != {201}:
            raise RuntimeError(f"not every SDR was taken in: {timing.statuses}")
        self.web_s += cpu_seconds(self.server.pid) - web
        self.database_s += cpu_seconds(database_pid) - database


def run(size: int) -> Measurement:
    """One measurement: what a new SDR costs here over what it costs there."""
    clearing_house.configure()
    turn = max(1, size // TURNS)
    with running() as sides:
        for side in sides:
            side.take_in(make_body(WARM_UP).split(b"\n"))
            side.web_s = side.database_s = 0.0
        for _ in range(TURNS):
            for side in sides:
                side.take_in(make_body(turn).split(b"\n"))
        taken = WARM_UP + TURNS * turn
        check_rows("public", taken)
        check_rows("bare", 2 * taken)
    product, reference, at_once = sides
    product_s, reference_s, at_once_s = (max(side.web_s, TICK_S) for side in sides)
    ms = 1000 / (TURNS * turn)
    return Measurement(
        ratio=product_s / reference_s,
        detail=f"CPU of the web server {product_s * ms:.2f} ms an SDR, there"
        f" {reference_s * ms:.2f} (in one statement {at_once_s * ms:.2f}, of which it is"
        f" {product_s / at_once_s:.2f}); of PostgreSQL {product.database_s * ms:.2f}, there"
        f" {reference.database_s * ms:.2f} ({at_once.database_s * ms:.2f})",
    )


@contextmanager
def running() -> Iterator[tuple[Side, Side, Side]]:
    """The product and the two forms of the reference, over tables of the same fresh database."""
    clearing_house.fresh_database()
    token = clearing_house.make_parties()
    make_twins()
    bare = {"BARE_DATABASE": clearing_house.conninfo()}
    with (
        server(
            ["-m", "uvicorn", "benchmarks.reference.bare_endpoint:app", "--host", "127.0.0.1",
             "--port", "{port}", "--loop", "uvloop", "--http", "httptools", "--no-access-log",
             "--log-level", "warning"],
            bare,
        ) as endpoint,
        clearing_house.web_server() as hub,
    ):  # fmt: skip
        headers = {"Authorization": f"Bearer {token}", **JSON}
        yield (
            Side(hub, "/api/v1/sdrs", headers, "public"),
            Side(endpoint, "/sdrs", JSON, "bare"),
            Side(endpoint, "/sdrs/at-once", JSON, "bare"),
        )


def make_twins() -> None:
    """The tables of the reference: columns, checks and indexes, no foreign keys, no triggers."""
    from benchmarks.reference.bare_endpoint import TABLES

    with psycopg.connect(clearing_house.conninfo()) as connection:
        connection.execute("CREATE SCHEMA bare")
        for table in TABLES:
            connection.execute(
                f"CREATE TABLE bare.roaming_{table} (LIKE public.roaming_{table} INCLUDING ALL)"
            )


def check_rows(schema: str, count: int) -> None:
    """Every row was left."""
    from benchmarks.reference.bare_endpoint import TABLES

    with psycopg.connect(clearing_house.conninfo()) as connection:
        for table in TABLES:
            query = f"SELECT count(*) FROM {schema}.roaming_{table}"
            if table == "journalentry":
                query += " WHERE use_case = 'UC3-9'"
            elif table == "delivery":
                query += " WHERE path = 'uc3-9/sdrs'"
            row = connection.execute(query).fetchone()
            assert row == (count,), f"{schema}.{table}: {row} instead of {count}"

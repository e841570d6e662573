"""B7: store and forward while messages are being left, against one Celery task for each message.

Updates go to ten receivers each, one of which is dead: it refuses connections. Half of the messages
wait when the worker begins, the others are left meanwhile, by two processes. Compared is the CPU
that a message to the nine others costs worker, PostgreSQL and broker together, as `/proc` counts
it: the ratio is how many messages go for the CPU of one Celery task. The reference leaves the same
messages in rows, too, and its tasks note the outcome there. Printed beside it are the rates of the
nine, and the product's rate of them while the tenth hangs (it takes connections and never answers)
over that with a tenth that is well: a dead receiver slows no other.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks import clearing_house
from benchmarks.runner import Budget, Measurement
from benchmarks.servers import TICK_S, cpu_seconds, granian, halted, process, server

ID = "B7"
TITLE = "store and forward, one receiver in ten dead: messages for the CPU of one Celery task"
BUDGET = Budget(at_least=5.0)
SIZE = 6_000
RECEIVERS, ENQUEUERS, LONGEST_S = 10, 2, 300
CELERY = "benchmarks.reference.celery_forwarding"
PRODUCT = "benchmarks.store_and_forward"


@dataclass(frozen=True, slots=True)
class Carried:
    """What became of the messages to the nine: how many a second, and CPU of each message."""

    rate: float
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Rows:
    """Where the messages to the nine stand, and what is true of those that were taken."""

    table: str
    of_the_nine: str
    taken: str


def run(size: int) -> Measurement:
    """One measurement: what a message costs there over what it costs here."""
    clearing_house.configure()
    updates = max(2 * ENQUEUERS, size // RECEIVERS)
    with granian("benchmarks.receiver:application", threads=16) as receiver:
        addresses = [f"{receiver.url}/{number}" for number in range(RECEIVERS - 1)]
        with refusing() as dead:
            product = by_the_product([*addresses, dead], updates)
            reference, broker = by_celery([*addresses, dead], updates)
        with hanging() as silent:
            beside = by_the_product([*addresses, silent], updates)
        alone = by_the_product([*addresses, f"{receiver.url}/well"], updates)
    return Measurement(
        ratio=reference.cpu_ms / product.cpu_ms,
        detail=f"{product.cpu_ms:.2f} ms CPU a message at {product.rate:,.0f}/s, Celery with"
        f" {broker} {reference.cpu_ms:.2f} ms at {reference.rate:,.0f}/s; beside a receiver that"
        f" hangs the others have {beside.rate / alone.rate:.2f} of their rate",
    )


def by_the_product(addresses: Sequence[str], updates: int) -> Carried:
    """The clearing house's own worker, on a fresh database."""
    clearing_house.fresh_database()
    names = [f"DE-B{number:02d}" for number in range(RECEIVERS)]
    clearing_house.make_parties(dict(zip(names, addresses, strict=True)))
    rows = Rows(
        "roaming_delivery",
        "receiver_id <> (SELECT max(receiver_id) FROM roaming_delivery) AND path = 'uc1-2/sites'",
        "state = 'delivered'",
    )
    with process(["-m", PRODUCT, "deliver"]) as worker:
        return carried([PRODUCT, "enqueue", "{updates}"], updates, rows, [worker.pid])


def by_celery(addresses: Sequence[str], updates: int) -> tuple[Carried, str]:
    """The reference on the same server; and what its broker was."""
    from benchmarks.reference.celery_forwarding import SCHEMA

    with psycopg.connect(clearing_house.conninfo()) as connection:
        connection.execute("DROP TABLE IF EXISTS bare_message")
        connection.execute(SCHEMA)
    rows = Rows("bare_message", f"url <> '{addresses[-1]}'", "delivered_at IS NOT NULL")
    with broker() as (name, environment, pids):
        words = ["--concurrency", "4", "--loglevel", "CRITICAL", "--without-gossip"]
        worker = ["-W", "ignore", "-m", "celery", "--quiet", "-A", CELERY, "worker", *words]
        # Not warmly: it would wait for all that it tries again later.
        with process(worker, environment, stop_by=signal.SIGQUIT) as running:
            leaving = [CELERY, "{updates}", *addresses]
            return carried(leaving, updates, rows, [running.pid, *pids], environment), name


def carried(
    leaving: Sequence[str],
    updates: int,
    rows: Rows,
    pids: Sequence[int],
    environment: Mapping[str, str] | None = None,
) -> Carried:
    """Leaves half of the updates while the worker stands still, the rest while it is at it."""
    with psycopg.connect(clearing_house.conninfo(), autocommit=True) as connection:
        leave(leaving, 1, environment)  # everybody is awake and connected
        wait_until_taken(connection, rows, RECEIVERS - 1)
        (last,) = connection.execute(f"SELECT max(id) FROM {rows.table}").fetchone() or (0,)
        each = updates // (2 * ENQUEUERS)
        count = 2 * each * ENQUEUERS * (RECEIVERS - 1)
        with ready_to_leave(leaving, each, environment) as leave_the_rest:
            with halted(pids[0]):
                leave(leaving, each * ENQUEUERS, environment)
            pids = [*pids, clearing_house.database_pid()]
            before = cpu_seconds(*pids)
            leave_the_rest()
        wait_until_taken(connection, rows, count + RECEIVERS - 1)
        spent = max(cpu_seconds(*pids) - before, TICK_S)
        row = connection.execute(
            "SELECT extract(epoch FROM max(delivered_at) - min(delivered_at))::float, count(*)"
            f" FROM {rows.table} WHERE {rows.of_the_nine} AND id > %s",
            [last],
        ).fetchone()
    assert row is not None
    assert row[1] == count, f"{row[1]} messages instead of {count}"
    return Carried(count / max(row[0], TICK_S), spent / count * 1000)


def leave(leaving: Sequence[str], each: int, environment: Mapping[str, str] | None) -> None:
    """One process leaves so many updates."""
    with ready_to_leave(leaving, each, environment, processes=1) as leave_them:
        leave_them()


@contextmanager
def ready_to_leave(
    leaving: Sequence[str],
    each: int,
    environment: Mapping[str, str] | None,
    processes: int = ENQUEUERS,
) -> Iterator[Callable[[], None]]:
    """Processes that leave updates as soon as they are told to, and until all are left."""
    arguments = ["-m", *(word.format(updates=each) for word in leaving)]
    with ExitStack() as stack:
        running = [
            stack.enter_context(process(arguments, environment, pipes=subprocess.PIPE))
            for _ in range(processes)
        ]
        for one in running:
            assert one.stdout
            one.stdout.readline()  # it is ready

        def leave_all() -> None:
            for one in running:
                assert one.stdin
                one.stdin.write(b"\n")
                one.stdin.close()
            statuses = [one.wait(LONGEST_S) for one in running]
            if any(statuses):
                raise RuntimeError("messages could not be left")

        yield leave_all


def wait_until_taken(connection: psycopg.Connection, rows: Rows, count: int) -> None:
    """Until so many messages to the nine have been taken."""
    ends = time.monotonic() + LONGEST_S
    query = f"SELECT count(*) FROM {rows.table} WHERE {rows.of_the_nine} AND {rows.taken}"
    while (row := connection.execute(query).fetchone()) is None or row[0] < count:
        if time.monotonic() > ends:
            raise RuntimeError(f"{row and row[0]} of {count} messages were taken")
        time.sleep(0.2)


@contextmanager
def refusing() -> Iterator[str]:
    """The address of a receiver that is not there."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        yield f"http://127.0.0.1:{nobody.getsockname()[1]}/dead"


@contextmanager
def hanging() -> Iterator[str]:
    """The address of a receiver that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as silent:
        yield f"http://127.0.0.1:{silent.getsockname()[1]}/silent"


@contextmanager
def broker() -> Iterator[tuple[str, dict[str, str], list[int]]]:
    """Redis, which writes nothing to disk; where it is not installed, plain files."""
    environment = {"FORWARDING_DATABASE": clearing_house.conninfo()}
    program = shutil.which("redis-server")
    with tempfile.TemporaryDirectory() as folder:
        if program is None:
            for name in ("messages", "control"):
                Path(folder, name).mkdir()
            where = {"FORWARDING_BROKER": "filesystem://", "FORWARDING_FOLDER": folder}
            yield "plain files", environment | where, []
            return
        redis = (
            f"--port {{port}} --bind 127.0.0.1 --appendonly no --logfile /dev/null --dir {folder}"
        )
        with server([*redis.split(), "--save", ""], program=[program]) as running:
            where = {"FORWARDING_BROKER": f"redis://127.0.0.1:{running.port}/0"}
            yield "Redis", environment | where, [running.pid]

"""kill -9 of web server, worker, a delivery in flight and PostgreSQL, during traffic.

Afterwards every acknowledged message was delivered, once by message id, and the journal agrees with
both sides' own records: 0 lost, 0 doubled.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clearinghouse.embedded_postgres import EmbeddedPostgres, processes
from tests.databases import ROOT
from tests.fake_party import FakeParty, Received, fake_party
from tests.faults.traffic import VisitedCso, run
from tests.stack import Stack

pytestmark = pytest.mark.slow

SEED = int(os.environ.get("FAULT_SEED", "20261127"))
SESSIONS = int(os.environ.get("FAULT_SESSIONS", "700"))
KILLS = 30
THREADS = 8


class EmbeddedStack(Stack):
    """As `Stack`, with a durable PostgreSQL of its own that its processes start themselves."""

    def database(self) -> dict[str, str]:
        """No address: the embedded server below the data directory."""
        return {}

    def run_python(self, *arguments: str) -> str:
        """A program of the project on this database; what it prints."""
        done = subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=self.environment(), capture_output=True,
            text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def server(self) -> EmbeddedPostgres:
        return EmbeddedPostgres(self.folder / "data" / "postgres")


@dataclass
class Hub:
    stack: EmbeddedStack
    party: FakeParty
    tokens: dict[str, str]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    # Many are killed while they wait for an answer: their messages are not to wait a minute each.
    made = EmbeddedStack(
        "clearinghouse", tmp_path, extra={"CLEARINGHOUSE_IDEMPOTENCY_LEASE_S": "5"}
    )
    with fake_party() as party:
        party.accept()
        try:
            made.run_python("manage.py", "prepare_database")
            tokens = json.loads(made.run_python("-m", "tests.faults.world", "make", party.url))
            made.start("web", "worker", "beat")
            made.wait_until_ready()
            yield Hub(made, party, tokens)
        finally:
            made.stop()
            made.server.stop()


def kill_postgres(stack: EmbeddedStack) -> None:
    """kill -9 of the postmaster; its children follow, and whoever connects next starts it anew."""
    found = processes.recorded(stack.server.cluster)
    if found is not None:
        with contextlib.suppress(ProcessLookupError):  # dead already, and not started yet
            os.kill(found.pid, signal.SIGKILL)


class Killer:
    """Kills by a seeded plan, and lets each victim come back before the next."""

    def __init__(self, hub: Hub, seed: int) -> None:
        self.hub = hub
        self.random = random.Random(seed)
        self.done: list[tuple[str, float]] = []

    def strike(self) -> None:
        victim = self.random.choice(["web", "worker", "postgres", "delivery"])
        if victim == "delivery":
            self._in_flight()
        stack = self.hub.stack
        if victim == "postgres":
            kill_postgres(stack)
        else:
            name = "worker" if victim == "delivery" else victim
            stack.kill(name)
            time.sleep(self.random.uniform(0, 0.5))
            stack.start(name)
        self.done.append((victim, time.monotonic()))
        if victim == "web":
            stack.wait_until_ready()
        if stack.running["beat"].poll() is not None:  # a beat that lost its database starts anew
            stack.start("beat")

    def _in_flight(self) -> None:
        """Waits until the receiver holds a stored message that it has not answered yet."""
        party = self.hub.party
        before = len(party.messages("/uc3-9/sdrs"))
        ends = time.monotonic() + 5
        while len(party.messages("/uc3-9/sdrs")) == before and time.monotonic() < ends:
            time.sleep(0.005)


def test_killed_at_any_instant_nothing_is_lost_and_nothing_doubled(
    hub: Hub, capsys: pytest.CaptureFixture[str]
) -> None:
    cso = VisitedCso(hub.stack.address, hub.tokens["cso"])
    hub.party.delay_s = 0.01
    killer = Killer(hub, SEED)
    # Spread over the whole of the traffic: the next kill when so many more were acknowledged, and
    # the traffic goes on while it is made, up to the next but one.
    every = SESSIONS * 3 // (KILLS + 6)
    cso.allowance = 2 * every
    threads = run(cso, SESSIONS, THREADS)
    while any(thread.is_alive() for thread in threads):
        if len(cso.record) >= every * (len(killer.done) + 1) and len(killer.done) < KILLS + 5:
            killer.strike()
            cso.allowance = every * (len(killer.done) + 2)
        if len(killer.done) >= KILLS + 5:
            cso.allowance = float("inf")
        time.sleep(0.01)
    between = _kills_between_first_and_last_write(killer, cso)
    books = _wait_until_delivered(hub)
    figures = {
        "seed": SEED, "kills": dict(Counter(victim for victim, _ in killer.done)),
        "kills between first and last write": between,
        "messages acknowledged": len(cso.record),
        "sent more than once": sum(1 for message in cso.record if message.tries > 1),
        "deliveries": len(books["deliveries"]),
    }  # fmt: skip
    with capsys.disabled():
        print(f"\n{json.dumps(figures)}")
    assert cso.failures == []
    assert len(cso.record) >= 2_000
    assert between >= KILLS
    _nothing_lost(cso, hub.party, books)
    _nothing_doubled(cso, hub.party, books)
    with capsys.disabled():
        print("0 lost, 0 doubled")


def _kills_between_first_and_last_write(killer: Killer, cso: VisitedCso) -> int:
    first = min(message.at for message in cso.record)
    last = max(message.at for message in cso.record)
    return sum(1 for _, at in killer.done if first <= at <= last)


def _wait_until_delivered(hub: Hub, timeout_s: float = 180) -> dict[str, Any]:
    deadline = time.monotonic() + timeout_s
    while True:
        books: dict[str, Any] = json.loads(hub.stack.run_python("-m", "tests.faults.world", "read"))
        waiting = [row for row in books["deliveries"] if row["state"] != "delivered"]
        unanswered = _unanswered(books)
        if not waiting and not unanswered:
            return books
        assert time.monotonic() < deadline, (waiting[:5], unanswered[:5], hub.stack.log("worker"))
        time.sleep(2)


def _unanswered(books: dict[str, Any]) -> list[str]:
    """Transactions that were admitted and have no verdict."""
    verdicts = {row["transaction_id"] for row in books["journal"] if row["phase"] == "verdict"}
    admitted = {row["transaction_id"] for row in books["journal"] if row["phase"] == "admitted"}
    return sorted(admitted - verdicts)


def received_by_id(party: FakeParty, path: str) -> dict[str, Received]:
    """The receiver's own record: what came, each message id once."""
    return {message.headers["X-Message-ID"]: message for message in party.messages(path)}


def _nothing_lost(cso: VisitedCso, party: FakeParty, books: dict[str, Any]) -> None:
    acknowledged: dict[str, list[Any]] = {"start": [], "completion": [], "sdr": []}
    for message in cso.record:
        acknowledged[message.kind].append(message)
    states = {row["id"]: row["state"] for row in books["sessions"]}
    for start in acknowledged["start"]:
        assert states[start.answer["service_session_id"]] == "completed"
    told = {
        message.body["service_session_id"]
        for message in received_by_id(party, "/uc3-5/completion").values()
    }
    assert told == {m.answer["service_session_id"] for m in acknowledged["completion"]}
    arrived = [
        record["sdr_id"]
        for message in received_by_id(party, "/uc3-9/sdrs").values()
        for record in message.body["sdrs"]
    ]
    assert set(arrived) == {m.answer["sdr_id"] for m in acknowledged["sdr"]}
    journalled = {row["message_id"] for row in books["journal"] if row["phase"] == "verdict"}
    assert {message.message_id for message in cso.record} <= journalled


def _nothing_doubled(cso: VisitedCso, party: FakeParty, books: dict[str, Any]) -> None:
    references = Counter(row["reference"] for row in books["sdrs"])
    assert set(references.values()) == {1}
    for path, ids in (
        ("/uc3-5/completion", lambda body: [body["service_session_id"]]),
        ("/uc3-9/sdrs", lambda body: [record["sdr_id"] for record in body["sdrs"]]),
    ):
        told = Counter(
            object_id
            for message in received_by_id(party, path).values()
            for object_id in ids(message.body)
        )
        assert {object_id: n for object_id, n in told.items() if n > 1} == {}, path
    # One session runs for each start that was acknowledged, however often it was asked.
    running = Counter(
        row["cso_session_id"]
        for row in books["sessions"]
        if row["state"] in ("authorised", "active", "completed")
    )
    assert {reference: n for reference, n in running.items() if n > 1} == {}
    accepted = Counter(
        row["message_id"]
        for row in books["journal"]
        if row["phase"] == "verdict" and row["outcome"] == "accepted" and row["use_case"] == "UC3-1"
    )
    starts = {message.message_id for message in cso.record if message.kind == "start"}
    assert {message_id: n for message_id, n in accepted.items() if n > 1} == {}
    assert starts <= set(accepted)

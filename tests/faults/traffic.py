"""A visited-CSO under way: sessions from start to SDR, each message repeated until it is answered.

Its own record says what the clearing house acknowledged; a message keeps its X-Message-ID however
often it is sent.
"""

from __future__ import annotations

import json
import random
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import urllib3

from tests.roaming.api.messages import LOCAL_START, SDR, changed

PATIENCE_S = 120.0


@dataclass(frozen=True)
class Acknowledged:
    """One message with the answer that it got in the end."""

    kind: str
    message_id: str
    reference: str
    status: int
    answer: dict[str, Any]
    tries: int
    at: float


@dataclass
class VisitedCso:
    """Sends from several threads. `record` is its own, to be held against the journal."""

    address: str
    token: str
    allowance: float = float("inf")
    """Not more messages than this: whoever kills must not be outrun by the traffic."""
    record: list[Acknowledged] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._pool = urllib3.PoolManager(retries=False, timeout=6, maxsize=16)

    def visit(self, number: int) -> None:
        """A whole session: start, end, SDR."""
        reference = f"S-{number}"
        start = self.send(
            "start", reference, "service-sessions/local-start",
            changed(LOCAL_START, cso_session_id=reference),
        )  # fmt: skip
        if start is None or start.answer.get("decision") != "ACCEPTED":
            return
        session = start.answer["service_session_id"]
        times = {
            "start_date_time": "2026-10-05T10:00:00+02:00",
            "end_date_time": "2026-10-05T11:00:00+02:00",
        }
        completion = {**times, "total_energy": 20, "cso_session_id": reference}
        self.send("completion", reference, f"service-sessions/{session}/completion", completion)
        sdr = changed(SDR, id=f"SDR-{number}", service_session_id=session, cso_session_id=reference)
        self.send("sdr", f"SDR-{number}", "sdrs", sdr)

    def send(
        self, kind: str, reference: str, path: str, body: dict[str, Any]
    ) -> Acknowledged | None:
        """Sends until there is an answer that will not change by asking again."""
        while len(self.record) >= self.allowance:
            time.sleep(0.01)
        message_id = str(uuid.uuid4())
        headers = {
            "Authorization": f"Bearer {self.token}", "Content-Type": "application/json",
            "X-Message-ID": message_id, "X-Correlation-ID": f"c-{reference}",
        }  # fmt: skip
        ends, tries, last = time.monotonic() + PATIENCE_S, 0, "nothing"
        while time.monotonic() < ends:
            tries += 1
            try:
                response = self._pool.request(
                    "POST", f"{self.address}/{path}", body=json.dumps(body), headers=headers
                )
            except urllib3.exceptions.HTTPError:
                time.sleep(random.uniform(0.05, 0.3))
                continue
            content = json.loads(response.data or b"{}")
            last = f"{response.status} {content}"
            # 5xx: nothing was accepted, or nobody knows. 409 in progress: an earlier try works.
            if response.status >= 500 or content.get("code") in ("request_in_progress",):
                time.sleep(random.uniform(0.05, 0.3))
                continue
            done = Acknowledged(
                kind, message_id, reference, response.status, content, tries, time.monotonic()
            )
            with self._lock:
                self.record.append(done)
                if response.status >= 400:
                    self.failures.append(f"{kind} {reference}: {response.status} {content}")
            return done
        with self._lock:
            self.failures.append(f"{kind} {reference}: after {PATIENCE_S:.0f} s {last}")
        return None


def run(cso: VisitedCso, sessions: int, threads: int) -> list[threading.Thread]:
    """Starts the traffic; join the threads to wait for its end."""
    numbers = iter(range(sessions))
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            cso.visit(number)

    started = [threading.Thread(target=work, name=f"cso-{n}", daemon=True) for n in range(threads)]
    for thread in started:
        thread.start()
    return started

"""Simulated operators as processes of their own, for tests that tell a story over real HTTP."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3
from django.utils import timezone

from roaming import models
from roaming.simulator.operator.record import read_record
from roaming.use_cases.uc1_01_platform_authentication import issue_registration_token
from tests import databases, factories
from tests.stack import free_port

_pool = urllib3.PoolManager(num_pools=50, maxsize=8)
QUICK = {"seconds": 1.0, "updates_every_seconds": 0.3, "time_lapse": 3600}
"""A session of a second in which an hour's energy flows."""


def invite(name: str, *identifiers: str) -> tuple[models.Operator, str]:
    """An operator with these identifiers (`DE*VIS`, `DE-HOM`), expected to register; its token."""
    operator = factories.OperatorFactory(name=name)
    platform = factories.PlatformFactory(name=f"{name} platform", run_by=operator)
    models.Platform.objects.filter(pk=platform.pk).update(status="expected")
    for identifier in identifiers:
        role = "CSO" if "*" in identifier else "CSP"
        held = factories.IdentifierFactory(operator=operator, role=role, identifier=identifier)
        models.PlatformIdentifier.objects.create(
            platform=platform, identifier=held, environment=platform.environment
        )
    return operator, issue_registration_token(platform, timezone.now())


@dataclass
class Simulated:
    """One simulated operator. What it knows is asked of it; what it said stands in its record."""

    name: str
    folder: Path
    config: dict[str, Any]
    process: subprocess.Popen[bytes] | None = None
    control: int = field(default_factory=free_port)

    @property
    def record_file(self) -> Path:
        return self.folder / f"{self.name}.record.jsonl"

    def start(self) -> Simulated:
        """Starts it, or starts it again with the credentials of its earlier life."""
        told = {
            "name": self.name,
            "state_file": str(self.folder / f"{self.name}.state.json"),
            "record_file": str(self.record_file),
            "record_bodies": True,
            "control_port": self.control,
            **self.config,
        }
        path = self.folder / f"{self.name}.json"
        path.write_text(json.dumps(told))
        with (self.folder / f"{self.name}.txt").open("ab") as shown:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "roaming.simulator", str(path)], cwd=databases.ROOT,
                stdin=subprocess.DEVNULL, stdout=shown, stderr=shown, process_group=0,
            )  # fmt: skip
        wait_until(self._answers, 60, self.shown)
        return self

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.shown()
        try:
            return bool(self.state())
        except urllib3.exceptions.HTTPError:
            return False

    def shown(self) -> str:
        """What its screen says."""
        return (self.folder / f"{self.name}.txt").read_text(errors="replace")[-6000:]

    def state(self) -> dict[str, Any]:
        """What it knows."""
        return self._ask("GET", "/state", None)

    def do(self, *steps: dict[str, Any]) -> list[dict[str, Any]]:
        """Does the steps; fails where one of them does."""
        return self._ask("POST", "/steps", list(steps))

    def behave(self, **plans: Any) -> None:
        """`UC3_1="time_out"`: how messages are met from now on."""
        self._ask(
            "POST", "/behaviours", {key.replace("_", "-"): plan for key, plan in plans.items()}
        )

    def offline(self, seconds: float | None = None) -> None:
        self._ask("POST", "/offline", {"seconds": seconds})

    def online(self) -> None:
        self._ask("POST", "/online", {})

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def rows(self, event: str, path: str = "") -> list[dict[str, Any]]:
        """Lines of its record: `received`, `answered`, `sent`, `got`."""
        return [
            row
            for row in read_record(self.record_file)
            if row["event"] == event and row.get("path", "").endswith(path)
        ]

    def knows(self, looks: Callable[[dict[str, Any]], Any], timeout_s: float = 30) -> Any:
        """Waits until what it knows looks like this; returns what `looks` found."""
        found: list[Any] = []

        def look() -> bool:
            found[:] = [looks(self.state())]
            return bool(found[0])

        wait_until(look, timeout_s, lambda: f"{self.shown()}\n{json.dumps(self.state())[:6000]}")
        return found[0]

    def _ask(self, method: str, path: str, content: Any) -> Any:
        response = _pool.request(
            method, f"http://127.0.0.1:{self.control}{path}", retries=False, timeout=150,
            headers={"Content-Type": "application/json"},
            body=None if content is None else json.dumps(content).encode(),
        )  # fmt: skip
        answer = response.json()
        assert response.status == 200, f"{self.name}: {answer}\n{self.shown()}"
        return answer


def wait_until(condition: Callable[[], bool], timeout_s: float, explain: Callable[[], str]) -> None:
    """Returns when it holds; fails with an explanation when it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, explain()
        time.sleep(0.1)


@contextmanager
def cast_of(folder: Path, hub: str) -> Iterator[Callable[..., Simulated]]:
    """Starts simulated operators, `begin(name, token, **config)`; none outlives the block."""
    all_of_them: list[Simulated] = []

    def begin(name: str, token: str, **config: Any) -> Simulated:
        told = {"hub": hub, "registration_token": token, "sessions": QUICK, **config}
        simulated = Simulated(name, folder, told)
        all_of_them.append(simulated)
        return simulated.start()

    try:
        yield begin
    finally:
        for simulated in all_of_them:
            if simulated.process is not None:
                simulated.kill()

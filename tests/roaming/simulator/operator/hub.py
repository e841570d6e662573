"""A clearing house for tests of a simulated operator: takes everything, and calls its endpoint."""

from __future__ import annotations

import io
import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import urllib3

from roaming.simulator.operator.config import OperatorConfig, config_of
from roaming.simulator.operator.cso_steps import CsoSteps
from roaming.simulator.operator.csp_steps import CspSteps
from roaming.simulator.operator.operator import Operator
from roaming.simulator.operator.screen import Screen
from roaming.simulator.operator.steps import Steps
from roaming.simulator.sdr_writer import to_json
from tests.roaming.simulator.platform_fake_hub import Answer, FakeHub, Heard, fake_hub

SECRET = "the-secret-of-the-endpoint"
START = datetime(2026, 10, 5, 8, tzinfo=UTC)
CSO, CSP = {"role": "CSO", "identifier": "DE*SIM"}, {"role": "CSP", "identifier": "DE-SIM"}
TOKEN = "04A2B3C4D5E6F7"


class TickingHub(FakeHub):
    """Its clock runs a hundred times as fast as a real one, so that something is charged."""

    def __init__(self) -> None:
        super().__init__()
        self.began = time.monotonic()

    def answer(self, message: Heard) -> Answer:
        self.now = START + 100 * timedelta(seconds=time.monotonic() - self.began)
        return super().answer(message)


class Caller:
    """The clearing house calling an endpoint."""

    def __init__(self, url: str, secret: str = SECRET, timeout: float = 5) -> None:
        self._secret = secret
        self._pool = urllib3.PoolManager(retries=False, timeout=timeout)
        self._url = url

    def post(
        self, path: str, content: Any, message_id: str = "", secret: str = ""
    ) -> tuple[int, Any]:
        """Status and what the answer says; raises what urllib3 does where there is none."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        headers = {
            "Authorization": f"Bearer {secret or self._secret}",
            "X-Message-ID": message_id or str(uuid.uuid4()),
            "X-Correlation-ID": "corr-1",
        }
        response = self._pool.request("POST", f"{self._url}/{path}", body=body, headers=headers)
        try:
            return response.status, json.loads(response.data)
        except ValueError:
            return response.status, response.data


class Running:
    """An operator at work in this process, its clearing house, and its screen."""

    def __init__(self, hub: FakeHub, config: OperatorConfig) -> None:
        self.hub = hub
        self.shown = io.StringIO()
        self.operator = Operator(config, Screen(self.shown))
        self.operator.open()
        sides: list[object] = []
        if self.operator.cso:
            sides.append(CsoSteps(self.operator.around, self.operator.cso))
        if self.operator.csp:
            sides.append(CspSteps(self.operator.around, self.operator.csp))
        self.steps = Steps(self.operator, *sides)
        assert self.operator.presence.server is not None
        self.call = Caller(self.operator.presence.server.url)

    def do(self, *steps: dict[str, Any]) -> list[dict[str, Any]]:
        self.steps.check(list(steps))
        return self.steps.run(list(steps))

    def state(self) -> dict[str, Any]:
        return json.loads(to_json(self.operator.state()))

    def settle(self) -> None:
        assert self.operator.around.later.wait_idle(20)


def registers_as(hub: FakeHub, *parties: dict[str, str]) -> None:
    """What the registration answers with."""

    def answer(message: Heard) -> Any:
        if message.path.endswith("/registration"):
            return 201, {"token": "credential", "platform": "p", "parties": list(parties)}
        return None

    hub.overrides.append(answer)


def takes_business(message: Heard) -> Any:
    """The clearing house's answers to what the demo's platforms never ask."""
    if message.path.endswith(("/remote-start", "/stop", "/unlock", "/reservations")):
        return 200, {
            "command_id": str(uuid.uuid4()),
            "response": "ACCEPTED",
            "service_session_id": str(uuid.uuid4()),
            "reservation_id": str(uuid.uuid4()),
        }
    if "/agreements?" in message.path:
        return 200, {"results": [], "next": None}
    if message.path.endswith("/sdrs"):
        return 201, {"id": message.body["id"], "sdr_id": str(uuid.uuid4()), "state": "validated"}
    return None


@contextmanager
def running(*parties: dict[str, str], **config: Any) -> Iterator[Running]:
    """An operator that speaks for these parties, quick in everything."""
    with fake_hub(TickingHub()) as hub:
        registers_as(hub, *parties)
        hub.overrides.append(takes_business)
        told = {
            "hub": hub.url,
            "registration_token": "once",
            "endpoint": {"secret": SECRET},
            "patience_s": 5,
            "sessions": {"seconds": 0.3, "updates_every_seconds": 0.1},
            "reservations": {"watch_every_seconds": 0.05},
            **config,
        }
        made = Running(hub, config_of(told))
        try:
            yield made
        finally:
            made.operator.close()

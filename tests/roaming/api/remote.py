"""The story of commands: a home-CSP that asks, a visited-CSO that answers and reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.test import Client

from roaming import models
from tests.cast import Cast, Party
from tests.fake_party import FakeParty
from tests.roaming.api.messages import changed

PATHS = ("uc3-2/remote-start", "uc3-4/stop", "uc3-8/reservation", "uc3-8/cancellation",
         "uc5-2/unlock", "uc5-3/unlock")  # fmt: skip

APP_USER = {"method": "APP", "contract_id": "DE-HOM-C12345678"}
REMOTE_START = {
    "home_csp": "DE-HOM",
    "evse_id": "DE*VIS*E001",
    "connector_id": "1",
    "identification": APP_USER,
    "authorization_reference": "AUTH-7",
    "csp_session_id": "HOM-S-1",
}
RESERVATION = {
    "home_csp": "DE-HOM",
    "evse_id": "DE*VIS*E001",
    "reference": "R-1",
    "identification": APP_USER,
    "expires_at": "2026-10-05T11:00:00+02:00",
}
EMERGENCY = {"requested_by": "HOM help desk", "why": "The plug does not come out"}


@dataclass
class Remote:
    """The cast at work, over the real API and real HTTP."""

    client: Client
    cast: Cast
    csp: FakeParty
    cso: FakeParty

    def accept(self, timeout_s: int = 30) -> None:
        """The visited-CSO takes whatever it is asked."""
        for path in PATHS:
            self.answers(path, {"response": "ACCEPTED", "timeout_s": timeout_s})

    def answers(self, path: str, body: Any, status: int = 200) -> None:
        self.cso.answers[f"/{path}"] = (status, body)

    def post(self, path: str, body: Any, party: Party | None = None, **headers: str) -> Any:
        sender = party or self.cast.home_csp
        return self.client.post(
            f"/api/v1/{path}", data=body, content_type="application/json",
            headers={**sender.headers, **headers},
        )  # fmt: skip

    def get(self, path: str, party: Party | None = None, **query: str) -> Any:
        sender = party or self.cast.home_csp
        return self.client.get(f"/api/v1/{path}", query, headers=sender.headers)

    def start(self, **fields: Any) -> Any:
        return self.post("service-sessions/remote-start", changed(REMOTE_START, **fields))

    def started(self) -> dict[str, Any]:
        """A remote start that succeeded; its answer."""
        answer = self.start().json()
        self.result(answer["command_id"], "SUCCEEDED", cso_session_id="VIS-S-1")
        return answer

    def stop(self, session_id: str, body: Any = None, party: Party | None = None) -> Any:
        return self.post(f"service-sessions/{session_id}/stop", body or {}, party)

    def reserve(self, **fields: Any) -> Any:
        return self.post("reservations", changed(RESERVATION, **fields))

    def reserved(self, **fields: Any) -> dict[str, Any]:
        """A reservation that holds; its answer."""
        answer = self.reserve(**fields).json()
        self.result(answer["command_id"], "SUCCEEDED", cso_reference="VIS-R-1")
        return answer

    def cancel(self, reservation_id: str, party: Party | None = None) -> Any:
        sender = party or self.cast.home_csp
        return self.client.delete(f"/api/v1/reservations/{reservation_id}", headers=sender.headers)

    def outcome(
        self, reservation_id: str, outcome: str, party: Party | None = None, **fields: Any
    ) -> Any:
        return self.post(
            f"reservations/{reservation_id}/outcome",
            {"outcome": outcome, **fields},
            party or self.cast.visited_cso,
        )

    def result(
        self, command_id: str, result: str, party: Party | None = None, **fields: Any
    ) -> Any:
        return self.post(
            f"commands/{command_id}/result",
            {"result": result, **fields},
            party or self.cast.visited_cso,
        )

    def asked(self, path: str) -> list[Any]:
        """The messages that the visited-CSO received there."""
        return [message.body for message in self.cso.messages(f"/{path}")]

    def told(self, path: str) -> list[Any]:
        """The messages that the home-CSP received there."""
        return [message.body for message in self.csp.messages(f"/{path}")]


def command() -> models.Command:
    """The one command there is."""
    return models.Command.objects.get()


def session() -> models.ServiceSession:
    """The one session there is."""
    return models.ServiceSession.objects.get()


def reservation() -> models.Reservation:
    """The one reservation there is."""
    return models.Reservation.objects.get()

"""The story of a visit that is under way: both platforms answer, the session is authorised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.test import Client

from roaming import models
from roaming.hub_switch import deliver_due
from tests.cast import Cast, Party
from tests.fake_party import FakeParty, Received
from tests.roaming.api.messages import LOCAL_START

REPORT = {
    "stamped_at": "2026-10-05T10:00:00+02:00",
    "energy_kwh": "1.50",
    "power_kw": 11.0,
    "cost": {"before_tax": "0.60", "after_tax": "0.714", "currency": "EUR"},
    "state_of_charge": 40,
    "weather": "rain",
}
COMPLETION = {
    "start_date_time": "2026-10-05T09:30:00+02:00",
    "end_date_time": "2026-10-05T11:00:00+02:00",
    "total_energy": "20.125",
}
PLAN = {
    "stamped_at": "2026-10-05T09:59:00+02:00",
    "periods": [
        {"start_date_time": "2026-10-05T10:00:00+02:00", "maximum_power_kw": "3.70"},
        {"start_date_time": "2026-10-05T12:00:00+02:00", "maximum_current_a": 16},
    ],
    "tariff_hint": "cheap at noon",
}
WISHES = {
    "departure_time": "2026-10-05T17:30:00+02:00",
    "energy_kwh": "28",
    "minimum_energy_kwh": "15.0",
    "maximum_power_kw": 11,
    "profile": "GREEN",
    "seat_heating": True,
}


@dataclass
class Visit:
    """The cast during one session, over the real API and real HTTP."""

    client: Client
    cast: Cast
    csp: FakeParty
    cso: FakeParty
    now: datetime
    session_id: str = ""

    def begin(self) -> None:
        """A local start that the home-CSP accepts."""
        response = self._send("post", "service-sessions/local-start", LOCAL_START, "visited_cso")
        assert response.status_code == 200, response.content
        self.session_id = response.json()["service_session_id"]

    @property
    def session(self) -> models.ServiceSession:
        """As the database has it now."""
        return models.ServiceSession.objects.get(pk=self.session_id)

    def report(self, body: Any = REPORT, who: str = "visited_cso", **fields: Any) -> Any:
        return self._about("put", "charging-information", {**body, **fields}, who)

    def report_at(self, minute: int, energy: str, **fields: Any) -> Any:
        """A report stamped so many minutes after ten o'clock."""
        stamp = datetime.fromisoformat(REPORT["stamped_at"]) + timedelta(minutes=minute)
        return self.report(stamped_at=stamp.isoformat(), energy_kwh=energy, **fields)

    def read(self, who: str = "home_csp", **query: Any) -> Any:
        return self._read("charging-information", who, **query)

    def complete(self, body: Any = COMPLETION, who: str = "visited_cso", **fields: Any) -> Any:
        return self._about("post", "completion", {**body, **fields}, who)

    def wish(self, body: Any = WISHES, who: str = "home_csp", **fields: Any) -> Any:
        return self._about("put", "charge-plan", {**body, **fields}, who)

    def read_plan(self, who: str = "home_csp") -> Any:
        return self._read("charge-plan", who)

    def plan(self, body: Any = PLAN, who: str = "visited_cso", **fields: Any) -> Any:
        return self._about("post", "charge-plan-updates", {**body, **fields}, who)

    def remote_start(self, state: str) -> models.Command:
        """Makes the session one that the home-CSP asked for, with a command that stands so."""
        session = self.session
        models.ServiceSession.objects.filter(pk=session.pk).update(
            state="requested", opened_by="UC3-2", authorised="", authorised_at=None
        )
        return models.Command.objects.create(
            id=session.pk,
            environment="live",
            use_case="UC3-2",
            kind="start",
            state=state,
            asked_by=self.cast.home_csp.platform,
            visited_cso=session.visited_cso,
            home_csp=session.home_csp,
            session=session,
            asked_at=self.now,
        )

    def reserve(self) -> models.Reservation:
        """Makes the session a reservation that nobody has come for yet."""
        session = self.session
        self.stands("reserved")
        return models.Reservation.objects.create(
            id=session.pk,
            environment="live",
            session=session,
            home_csp=session.home_csp,
            visited_cso=session.visited_cso,
            evse=session.evse,
            reference="R-1",
            state="reserved",
            starts_at=self.now,
            expires_at=self.now + timedelta(hours=1),
            requested_at=self.now,
        )

    def told(self, path: str) -> list[Received]:
        """Delivers what is due; what the home-CSP received there."""
        while deliver_due():
            pass
        return self.csp.messages(f"/{path}")

    def stands(self, state: str) -> None:
        models.ServiceSession.objects.filter(pk=self.session_id).update(state=state)

    def _party(self, who: str) -> Party:
        party: Party = getattr(self.cast, who)
        return party

    def _about(self, method: str, what: str, body: Any, who: str) -> Any:
        return self._send(method, f"service-sessions/{self.session_id}/{what}", body, who)

    def _read(self, what: str, who: str, **query: Any) -> Any:
        return self.client.get(
            f"/api/v1/service-sessions/{self.session_id}/{what}",
            query,
            headers=self._party(who).headers,
        )

    def _send(self, method: str, path: str, body: Any, who: str) -> Any:
        content = {name: value for name, value in body.items() if value is not ...}
        return getattr(self.client, method)(
            f"/api/v1/{path}",
            data=content,
            content_type="application/json",
            headers=self._party(who).headers,
        )


def refusal(response: Any) -> tuple[int, str, str | None]:
    """Status, code and field of a no."""
    problem = response.json()
    return response.status_code, problem["code"], problem.get("field")

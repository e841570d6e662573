"""A visit at a station of a simulated CSO: one service session from the first question on."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from roaming.simulator.operator.config import Json
from roaming.simulator.sdr_writer import Evidence


class Stage(StrEnum):
    """Where a visit is."""

    AWAITED = "awaited"
    """Accepted, or reserved; nothing has begun."""
    CHARGING = "charging"
    PARKED = "parked"
    """Charging is over, the vehicle is still there."""
    COMPLETED = "completed"
    BILLED = "billed"
    """Its SDR has been taken."""
    GONE = "gone"
    """Nothing was provided."""


OPEN = (Stage.AWAITED, Stage.CHARGING, Stage.PARKED)


def new_reference() -> str:
    """One that no other visit has, in this life or another."""
    return uuid.uuid4().hex[:12].upper()


@dataclass
class Visit:
    """Times are business time, aware; energy in kWh; power in kW."""

    evse_id: str
    connector_id: str
    home_csp: str
    method: str
    token_uid: str = ""
    contract_id: str = ""
    evidence: Evidence = field(default_factory=Evidence)
    csp_session_id: str | None = None
    correlation_id: str = ""
    reference: str = field(default_factory=new_reference)
    stage: Stage = Stage.AWAITED
    power_kw: Decimal = Decimal(11)
    seconds: float | None = None
    started_at: datetime | None = None
    charging_ended_at: datetime | None = None
    ended_at: datetime | None = None
    energy_kwh: Decimal = Decimal(0)
    measured_at: datetime | None = None
    updates: int = 0
    plan: Json | None = None
    sdr: Json | None = None
    sdr_id: str = ""
    sdr_state: str = ""
    trouble: str = ""
    """Why it got no further."""
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @property
    def session_id(self) -> str:
        return self.evidence.service_session_id or ""

    @property
    def cso_session_id(self) -> str:
        return f"S-{self.reference}"

    @property
    def is_open(self) -> bool:
        return self.stage in OPEN

    def is_done(self, *, billed: bool) -> bool:
        """Whether nothing more will come of it; with `billed` its SDR has been taken too."""
        if self.stage is Stage.COMPLETED:
            return not billed
        return self.stage in (Stage.BILLED, Stage.GONE)

    def measure(self, now: datetime, time_lapse: Decimal) -> None:
        """Adds the energy that flowed since the last time, to the Wh."""
        since = self.measured_at or self.started_at
        if self.stage is Stage.CHARGING and since is not None and now > since:
            hours = Decimal(str((now - since).total_seconds())) / 3600
            flowed = self.power_kw * hours * time_lapse
            self.energy_kwh = (self.energy_kwh + flowed).quantize(Decimal("0.001"))
            self.measured_at = now

    def as_json(self) -> dict[str, Any]:
        """What the operator knows of it, for whoever looks in."""
        return {
            "service_session_id": self.session_id,
            "cso_session_id": self.cso_session_id,
            "stage": self.stage.value,
            "evse_id": self.evse_id,
            "home_csp": self.home_csp,
            "method": self.method,
            "authorised": self.evidence.authorised,
            "authorization_reference": self.evidence.authorization_reference,
            "energy_kwh": str(self.energy_kwh),
            "updates": self.updates,
            "plan": self.plan,
            "sdr_id": self.sdr_id,
            "sdr_state": self.sdr_state,
            "trouble": self.trouble,
        }


class VisitBook:
    """All visits of this life of the platform, in their order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._visits: list[Visit] = []

    def add(self, visit: Visit) -> Visit:
        with self._lock:
            self._visits.append(visit)
        return visit

    def add_once(self, visit: Visit) -> None:
        """A reservation's visit may be known already."""
        with self._lock:
            if not any(known is visit for known in self._visits):
                self._visits.append(visit)

    def all(self) -> list[Visit]:
        with self._lock:
            return list(self._visits)

    def of_session(self, session_id: str) -> Visit | None:
        """The visit of this service session; None where it is not known."""
        return next((v for v in self.all() if session_id and v.session_id == session_id), None)

    def at_evse(self, evse_key: str, key_of: Any) -> Visit | None:
        """Who charges or stands there, or is about to."""
        return next((v for v in self.all() if v.is_open and key_of(v.evse_id) == evse_key), None)

    def latest(self) -> Visit | None:
        """The youngest that is not over."""
        return next((v for v in reversed(self.all()) if v.is_open), None)

"""One charging session as the simulated world knows it: what really happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class Method(StrEnum):
    """How the driver identifies (5.6). The drivers of the demo have a card or scan a code."""

    RFID = "RFID"
    QR_CODE = "QR_CODE"
    APP = "APP"
    PNC = "PNC"
    AD_HOC = "AD_HOC"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class PlannedSession:
    """A session that the platforms will replay. Times are UTC, the energy is in kWh (to the Wh)."""

    reference: str
    cso: str
    csp: str
    evse_id: str
    connector_id: str
    token_uid: str
    contract_id: str
    start: datetime
    end_of_charging: datetime
    end: datetime
    energy_kwh: Decimal
    method: Method


def in_order(session: PlannedSession) -> tuple[datetime, str]:
    """The order of every list of sessions: by start, then by EVSE."""
    return session.start, session.evse_id

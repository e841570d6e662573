"""What an agreement allows, and what still passes after it was suspended or ended (domain.md).

A running session is governed by the agreement as it stood at session start; only new business
stops.
"""

from __future__ import annotations

from enum import Enum, StrEnum

from roaming.domain.use_case import Exchange, UseCase


class Service(StrEnum):
    """What two parties can agree on. Information (sites, tariffs, SDRs) comes with any of them."""

    LOCAL_START = "local_start"
    REMOTE_START = "remote_start"
    PLUG_AND_CHARGE = "plug_and_charge"
    RESERVATION = "reservation"
    CHARGE_PLAN = "charge_plan"
    OFFLINE = "offline"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    Service.LOCAL_START: "Local start at the EVSE (RFID, QR code, app)",
    Service.REMOTE_START: "Remote start by the home-CSP",
    Service.PLUG_AND_CHARGE: "Plug and charge",
    Service.RESERVATION: "Reservation",
    Service.CHARGE_PLAN: "Charge plan exchange",
    Service.OFFLINE: "Offline identification",
}


class Standing(Enum):
    """An agreement as it stands at the moment a message arrives."""

    ABSENT = "absent"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"


# Which agreed service a use case needs; the others need any agreement.
SERVICE_NEEDED: dict[Exchange, Service] = {
    UseCase.UC3_1: Service.LOCAL_START,
    UseCase.UC4_1: Service.LOCAL_START,
    UseCase.UC3_2: Service.REMOTE_START,
    UseCase.UC3_3: Service.PLUG_AND_CHARGE,
    UseCase.UC3_7: Service.CHARGE_PLAN,
    UseCase.UC3_8: Service.RESERVATION,
    UseCase.UC3_10: Service.CHARGE_PLAN,
    UseCase.UC4_2: Service.OFFLINE,
}


def passes(use_case: Exchange, standing: Standing) -> bool:
    """Whether a message of this use case passes under an agreement that stands so.

    UC5-3 needs no active agreement: nobody stays locked to a station. New business needs an active
    one. Everything else belongs to a session that runs, and passes after suspension or end too.

    >>> passes(UseCase.UC3_1, Standing.SUSPENDED), passes(UseCase.UC3_5, Standing.SUSPENDED)
    (False, True)
    """
    if use_case in (UseCase.UC5_3, UseCase.UC1_1):
        return True
    if standing is Standing.ABSENT:
        return False
    return standing is Standing.ACTIVE or not use_case.new_business

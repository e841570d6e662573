"""Messages to a platform, as the webhooks show them: the story of `roaming.api.examples`."""

from __future__ import annotations

from roaming.api.examples import COMMAND, IDENTIFICATION, RESERVATION, SESSION, Json

TARIFF_QUESTION: Json = {
    "visited_cso": "DE*VIS",
    "home_csp": "DE-HOM",
    "evse_id": "DE*VIS*E100",
    "connector_id": "1",
    "requested_at": "2026-10-05T07:55:00Z",
}
EVSE_STATUSES: Json = {
    "visited_cso": "DE*VIS",
    "statuses": [
        {
            "evse_id": "DE*VIS*E100",
            "state": "CHARGING",
            "stamped_at": "2026-10-05T10:00:02+02:00",
            "time_to_live_s": 900,
            "expires_at": "2026-10-05T10:15:02+02:00",
        },
        {
            "evse_id": "DE*VIS*E101",
            "state": "AVAILABLE",
            "stamped_at": "2026-10-05T09:58:40+02:00",
            "expires_at": "2026-10-05T10:58:40+02:00",
        },
    ],
}
_SESSION_NAMES: Json = {
    "service_session_id": SESSION,
    "visited_cso": "DE*VIS",
    "home_csp": "DE-HOM",
    "csp_session_id": "H-5521",
}
NOTHING_PROVIDED: Json = {**_SESSION_NAMES, "nothing_provided": True, "reason": "user went away"}
CHARGING_ANSWER: Json = {
    "stamped_at": "2026-10-05T10:30:00+02:00",
    "energy_kwh": 10.2,
    "power_kw": 21.5,
    "cost": {"before_tax": "2.55", "after_tax": "3.03", "currency": "EUR"},
    "state_of_charge": 61,
}
CHARGING_INFORMATION: Json = {**_SESSION_NAMES, **CHARGING_ANSWER, "state": "active"}
CHARGING_QUESTION: Json = {
    **_SESSION_NAMES,
    "evse_id": "DE*VIS*E100",
    "connector_id": "1",
    "cso_session_id": "S-2026-1005-1",
    "requested_at": "2026-10-05T08:30:00Z",
}
PLAN_WISHES: Json = {
    **_SESSION_NAMES,
    "evse_id": "DE*VIS*E100",
    "connector_id": "1",
    "departure_time": "2026-10-05T12:00:00+02:00",
    "energy_kwh": 20,
    "minimum_energy_kwh": 12,
    "profile": "CHEAP",
}
_PLAN: Json = {
    "stamped_at": "2026-10-05T10:01:00+02:00",
    "periods": [
        {"start_date_time": "2026-10-05T10:01:00+02:00", "maximum_power_kw": 22},
        {"start_date_time": "2026-10-05T11:00:00+02:00", "maximum_power_kw": 11},
    ],
    "end_date_time": "2026-10-05T12:00:00+02:00",
}
PLAN_ACCEPTED: Json = {"decision": "ACCEPTED", "plan": _PLAN}
PLAN_REJECTED: Json = {"decision": "REJECTED", "reason": "grid limit"}
PLAN_UPDATE: Json = {
    **_SESSION_NAMES,
    **_PLAN,
    "stamped_at": "2026-10-05T10:40:00+02:00",
    "reason": "grid limit",
    "number": 2,
}
_COMMAND: Json = {
    "command_id": COMMAND,
    "service_session_id": SESSION,
    "visited_cso": "DE*VIS",
    "home_csp": "DE-HOM",
    "evse_id": "DE*VIS*E100",
    "connector_id": "1",
    "requested_at": "2026-10-05T08:00:00Z",
}
COMMAND_ACCEPTED: Json = {"response": "ACCEPTED", "timeout_s": 30}
COMMAND_REJECTED: Json = {
    "response": "REJECTED",
    "reason": "occupied",
    "note": "Another vehicle is charging here.",
}
REMOTE_START_COMMAND: Json = {
    **_COMMAND,
    "identification": {
        "method": "APP",
        "token_uid": "app-user-7781",
        "contract_id": "DE-HOM-C12345678-X",
    },
    "authorization_reference": "AUTH-7781",
    "csp_session_id": "H-5521",
}
STOP_COMMAND: Json = {
    **_COMMAND,
    "cso_session_id": "S-2026-1005-1",
    "csp_session_id": "H-5521",
    "why": "The user pressed stop in the app.",
}
COMMAND_RESULT: Json = {
    "command_id": COMMAND,
    "use_case": "UC3-2",
    "result": "SUCCEEDED",
    "visited_cso": "DE*VIS",
    "home_csp": "DE-HOM",
    "evse_id": "DE*VIS*E100",
    "connector_id": "1",
    "service_session_id": SESSION,
    "csp_session_id": "H-5521",
    "cso_session_id": "S-2026-1005-1",
    "at": "2026-10-05T08:00:12Z",
}
RESERVE_COMMAND: Json = {
    **_COMMAND,
    "reservation_id": RESERVATION,
    "reference": "R-311",
    "identification": IDENTIFICATION,
    "starts_at": "2026-10-05T10:00:00+02:00",
    "expires_at": "2026-10-05T10:30:00+02:00",
}
CANCEL_COMMAND: Json = {
    "command_id": COMMAND,
    "reservation_id": RESERVATION,
    "service_session_id": SESSION,
    "visited_cso": "DE*VIS",
    "home_csp": "DE-HOM",
    "evse_id": "DE*VIS*E100",
    "reference": "R-311",
    "cso_reference": "RES-88",
    "requested_at": "2026-10-05T08:10:00Z",
}
RESERVATION_RESULT: Json = {
    **COMMAND_RESULT,
    "reservation_id": RESERVATION,
    "cso_reference": "RES-88",
}
RESERVATION_OUTCOME: Json = {
    "reservation_id": RESERVATION,
    "service_session_id": SESSION,
    "reference": "R-311",
    "cso_reference": "RES-88",
    "outcome": "NO_SHOW",
    "visited_cso": "DE*VIS",
    "home_csp": "DE-HOM",
    "evse_id": "DE*VIS*E100",
    "at": "2026-10-05T10:30:00+02:00",
}
UNLOCK_COMMAND: Json = {
    **_COMMAND,
    "cso_session_id": "S-2026-1005-1",
    "requested_by": "Help desk, case 4711",
    "why": "The plug does not come out.",
}
UNLOCK_EVSE_COMMAND: Json = {
    name: value
    for name, value in UNLOCK_COMMAND.items()
    if name not in ("service_session_id", "cso_session_id")
}
UNLOCK_EVSE_RESULT: Json = {
    name: value
    for name, value in COMMAND_RESULT.items()
    if name not in ("service_session_id", "csp_session_id", "cso_session_id")
}
OUTAGE: Json = {
    "id": "M-2026-41",
    "visited_cso": "DE*VIS",
    "kind": "PLANNED",
    "state": "ANNOUNCED",
    "starts_at": "2026-10-12T06:00:00+02:00",
    "ends_at": "2026-10-12T14:00:00+02:00",
    "description": "New firmware",
    "evse_ids": ["DE*VIS*E100"],
    "last_updated": "2026-10-05T09:00:00+02:00",
}
IDENTIFICATIONS: Json = {
    "home_csp": "DE-HOM",
    "scope": "delta",
    "list_id": "7b0f3c1e-55f0-4a0e-9a55-0d0d6a0c51a7",
    "part": 1,
    "parts": 1,
    "identifications": [
        {
            "token_uid": "04A2B3C4D5E6F7",
            "contract_id": "DE-HOM-C12345678-X",
            "kind": "RFID",
            "whitelist": "ALLOWED_OFFLINE",
            "expires_at": "2027-10-01T00:00:00+02:00",
            "last_updated": "2026-10-05T08:00:00+02:00",
        },
        {
            "token_uid": "04A2B3C4D5E6F8",
            "removed": True,
            "last_updated": "2026-10-05T08:00:00+02:00",
        },
    ],
}
AGREEMENT_NOTICE: Json = {
    "agreement_id": 12,
    "event": "activated",
    "at": "2026-10-05T08:00:00Z",
    "environment": "live",
    "visited_cso": ["DE*VIS"],
    "home_csp": ["DE-HOM"],
    "services": ["local_start", "remote_start", "reservation"],
    "valid_from": "2026-11-01T00:00:00Z",
    "valid_to": None,
}

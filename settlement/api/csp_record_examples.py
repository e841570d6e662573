"""A home-CSP's own record of a session, as the documentation shows it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample

RECORD_ID = "01a10bef-6200-7c1e-8a52-9d1f2ab44e02"
SESSION = "01a10bef-6200-7d3b-9b71-24a3f2c0e911"
RECORD: dict[str, Any] = {
    "id": "HOM-2026-1005-1",
    "home_csp": "DE-HOM",
    "visited_cso": "DE*VIS",
    "service_session_id": SESSION,
    "csp_session_id": "HOM-S-1",
    "identification": {"method": "RFID", "token_uid": "04A2B3C4D5E6F7"},
    "evse_id": "DE*VIS*E001",
    "start_date_time": "2026-10-05T09:30:00+02:00",
    "end_date_time": "2026-10-05T10:30:00+02:00",
    "total_energy": "20",
    "currency": "EUR",
    "total_cost": {"before_tax": "10.00"},
}
TAKEN = {"id": "HOM-2026-1005-1", "record_id": RECORD_ID, "known": False}
REFUSED: dict[str, Any] = {
    "index": 1,
    "id": "HOM-2026-1005-2",
    "accepted": False,
    "record_id": None,
    "known": False,
    "refusal": {
        "code": "party_not_held",
        "title": "The platform does not hold the party that it names",
        "detail": "This platform does not speak for DE-XYZ as CSP.",
        "field": "home_csp",
        "what_to_do": "Speak only for the identifiers that your registration answered with.",
    },
}
LINES = {
    "accepted": 1,
    "refused": 1,
    "results": [{"index": 0, "accepted": True, "refusal": None, **TAKEN}, REFUSED],
}


def _sent(name: str, value: object, media_type: str = "application/json") -> OpenApiExample:
    return OpenApiExample(name, value, request_only=True, media_type=media_type)


def _answered(name: str, value: object, status: str = "200") -> OpenApiExample:
    return OpenApiExample(name, value, response_only=True, status_codes=[status])


RECORD_SENT = _sent("One hour, 20 kWh", RECORD)
RECORD_TAKEN = _answered("Taken in", TAKEN, "201")
RECORD_KNOWN = _answered("The same content again", {**TAKEN, "known": True})
BULK_SENT = [
    _sent("Two records", [RECORD, {**RECORD, "id": "HOM-2026-1005-2"}]),
    _sent(
        "Two lines",
        '{"id": "HOM-2026-1005-1", ...}\n{"id": "HOM-2026-1005-2", ...}\n',
        "application/x-ndjson",
    ),
]
BULK_ANSWERED = _answered("One good, one refused", LINES)
LISTED = _answered(
    "A record",
    {
        "record_id": RECORD_ID,
        "arrival": 17,
        "reference": "HOM-2026-1005-1",
        "home_csp": "DE-HOM",
        "visited_cso": "DE*VIS",
        "service_session_id": SESSION,
        "started_at": "2026-10-05T07:30:00Z",
        "ended_at": "2026-10-05T08:30:00Z",
        "energy_kwh": "20",
        "currency": "EUR",
        "before_tax": "10.00",
        "received_at": "2026-10-05T09:00:00.200000Z",
        "record": RECORD,
    },
)

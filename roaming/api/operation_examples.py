"""Examples of operations by their id, for those whose view does not bring its own."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample

from roaming.api import examples


def _sent(name: str, value: object, **options: str) -> OpenApiExample:
    return OpenApiExample(name, value, request_only=True, **options)  # type: ignore[arg-type]


def _answered(name: str, value: object, status: str = "200") -> OpenApiExample:
    return OpenApiExample(name, value, response_only=True, status_codes=[status])


_LINES = _sent(
    "Two lines", '{"token_uid": "04A2B3C4D5E6F7", ...}\n{"token_uid": "04A2B3C4D5E6F8", ...}\n',
    media_type="application/x-ndjson",
)  # fmt: skip
OPERATION_EXAMPLES: dict[str, list[OpenApiExample]] = {
    "list_tariffs": [_answered("A version for all home-CSPs", examples.LISTED_TARIFF)],
    "list_sites": [_answered("A site", examples.LISTED_SITE)],
    "list_service_sessions": [_answered("A session", examples.LISTED_SESSION)],
    "read_service_session": [_answered("A session", examples.LISTED_SESSION)],
    "send_sdr": [
        _sent("One hour, 20 kWh", examples.SDR),
        _answered("Taken in", examples.SDR_TAKEN, "201"),
        _answered("The same content again", {**examples.SDR_TAKEN, "known": True}),
    ],
    "send_sdrs": [
        _sent("Two records", [examples.SDR, {**examples.SDR, "id": "SDR-2026-1005-2"}]),
        _sent(
            "Two lines",
            '{"id": "SDR-2026-1005-1", ...}\n{"id": "SDR-2026-1005-2", ...}\n',
            media_type="application/x-ndjson",
        ),
        _answered("One good, one refused", examples.SDR_BULK),
    ],
    "list_sdrs": [_answered("An SDR", examples.LISTED_SDR)],
    "read_sdr": [_answered("An SDR", examples.LISTED_SDR)],
    "list_reservations": [_answered("A reservation", examples.LISTED_RESERVATION)],
    "read_reservation": [_answered("A reservation", examples.LISTED_RESERVATION)],
    "list_commands": [_answered("A start that worked", examples.LISTED_COMMAND)],
    "read_command": [_answered("A start that worked", examples.LISTED_COMMAND)],
    "list_identifications": [_answered("An RFID card", examples.LISTED_IDENTIFICATION)],
    "distribute_identifications": [_LINES],
    "update_identifications": [_LINES],
    "read_clock": [_answered("Real time", {"now": "2026-10-05T08:00:00Z", "settable": False})],
    "read_versions": [_answered("Version 1, shortened", examples.VERSIONS)],
}

"""Messages in a few words, for the screen."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

NAMES = {
    "uc1-1/handshake": "handshake",
    "uc1-2/sites": "site",
    "uc1-3/evse-statuses": "status",
    "uc2-1/tariffs": "tariff",
    "uc2-2/tariff-request": "tariffs asked for",
    "uc3-1/local-start": "local start",
    "uc3-2/remote-start": "remote start",
    "uc3-3/plug-and-charge-start": "plug and charge",
    "uc3-4/stop": "stop",
    "uc3-5/completion": "completion",
    "uc3-6/charging-information": "charging information",
    "uc3-6/request": "information asked for",
    "uc3-7/charge-plan-wishes": "charge plan wishes",
    "uc3-8/reservation": "reservation",
    "uc3-8/cancellation": "cancellation",
    "uc3-8/outcome": "outcome",
    "uc3-9/sdrs": "SDRs",
    "uc3-10/charge-plan": "charge plan",
    "uc4-1/authorisation": "authorisation",
    "uc4-1/withdrawal": "withdrawal",
    "uc4-2/identifications": "identifications",
    "uc5-1/outages": "outage",
}
# What says most about a message, in the order in which it is looked for.
_TELLING = (
    "decision", "response", "result", "outcome", "state", "sdr_id", "energy_kwh", "total_energy",
    "outage_id", "reference", "id", "evse_id", "reason", "service_session_id",
)  # fmt: skip
MOST_WORDS = 3


def name_of(path: str) -> str:
    """What a message at this path is called.

    >>> name_of("uc3-2/remote-start"), name_of("uc5-2/unlock"), name_of("agreements/notice")
    ('remote start', 'unlock', 'notice')
    """
    return NAMES.get(path) or path.rpartition("/")[2].replace("-", " ")


def about(content: Any) -> str:
    """The most telling values of a message, never an identification in clear.

    >>> about({"decision": "REFUSED", "reason": "blocked"}), about({}), about({"sdrs": [{}, {}]})
    ('REFUSED, blocked', 'ok', '2 sdrs')
    >>> about({"statuses": [{"evse_id": "DE*VIS*E1", "state": "CHARGING"}]})
    'CHARGING, DE*VIS*E1'
    """
    if not isinstance(content, dict):
        return "" if content is None else type(content).__name__
    found = [
        str(content[name])
        for name in _TELLING
        if isinstance(content.get(name), str | int | Decimal) and content[name] != ""
    ]
    if not found:
        found = [_counted(name, value) for name, value in content.items() if _is_rows(value)]
    return ", ".join(found[:MOST_WORDS]) or "ok"


def _counted(name: str, rows: list[Any]) -> str:
    """What a list holds, its only entry by name."""
    return f"{len(rows)} {name}" if len(rows) > 1 else about(rows[0].get("sdr", rows[0]))


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)

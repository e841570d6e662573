"""Scripts and configurations that come with the simulator, to run and to start from."""

from __future__ import annotations

from typing import Any

from roaming.simulator.operator.config import Json
from roaming.simulator.operator.steps import StepError

TOKEN, CONTRACT = "04A2B3C4D5E6F7", "DE-SIM-C12345678-X"
PATIENCE_S = 60

SCRIPTS: dict[str, list[Json]] = {
    # --- of a visited-CSO ---
    "local-session": [
        {"do": "local_start", "token_uid": TOKEN, "expect": "accepted"},
        {"do": "charge"},
    ],
    "await-remote-start": [
        {"do": "wait_for", "path": "uc3-2/remote-start", "seconds": 3600},
        {"do": "wait_until_idle", "seconds": 3600},
    ],
    "outage": [
        {"do": "outage", "kind": "UNPLANNED", "for_seconds": 600},
        {"do": "status", "state": "OUTOFORDER"},
    ],
    # --- of a home-CSP ---
    "remote-session": [
        {"do": "remote_start", "token_uid": TOKEN, "expect": "accepted"},
        {
            "do": "wait_for",
            "path": "uc3-2/result",
            "where": {"result": "SUCCEEDED"},
            "seconds": PATIENCE_S,
        },
        {"do": "wait_for", "path": "uc3-6/charging-information", "seconds": PATIENCE_S},
        {"do": "stop", "expect": "accepted"},
        {"do": "wait_for", "path": "uc3-5/completion", "seconds": PATIENCE_S},
        {"do": "wait_for", "path": "uc3-9/sdrs", "seconds": PATIENCE_S},
    ],
    "reservation": [
        {"do": "reserve", "token_uid": TOKEN, "for_seconds": 600, "expect": "accepted"},
        {
            "do": "wait_for",
            "path": "uc3-8/result",
            "where": {"result": "SUCCEEDED"},
            "seconds": PATIENCE_S,
        },
        {"do": "cancel_reservation", "expect": "accepted"},
        {"do": "wait_for", "path": "uc3-8/result", "seconds": PATIENCE_S},
    ],
    "offline-list": [{"do": "identifications", "expect": "accepted"}],
}

CONFIGS: dict[str, Json] = {
    "cso": {
        "hub": "http://127.0.0.1:8000/api/v1",
        "registration_token": "the token that you were given, good once",
        "name": "My stations",
        "state_file": "my-stations.state.json",
        "record_file": "my-stations.record.jsonl",
        "control_port": 8901,
        "partner": "DE-HOM",
        "sessions": {"power_kw": 11, "seconds": 30, "updates_every_seconds": 5, "time_lapse": 60},
        "behaviours": {
            "UC3-2": ["accept", "accept,result=failed:cable_not_plugged_in", "refuse:evse_occupied"]
        },
        "script": [
            {"do": "local_start", "token_uid": TOKEN, "home_csp": "DE-HOM", "expect": "accepted"},
            {"do": "charge", "seconds": 20},
        ],
    },
    "csp": {
        "hub": "http://127.0.0.1:8000/api/v1",
        "registration_token": "the token that you were given, good once",
        "name": "My drivers",
        "state_file": "my-drivers.state.json",
        "record_file": "my-drivers.record.jsonl",
        "control_port": 8902,
        "partner": "DE*VIS",
        "drivers": [
            {"token_uid": TOKEN, "contract_id": "DE-HOM-C12345678"},
            {"token_uid": "04B1B2B3B4B5B6", "contract_id": "DE-HOM-C87654321", "may_charge": False},
        ],
        "behaviours": {"UC3-1": {"chances": {"ordinary": 9, "answer_late:2": 1}}},
        "script": [{"do": "identifications"}, {"do": "script", "name": "remote-session"}],
    },
}


def find_script(name: str, own: dict[str, list[Json]]) -> list[Json]:
    """A script of the configuration, else one of ours. StepError where there is none."""
    found: Any = own.get(name) or SCRIPTS.get(name)
    if found is None:
        raise StepError(f"there is no script {name!r}: {', '.join([*own, *SCRIPTS])}")
    return list(found)

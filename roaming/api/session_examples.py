"""Examples of the messages about tariffs and running sessions, with the documentation's cast.

The visited-CSO is DE*VIS, the home-CSP is DE-HOM.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample

SESSION_ID = "01a10bef-6200-7e3a-9c41-5b7f0a2d8e11"


def asked(name: str, value: dict[str, Any]) -> OpenApiExample:
    """An example of a request."""
    return OpenApiExample(name, value=value, request_only=True)


def answered(name: str, value: dict[str, Any]) -> OpenApiExample:
    """An example of the answer."""
    return OpenApiExample(name, value=value, response_only=True, status_codes=["200"])


INFORMATION = {
    "stamped_at": "2026-10-05T14:32:10+02:00",
    "energy_kwh": "11.42",
    "power_kw": "10.8",
    "cost": {"before_tax": "4.57", "after_tax": "5.44", "currency": "EUR"},
    "state_of_charge": "61",
    "charging_periods": [
        {
            "start_date_time": "2026-10-05T13:28:41+02:00",
            "dimensions": [{"type": "ENERGY", "volume": "11.42"}],
        }
    ],
}
COMPLETION = [
    asked(
        "Charged",
        {
            "start_date_time": "2026-10-05T13:28:41+02:00",
            "end_date_time": "2026-10-05T15:02:19+02:00",
            "total_energy": "17.306",
            "cso_session_id": "S-4711",
        },
    ),
    asked("The user went away", {"nothing_provided": True, "reason": "no cable plugged in"}),
    answered(
        "Completed",
        {
            "service_session_id": SESSION_ID,
            "state": "completed",
            "acknowledged": True,
            "sdr_due": True,
        },
    ),
    answered(
        "Cancelled",
        {
            "service_session_id": SESSION_ID,
            "state": "cancelled",
            "acknowledged": True,
            "sdr_due": False,
        },
    ),
]
REPORT = [
    asked("While charging", INFORMATION),
    answered(
        "Taken",
        {"service_session_id": SESSION_ID, "state": "active", "taken": True, "why_not": None,
         "warnings": []},
    ),
    answered(
        "Left aside",
        {"service_session_id": SESSION_ID, "state": "active", "taken": False, "why_not": "older",
         "warnings": []},
    ),
]  # fmt: skip
READING_INFORMATION = [
    answered(
        "The newest that came",
        {
            "service_session_id": SESSION_ID,
            "state": "active",
            "information": INFORMATION,
            "received_at": "2026-10-05T12:32:11Z",
            "age_s": 34,
            "fresh": False,
            "trouble": None,
        },
    ),
    answered(
        "The visited-CSO could not be asked",
        {
            "service_session_id": SESSION_ID,
            "state": "active",
            "information": INFORMATION,
            "received_at": "2026-10-05T12:32:11Z",
            "age_s": 310,
            "fresh": False,
            "trouble": {"code": "receiver_timed_out", "detail": "No whole answer within 3 s."},
        },
    ),
]
PLAN = {
    "stamped_at": "2026-10-05T13:30:02+02:00",
    "periods": [
        {"start_date_time": "2026-10-05T13:30:00+02:00", "maximum_power_kw": "3.7"},
        {"start_date_time": "2026-10-05T15:00:00+02:00", "maximum_power_kw": "11"},
    ],
    "end_date_time": "2026-10-05T17:30:00+02:00",
}
WISHES = {
    "departure_time": "2026-10-05T17:30:00+02:00",
    "energy_kwh": "28",
    "minimum_energy_kwh": "15",
    "maximum_power_kw": "11",
    "profile": "GREEN",
}
EXCHANGE = [
    asked("Gone at half past five, green", WISHES),
    answered(
        "Accepted, with a plan",
        {"service_session_id": SESSION_ID, "number": 1, "decision": "ACCEPTED", "reason": "",
         "plan": PLAN},
    ),
    answered(
        "Rejected",
        {"service_session_id": SESSION_ID, "number": 1, "decision": "REJECTED",
         "reason": "the station charges at full power only", "plan": None},
    ),
]  # fmt: skip
READING_PLAN = [
    answered(
        "One exchange",
        {
            "service_session_id": SESSION_ID,
            "state": "active",
            "plan": PLAN,
            "history": [
                {
                    "number": 1,
                    "made_by": "home_csp",
                    "accepted": True,
                    "reason": "",
                    "wishes": WISHES,
                    "plan": PLAN,
                    "stamped_at": "2026-10-05T11:30:02Z",
                    "received_at": "2026-10-05T11:30:01Z",
                }
            ],
        },
    )
]
PLAN_UPDATE = [
    asked("Less power for an hour", {**PLAN, "reason": "grid operator's signal"}),
    answered(
        "Passed on",
        {"service_session_id": SESSION_ID, "number": 2, "taken": True, "why_not": None,
         "acknowledged": True},
    ),
]  # fmt: skip
TARIFF = {
    "id": "AC-1",
    "visited_cso": "DE*VIS",
    "currency": "EUR",
    "elements": [
        {
            "price_components": [
                {"type": "ENERGY", "price": "0.40", "vat": "19", "step_size": "1"}
            ],
            "restrictions": {"start_time": "06:00", "end_time": "22:00"},
        },
        {"price_components": [{"type": "ENERGY", "price": "0.29", "step_size": "1"}]},
    ],
    "valid_from": "2026-11-01T00:00:00+01:00",
}
STORED_TARIFF = {"id": "AC-1", "taken": True, "received_at": "2026-10-12T08:14:03Z"}

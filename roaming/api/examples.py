"""Messages of one visited-CSO and one home-CSP, as the documentation shows them.

One story: a user of DE-HOM charges at DE*VIS*E100 on an October morning.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

SESSION = "0199b2c4-7f1e-7c3a-9b52-6a1f0c9d8e77"
CORRELATION = "0199b2c4-7f1e-7c3a-9b52-6a1f0c9d8e70"
IDENTIFICATION: Json = {
    "method": "RFID",
    "token_uid": "04A2B3C4D5E6F7",
    "contract_id": "DE-HOM-C12345678-X",
}
SITE: Json = {
    "id": "LOC1",
    "visited_cso": "DE*VIS",
    "name": "Am Markt",
    "address": "Markt 1",
    "city": "Jena",
    "postal_code": "07743",
    "country": "DE",
    "coordinates": {"latitude": "50.928", "longitude": "11.588"},
    "time_zone": "Europe/Berlin",
    "evses": [
        {
            "evse_id": "DE*VIS*E100",
            "authentication_methods": ["RFID", "APP", "QR_CODE", "PNC"],
            "connectors": [
                {
                    "id": "1",
                    "standard": "IEC_62196_T2",
                    "power_type": "AC_3_PHASE",
                    "max_electric_power": 22000,
                    "tariff_ids": ["T1"],
                }
            ],
        }
    ],
    "last_updated": "2026-10-01T08:00:00+02:00",
}
TARIFF: Json = {
    "id": "T1",
    "visited_cso": "DE*VIS",
    "currency": "EUR",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 0.25, "step_size": 1}]}],
    "valid_from": "2026-11-01T00:00:00+01:00",
}
LISTED_SITE: Json = {
    "site_id": "LOC1",
    "visited_cso": "DE*VIS",
    "received_at": "2026-10-01T06:00:00.410000Z",
    "last_updated": "2026-10-01T06:00:00Z",
    "etag": None,
    "site": SITE,
}
LISTED_TARIFF: Json = {
    "tariff_id": "T1",
    "visited_cso": "DE*VIS",
    "home_csp": None,
    "currency": "EUR",
    "valid_from": "2026-10-31T23:00:00Z",
    "valid_to": None,
    "received_at": "2026-10-01T06:00:00.820000Z",
    "withdrawn": False,
    "on_request": False,
    "etag": '"5f1c0e6a9b7d4c3e8a2f1b0d9c8e7f6a"',
    "tariff": TARIFF,
}
QUESTION = "0199b2c4-7f1e-7c3a-9b52-6a1f0c9d8e71"
LOCAL_START_QUESTION: Json = {
    "question_id": QUESTION,
    "service_session_id": SESSION,
    "visited_cso": "DE*VIS",
    "home_csp": "DE-HOM",
    "evse_id": "DE*VIS*E100",
    "connector_id": "1",
    "cso_session_id": "S-2026-1005-1",
    "identification": IDENTIFICATION,
    "requested_at": "2026-10-05T10:00:00+02:00",
}
CARD: Json = {"method": "RFID", "token_uid": "04A2B3C4D5E6F7"}
BROADCAST_QUESTION: Json = {
    **LOCAL_START_QUESTION,
    "identification": CARD,
    "broadcast": True,
}
DECIDED_QUESTION: Json = {
    **LOCAL_START_QUESTION,
    "decided": {
        "decision": "ACCEPTED",
        "authorised": "OFFLINE",
        "offline_reason": "receiver_timed_out",
        "authorization_reference": "7b0f3c1e-55f0-4a0e-9a55-0d0d6a0c51a7",
        "liability": "home_csp",
        "decided_at": "2026-10-05T08:00:03.004+00:00",
    },
}
PLUG_AND_CHARGE_QUESTION: Json = {
    **LOCAL_START_QUESTION,
    "identification": {
        "method": "PNC",
        "token_uid": "DE-HOM-C12345678-X",
        "contract_id": "DE-HOM-C12345678-X",
    },
    "certificate_status": "good",
}
WITHDRAWAL: Json = {
    "question_id": QUESTION,
    "service_session_id": SESSION,
    "use_case": "UC3-1",
    "visited_cso": "DE*VIS",
    "home_csp": "DE-HOM",
    "authorization_reference": "AUTH-7781",
    "reason": "accepted_elsewhere",
}
AUTHORISATION_QUESTION: Json = {
    "question_id": QUESTION,
    "visited_cso": "DE*VIS",
    "home_csp": "DE-HOM",
    "identification": IDENTIFICATION,
    "requested_at": "2026-10-05T09:58:00+02:00",
}
DECISION_ACCEPTED: Json = {
    "decision": "ACCEPTED",
    "contract_id": "DE-HOM-C12345678-X",
    "authorization_reference": "AUTH-7781",
    "csp_session_id": "H-5521",
}
DECISION_REFUSED: Json = {"decision": "REFUSED", "reason": "contract blocked"}
COMPLETION_NOTICE: Json = {
    "service_session_id": SESSION,
    "visited_cso": "DE*VIS",
    "home_csp": "DE-HOM",
    "cso_session_id": "S-2026-1005-1",
    "csp_session_id": "H-5521",
    "start_date_time": "2026-10-05T10:00:00+02:00",
    "end_date_time": "2026-10-05T11:00:00+02:00",
    "total_energy": "20",
}
LISTED_SESSION: Json = {
    "service_session_id": SESSION,
    "state": "completed",
    "visited_cso": "DE*VIS",
    "home_csp": "DE-HOM",
    "evse_id": "DE*VIS*E100",
    "connector_id": "1",
    "identification_method": "RFID",
    "authorised": "ONLINE",
    "authorization_reference": "AUTH-7781",
    "cso_session_id": "S-2026-1005-1",
    "csp_session_id": "H-5521",
    "opened_by": "UC3-1",
    "opened_at": "2026-10-05T08:00:00.120000Z",
    "authorised_at": "2026-10-05T08:00:00.480000Z",
    "updated_at": "2026-10-05T08:30:00Z",
    "started_at": "2026-10-05T08:00:00Z",
    "ended_at": "2026-10-05T09:00:00Z",
    "completed_at": "2026-10-05T09:00:04.100000Z",
    "energy_kwh": "20",
    "power_kw": None,
    "cost_so_far": None,
    "cost_currency": "",
    "refusal_reason": "",
}
SDR: Json = {
    "id": "SDR-2026-1005-1",
    "visited_cso": "DE*VIS",
    "home_csp": "DE-HOM",
    "service_session_id": SESSION,
    "cso_session_id": "S-2026-1005-1",
    "identification": {**IDENTIFICATION, "authorised": "ONLINE"},
    "evse_id": "DE*VIS*E100",
    "connector_id": "1",
    "country": "DE",
    "time_zone": "Europe/Berlin",
    "start_date_time": "2026-10-05T10:00:00+02:00",
    "end_date_time": "2026-10-05T11:00:00+02:00",
    "currency": "EUR",
    "tariff_id": "T1",
    "charging_periods": [
        {
            "start_date_time": "2026-10-05T10:00:00+02:00",
            "dimensions": [{"type": "ENERGY", "volume": 20}],
        }
    ],
    "total_energy": 20,
    "total_time": 1,
    "total_cost": {"excl_vat": "5.00", "incl_vat": "5.95"},
}
SDR_ID = "0199b2c4-7f1e-7c3a-9b52-6a1f0c9d8e90"
FINDING: Json = {
    "rule": "energy_differs",
    "severity": "warning",
    "explanation": "The energy of the periods is not the total.",
    "claimed": "20.4",
    "expected": "20",
}
SDR_TAKEN: Json = {
    "id": "SDR-2026-1005-1",
    "sdr_id": SDR_ID,
    "state": "received",
    "known": False,
    "findings": [],
}
SDR_BULK: Json = {
    "accepted": 1,
    "refused": 1,
    "results": [
        {
            "index": 0,
            "id": "SDR-2026-1005-1",
            "accepted": True,
            "sdr_id": SDR_ID,
            "state": "received",
            "known": False,
            "findings": [],
            "refusal": None,
        },
        {
            "index": 1,
            "id": "SDR-2026-1005-2",
            "accepted": False,
            "sdr_id": None,
            "state": "",
            "known": False,
            "findings": [],
            "refusal": {
                "code": "party_not_held",
                "title": "The platform does not hold the party that it names",
                "detail": "This platform does not speak for DE*XYZ as CSO.",
                "field": "visited_cso",
                "what_to_do": "Speak only for the identifiers that your registration answered "
                "with.",
            },
        },
    ],
}
LISTED_SDR: Json = {
    "sdr_id": SDR_ID,
    "arrival": 4711,
    "reference": "SDR-2026-1005-1",
    "visited_cso": "DE*VIS",
    "home_csp": "DE-HOM",
    "service_session_id": SESSION,
    "state": "agreed",
    "outcome": "agreed",
    "currency": "EUR",
    "claimed_before_tax": "5.00",
    "rated_before_tax": "5.00",
    "reconciled_at": "2026-10-05T09:01:20.700000Z",
    "settled_amount": "5.00",
    "decide_by": None,
    "received_at": "2026-10-05T09:01:12.300000Z",
    "findings": [],
    "sdr": SDR,
}
DELIVERED_SDRS: Json = {
    "sdrs": [{"sdr_id": SDR_ID, "state": "received", "findings": [], "sdr": SDR}]
}
HANDSHAKE: Json = {
    "clearing_house": "Roaming clearing house",
    "versions": ["1"],
    "environment": "live",
    "platform": "Home CSP platform",
    "parties": [{"role": "CSP", "identifier": "DE-HOM"}],
    "nonce": "5L1yJkq7rJmZB0m4cQb0mA",
}
HANDSHAKE_ANSWER: Json = {"nonce": "5L1yJkq7rJmZB0m4cQb0mA", "version": "1"}
VERSIONS: Json = {
    "versions": [
        {
            "version": "1",
            "address": "/api/v1",
            "use_cases": [
                {
                    "use_case": "UC1-2",
                    "title": "Sites information",
                    "native": [
                        {"method": "GET", "address": "/api/v1/sites"},
                        {"method": "PUT", "address": "/api/v1/sites/{site_id}"},
                    ],
                    "platform_paths": [{"path": "uc1-2/sites", "receiver": "CSP"}],
                }
            ],
            "other_paths": [
                {"path": "agreements/notice", "receiver": "both"},
                {"path": "reconciliation/disputes", "receiver": "both"},
            ],
        }
    ]
}
COMMAND = "0199b2c4-7f1e-7c3a-9b52-6a1f0c9d8ea1"
RESERVATION = "0199b2c4-7f1e-7c3a-9b52-6a1f0c9d8eb2"
LISTED_RESERVATION: Json = {
    "reservation_id": RESERVATION,
    "service_session_id": SESSION,
    "state": "reserved",
    "visited_cso": "DE*VIS",
    "home_csp": "DE-HOM",
    "evse_id": "DE*VIS*E100",
    "connector_id": "1",
    "reference": "R-311",
    "cso_reference": "RES-88",
    "reason": "",
    "starts_at": "2026-10-05T08:00:00Z",
    "expires_at": "2026-10-05T08:30:00Z",
    "requested_at": "2026-10-05T07:40:00.120000Z",
    "ended_at": None,
}
LISTED_COMMAND: Json = {
    "command_id": COMMAND,
    "use_case": "UC3-2",
    "kind": "start",
    "state": "succeeded",
    "visited_cso": "DE*VIS",
    "home_csp": "DE-HOM",
    "evse_id": "DE*VIS*E100",
    "connector_id": "1",
    "service_session_id": SESSION,
    "reservation_id": None,
    "correlation_id": CORRELATION,
    "requested_by": "",
    "why": "",
    "reason": "",
    "note": "",
    "cso_session_id": "S-2026-1005-1",
    "cso_reference": "",
    "asked_at": "2026-10-05T08:00:00.120000Z",
    "answered_at": "2026-10-05T08:00:00.410000Z",
    "ended_at": "2026-10-05T08:00:12.300000Z",
    "timed_out_at": None,
    "late": False,
}
LISTED_IDENTIFICATION: Json = {
    "home_csp": "DE-HOM",
    "received_at": "2026-10-05T06:00:01.800000Z",
    "removed": False,
    "identification": {
        "token_uid": "04A2B3C4D5E6F7",
        "contract_id": "DE-HOM-C12345678-X",
        "kind": "RFID",
        "whitelist": "ALLOWED_OFFLINE",
        "expires_at": "2027-10-01T00:00:00+02:00",
        "last_updated": "2026-10-05T08:00:00+02:00",
    },
}

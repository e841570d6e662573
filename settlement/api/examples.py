"""Messages of the cast, as the documentation of reconciliation shows them."""

from __future__ import annotations

import json
from typing import Any

SDR_ID = "0199b2c4-7f1e-7c3a-9b52-6a1f0c9d8e77"
OTHER_SDR_ID = "0199b2c4-7f1e-7c3a-9b52-6a1f0c9d8e78"
DECLINE: dict[str, Any] = {
    "decision": "decline",
    "reason": "PRC",
    "note": "billed at 0.48 instead of 0.40",
    "undisputed_amount": "12.00",
}
DECLINED: dict[str, Any] = {"sdr_id": SDR_ID, "state": "disputed", "settled_amount": None}
DECISIONS: list[dict[str, Any]] = [
    {"sdr_id": SDR_ID, "decision": "approve"},
    {"sdr_id": OTHER_SDR_ID, **DECLINE},
]
DECISION_LINES = "".join(json.dumps(line) + "\n" for line in DECISIONS)
DECIDED: dict[str, Any] = {
    "done": 1,
    "refused": 1,
    "results": [
        {"index": 0, "sdr_id": SDR_ID, "done": True, "state": "accepted",
         "settled_amount": "14.40", "refusal": None},
        {"index": 1, "sdr_id": OTHER_SDR_ID, "done": False, "state": "", "settled_amount": None,
         "refusal": {"code": "window_over",
                     "title": "The window for this decision or step has passed",
                     "detail": "The window for this decision has passed.", "field": None,
                     "what_to_do": "Ask the clearing house: staff may still decide until the SDR "
                     "is settled."}},
    ],
}  # fmt: skip
FINDING: dict[str, Any] = {
    "rule": "PRC-01",
    "severity": "severe",
    "explanation": "The total is not what the tariff gives.",
    "claimed": "14.40 EUR",
    "expected": "12.00 EUR",
    "money_at_stake": "2.40",
    "causes": [],
}
RECONCILED_SDR: dict[str, Any] = {
    "sdr_id": SDR_ID,
    "arrival": 4711,
    "reference": "SDR-2026-1005-1",
    "visited_cso": "DE*VIS",
    "home_csp": "DE-HOM",
    "service_session_id": "0199b2c4-7f1e-7c3a-9b52-6a1f0c9d8e70",
    "evse_id": "DE*VIS*E001",
    "started_at": "2026-10-05T08:00:00Z",
    "ended_at": "2026-10-05T09:00:00Z",
    "energy_kwh": "30",
    "currency": "EUR",
    "credit": False,
    "credit_reference": "",
    "claimed_before_tax": "14.40",
    "rated_before_tax": "12.00",
    "state": "deviating",
    "outcome": "deviating",
    "matched_by": "session_id",
    "settled_amount": None,
    "basis": "",
    "visible_at": "2026-10-05T10:00:00Z",
    "decide_by": None,
    "reconciled_at": "2026-10-05T10:00:05Z",
    "findings": [FINDING],
    "dispute": None,
}
RECONCILED_SDR_STORY: dict[str, Any] = {
    **RECONCILED_SDR,
    "events": [
        {"at": "2026-10-05T10:00:00Z", "from_state": "received", "to_state": "validated",
         "reason": "door", "note": ""},
        {"at": "2026-10-05T10:00:05Z", "from_state": "validated", "to_state": "matched",
         "reason": "session_id", "note": ""},
        {"at": "2026-10-05T10:00:05Z", "from_state": "matched", "to_state": "deviating",
         "reason": "deviating", "note": ""},
    ],
}  # fmt: skip
DISPUTE: dict[str, Any] = {
    "dispute_id": 12,
    "sdr_id": SDR_ID,
    "sdr_reference": "SDR-2026-1005-1",
    "visited_cso": "DE*VIS",
    "home_csp": "DE-HOM",
    "origin": "decline",
    "reason": "PRC",
    "note": "billed at 0.48 instead of 0.40",
    "currency": "EUR",
    "claim": "14.40",
    "undisputed": "12.00",
    "offered": None,
    "settled_before": None,
    "state": "respondent",
    "result": "",
    "amount": None,
    "opened_at": "2026-10-06T08:00:00Z",
    "respond_by": "2026-10-16T08:00:00Z",
    "closed_at": None,
}
EVIDENCE_PART: dict[str, Any] = {
    "evidence_id": 3,
    "name": "meter.pdf",
    "media_type": "application/pdf",
    "size": 48211,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}
DISPUTE_STORY: dict[str, Any] = {
    **DISPUTE,
    "events": [
        {"at": "2026-10-06T08:00:00Z", "by": "home_csp", "step": "opened", "by_silence": False,
         "from_state": "", "to_state": "respondent", "amount": "12.00",
         "respond_by": "2026-10-16T08:00:00Z", "text": "billed at 0.48 instead of 0.40"},
        {"at": "2026-10-07T08:00:00Z", "by": "visited_cso", "step": "evidence",
         "by_silence": False, "from_state": "respondent", "to_state": "respondent",
         "amount": None, "respond_by": "2026-10-16T08:00:00Z", "text": "meter.pdf"},
    ],
    "evidence": [EVIDENCE_PART],
}  # fmt: skip
OFFER: dict[str, Any] = {"step": "offer", "amount": "13.20", "text": "We meet you half-way."}
MAINTAIN: dict[str, Any] = {"step": "maintain", "text": "The tariff of 5 October says 0.48."}
OFFERED: dict[str, Any] = {
    "dispute_id": 12,
    "state": "claimant",
    "respond_by": "2026-10-12T08:00:00Z",
    "offered": "13.20",
    "result": "",
    "amount": None,
}

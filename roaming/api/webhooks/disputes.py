"""Beside the use cases: what happens to disputes about SDRs (IEC 63119-2, 6.4.2)."""

from typing import Any

from roaming.api.webhooks.webhook import Webhook
from roaming.domain.dispute_notice import DISPUTES_PATH, DisputeNotice

DISPUTE_NOTICE: dict[str, Any] = {
    "dispute_id": 12,
    "sdr_id": "0199b2c4-7f1e-7c3a-9b52-6a1f0c9d8e77",
    "sdr_reference": "SDR-2026-1005-1",
    "visited_cso": "DE*VIS",
    "home_csp": "DE-HOM",
    "step": "offer",
    "by": "visited_cso",
    "by_silence": False,
    "at": "2026-10-07T08:00:00Z",
    "state": "claimant",
    "reason": "PRC",
    "text": "We meet you half-way.",
    "currency": "EUR",
    "claim": "14.40",
    "undisputed": "12.00",
    "offered": "13.20",
    "result": "",
    "amount": None,
    "respond_by": "2026-10-12T08:00:00Z",
}
WEBHOOKS = (
    Webhook(
        DISPUTES_PATH,
        "Reconciliation",
        "A dispute about an SDR of yours was opened, answered, extended or has ended",
        DisputeNotice,
        {"The visited-CSO offers an amount": DISPUTE_NOTICE},
    ),
)

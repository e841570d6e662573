"""A credit ends the dispute about the SDR that it takes back, in the home-CSP's favour."""

from __future__ import annotations

from datetime import datetime
from typing import Any

# What a run holds it has locked: the standing of the credited SDR before its dispute.
_END = """
WITH credited AS (
    SELECT original_id, reference FROM recon_verdict WHERE NOT refused
), before AS MATERIALIZED (
    SELECT dispute.id, dispute.state, credited.reference
    FROM settlement_dispute dispute JOIN credited ON credited.original_id = dispute.sdr_id
    WHERE dispute.closed_at IS NULL
    ORDER BY dispute.sdr_id FOR UPDATE OF dispute
), ended AS (
    UPDATE settlement_dispute dispute SET state = 'resolved', result = 'credited',
        amount = least(0, claim), respond_by = NULL, closed_at = %(now)s
    FROM before WHERE dispute.id = before.id
    RETURNING dispute.id, before.state, dispute.amount, before.reference
)
INSERT INTO settlement_disputeevent (dispute_id, at, side, actor, step, by_silence, from_state,
    to_state, amount, respond_by, text)
SELECT id, %(now)s, 'visited_cso', 'reconciliation', 'credited', false, state, 'resolved', amount,
    NULL, 'by credit ' || reference
FROM ended
RETURNING id
"""


def end_disputes_of_credited(cursor: Any, now: datetime) -> list[int]:
    """Ends live disputes about what `recon_verdict` credits; returns the keys of their events."""
    cursor.execute(_END, {"now": now})
    return [key for (key,) in cursor.fetchall()]

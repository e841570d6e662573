"""Decisions in SQL: SDRs are locked and written by the thousand, in a few statements a call."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from roaming.domain.money import Rounding
from roaming.domain.sdr import SdrLifeState
from roaming.domain.uuid7 import moment_of, uuid7_at
from settlement.domain.decisions import SdrFacts

_LOCK = """
SELECT standing.sdr_id, standing.environment, standing.state, standing.basis, standing.decide_by,
    standing.settled_amount, sdr.visited_cso_id, sdr.home_csp_id, sdr.credit,
    sdr.claim_before_tax, sdr.currency, agreement.currency, agreement.rounding,
    CASE WHEN standing.state = 'accepted' THEN (
        SELECT max(period.objections_until) FROM settlement_statementline line
        JOIN settlement_statement statement ON statement.id = line.statement_id
        JOIN settlement_settlementperiod period ON period.id = statement.period_id
        WHERE line.sdr_id = standing.sdr_id AND statement.status = 'preliminary'
    ) END
FROM roaming_sdrstate standing
JOIN roaming_sdr sdr ON sdr.id = standing.sdr_id
LEFT JOIN roaming_agreement agreement ON agreement.id = sdr.agreement_id
WHERE standing.sdr_id = ANY (%s)
ORDER BY standing.sdr_id
FOR UPDATE OF standing
"""

# Before and after stand in one statement, so that no event speaks of what was not written.
_WRITE = """
WITH decided AS (
    SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::numeric[], %s::text[],
            %s::text[], %s::text[], %s::text[])
        AS decided (event_id, sdr_id, from_state, to_state, amount, basis, actor, reason, note)
), changed AS (
    UPDATE roaming_sdrstate standing SET state = to_state, settled_amount = amount,
        basis = decided.basis
    FROM decided WHERE standing.sdr_id = decided.sdr_id
    RETURNING standing.sdr_id, standing.environment, standing.period, standing.pair_id
)
INSERT INTO roaming_sdrevent
    (id, environment, period, pair_id, sdr_id, from_state, to_state, actor, reason, note, at)
SELECT event_id, environment, period, pair_id, sdr_id, from_state, to_state, actor, reason, note, %s
FROM changed JOIN decided USING (sdr_id)
"""


@dataclass(frozen=True, slots=True)
class LockedSdr:
    """An SDR whose standing is locked until the end of the transaction."""

    sdr_id: uuid.UUID
    environment: str
    visited_cso_id: int
    home_csp_id: int | None
    settled_amount: Decimal | None
    facts: SdrFacts


@dataclass(frozen=True, slots=True)
class StandingChange:
    """What becomes of one SDR, and what its log says of it."""

    sdr_id: uuid.UUID
    from_state: str
    to_state: str
    amount: Decimal | None
    basis: str
    actor: str
    reason: str
    note: str


def lock_sdrs(
    cursor: Any, sdr_ids: Sequence[uuid.UUID], *, skip_locked: bool = False
) -> dict[uuid.UUID, LockedSdr]:
    """Locks the standings in the order of their keys; ids that are unknown are left out.

    `skip_locked`: so are those that somebody else holds.
    """
    cursor.execute(f"{_LOCK} SKIP LOCKED" if skip_locked else _LOCK, [list(sdr_ids)])
    return {row[0]: _locked(row) for row in cursor.fetchall()}


def write_standings(cursor: Any, changes: Iterable[StandingChange], now: datetime) -> None:
    """Changes the standings that the caller has locked, each with its event."""
    rows = list(changes)
    if not rows:
        return
    cursor.execute(
        _WRITE,
        [
            [uuid7_at(moment_of(row.sdr_id)) for row in rows],
            [row.sdr_id for row in rows],
            [row.from_state for row in rows],
            [row.to_state for row in rows],
            [row.amount for row in rows],
            [row.basis for row in rows],
            [row.actor[:80] for row in rows],
            [row.reason[:60] for row in rows],
            [row.note[:300] for row in rows],
            now,
        ],
    )


def _locked(row: tuple[Any, ...]) -> LockedSdr:
    (
        sdr_id, environment, state, basis, decide_by, settled, visited_cso_id, home_csp_id, credit,
        claim, currency, agreement_currency, rounding, objections_until,
    ) = row  # fmt: skip
    facts = SdrFacts(
        state=SdrLifeState(state),
        credit=credit,
        basis=basis,
        claim=claim,
        currency=currency,
        agreement_currency=agreement_currency,
        rounding=Rounding(rounding or Rounding.HALF_UP),
        decide_by=decide_by,
        objections_until=objections_until,
    )
    return LockedSdr(sdr_id, environment, visited_cso_id, home_csp_id, settled, facts)

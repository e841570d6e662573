"""Writing disputes: opening, steps and ends, of one or of thousands in the same few statements.

Locks are always taken in one order, the SDR's standing before its dispute, so that a decision, a
step and the clock never wait for each other in a circle.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from roaming.domain.sdr import Basis, SdrLifeState
from roaming.models import Sdr
from settlement.domain.decision_reasons import ReasonCode
from settlement.domain.disputes import DisputeState, Result, Side, Standing, Step, Terms
from settlement.models.decision_sql import LockedSdr, StandingChange, write_standings
from settlement.models.dispute_notices import tell_parties
from settlement.models.disputes import Dispute, DisputeEvent, DisputeTerms
from settlement.models.ruling_adjustments import write_adjustments

_CHANGING = ("state", "offered", "result", "amount", "respond_by", "closed_at")
_UPDATE = """
UPDATE settlement_dispute dispute SET state = moved.state, offered = moved.offered,
    result = moved.result, amount = moved.amount, respond_by = moved.respond_by,
    closed_at = moved.closed_at
FROM unnest(%s::bigint[], %s::text[], %s::numeric[], %s::text[], %s::numeric[], %s::timestamptz[],
        %s::timestamptz[])
    AS moved (id, state, offered, result, amount, respond_by, closed_at)
WHERE dispute.id = moved.id
"""


@dataclass(frozen=True, slots=True)
class Opening:
    """Why an SDR is disputed, by whom, and what of its claim is right all the same."""

    sdr_id: uuid.UUID
    origin: str
    reason: ReasonCode
    note: str
    undisputed: Decimal
    side: Side
    actor: str


@dataclass(frozen=True, slots=True)
class Move:
    """A step that was judged: the dispute it is of, where that stands after it, who and why."""

    dispute: Dispute
    after: Standing
    step: Step
    side: Side
    actor: str
    text: str = ""
    amount: Decimal | None = None
    by_silence: bool = False


def terms_for(agreement_ids: Iterable[int | None]) -> dict[int | None, Terms]:
    """The terms of each agreement: its own, else those of all; None: of no agreement."""
    wanted = set(agreement_ids) | {None}
    rows = DisputeTerms.objects.all()
    found = {row.agreement_id: row.as_value() for row in rows if row.agreement_id in wanted}
    general = found.get(None, Terms())
    return {key: found.get(key, general) for key in wanted}


def standing_of(dispute: Dispute) -> Standing:
    """The row as the domain's value."""
    return Standing(
        state=DisputeState(dispute.state),
        claim=dispute.claim,
        currency=dispute.currency,
        respond_by=dispute.respond_by,
        undisputed=dispute.undisputed,
        offered=dispute.offered,
        settleable=dispute.settleable,
        result=Result(dispute.result) if dispute.result else None,
        amount=dispute.amount,
    )


def open_disputes(
    openings: Sequence[Opening], locked: Mapping[uuid.UUID, LockedSdr], now: datetime
) -> list[Dispute]:
    """Opens a dispute for each SDR, whose standing the caller has locked, and tells both."""
    sdrs = Sdr.objects.in_bulk([opening.sdr_id for opening in openings])
    terms = terms_for(sdr.agreement_id for sdr in sdrs.values())
    disputes = Dispute.objects.bulk_create(
        _opened(opening, sdrs[opening.sdr_id], locked[opening.sdr_id], terms, now)
        for opening in openings
    )
    events = DisputeEvent.objects.bulk_create(
        DisputeEvent(
            dispute=dispute,
            at=now,
            side=opening.side.value,
            actor=opening.actor[:80],
            step=Step.OPENED.value,
            to_state=dispute.state,
            amount=dispute.undisputed,
            respond_by=dispute.respond_by,
            text=opening.note,
        )
        for dispute, opening in zip(disputes, openings, strict=True)
    )
    tell_parties(events, now)
    return disputes


def _opened(
    opening: Opening, sdr: Sdr, locked: LockedSdr, terms: Mapping[int | None, Terms], now: datetime
) -> Dispute:
    facts = locked.facts
    settled = facts.state not in (SdrLifeState.DISPUTED, SdrLifeState.ACCEPTED)
    claim = facts.payable_claim
    return Dispute(
        environment=locked.environment,
        sdr=sdr,
        pair_id=sdr.pair_id,
        visited_cso_id=sdr.visited_cso_id,
        home_csp_id=sdr.home_csp_id,
        origin=opening.origin,
        reason=opening.reason.value,
        note=opening.note[:300],
        currency=sdr.currency,
        claim=claim,
        undisputed=min(opening.undisputed, claim),
        settled_before=locked.settled_amount if settled else None,
        settleable=facts.agreement_currency == sdr.currency,
        state=DisputeState.RESPONDENT.value,
        opened_at=now,
        respond_by=now + timedelta(hours=terms[sdr.agreement_id].respondent_hours),
    )


def lock_live_disputes(sdr_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Dispute]:
    """The live disputes of SDRs whose standings the caller has locked."""
    rows = (
        Dispute.objects.select_for_update(of=("self",))
        .select_related("sdr__standing")
        .filter(sdr__in=list(sdr_ids), closed_at=None)
        .order_by("sdr_id")
    )
    return {row.sdr_id: row for row in rows}


def write_moves(
    cursor: Any, moves: Sequence[Move], locked: Mapping[uuid.UUID, LockedSdr], now: datetime
) -> list[DisputeEvent]:
    """Writes what was judged: events, disputes, what SDRs are settled at; tells both parties."""
    if not moves:
        return []
    events = DisputeEvent.objects.bulk_create(_event(move, now) for move in moves)
    for move in moves:
        _set(move.dispute, move.after, now)
    _write(cursor, [move.dispute for move in moves])
    ended = [move for move in moves if not move.after.state.is_live]
    contested = [m for m in ended if locked[m.dispute.sdr_id].facts.state is SdrLifeState.DISPUTED]
    write_standings(cursor, (_standing_change(move) for move in contested), now)
    write_adjustments(cursor, [m.dispute for m in ended if m not in contested], now)
    tell_parties(events, now)
    return events


def _event(move: Move, now: datetime) -> DisputeEvent:
    return DisputeEvent(
        dispute=move.dispute,
        at=now,
        side=move.side.value,
        actor=move.actor[:80],
        step=move.step.value,
        by_silence=move.by_silence,
        from_state=move.dispute.state,
        to_state=move.after.state.value,
        amount=move.amount if move.after.amount is None else move.after.amount,
        respond_by=move.after.respond_by,
        text=move.text[:2000],
    )


def _set(dispute: Dispute, after: Standing, now: datetime) -> None:
    dispute.state = after.state.value
    dispute.offered = after.offered
    dispute.result = after.result.value if after.result else ""
    dispute.amount = after.amount
    dispute.respond_by = after.respond_by
    dispute.closed_at = None if after.state.is_live else now


def _write(cursor: Any, disputes: Sequence[Dispute]) -> None:
    """As one statement, however many: a CASE for each row and column would take seconds."""
    columns: list[list[Any]] = [
        [getattr(dispute, name) for dispute in disputes] for name in ("pk", *_CHANGING)
    ]
    cursor.execute(_UPDATE, columns)


def _standing_change(move: Move) -> StandingChange:
    """The SDR is accepted at what the dispute ended at, and falls into the next period to close."""
    withdrawn = move.after.result is Result.WITHDRAWN
    return StandingChange(
        sdr_id=move.dispute.sdr_id,
        from_state=SdrLifeState.DISPUTED.value,
        to_state=SdrLifeState.ACCEPTED.value,
        amount=move.after.amount,
        basis=(Basis.CLAIM if withdrawn else Basis.RULING).value,
        actor=move.actor,
        reason=move.dispute.result,
        note=f"dispute {move.dispute.name}",
    )

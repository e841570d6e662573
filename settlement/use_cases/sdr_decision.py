"""Decisions on SDRs: the home-CSP's yes or no, staff's on its behalf, and what silence means.

Accepts: approval or refusal of SDRs that are not settled, one or 10,000 in a call, each with a
reason that is recorded.
Refuses: unknown_sdr, not_home_csp, reason_missing, not_decidable, window_over, no_agreement,
other_currency, amount_not_possible; in a call of many each by itself.
Leaves behind: the SDR accepted at its claim (rounded as the agreement rounds) or disputed, and the
event that says who decided and why; a decline opens a dispute, an approval ends it, and both
parties are told. What is disputed is carved out; the rest settles.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from roaming.domain.sdr import SdrLifeState
from roaming.models import Environment, SdrState
from settlement.domain.decision_reasons import ReasonCode
from settlement.domain.decisions import Effect, Said, decide
from settlement.domain.disputes import Side, Step, close_by_approval
from settlement.domain.refusals import No, RefusedError
from settlement.models import Dispute
from settlement.models.decision_sql import LockedSdr, StandingChange, lock_sdrs, write_standings
from settlement.models.dispute_writing import (
    Move,
    Opening,
    lock_live_disputes,
    open_disputes,
    standing_of,
    write_moves,
)
from settlement.models.reconciliation_sql.standing import accept_by_silence


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decided and why. `reason` of a decline is a code of the catalogue.

    `by_home_csp`: only inside its own windows.
    """

    by: str
    reason: str = ""
    note: str = ""
    by_home_csp: bool = False
    undisputed: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Party:
    """For whom somebody decides: the identifiers that it holds (their keys), in one environment."""

    environment: str
    identifiers: frozenset[int]


@dataclass(frozen=True, slots=True)
class Wish:
    """One line of a call: approve or decline which SDR, and why."""

    sdr_id: uuid.UUID
    approves: bool
    decision: Decision


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one line: where the SDR stands, or why it was refused."""

    sdr_id: uuid.UUID
    effect: Effect | None
    refusal: RefusedError | None = None


Taken = tuple[Wish, Effect]


@dataclass(frozen=True, slots=True)
class Silence:
    """What the end of the decision window made of SDRs."""

    accepted: int
    disputed: int


def accept_undecided(now: datetime, *, batch_size: int = 10_000) -> Silence:
    """Takes silence as the agreement says, for every rated SDR whose window has passed."""
    accepted = disputed = 0
    for environment in Environment.values:
        while True:
            with transaction.atomic(), connection.cursor() as cursor:
                yes, no = accept_by_silence(cursor, environment, now, batch_size)
                open_disputes([_silent(sdr_id) for sdr_id in no], lock_sdrs(cursor, no), now)
            accepted += yes
            disputed += len(no)
            if not yes and not no:
                break
    return Silence(accepted, disputed)


def approve_sdr(
    sdr_id: uuid.UUID, decision: Decision, now: datetime, party: Party | None = None
) -> SdrState:
    """Settles the SDR at its claim, whatever was found. `party` None: staff decides."""
    return _one(Wish(sdr_id, True, decision), now, party)


def decline_sdr(
    sdr_id: uuid.UUID, decision: Decision, now: datetime, party: Party | None = None
) -> SdrState:
    """Disputes the SDR; an accepted one only as an objection, or by staff, before it is settled."""
    return _one(Wish(sdr_id, False, decision), now, party)


def _one(wish: Wish, now: datetime, party: Party | None) -> SdrState:
    (outcome,) = decide_many([wish], now, party)
    if outcome.refusal is not None:
        raise outcome.refusal
    return SdrState.objects.get(sdr=wish.sdr_id)


@transaction.atomic
def decide_many(wishes: Sequence[Wish], now: datetime, party: Party | None = None) -> list[Outcome]:
    """Decides each SDR by itself: what can be decided is, what cannot is refused in its place."""
    with connection.cursor() as cursor:
        locked = lock_sdrs(cursor, [wish.sdr_id for wish in wishes])
        outcomes = list(_judged(wishes, locked, now, party))
        taken = [
            (wish, outcome.effect)
            for wish, outcome in zip(wishes, outcomes, strict=True)
            if outcome.effect is not None
        ]
        ended = _end_disputes(cursor, taken, locked, now)
        write_standings(cursor, _changes(taken, locked, ended), now)
        _open_disputes(cursor, taken, locked, now)
    return outcomes


def _end_disputes(
    cursor: Any, taken: list[Taken], locked: dict[uuid.UUID, LockedSdr], now: datetime
) -> set[uuid.UUID]:
    """Who approves a disputed SDR withdraws its dispute, which accepts the SDR at its claim."""
    approved = {
        wish.sdr_id: wish
        for wish, effect in taken
        if wish.approves and locked[wish.sdr_id].facts.state is SdrLifeState.DISPUTED
    }
    moves = [
        Move(
            dispute=dispute,
            after=close_by_approval(standing_of(dispute)),
            step=Step.WITHDRAW,
            side=_side(approved[sdr_id].decision),
            actor=approved[sdr_id].decision.by,
            text=approved[sdr_id].decision.note,
        )
        for sdr_id, dispute in (lock_live_disputes(approved) if approved else {}).items()
    ]
    write_moves(cursor, moves, locked, now)
    return {move.dispute.sdr_id for move in moves}


def _open_disputes(
    cursor: Any, taken: list[Taken], locked: dict[uuid.UUID, LockedSdr], now: datetime
) -> None:
    openings = [
        Opening(
            sdr_id=wish.sdr_id,
            origin=_origin(wish.decision, locked[wish.sdr_id].facts.state),
            reason=effect.reason,
            note=wish.decision.note,
            undisputed=effect.undisputed,
            side=_side(wish.decision),
            actor=wish.decision.by,
        )
        for wish, effect in taken
        if effect.reason is not None
    ]
    if openings:
        disputed = lock_sdrs(cursor, [opening.sdr_id for opening in openings])
        open_disputes(openings, disputed, now)


def _side(decision: Decision) -> Side:
    return Side.HOME_CSP if decision.by_home_csp else Side.CLEARING_HOUSE


def _origin(decision: Decision, state: SdrLifeState) -> str:
    if not decision.by_home_csp:
        return Dispute.Origin.STAFF.value
    objects = state is SdrLifeState.ACCEPTED
    return (Dispute.Origin.OBJECTION if objects else Dispute.Origin.DECLINE).value


def _silent(sdr_id: uuid.UUID) -> Opening:
    return Opening(
        sdr_id=sdr_id,
        origin=Dispute.Origin.SILENCE.value,
        reason=ReasonCode.OTH,
        note="the decision window has passed without a decision",
        undisputed=Decimal(0),
        side=Side.CLOCK,
        actor="clearing house",
    )


def _judged(
    wishes: Sequence[Wish],
    locked: dict[uuid.UUID, LockedSdr],
    now: datetime,
    party: Party | None,
) -> Iterator[Outcome]:
    seen: set[uuid.UUID] = set()
    for wish in wishes:
        try:
            if wish.sdr_id in seen:
                raise RefusedError(No.NOT_DECIDABLE, "This SDR stands in the call before.")
            effect = _judge(wish, locked.get(wish.sdr_id), now, party)
        except RefusedError as refusal:
            yield Outcome(wish.sdr_id, None, refusal)
        else:
            seen.add(wish.sdr_id)
            yield Outcome(wish.sdr_id, effect)


def _judge(wish: Wish, sdr: LockedSdr | None, now: datetime, party: Party | None) -> Effect:
    if sdr is None or (party is not None and not _concerns(sdr, party)):
        raise RefusedError(No.UNKNOWN_SDR, "There is no SDR with this id.")
    if party is not None and sdr.home_csp_id not in party.identifiers:
        raise RefusedError(No.NOT_HOME_CSP, "Only its home-CSP decides on an SDR.")
    decision = wish.decision
    said = Said(
        approves=wish.approves,
        reason=decision.reason,
        note=decision.note,
        undisputed=decision.undisputed,
        by_home_csp=decision.by_home_csp,
    )
    return decide(sdr.facts, said, now)


def _concerns(sdr: LockedSdr, party: Party) -> bool:
    held = {sdr.visited_cso_id, sdr.home_csp_id} & party.identifiers
    return bool(held) and sdr.environment == party.environment


def _changes(
    taken: list[Taken], locked: dict[uuid.UUID, LockedSdr], ended: set[uuid.UUID]
) -> Iterator[StandingChange]:
    for wish, effect in taken:
        if wish.sdr_id in ended:
            continue  # accepted with the end of its dispute
        before = locked[wish.sdr_id].facts.state
        yield StandingChange(
            sdr_id=wish.sdr_id,
            from_state=before.value,
            to_state=effect.state.value,
            amount=effect.settled_amount,
            basis=effect.basis,
            actor=wish.decision.by,
            reason=effect.reason.value if effect.reason else wish.decision.reason,
            note=wish.decision.note,
        )

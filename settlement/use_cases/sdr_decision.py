"""Decisions on SDRs: the home-CSP's yes or no, staff's on its behalf, and what silence means.

Accepts: approval or refusal of SDRs that are not settled, one or 10,000 in a call, each with a
reason that is recorded.
Refuses: unknown_sdr, not_home_csp, reason_missing, not_decidable, window_over, no_agreement,
other_currency, amount_not_possible; in a call of many each by itself.
Leaves behind: the SDR accepted at its claim (rounded as the agreement rounds) or disputed, and the
event that says who decided and why. What is disputed is carved out; the rest settles.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction

from roaming.models import Environment, SdrState
from settlement.domain.decisions import Effect, Said, decide
from settlement.domain.refusals import No, RefusedError
from settlement.models.decision_sql import LockedSdr, StandingChange, lock_sdrs, write_standings
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
            accepted += yes
            disputed += no
            if not yes + no:
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
        write_standings(cursor, _changes(wishes, outcomes, locked), now)
    return outcomes


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
    wishes: Sequence[Wish], outcomes: Sequence[Outcome], locked: dict[uuid.UUID, LockedSdr]
) -> Iterator[StandingChange]:
    for wish, outcome in zip(wishes, outcomes, strict=True):
        effect = outcome.effect
        if effect is None:
            continue
        yield StandingChange(
            sdr_id=wish.sdr_id,
            from_state=locked[wish.sdr_id].facts.state.value,
            to_state=effect.state.value,
            amount=effect.settled_amount,
            basis=effect.basis,
            actor=wish.decision.by,
            reason=effect.reason.value if effect.reason else wish.decision.reason,
            note=wish.decision.note,
        )

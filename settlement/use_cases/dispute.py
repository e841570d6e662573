"""Disputes about SDRs (6.4.2): opened, answered, reviewed, ruled; silence counts as the terms say.

Accepts: to open one as staff, each step of the two parties and of the clearing house, messages,
evidence, a later deadline; and what the clock makes of deadlines that have passed.
Refuses: unknown_dispute, unknown_sdr, not_decidable, live_dispute, dispute_closed, not_your_turn,
window_over, amount_not_possible, no_agreement, text_missing, not_later, too_much_evidence,
evidence_too_large, evidence_type.
Leaves behind: an event for everything; at the end the SDR accepted at what was ruled, never above
its claim, or a credit where it was settled before; both parties told by message and e-mail.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from roaming.domain.sdr import SdrLifeState
from roaming.models import SdrEvent
from settlement.domain.decisions import Said, check_amount, check_reason, decide
from settlement.domain.disputes import DisputeState, Side, Step, Taken, expire, extend, take_step
from settlement.domain.evidence import media_type_of, safe_name
from settlement.domain.refusals import No, RefusedError
from settlement.models import Dispute, DisputeEvent, DisputeEvidence
from settlement.models.decision_sql import (
    LockedSdr,
    StandingChange,
    lock_sdrs,
    write_standings,
)
from settlement.models.dispute_writing import (
    Move,
    Opening,
    lock_live_disputes,
    open_disputes,
    standing_of,
    terms_for,
    write_moves,
)
from settlement.models.evidence_files import keep_file

_SETTLED = (SdrLifeState.SETTLED, SdrLifeState.INVOICED, SdrLifeState.PAID)
_NEEDS_TEXT = (
    Step.MAINTAIN, Step.UPHOLD, Step.RULE_PARTLY, Step.DISMISS, Step.EXTEND, Step.REQUEST_MORE,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and for which side. The edges say so; they know who may speak for whom."""

    by: str
    side: Side


@dataclass(frozen=True, slots=True)
class Saying:
    """What comes with a step: the amount of an offer or ruling, and words for the other side."""

    amount: Decimal | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Contest:
    """Why an SDR is contested: a code of the catalogue, words, and what is right all the same."""

    reason: str
    note: str = ""
    undisputed: Decimal = Decimal(0)


@transaction.atomic
def open_dispute(sdr_id: uuid.UUID, contest: Contest, by: str, now: datetime) -> Dispute:
    """Staff opens a dispute, also about what is settled: that stays, and is credited if need be."""
    with connection.cursor() as cursor:
        locked = lock_sdrs(cursor, [sdr_id])
        if sdr_id not in locked:
            raise RefusedError(No.UNKNOWN_SDR, "There is no SDR with this id.")
        if lock_live_disputes([sdr_id]):
            raise RefusedError(No.LIVE_DISPUTE, "A dispute about this SDR is under way.")
        facts = locked[sdr_id].facts
        reason = check_reason(contest.reason, contest.note)
        if facts.state in _SETTLED and not facts.credit:
            _refuse_credited(sdr_id)
            check_amount(contest.undisputed, facts.payable_claim, facts.currency)
        else:
            said = Said(False, contest.reason, contest.note, contest.undisputed)
            effect = decide(facts, said, now)
            change = StandingChange(
                sdr_id, facts.state.value, effect.state.value, None, "", by, reason.value,
                contest.note,
            )  # fmt: skip
            write_standings(cursor, [change], now)
            locked = lock_sdrs(cursor, [sdr_id])
        opening = Opening(
            sdr_id, Dispute.Origin.STAFF.value, reason, contest.note, contest.undisputed,
            Side.CLEARING_HOUSE, by,
        )  # fmt: skip
        (dispute,) = open_disputes([opening], locked, now)
    return dispute


def take_dispute_step(
    dispute_id: int, step: Step, actor: Actor, now: datetime, saying: Saying | None = None
) -> Dispute:
    """One step of a party or of the clearing house."""
    said = saying or Saying()
    if step in _NEEDS_TEXT and not said.text.strip():
        raise RefusedError(No.TEXT_MISSING, "This step needs a text that says why.", "text")
    with _locked(dispute_id) as (cursor, dispute, locked):
        terms = terms_for([dispute.sdr.agreement_id])[dispute.sdr.agreement_id]
        after = take_step(standing_of(dispute), Taken(step, actor.side, said.amount), terms, now)
        move = Move(dispute, after, step, actor.side, actor.by, said.text, said.amount)
        write_moves(cursor, [move], {dispute.sdr_id: locked}, now)
    return dispute


def extend_deadline(
    dispute_id: int, until: datetime, actor: Actor, text: str, now: datetime
) -> Dispute:
    """The clearing house gives more time, for a reason that both parties read."""
    if not text.strip():
        raise RefusedError(No.TEXT_MISSING, "A later deadline needs a reason.", "text")
    with _locked(dispute_id) as (cursor, dispute, locked):
        after = extend(standing_of(dispute), until, now)
        move = Move(dispute, after, Step.EXTEND, actor.side, actor.by, text)
        write_moves(cursor, [move], {dispute.sdr_id: locked}, now)
    return dispute


def write_message(dispute_id: int, actor: Actor, text: str, now: datetime) -> DisputeEvent:
    """Words to the other side and to the clearing house; the state stays."""
    if not text.strip():
        raise RefusedError(No.TEXT_MISSING, "A message needs a text.", "text")
    with _locked(dispute_id) as (cursor, dispute, locked):
        return _noted(cursor, dispute, locked, Step.MESSAGE, actor, text, now)


def add_evidence(
    dispute_id: int, actor: Actor, name: str, content: bytes, now: datetime
) -> DisputeEvidence:
    """A file of one side. Its kind is what its content says; it is kept under its own hash."""
    if len(content) > settings.DISPUTE_FILE_BYTES:
        raise RefusedError(
            No.EVIDENCE_TOO_LARGE, f"At most {settings.DISPUTE_FILE_BYTES} bytes a file."
        )
    media_type = media_type_of(content)
    if media_type is None:
        raise RefusedError(
            No.EVIDENCE_TYPE, "Taken are PDF, PNG, JPEG, CSV, text, JSON and XML, by their content."
        )
    with _locked(dispute_id) as (cursor, dispute, locked):
        if dispute.evidence.count() >= settings.DISPUTE_FILES:
            raise RefusedError(
                No.TOO_MUCH_EVIDENCE, f"At most {settings.DISPUTE_FILES} files a dispute."
            )
        digest = keep_file(content)
        named = safe_name(name, media_type)
        event = _noted(cursor, dispute, locked, Step.EVIDENCE, actor, named, now)
        return DisputeEvidence.objects.create(
            event=event,
            dispute=dispute,
            name=named,
            media_type=media_type,
            size=len(content),
            sha256=digest,
        )


def expire_due(now: datetime, *, batch_size: int = 500) -> int:
    """Lets silence count where a deadline has passed; returns how many disputes went on by it.

    Batch by batch, each a transaction of its own; what somebody holds is left to the next run.
    """
    expired, after = 0, 0
    while True:
        due = list(
            Dispute.objects.filter(closed_at=None, respond_by__lte=now, pk__gt=after)
            .order_by("pk")
            .values_list("pk", "sdr_id")[:batch_size]
        )
        if not due:
            return expired
        after = due[-1][0]
        with transaction.atomic(), connection.cursor() as cursor:
            expired += _expire_batch(cursor, [sdr_id for _, sdr_id in due], now)


def _expire_batch(cursor: Any, sdr_ids: list[uuid.UUID], now: datetime) -> int:
    locked = lock_sdrs(cursor, sdr_ids, skip_locked=True)
    disputes = lock_live_disputes(locked)
    terms = terms_for(dispute.sdr.agreement_id for dispute in disputes.values())
    moves = []
    for dispute in disputes.values():
        found = expire(standing_of(dispute), terms[dispute.sdr.agreement_id], now)
        if found is not None:
            step, after = found
            silent = {
                DisputeState.RESPONDENT.value: "the visited-CSO",
                DisputeState.CLAIMANT.value: "the home-CSP",
            }.get(dispute.state, "the clearing house")
            text = f"No answer of {silent} until {dispute.respond_by:%Y-%m-%d %H:%M} UTC."
            moves.append(
                Move(dispute, after, step, Side.CLOCK, "clearing house", text, by_silence=True)
            )
    write_moves(cursor, moves, locked, now)
    return len(moves)


def _refuse_credited(sdr_id: uuid.UUID) -> None:
    """What was credited, wholly or by a ruling, has had its correction: none comes on top."""
    if SdrEvent.objects.filter(sdr=sdr_id, reason="credited").exists():
        raise RefusedError(No.NOT_DECIDABLE, "This SDR was settled and has been credited.")


def _noted(  # noqa: PLR0913, PLR0917  one event, word by word
    cursor: Any,
    dispute: Dispute,
    locked: LockedSdr,
    step: Step,
    actor: Actor,
    text: str,
    now: datetime,
) -> DisputeEvent:
    standing = standing_of(dispute)
    if not standing.state.is_live:
        raise RefusedError(No.DISPUTE_CLOSED, f"The dispute is {standing.state.value} already.")
    move = Move(dispute, standing, step, actor.side, actor.by, text)
    (event,) = write_moves(cursor, [move], {dispute.sdr_id: locked}, now)
    return event


@contextmanager
def _locked(dispute_id: int) -> Iterator[tuple[Any, Dispute, LockedSdr]]:
    """The dispute and the standing of its SDR, locked in this order: standing, dispute."""
    with transaction.atomic(), connection.cursor() as cursor:
        sdr_id = Dispute.objects.filter(pk=dispute_id).values_list("sdr_id", flat=True).first()
        if sdr_id is None:
            raise RefusedError(No.UNKNOWN_DISPUTE, "There is no dispute with this number.")
        locked = lock_sdrs(cursor, [sdr_id])
        dispute = (
            Dispute.objects.select_for_update(of=("self",))
            .select_related("sdr__standing")
            .get(pk=dispute_id)
        )
        yield cursor, dispute, locked[sdr_id]

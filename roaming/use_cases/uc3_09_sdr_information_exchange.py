"""UC3-9, SDR information exchange (IEC 63119-2, 8.3; Annex B): visited-CSO to home-CSP.

Accepts: one SDR, or thousands in a call. Everything that can be parsed and names its parties is
stored and answered with its findings; a fatal finding makes it `rejected`, visible to both sides.
Refuses, record by record: invalid_field, invalid_identifier, party_not_held,
duplicate_with_other_content. The same content again gets the same answer.
Leaves behind: the SDR with its original, its standing and first event, findings, a journal row per
record, and deliveries to the home-CSPs' platforms.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from roaming.domain.refusals import Refusal
from roaming.domain.sdr import DoorFinding, SdrLifeState, SdrMessage, Severity
from roaming.domain.uuid7 import key_of_session, moment_of, period_of, uuid7_at
from roaming.hub_switch import Envelope, JournalLine, Route, Verdict, write_verdicts
from roaming.hub_switch.one_sdr import intake_call, take_in_one
from roaming.hub_switch.rights import prove
from roaming.hub_switch.sdr_door import Door, Place
from roaming.hub_switch.sdr_forwarding import forward_sdrs
from roaming.hub_switch.sdr_knowledge import read_knowledge
from roaming.models import Finding, SdrOriginal, SdrState
from roaming.models.sdr_intake import (
    CHUNK,
    IntakeRow,
    KnownSdr,
    reserve_arrivals,
    take_in,
)
from roaming.waking import wake_after_commit


@dataclass(frozen=True, slots=True)
class SdrRecord:
    """One record of a call: its bytes, and the message or why it could not be read."""

    raw: bytes
    message: SdrMessage | Refusal


@dataclass(slots=True)
class SdrReceipt:
    """The answer to one record. `known`: the same content was taken in before."""

    reference: str = ""
    sdr_id: uuid.UUID | None = None
    state: str = ""
    known: bool = False
    findings: list[DoorFinding] = field(default_factory=list)
    refusal: Refusal | None = None


def receive_sdr(envelope: Envelope, record: SdrRecord) -> SdrReceipt:
    """Takes in one record: a clean new one in a single statement, any other as a call of one."""
    if isinstance(record.message, SdrMessage):
        row = take_in_one(envelope, record.message, record.raw)
        if row is not None:
            wake_after_commit()
            return SdrReceipt(row.reference, row.id, row.state)
    prove(envelope.judgement)
    (receipt,) = receive_sdrs(envelope, [record])
    return receipt


def receive_sdrs(envelope: Envelope, records: Sequence[SdrRecord]) -> list[SdrReceipt]:
    """Takes in the records in one transaction; returns a receipt for each, in their order."""
    receipts = [SdrReceipt() for _ in records]
    messages = [r.message for r in records if isinstance(r.message, SdrMessage)]
    door = Door(envelope, read_knowledge(envelope, messages))
    judged: dict[int, IntakeRow] = {}  # until their chunk is taken in
    with transaction.atomic():
        admitted = _admitted(door, _places(door, records), records, receipts, judged)
        for taken in take_in(admitted, intake_call(envelope)):
            winners = [judged.pop(number) for number in sorted(taken.fresh)]
            for entry in taken.known:
                del judged[entry.n]
            _leave_findings(winners, receipts, envelope)
            _answer_known(taken.known, receipts, records, envelope.now)
            forward_sdrs(envelope, winners, {row.n: receipts[row.n].findings for row in winners})
        _journal_refusals(envelope, door, receipts, records)
        wake_after_commit()
    return receipts


def _admitted(
    door: Door,
    places: Iterable[Place],
    records: Sequence[SdrRecord],
    receipts: list[SdrReceipt],
    judged: dict[int, IntakeRow],
) -> Iterator[IntakeRow]:
    """Judges one record after the other, while those before it are already on their way."""
    for place in places:
        record, receipt = records[place.number], receipts[place.number]
        try:
            if isinstance(record.message, Refusal):
                raise record.message
            receipt.reference = record.message.id
            row, receipt.findings = door.admit(place, record.message, record.raw)
        except Refusal as refusal:
            receipt.refusal = refusal
            continue
        receipt.sdr_id, receipt.state = row.id, row.state
        judged[row.n] = row
        yield row


def _places(door: Door, records: Sequence[SdrRecord]) -> Iterable[Place]:
    """The order in which the records are judged.

    More than one chunk by visited-CSO and reference, so that two calls lock what both hold in the
    same order; each record keeps the number of arrival that its place in the call gives it.
    """
    if len(records) <= CHUNK:
        return (Place(number) for number in range(len(records)))
    messages = [record.message for record in records]
    keys = [(-1, "") if isinstance(m, Refusal) else door.registry_key(m) for m in messages]
    arrivals = reserve_arrivals(len(records))
    order = sorted(range(len(records)), key=keys.__getitem__)
    return (Place(number, arrivals[number]) for number in order)


def _answer_known(
    known: list[KnownSdr],
    receipts: list[SdrReceipt],
    records: Sequence[SdrRecord],
    now: datetime,
) -> None:
    """The same content again: the same answer. Other content under the same id: a refusal."""
    if not known:
        return
    ids = [entry.sdr_id for entry in known]
    other_bytes = [entry.sdr_id for entry in known if not entry.same_bytes]
    originals = dict(
        SdrOriginal.objects.filter(sdr__in=other_bytes).values_list("sdr_id", "content")
    )
    states = dict(SdrState.objects.filter(sdr__in=ids).values_list("sdr_id", "state"))
    findings: dict[uuid.UUID, list[DoorFinding]] = {}
    for row in Finding.objects.filter(sdr__in=ids, superseded_at=None):
        findings.setdefault(row.sdr_id, []).append(
            DoorFinding(
                row.rule, Severity(row.severity), row.explanation, row.claimed, row.expected
            )
        )
    refused: list[tuple[uuid.UUID, SdrRecord]] = []
    for entry in known:
        receipt = receipts[entry.n]
        if entry.same_bytes or _same_content(originals.get(entry.sdr_id), records[entry.n].raw):
            receipt.sdr_id, receipt.known = entry.sdr_id, True
            receipt.state = states[entry.sdr_id]
            receipt.findings = findings.get(entry.sdr_id, [])
        else:
            receipt.sdr_id, receipt.state, receipt.findings = None, "", []
            receipt.refusal = Refusal(
                "duplicate_with_other_content",
                f"The SDR id {receipt.reference} is known with other content.",
                "id",
            )
            refused.append((entry.sdr_id, records[entry.n]))
    _note_attempts(refused, now)


def _note_attempts(refused: list[tuple[uuid.UUID, SdrRecord]], now: datetime) -> None:
    """DUP-01 on the SDR that stands, for both sides to see; the same attempt again adds nothing."""
    if not refused:
        return
    keys = {key for key, _ in refused}
    standing = SdrState.objects.in_bulk(keys)
    noted = set(
        Finding.objects.filter(sdr__in=keys, rule="DUP-01").values_list("sdr_id", "claimed")
    )
    fresh = []
    for sdr_id, record in refused:
        assert isinstance(record.message, SdrMessage), "what cannot be read is not compared"
        claimed, state = _in_short(record.message), standing[sdr_id]
        if (sdr_id, claimed) in noted:
            continue
        noted.add((sdr_id, claimed))
        fresh.append(
            Finding(
                id=uuid7_at(moment_of(sdr_id)),
                environment=state.environment,
                period=state.period,
                pair_id=state.pair_id,
                sdr_id=sdr_id,
                rule="DUP-01",
                severity=Severity.WARNING.value,
                explanation="Other content was sent under the id of this SDR, and was refused.",
                claimed=claimed,
                expected="what stands under this id; a correction is a credit and a new SDR",
                found_at=now,
            )
        )
    Finding.objects.bulk_create(fresh)


def _in_short(message: SdrMessage) -> str:
    """What an attempt claimed: amount and energy."""
    cost = message.total_cost.before_tax if message.total_cost else None
    return f"{cost} {message.currency[:3]} for {message.total_energy} kWh"[:200]


def _same_content(original: str | None, raw: bytes) -> bool:
    """Whether two texts say the same, whatever their white space and order of fields."""
    if original is None:
        return False
    try:
        return _comparable(original) == _comparable(raw)
    except (ValueError, RecursionError):
        return False


def _comparable(text: str | bytes) -> object:
    """The content as Python values; numbers are exact, however many digits they have."""
    return json.loads(text, parse_float=_number, parse_int=_number, parse_constant=str)


def _number(digits: str) -> Decimal | str:
    try:
        return Decimal(digits)
    except ArithmeticError:
        return digits


def _leave_findings(
    winners: list[IntakeRow], receipts: list[SdrReceipt], envelope: Envelope
) -> None:
    rows = []
    for row in winners:
        for finding in receipts[row.n].findings:
            key = key_of_session(row.started_at, envelope.now)
            rows.append(
                Finding(
                    id=key,
                    environment=envelope.environment,
                    period=period_of(key),
                    pair_id=row.pair_id,
                    sdr_id=row.id,
                    rule=finding.rule,
                    severity=finding.severity.value,
                    explanation=finding.explanation,
                    claimed=finding.claimed[:200],
                    expected=finding.expected[:200],
                    money_at_stake=row.claim_before_tax
                    if row.state == SdrLifeState.REJECTED.value
                    else None,
                    found_at=envelope.now,
                )
            )
    Finding.objects.bulk_create(rows)


def _journal_refusals(
    envelope: Envelope, door: Door, receipts: list[SdrReceipt], records: Sequence[SdrRecord]
) -> None:
    """A row for each record that was refused or known; the new ones have theirs already."""
    lines = []
    for receipt, record in zip(receipts, records, strict=True):
        if receipt.refusal is not None:
            receipt.refusal.journalled = True
            verdict = Verdict.of_refusal(receipt.refusal)
        elif receipt.known:
            verdict = Verdict.of_repetition()
        else:
            continue
        lines.append(JournalLine(verdict, receipt.reference[:64], record.raw))
    write_verdicts(envelope, Route(door.only_cso), lines)

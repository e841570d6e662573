"""UC1-3, dynamic status of EV supply equipment (IEC 63119-2, 8.1): with stamp and time to live.

Accepts: a status of an EVSE that the sender's CSO owns, or many, each judged by itself. Older than
what is stored, or the same again, changes nothing.
Refuses: unknown_evse, invalid_identifier, invalid_field, time_without_offset.
Passes under a suspended or ended agreement, and from a suspended platform.
Leaves behind: the newest status per EVSE, deliveries in lots to the entitled home-CSPs, a journal
row per status. What still waits for a receiver is replaced by what is newer; within a lot's key the
outbox keeps the order, so that no receiver ever gets an older status after a newer one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from django.conf import settings
from django.db import transaction

from roaming.domain.evse_status import (
    EvseStatusLine,
    EvseStatusNotice,
    check_status,
    expiry_of,
)
from roaming.domain.identifiers import EvseId, IdentifierError
from roaming.domain.refusals import Refusal
from roaming.hub_switch import Envelope, JournalLine, Route, Verdict, write_verdicts
from roaming.models import EvseOwnership, JournalEntry, OperatorIdentifier, Role
from roaming.models.evse_statuses import NewStatus, lock_statuses, store_statuses
from roaming.outbox import Parcel, enqueue, entitled_csp_platforms, take_back

PATH = "uc1-3/evse-statuses"
MOST_BYTES_A_LINE = 2_000
EVSES_PER_LOT = 200


@dataclass(frozen=True, slots=True)
class StatusRecord:
    """One status of a call: its bytes, and the message or why it could not be read."""

    raw: bytes
    message: EvseStatusLine | Refusal


@dataclass(slots=True)
class StatusReceipt:
    """What became of one status. `taken` is false where the same or a newer one was stored."""

    evse_id: str = ""
    taken: bool = False
    refusal: Refusal | None = None


@dataclass(slots=True)
class _Line:
    """A status on its way: `key`, `evse` and `owner` are filled in as they are found."""

    raw: bytes
    receipt: StatusReceipt
    key: str = ""
    evse: int = 0
    owner: OperatorIdentifier | None = None


@dataclass(frozen=True, slots=True)
class _Good:
    """A status of an EVSE that the sender's CSO owns."""

    line: _Line
    message: EvseStatusLine
    owner: OperatorIdentifier

    @property
    def evse(self) -> int:
        return self.line.evse


def receive_statuses(envelope: Envelope, records: Sequence[StatusRecord]) -> list[StatusReceipt]:
    """Stores what is new of these; a receipt for each, in their order."""
    lines = [_Line(record.raw, StatusReceipt()) for record in records]
    good = _find_evses(envelope, _look_through(envelope, records, lines))
    newest = _newest(good)
    owners = {status.owner.pk: status.owner for status in newest}
    with transaction.atomic():
        lock_statuses(owners)
        stored = store_statuses([_new_status(status) for status in newest], envelope.now)
        taken = [status for status in newest if status.evse in stored]
        for status in taken:
            status.line.receipt.taken = True
        for pk, owner in owners.items():
            _deliver(envelope, owner, [status for status in taken if status.owner.pk == pk])
        _write_journal(envelope, lines)
    return [line.receipt for line in lines]


def _look_through(
    envelope: Envelope, records: Sequence[StatusRecord], lines: Sequence[_Line]
) -> list[tuple[_Line, EvseStatusLine]]:
    """Those that can be true; the others are refused."""
    fine = []
    for record, line in zip(records, lines, strict=True):
        message = record.message
        if isinstance(message, Refusal):
            line.receipt.refusal = message
            continue
        line.receipt.evse_id = message.evse_id[:64]
        try:
            if len(record.raw) > MOST_BYTES_A_LINE:
                raise Refusal("invalid_field", f"At most {MOST_BYTES_A_LINE} bytes a status.")
            check_status(message, envelope.now, settings.EVSE_STATUS_LONGEST_LIFE_S)
            line.key = EvseId.parse(message.evse_id).key
            fine.append((line, message))
        except IdentifierError as error:
            line.receipt.refusal = Refusal("invalid_identifier", str(error), "evse_id")
        except Refusal as refusal:
            line.receipt.refusal = refusal
    return fine


def _find_evses(envelope: Envelope, lines: Sequence[tuple[_Line, EvseStatusLine]]) -> list[_Good]:
    """Those of EVSEs that the sender's CSOs own now; the others are refused."""
    csos = OperatorIdentifier.objects.filter(role=Role.CSO, held_by__platform=envelope.sender)
    held = {cso.pk: cso for cso in csos}
    owned = {
        ownership.evse.key: ownership
        for ownership in EvseOwnership.objects.filter(
            visited_cso__in=list(held),
            during__contains=envelope.now,
            evse__environment=envelope.environment,
            evse__key__in={line.key for line, _ in lines},
            evse__removed_at=None,
        ).select_related("evse")
    }
    good = []
    for line, message in lines:
        ownership = owned.get(line.key)
        if ownership is None:
            line.receipt.refusal = Refusal(
                "unknown_evse", f"{message.evse_id} is not an EVSE of yours.", "evse_id"
            )
        else:
            line.evse, line.owner = ownership.evse_id, held[ownership.visited_cso_id]
            good.append(_Good(line, message, line.owner))
    return good


def _newest(statuses: Iterable[_Good]) -> list[_Good]:
    """The newest per EVSE; of two with the same stamp the later one in the call."""
    newest: dict[int, _Good] = {}
    for status in statuses:
        known = newest.get(status.evse)
        if known is None or known.message.stamped_at <= status.message.stamped_at:
            newest[status.evse] = status
    return list(newest.values())


def _new_status(status: _Good) -> NewStatus:
    message = status.message
    return NewStatus(status.evse, message.state.value, message.stamped_at, _expiry(message))


def _expiry(message: EvseStatusLine) -> datetime:
    return expiry_of(message, settings.EVSE_STATUS_LIFE_S)


def _deliver(envelope: Envelope, owner: OperatorIdentifier, statuses: Sequence[_Good]) -> None:
    """Lots by EVSE, each an object of its own that the outbox keeps in order."""
    lots: defaultdict[str, dict[str, msgspec.Raw]] = defaultdict(dict)
    for status in statuses:
        lot = f"evse-statuses:{owner.key}:{status.evse // EVSES_PER_LOT}"
        lots[lot][status.line.key] = _as_told(status)
    platforms = [
        platform
        for platform, _ in entitled_csp_platforms(owner, envelope.environment, envelope.now)
    ]
    waiting = take_back([(platform.pk, lot) for platform in platforms for lot in lots])
    bodies = {lot: _body(owner, told) for lot, told in lots.items()}
    parcels = []
    for platform in platforms:
        for lot, told in lots.items():
            body, waited = bodies[lot], waiting.get((platform.pk, lot))
            if waited is not None:
                body = _body(owner, _statuses_of(waited.bodies) | told)
            parcels.append(Parcel(platform, envelope.use_case.code, PATH, lot, body,
                                  envelope.correlation_id, waited))  # fmt: skip
    enqueue(parcels)


def _as_told(status: _Good) -> msgspec.Raw:
    """The status as it came, with the moment at which it ends."""
    fields = msgspec.json.decode(status.line.raw, type=dict[str, msgspec.Raw])
    fields["expires_at"] = msgspec.Raw(msgspec.json.encode(_expiry(status.message)))
    return msgspec.Raw(msgspec.json.encode(fields))


def _body(owner: OperatorIdentifier, statuses: dict[str, msgspec.Raw]) -> str:
    notice = EvseStatusNotice(visited_cso=owner.identifier, statuses=list(statuses.values()))
    return msgspec.json.encode(notice).decode()


class _Named(msgspec.Struct):
    evse_id: str


def _statuses_of(bodies: Iterable[str]) -> dict[str, msgspec.Raw]:
    """Statuses of messages that were taken back, by the EVSE's key, later ones over earlier."""
    found: dict[str, msgspec.Raw] = {}
    for body in bodies:
        for status in msgspec.json.decode(body, type=EvseStatusNotice).statuses:
            named = msgspec.json.decode(status, type=_Named)
            found[EvseId.parse(named.evse_id).key] = status
    return found


def _write_journal(envelope: Envelope, lines: Iterable[_Line]) -> None:
    by_owner: defaultdict[OperatorIdentifier | None, list[JournalLine]] = defaultdict(list)
    for line in lines:
        verdict = Verdict(JournalEntry.Outcome.ACCEPTED)
        if line.receipt.refusal is not None:
            verdict = Verdict.of_refusal(line.receipt.refusal)
            line.receipt.refusal.journalled = True
        elif not line.receipt.taken:
            verdict = Verdict(JournalEntry.Outcome.ACCEPTED, answer="as new as this is stored")
        by_owner[line.owner].append(JournalLine(verdict, line.key, line.raw))
    for owner, journal_lines in by_owner.items():
        write_verdicts(envelope, Route(visited_cso=owner), journal_lines)

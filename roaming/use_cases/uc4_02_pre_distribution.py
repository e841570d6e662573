"""UC4-2, pre-distribution of identification data for offline identification (IEC 63119-2, 8.4).

Accepts: of a home-CSP, its full list (what is missing in it is removed) or a delta (what is new,
changed or removed), up to 200,000 entries. What is older than what is stored is ignored; the same
again changes nothing. Good entries are kept, bad ones reported by index; of a full list with bad
entries nothing is removed, for nobody can tell which identifications they were meant to keep.
Refuses as a whole: party_not_held, platform_suspended, party_suspended; entry by entry:
malformed_body, invalid_field, invalid_identifier, time_without_offset, contract_of_other_csp.
Leaves behind: the identifications, in clear only in erasable rows; a version for each change, which
is what an offline start is judged by; deliveries to the CSOs whose agreement covers offline
identification; one journal row. A card that was taken for unknown is known again at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec
from django.db import transaction

from roaming.domain.identification import IdentificationEntry
from roaming.domain.refusals import Refusal
from roaming.hub_switch import Envelope, Route, Verdict, held_party, write_verdict
from roaming.hub_switch.identification_door import IdentificationDoor
from roaming.hub_switch.identification_forwarding import forward_identifications
from roaming.hub_switch.route import check_operators
from roaming.models import JournalEntry, OperatorIdentifier, Role
from roaming.models.identification_intake import (
    Intake,
    OfferedRow,
    Taken,
    distributed_entries,
    take_in_identifications,
)


@dataclass(frozen=True, slots=True)
class EntryLine:
    """One entry of a call: its bytes, and what they say or why they could not be read."""

    raw: bytes
    entry: IdentificationEntry | Refusal


@dataclass(slots=True)
class Distribution:
    """What became of a call. `ignored`: older than what is stored, or than another entry of the
    call. `removed`: for not being in a full list. `refused`: index and reason."""

    received: int
    taken: int = 0
    unchanged: int = 0
    ignored: int = 0
    removed: int = 0
    removals_withheld: bool = False
    refused: list[tuple[int, Refusal]] = field(default_factory=list)


def distribute_list(envelope: Envelope, home_csp: str, lines: Sequence[EntryLine]) -> Distribution:
    """The full list of a home-CSP."""
    return _distribute(envelope, home_csp, lines, full=True)


def distribute_delta(envelope: Envelope, home_csp: str, lines: Sequence[EntryLine]) -> Distribution:
    """What is new, changed or removed since the last call of the home-CSP."""
    return _distribute(envelope, home_csp, lines, full=False)


def _distribute(
    envelope: Envelope, home_csp: str, lines: Sequence[EntryLine], *, full: bool
) -> Distribution:
    owner = held_party(envelope, home_csp, Role.CSP)
    check_operators(envelope.use_case, owner)
    result = Distribution(received=len(lines))
    rows = list(_admitted(IdentificationDoor(envelope, owner), lines, result))
    result.removals_withheld = full and bool(result.refused)
    intake = Intake(
        envelope.environment, owner.pk, envelope.now, full and not result.removals_withheld
    )
    with transaction.atomic():
        taken = take_in_identifications(rows, intake)
        _count(result, taken, len(rows))
        _forward(envelope, owner, taken, lines, full)
        answer = msgspec.json.encode(
            {
                "received": result.received,
                "taken": result.taken,
                "unchanged": result.unchanged,
                "ignored": result.ignored,
                "removed": result.removed,
                "refused": len(result.refused),
            }
        ).decode()
        verdict = Verdict(JournalEntry.Outcome.ACCEPTED, answer=answer)
        write_verdict(envelope, Route(home_csp=owner), verdict, object_key="identifications")
    return result


def _admitted(
    door: IdentificationDoor, lines: Sequence[EntryLine], result: Distribution
) -> Iterator[OfferedRow]:
    for number, line in enumerate(lines):
        try:
            if isinstance(line.entry, Refusal):
                raise line.entry
            yield door.admit(number, line.entry, line.raw)
        except Refusal as refusal:
            result.refused.append((number, refusal))


def _count(result: Distribution, taken: Taken, admitted: int) -> None:
    result.taken, result.unchanged = len(taken.news), taken.unchanged
    result.ignored = admitted - result.taken - result.unchanged
    result.removed = taken.missing


def _forward(
    envelope: Envelope,
    owner: OperatorIdentifier,
    taken: Taken,
    lines: Sequence[EntryLine],
    full: bool,
) -> None:
    """A full list goes on whole, so that a receiver that lost something is whole again; where it
    says nothing new, nothing goes on."""
    if not taken.news and not taken.missing:
        return
    if full:
        entries = distributed_entries(envelope.environment, owner.pk)
        forward_identifications(envelope, owner, "full", entries)
    else:
        delta = (lines[number].raw.decode() for number in taken.news)
        forward_identifications(envelope, owner, "delta", delta)

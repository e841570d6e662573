"""Passing new SDRs on to the home-CSPs: the record unchanged, our findings beside it (UC3-9)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from roaming.domain.sdr import DoorFinding
from roaming.hub_switch.envelope import Envelope
from roaming.models import Platform, PlatformIdentifier
from roaming.models.sdr_intake import IntakeRow
from roaming.outbox import Parcel, enqueue

PATH = "uc3-9/sdrs"
PER_MESSAGE, BYTES_PER_MESSAGE = 200, 500_000


def forward_sdrs(
    envelope: Envelope,
    rows: Sequence[IntakeRow],
    findings: Mapping[int, Sequence[DoorFinding]],
) -> None:
    """Leaves deliveries for the platforms of the home-CSPs, up to 200 SDRs in each."""
    platforms = _platforms({row.home_csp_id for row in rows if row.home_csp_id}, envelope)
    lots: defaultdict[int, list[IntakeRow]] = defaultdict(list)
    for row in rows:
        platform = platforms.get(row.home_csp_id) if row.home_csp_id else None
        if platform is not None:
            lots[platform.pk].append(row)
    receivers = {platform.pk: platform for platform in platforms.values()}
    enqueue(
        _parcel(envelope, receivers[pk], part, findings)
        for pk, lot in lots.items()
        for part in _parts(lot)
    )


def parcel_of(envelope: Envelope, receiver: Platform, row: IntakeRow) -> Parcel:
    """The message with a single SDR that has no findings."""
    return _parcel(envelope, receiver, [row], {})


def _parcel(
    envelope: Envelope,
    receiver: Platform,
    part: Sequence[IntakeRow],
    findings: Mapping[int, Sequence[DoorFinding]],
) -> Parcel:
    return Parcel(
        receiver,
        envelope.use_case.code,
        PATH,
        # SDRs do not overtake each other's meaning: each message is an object of its own.
        f"sdrs:{part[0].id}",
        _body(part, findings),
        envelope.correlation_id,
    )


def _parts(lot: list[IntakeRow]) -> Iterator[list[IntakeRow]]:
    """Messages of at most 200 SDRs and about half a megabyte."""
    part: list[IntakeRow] = []
    size = 0
    for row in lot:
        if part and (len(part) == PER_MESSAGE or size + len(row.content) > BYTES_PER_MESSAGE):
            yield part
            part, size = [], 0
        part.append(row)
        size += len(row.content)
    if part:
        yield part


def _platforms(csp_ids: set[int], envelope: Envelope) -> dict[int, Platform]:
    held = PlatformIdentifier.objects.filter(
        identifier__in=csp_ids, environment=envelope.environment
    ).select_related("platform")
    return {row.identifier_id: row.platform for row in held}


def _body(rows: Sequence[IntakeRow], findings: Mapping[int, Sequence[DoorFinding]]) -> str:
    records = [
        {
            "sdr_id": row.id,
            "state": row.state,
            "findings": findings.get(row.n, ()),
            "sdr": msgspec.Raw(row.content.encode()),
        }
        for row in rows
    ]
    return msgspec.json.encode({"sdrs": records}).decode()

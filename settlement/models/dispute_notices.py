"""Telling both parties what happened to a dispute: by REP message and by e-mail, as rows.

In the transaction of what they tell of. However many disputes a call opens, an operator gets one
e-mail of it.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from roaming.domain.dispute_notice import DISPUTES_PATH, DisputeNotice
from roaming.domain.use_case import Supporting
from roaming.models import Operator, OperatorIdentifier, Platform, PlatformIdentifier
from roaming.outbox import Parcel, enqueue
from settlement.domain.disputes import DisputeState, Result, Side, Step
from settlement.models.disputes import DisputeEvent
from settlement.models.mails import enqueue_mails

_MOST_LINES = 50
_BY = {
    Side.HOME_CSP: "the home-CSP",
    Side.VISITED_CSO: "the visited-CSO",
    Side.CLEARING_HOUSE: "the clearing house",
    Side.CLOCK: "silence",
}


def tell_parties(events: Iterable[DisputeEvent], now: datetime) -> None:
    """Leaves a message for each platform of the two, and one e-mail for each operator."""
    rows = list(events)
    if not rows:
        return
    parties = _parties(rows)
    enqueue(_parcels(rows, parties))
    written: defaultdict[Operator, list[str]] = defaultdict(list)
    for event in rows:
        for party in _both(event, parties):
            if not _says_it_itself(event, party):
                written[party.operator].append(_line(event))
    mails = [(operator, _subject(rows, lines), _text(lines)) for operator, lines in written.items()]
    enqueue_mails(rows[0].dispute.environment, mails)


def _parties(events: list[DisputeEvent]) -> dict[int, OperatorIdentifier]:
    keys = {event.dispute.visited_cso_id for event in events}
    keys |= {event.dispute.home_csp_id for event in events if event.dispute.home_csp_id}
    rows = OperatorIdentifier.objects.select_related("operator").filter(pk__in=keys)
    return {row.pk: row for row in rows}


def _both(
    event: DisputeEvent, parties: dict[int, OperatorIdentifier]
) -> Iterator[OperatorIdentifier]:
    for key in (event.dispute.visited_cso_id, event.dispute.home_csp_id):
        if key is not None:
            yield parties[key]


def _parcels(
    events: list[DisputeEvent], parties: dict[int, OperatorIdentifier]
) -> Iterator[Parcel]:
    """One for each platform that has registered and speaks for one of the two."""
    holders: defaultdict[tuple[int, str], list[Platform]] = defaultdict(list)
    speaking = PlatformIdentifier.objects.select_related("platform").filter(
        identifier__in=parties,
        platform__status__in=[Platform.Status.CONNECTED, Platform.Status.SUSPENDED],
    )
    for held in speaking.order_by("platform"):
        holders[held.identifier_id, held.environment].append(held.platform)
    for event in events:
        body = msgspec.json.encode(_notice(event, parties)).decode()
        told = {
            platform.pk: platform
            for party in _both(event, parties)
            for platform in holders[party.pk, event.dispute.environment]
        }
        correlation_id = str(uuid.uuid4())
        for platform in told.values():
            yield Parcel(
                platform,
                Supporting.SDR_RECONCILIATION.code,
                DISPUTES_PATH,
                f"dispute:{event.dispute_id}",
                body,
                correlation_id,
            )


def _notice(event: DisputeEvent, parties: dict[int, OperatorIdentifier]) -> DisputeNotice:
    dispute = event.dispute
    home_csp = parties.get(dispute.home_csp_id or 0)
    return DisputeNotice(
        dispute_id=dispute.pk,
        sdr_id=dispute.sdr_id,
        sdr_reference=dispute.sdr.reference,
        visited_cso=parties[dispute.visited_cso_id].identifier,
        home_csp=home_csp.identifier if home_csp else "",
        step=event.step,
        by=event.side,
        by_silence=event.by_silence,
        at=event.at,
        state=dispute.state,
        reason=dispute.reason,
        text=event.text,
        currency=dispute.currency,
        claim=dispute.claim,
        undisputed=dispute.undisputed,
        offered=dispute.offered,
        result=dispute.result,
        amount=dispute.amount,
        respond_by=dispute.respond_by,
    )


def _says_it_itself(event: DisputeEvent, party: OperatorIdentifier) -> bool:
    """Nobody needs a mail of the words and files that they sent themselves."""
    own = Side.HOME_CSP if party.pk == event.dispute.home_csp_id else Side.VISITED_CSO
    return event.step in (Step.MESSAGE, Step.EVIDENCE) and event.side == own


def _line(event: DisputeEvent) -> str:
    dispute = event.dispute
    claim = f"{dispute.claim} {dispute.currency}"
    what = Step(event.step).told
    said = f"{dispute.name}, SDR {dispute.sdr.reference}, claim {claim}: {what}"
    said += f" by {_BY[Side(event.side)]}"
    if event.step == Step.OFFER:
        said += f": {dispute.offered} {dispute.currency}"
    if event.by_silence:
        said += " (nobody answered in time)"
    if not dispute.closed_at:
        waits = DisputeState(dispute.state).label
        return f"{said}. {waits} until {dispute.respond_by:%Y-%m-%d %H:%M} UTC."
    return (
        f"{said}. {Result(dispute.result).label}: settled at {dispute.amount} {dispute.currency}."
    )


def _subject(events: list[DisputeEvent], lines: list[str]) -> str:
    if len(lines) > 1:
        return f"{len(lines)} disputes have news"
    event = events[0]
    return f"Dispute {event.dispute.name}: {Step(event.step).told}"


def _text(lines: list[str]) -> str:
    left_out = len(lines) - _MOST_LINES
    shown = "\n\n".join(lines[:_MOST_LINES])
    more = f"\n\nand {left_out} more." if left_out > 0 else ""
    return (
        f"{shown}{more}\n\nAnswer in the portal or over the API (reconciliation/disputes), each "
        "step until its deadline.\nThis e-mail is sent by the clearing house; nobody reads answers "
        "to it.\n"
    )

"""A session's story on one time line: who asked what, who answered, how fast, what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from roaming.models import Delivery, JournalEntry, Sdr, SdrEvent, ServiceSession
from roaming.staff_pages.cells import badge, link_to, moment, moment_cell, money, quantity
from roaming.staff_pages.refusal_words import outcome_badge, plain_words, title_of

MOST = 200
Line = tuple[datetime, int, tuple[Any, ...]]


def took(latency_us: int | None) -> str:
    """Microseconds for people.

    >>> took(1_234), took(12_345_678), took(None)
    ('1 ms', '12.3 s', '–')
    """
    if latency_us is None:
        return "–"
    if latency_us < 1_000_000:
        return f"{latency_us // 1000} ms"
    return f"{latency_us / 1_000_000:.1f} s"


def story_of(session: ServiceSession) -> list[tuple[Any, ...]]:
    """Rows of the time line, oldest first: when, what, who, outcome, how long."""
    return as_rows(lines_of_session(session))


def as_rows(lines: Iterable[Line]) -> list[tuple[Any, ...]]:
    """Lines from several sources, the oldest first; of one moment in the order of their ranks."""
    return [(moment_cell(at), *cells) for at, _, cells in sorted(lines, key=lambda line: line[:2])]


def lines_of_session(session: ServiceSession, also: Sdr | None = None) -> Iterator[Line]:
    """What happened in it; `also`: an SDR that belongs to it and does not name it."""
    entries = list(
        JournalEntry.objects.filter(service_session_id=session.pk)
        .select_related("sender")
        .order_by("id")[:MOST]
    )
    sdrs = list(Sdr.objects.filter(service_session_id=session.pk).order_by("id")[:20])
    if also is not None and also not in sdrs:
        sdrs.append(also)
    yield from _moments(session)
    yield from _messages(entries)
    yield from _deliveries(session, entries)
    yield from lines_of_records(sdrs)
    yield from _closings(session)


def _moments(session: ServiceSession) -> Iterator[Line]:
    energy = quantity(session.energy_kwh, "kWh")
    for at, rank, what, who, outcome in (
        (session.opened_at, 0, "Session opened", session.visited_cso, ""),
        (session.authorised_at, 3, "Authorised", session.home_csp, session.authorised),
        (session.started_at, 4, "Energy transfer starts", session.visited_cso, ""),
        (session.ended_at, 4, "Session ends", session.visited_cso, energy),
        (session.completed_at, 5, "Completion taken", session.visited_cso, ""),
    ):
        if at is not None:
            yield at, rank, (what, str(who), outcome, "")


def _messages(entries: list[JournalEntry]) -> Iterator[Line]:
    for entry in entries:
        verdict = entry.phase == JournalEntry.Phase.VERDICT
        what = "answered" if verdict else "taken in"
        yield (
            entry.at,
            2 if verdict else 1,
            (
                link_to(entry, f"{title_of(entry.use_case)}: {what}"),
                entry.sender.name,
                outcome_badge(entry) if verdict else "",
                took(entry.latency_us),
            ),
        )


def _deliveries(session: ServiceSession, entries: list[JournalEntry]) -> Iterator[Line]:
    """What was handed to platforms for the messages of this session, beside each message.

    Deliveries live in real time: they stand where their message does, with their own time told.
    """
    moments = {entry.correlation_id: entry.at for entry in reversed(entries)}
    found = Delivery.objects.filter(correlation_id__in=list(moments)).select_related("receiver")
    for delivery in found.order_by("id")[:MOST]:
        shade = {"delivered": "success", "dead": "danger"}.get(delivery.state, "warning")
        told = f"{moment(delivery.delivered_at)} real time" if delivery.delivered_at else ""
        yield (
            moments[delivery.correlation_id],
            6,
            (
                link_to(delivery, f"{title_of(delivery.use_case)}: handed on"),
                delivery.receiver.name,
                badge(delivery.get_state_display(), shade),
                told or f"{delivery.attempts} attempt{'' if delivery.attempts == 1 else 's'}",
            ),
        )


def _closings(session: ServiceSession) -> Iterator[Line]:
    """What staff closed by hand: the journal holds messages only."""
    for row in session.closings.select_related("closed_by"):
        before, after = row.get_from_state_display(), row.get_to_state_display()
        became = f"{before}: its SDR given up" if before == after else f"{before} → {after}"
        yield row.at, 9, ("Closed by hand", str(row.closed_by), became, row.reason)


def lines_of_records(sdrs: list[Sdr]) -> Iterator[Line]:
    """SDRs, and what was decided on them."""
    for sdr in sdrs:
        claim = money(sdr.claim_before_tax, sdr.currency)
        yield sdr.received_at, 7, (link_to(sdr, f"SDR {sdr}"), "", claim, "")
    names = {sdr.pk: sdr for sdr in sdrs}
    for event in SdrEvent.objects.filter(sdr__in=list(names)).order_by("at", "id")[:MOST]:
        what = link_to(names[event.sdr_id], f"SDR {names[event.sdr_id]}: {event}")
        yield event.at, 8, (what, event.actor, plain_words(event.reason), event.note)

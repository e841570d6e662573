"""Writing the journal: a row before a message acts, a row with its verdict; both append-only."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from roaming.domain.refusals import Fault, Refusal
from roaming.domain.secrets import fingerprint
from roaming.hub_switch.envelope import Envelope
from roaming.hub_switch.journal_rows import Line, write_lines
from roaming.hub_switch.route import Route
from roaming.hub_switch.withdrawing import LOST, PutQuestion, withdrawal
from roaming.models import JournalEntry, OperatorIdentifier
from roaming.outbox import Parcel, enqueue, platform_of


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an exchange ended. `answer` is kept in the erasable body table."""

    outcome: JournalEntry.Outcome
    refusal_code: str = ""
    answer: str = ""

    @classmethod
    def of_repetition(cls) -> Verdict:
        """The same message again: nothing new was left behind."""
        return cls(JournalEntry.Outcome.ACCEPTED, "", "the same content again")

    @classmethod
    def of_refusal(cls, refusal: Refusal) -> Verdict:
        """What the journal says of a no of the hub, or of a receiver that could not be asked."""
        failed = refusal.reason.fault is Fault.RECEIVER
        outcome = JournalEntry.Outcome.FAILED if failed else JournalEntry.Outcome.REFUSED_BY_HUB
        return cls(outcome, refusal.code, refusal.detail)


def write_admission(
    envelope: Envelope, route: Route, session_id: uuid.UUID | None = None, object_key: str = ""
) -> None:
    """The row before: what was admitted, from whom to whom, under which agreement.

    Raises Outdated where that was judged by rights that no longer stand.
    """
    write_admissions(envelope, [route], session_id, object_key)


def write_admissions(
    envelope: Envelope,
    routes: Sequence[Route],
    session_id: uuid.UUID | None = None,
    object_key: str = "",
) -> None:
    """The rows before, for a question to many; the message itself stands with the first."""
    lines = []
    for route in routes:
        line = _line(envelope, route, JournalEntry.Phase.ADMITTED, (session_id, object_key))
        line.outcome = JournalEntry.Outcome.PENDING.value
        lines.append(line)
    lines[0].content = _text(envelope.body.decode(errors="replace"))
    _write(envelope, lines)


def write_verdict(
    envelope: Envelope,
    route: Route,
    verdict: Verdict,
    session_id: uuid.UUID | None = None,
    object_key: str = "",
) -> None:
    """The row after. A stored message has only this one, written with what it left behind."""
    line = _line(envelope, route, JournalEntry.Phase.VERDICT, (session_id, object_key))
    line.outcome, line.refusal_code = str(verdict.outcome), verdict.refusal_code
    line.latency_us = envelope.elapsed_us()
    line.content = _text(verdict.answer)
    _write(envelope, [line])


def _write(envelope: Envelope, lines: Sequence[Line]) -> None:
    """The first row of a message proves that the rights stand by which it was judged."""
    judgement = envelope.judgement
    if judgement is None or judgement.stands:
        write_lines(lines)
        return
    for line in lines:
        line.version = judgement.version
    write_lines(lines)
    judgement.stands = True


def _line(
    envelope: Envelope,
    route: Route,
    phase: JournalEntry.Phase,
    concerns: tuple[uuid.UUID | None, str],
) -> Line:
    session_id, object_key = concerns
    return Line(
        transaction_id=envelope.transaction_id,
        phase=phase.value,
        at=envelope.now,
        environment=envelope.environment,
        use_case=envelope.use_case.code,
        message_id=envelope.message_id,
        correlation_id=envelope.correlation_id,
        sender_id=envelope.sender.pk,
        visited_cso_id=route.visited_cso.pk if route.visited_cso else None,
        home_csp_id=route.home_csp.pk if route.home_csp else None,
        agreement_id=route.agreement.pk if route.agreement else None,
        service_session_id=session_id,
        object_key=object_key,
        outcome="",
        refusal_code="",
        latency_us=None,
        body_hmac=f"\\x{_fingerprint(envelope.body).hex()}",
        content="",
        version=None,
    )


def _text(content: str) -> str:
    """PostgreSQL keeps no NUL in a text."""
    return content.replace("\x00", "\ufffd")


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One record of a call that carries many: its verdict, its id, its bytes."""

    verdict: Verdict
    object_key: str
    body: bytes


_COLUMNS = (
    "id", "transaction_id", "phase", "at", "environment", "use_case", "message_id",
    "correlation_id", "sender_id", "visited_cso_id", "home_csp_id", "agreement_id", "object_key",
    "outcome", "refusal_code", "latency_us", "body_hmac",
)  # fmt: skip


def write_verdicts(envelope: Envelope, route: Route, lines: Sequence[JournalLine]) -> None:
    """The rows after, for a call that carries many records; as many statements as for one."""
    if not lines:
        return
    entry = _entry(envelope, route, JournalEntry.Phase.VERDICT)
    entry.latency_us = envelope.elapsed_us()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('roaming_journalentry', 'id')) "
            "FROM generate_series(1, %s)",
            [len(lines)],
        )
        keys = [key for (key,) in cursor.fetchall()]
        # COPY: a call brings thousands.
        with cursor.copy(f"COPY roaming_journalentry ({', '.join(_COLUMNS)}) FROM STDIN") as copy:
            for key, line in zip(keys, lines, strict=True):
                entry.id, entry.object_key = key, line.object_key
                entry.outcome = line.verdict.outcome.value
                entry.refusal_code = line.verdict.refusal_code
                entry.body_hmac = _fingerprint(line.body)
                copy.write_row([getattr(entry, name) for name in _COLUMNS])
        with cursor.copy("COPY roaming_journalbody (entry_id, content) FROM STDIN") as copy:
            for key, line in zip(keys, lines, strict=True):
                if line.verdict.answer:
                    copy.write_row([key, line.verdict.answer])


UNANSWERED_AFTER_S = 60

_CLOSE_UNANSWERED = """
WITH unanswered AS (
    SELECT admitted.* FROM roaming_journalentry admitted
    WHERE admitted.phase = 'admitted' AND admitted.recorded_at < %(before)s
      AND NOT EXISTS (
          -- A question to many has a verdict for each; one that names nobody answers for all.
          SELECT FROM roaming_journalentry verdict
          WHERE verdict.transaction_id = admitted.transaction_id AND verdict.phase = 'verdict'
            AND (verdict.home_csp_id = admitted.home_csp_id) IS NOT FALSE)
), session AS (
    UPDATE roaming_servicesession SET state = 'refused', refusal_reason = 'internal_error'
    FROM unanswered
    WHERE roaming_servicesession.id = unanswered.service_session_id AND state = 'requested'
        -- A command may have arrived: it times out by itself, and a result may still come.
        AND unanswered.use_case NOT IN ('UC3-2', 'UC3-8')
)
INSERT INTO roaming_journalentry (transaction_id, phase, at, environment, use_case, message_id,
    correlation_id, sender_id, visited_cso_id, home_csp_id, agreement_id, service_session_id,
    object_key, outcome, refusal_code, body_hmac)
SELECT transaction_id, 'verdict', %(now)s, environment, use_case, message_id, correlation_id,
    sender_id, visited_cso_id, home_csp_id, agreement_id, service_session_id, object_key, 'failed',
    'internal_error', body_hmac
FROM unanswered
RETURNING transaction_id, service_session_id, use_case, correlation_id, environment,
    visited_cso_id, home_csp_id
"""
# What a home-CSP may have answered with an acceptance.
_AUTHORISING = ("UC3-1", "UC3-3", "UC4-1")


def close_unanswered(now: datetime, real_now: datetime) -> int:
    """Gives a verdict to what was admitted and then lost with its process; returns how many.

    A live question takes seconds; a minute later nobody waits for it any more. A home-CSP that was
    asked whether a user may charge is told that its answer, if it gave one, counts for nothing.
    """
    before = real_now - timedelta(seconds=UNANSWERED_AFTER_S)
    with transaction.atomic(), connection.cursor() as cursor:
        # One sweep at a time: two would write two verdicts.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('close unanswered'))")
        cursor.execute(_CLOSE_UNANSWERED, {"before": before, "now": now})
        lost = cursor.fetchall()
        enqueue(_withdrawals(row for row in lost if row[2] in _AUTHORISING))
        return len(lost)


def _withdrawals(lost: Iterable[tuple[Any, ...]]) -> Iterator[Parcel]:
    for question_id, session_id, use_case, correlation_id, environment, cso, csp in lost:
        if cso is None or csp is None:
            continue
        home_csp = OperatorIdentifier.objects.get(pk=csp)
        platform = platform_of(home_csp, environment)
        if platform is not None:
            visited_cso = OperatorIdentifier.objects.get(pk=cso)
            question = PutQuestion(
                question_id, session_id, use_case, visited_cso.identifier, correlation_id
            )
            yield withdrawal(question, home_csp.identifier, platform, LOST)


def _fingerprint(body: bytes) -> bytes:
    return fingerprint(settings.HMAC_KEY, body.decode(errors="replace"))


def _entry(envelope: Envelope, route: Route, phase: JournalEntry.Phase) -> JournalEntry:
    return JournalEntry(
        transaction_id=envelope.transaction_id,
        phase=phase,
        at=envelope.now,
        environment=envelope.environment,
        use_case=envelope.use_case.code,
        message_id=envelope.message_id,
        correlation_id=envelope.correlation_id,
        sender=envelope.sender,
        visited_cso=route.visited_cso,
        home_csp=route.home_csp,
        agreement_id=route.agreement.pk if route.agreement else None,
        body_hmac=_fingerprint(envelope.body),
    )

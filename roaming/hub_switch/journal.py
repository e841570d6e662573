"""Writing the journal: a row before a message acts, a row with its verdict; both append-only."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from roaming.domain.refusals import Fault, Refusal
from roaming.domain.secrets import fingerprint
from roaming.hub_switch.envelope import Envelope
from roaming.hub_switch.route import Route
from roaming.models import JournalBody, JournalEntry


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
    """The row before: what was admitted, from whom to whom, under which agreement."""
    with transaction.atomic():
        entry = _entry(envelope, route, JournalEntry.Phase.ADMITTED)
        entry.service_session_id, entry.object_key = session_id, object_key
        entry.outcome = JournalEntry.Outcome.PENDING
        entry.save(force_insert=True)
        _keep_body(entry, envelope.body.decode(errors="replace"))


def write_verdict(
    envelope: Envelope,
    route: Route,
    verdict: Verdict,
    session_id: uuid.UUID | None = None,
    object_key: str = "",
) -> None:
    """The row after. A stored message has only this one, written with what it left behind."""
    with transaction.atomic():
        entry = _entry(envelope, route, JournalEntry.Phase.VERDICT)
        entry.service_session_id, entry.object_key = session_id, object_key
        entry.outcome, entry.refusal_code = verdict.outcome, verdict.refusal_code
        entry.latency_us = envelope.elapsed_us()
        entry.save(force_insert=True)
        _keep_body(entry, verdict.answer)


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
        body_hmac=fingerprint(settings.HMAC_KEY, envelope.body.decode(errors="replace")),
    )


def _keep_body(entry: JournalEntry, content: str) -> None:
    if content:
        JournalBody.objects.create(entry=entry, content=content)

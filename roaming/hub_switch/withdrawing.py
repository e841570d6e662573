"""Telling a home-CSP that its acceptance counts for nothing (UC4-1, stored delivery)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import msgspec

from roaming.domain.identification_messages import Withdrawal
from roaming.models import Platform
from roaming.outbox import Parcel

PATH = "uc4-1/withdrawal"
ELSEWHERE, TOO_LATE, LOST = "accepted_elsewhere", "accepted_too_late", "lost"


@dataclass(frozen=True, slots=True)
class PutQuestion:
    """A question that was put to home-CSPs, as a withdrawal names it."""

    question_id: uuid.UUID
    service_session_id: uuid.UUID | None
    use_case: str
    visited_cso: str
    correlation_id: str


def withdrawal(
    question: PutQuestion, home_csp: str, platform: Platform, reason: str, reference: str = ""
) -> Parcel:
    """The parcel for one home-CSP. `reference` is the one that it gave; empty: none was heard."""
    message = Withdrawal(
        question_id=question.question_id,
        service_session_id=question.service_session_id,
        use_case=question.use_case,
        visited_cso=question.visited_cso,
        home_csp=home_csp,
        authorization_reference=reference,
        reason=reason,
    )
    return Parcel(
        platform,
        question.use_case,
        PATH,
        f"question:{question.question_id}:{home_csp}",
        msgspec.json.encode(message).decode(),
        question.correlation_id,
    )

"""The handshake with a roaming endpoint: before a registration counts, and as a probe (UC1-1)."""

from __future__ import annotations

import secrets
import uuid

import msgspec
from django.conf import settings

from roaming import ports
from roaming.domain.handshake import (
    VERSIONS,
    HandshakeAnswer,
    HandshakeMessage,
    Party,
    read_handshake,
)
from roaming.domain.receiving import HANDSHAKE_PATH
from roaming.domain.refusals import Refusal
from roaming.domain.use_case import UseCase
from roaming.hub_switch.asking import carry
from roaming.hub_switch.live_questions import LiveQuestions, live_questions
from roaming.models import Operator, Platform, RoamingEndpoint

# Apart from the questions to the endpoint in use, whose breaker says nothing of a new one.
_handshakes = LiveQuestions()


def shake_hands(
    platform: Platform,
    address: ports.Address,
    correlation_id: str,
    dialect: str = RoamingEndpoint.Dialect.NATIVE,
) -> HandshakeAnswer:
    """Presents ourselves at `address` and returns what the platform answered.

    Refuses handshake_failed, with what was wrong, and where too many are under way overloaded or
    receiver_overloaded. Must be called outside a transaction.
    """
    nonce = secrets.token_urlsafe(24)
    message = ports.OutgoingMessage(
        use_case=UseCase.UC1_1.code,
        path=HANDSHAKE_PATH,
        body=msgspec.json.encode(_message(platform, nonce)),
        message_id=str(uuid.uuid4()),
        correlation_id=correlation_id,
    )
    # Whoever can register or rotate must not hold all web threads with an endpoint that is slow.
    with live_questions.place_of_a_round(), _handshakes.place(platform.pk, platform.name):
        try:
            answer = carry(dialect, address, message, settings.LIVE_QUESTION_TIMEOUT_S)
        except ports.NoAnswer as silence:
            raise Refusal("handshake_failed", silence.detail) from silence
    if not 200 <= answer.status < 300:
        raise Refusal("handshake_failed", f"The endpoint answered with HTTP {answer.status}.")
    try:
        return read_handshake(answer.body, nonce)
    except ValueError as error:
        raise Refusal("handshake_failed", f"Its answer cannot be used: {error}."[:300]) from error


def parties_of(platform: Platform) -> list[Party]:
    """Whom the platform speaks for."""
    rows = platform.held_identifiers.select_related("identifier").order_by("identifier__identifier")
    return [Party(role=row.identifier.role, identifier=row.identifier.identifier) for row in rows]


def _message(platform: Platform, nonce: str) -> HandshakeMessage:
    ourselves = Operator.objects.filter(is_clearing_house=True).first()
    return HandshakeMessage(
        clearing_house=ourselves.name if ourselves else "Clearing house",
        versions=list(VERSIONS),
        environment=platform.environment,
        platform=platform.name,
        parties=parties_of(platform),
        nonce=nonce,
    )

"""The same message again gets the same answer: Idempotency-Key, or X-Message-ID (API manners).

After the IETF draft "The Idempotency-Key HTTP Header Field": a key names one message of one
platform. The same key with the same method, address and body is answered as it was the first time,
with `Idempotency-Replayed: true`; with anything else it is refused. Without an Idempotency-Key the
X-Message-ID that the sender gave is the key.

Kept are answers that a repetition could not change: every success, and refusals of what stands in
the message itself (400, 411, 413, 415, 422). Not kept, so that the same message may be tried anew:
what depends on rights, agreements or the state of things (401, 403, 404, 409, 412, an unknown
counterparty or EVSE), on load (429), on a receiver or on the clearing house (5xx). A refusal has
left nothing behind that could be doubled.

The answer is kept after the use case's own transaction. A process that dies in between leaves a
claim whose lease ends; the repetition then runs the use case again, which recognises what it did by
its own identity: SDR ids, session states, command and reservation ids, object versions.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import re
from dataclasses import dataclass
from datetime import timedelta

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request

from roaming.api.correlation import correlation_id_of
from roaming.domain.refusals import Refusal
from roaming.domain.secrets import fingerprint, same_digest
from roaming.models import GivenAnswer, Platform
from roaming.models.given_answers import (
    Claim,
    KeptAnswer,
    KeyedMessage,
    claim_answer,
    keep_answer,
    let_go,
)

logger = logging.getLogger(__name__)

REPLAYED = "Idempotency-Replayed"
CHANGING = ("POST", "PUT", "PATCH", "DELETE")
_KEPT_STATUSES = (400, 411, 413, 415, 422)
# Refused with 422, but not for what the message says: somebody may make it true meanwhile.
_MAY_BECOME_TRUE = {
    "unknown_evse", "unknown_party", "home_csp_unknown", "contract_of_other_csp",
}  # fmt: skip
_HEADERS_OF_AN_ANSWER = ("Location", "ETag")
# A Structured Field String (RFC 8941), or what many clients send instead: the same unquoted.
_QUOTED = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,160})"')
_BARE = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]{1,128}")
_MESSAGE_ID = re.compile(r"[\w.:\-]{1,64}", re.ASCII)


class GivenBefore(Exception):  # noqa: N818  not an error: the answer is here already
    """Ends the handling of a message whose answer was kept."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__()
        self.response = response


@dataclass(frozen=True, slots=True)
class Attempt:
    """A message under way that has a key. `seal` encrypts an answer that holds a secret."""

    claim: Claim
    seal: Fernet | None

    def settle(self, response: HttpResponse) -> None:
        """Keeps the answer, or lets the key go. Never in the way of the answer itself."""
        try:
            if _is_final(response):
                keep_answer(self.claim, self._kept(response))
            else:
                let_go(self.claim)
        except Exception:
            # The lease ends; until then the same message is answered `request_in_progress`.
            logger.exception("an answer could not be kept")

    def _kept(self, response: HttpResponse) -> KeptAnswer:
        body = response.content
        return KeptAnswer(
            status=response.status_code,
            content_type=response.get("Content-Type", ""),
            headers={name: response[name] for name in _HEADERS_OF_AN_ANSWER if name in response},
            body=self.seal.encrypt(body) if self.seal else body,
        )


def key_of(request: Request) -> str | None:
    """The key that the sender gave this message; None where it gave none. Refuses rubbish."""
    if request.method not in CHANGING:
        return None
    offered = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if offered is not None:
        return f"key:{_read_key(offered.strip())}"
    offered = request.META.get("HTTP_X_MESSAGE_ID")
    if offered is None:
        return None
    if not _MESSAGE_ID.fullmatch(offered):
        raise Refusal(
            "invalid_field", "1 to 64 letters, digits and . : - _", "X-Message-ID"
        )  # fmt: skip
    return f"msg:{offered}"


def _read_key(offered: str) -> str:
    quoted = _QUOTED.fullmatch(offered)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else offered
    if not (quoted or _BARE.fullmatch(offered)) or len(key) > 128:
        raise Refusal(
            "invalid_field",
            "A string of 1 to 128 printable ASCII characters, such as a UUID in double quotes.",
            "Idempotency-Key",
        )
    return key


def begin(
    request: Request, platform: Platform, body: bytes, sealed_with: str | None = None
) -> Attempt | None:
    """Claims the message's key. None where the sender gave no key.

    Raises GivenBefore with the answer that was kept. Refuses idempotency_conflict and
    request_in_progress. `sealed_with`: a token of the sender; what is kept can be read by nobody
    who does not present it.
    """
    key = key_of(request)
    if key is None:
        return None
    message = KeyedMessage(platform.pk, key, _digest(request, body), correlation_id_of(request))
    life = timedelta(hours=settings.IDEMPOTENCY_HOURS)
    lease = timedelta(seconds=settings.IDEMPOTENCY_LEASE_S)
    claimed = claim_answer(message, timezone.now(), lease=lease, life=life)
    seal = _seal(sealed_with) if sealed_with is not None else None
    if isinstance(claimed, Claim):
        return Attempt(claimed, seal)
    if not same_digest(bytes(claimed.request_hmac), message.request_hmac):
        raise Refusal("idempotency_conflict", "The key belongs to another message.")
    if claimed.status is None:
        raise Refusal("request_in_progress", "The first attempt has not been answered yet.")
    raise GivenBefore(_answer_again(claimed, seal))


def _answer_again(known: GivenAnswer, seal: Fernet | None) -> HttpResponse:
    body = bytes(known.body)
    if seal is not None:
        try:
            body = seal.decrypt(body)
        except InvalidToken as error:
            raise Refusal(
                "idempotency_conflict", "The key was used with other credentials."
            ) from error
    response = HttpResponse(body, status=known.status)
    if known.content_type:
        response["Content-Type"] = known.content_type
    else:
        del response["Content-Type"]
    for name, value in known.headers.items():
        response[name] = value
    response["X-Correlation-ID"] = known.correlation_id  # the story in the journal is under this
    response[REPLAYED] = "true"
    return response


def _digest(request: Request, body: bytes) -> bytes:
    return fingerprint(
        settings.HMAC_KEY,
        str(request.method),
        request.get_full_path(),
        hashlib.sha256(body).hexdigest(),
    )


def _seal(token: str) -> Fernet:
    key = hmac.digest(settings.HMAC_KEY.encode(), f"answer:{token}".encode(), "sha256")
    return Fernet(base64.urlsafe_b64encode(key))


def _is_final(response: HttpResponse) -> bool:
    """Whether the same message would get the same answer for ever."""
    if response.status_code < 300:
        return True
    code = getattr(response, "refusal_code", "")
    return response.status_code in _KEPT_STATUSES and code not in _MAY_BECOME_TRUE

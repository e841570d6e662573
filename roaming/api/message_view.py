"""What all message endpoints share: read with a limit, decode, wrap, call, render."""

from __future__ import annotations

import io
import re
from functools import cache
from typing import Any, TypeVar

import msgspec
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.views import APIView

from roaming.api.authentication import bearer_token
from roaming.api.correlation import correlation_id_of, message_id_of
from roaming.api.given_answers import CHANGING, Attempt, GivenBefore, begin, key_of
from roaming.api.manners import say_what_is_read
from roaming.api.problems import as_refusal, problem
from roaming.domain.refusals import Refusal
from roaming.domain.use_case import Exchange
from roaming.domain.wire_text import check_text
from roaming.hub_switch import Envelope, Route, Verdict, write_verdict
from roaming.hub_switch.envelope import Judgement
from roaming.hub_switch.rights import Outdated, judged_by, standing_version
from roaming.models import JournalEntry, Platform
from roaming.models.clock import business_now

T = TypeVar("T")
_PATH = re.compile(r"`\$\.?(?P<path>[^`]*)`")


class PlatformRequest(Request):
    """DRF's request; what every message asks of Django's request is asked of it directly."""

    @property
    def META(self) -> dict[str, Any]:  # type: ignore[override]  # noqa: N802  Django's name
        meta: dict[str, Any] = self._request.META
        return meta

    @property
    def method(self) -> str | None:  # type: ignore[override]
        return self._request.method


@cache
def _headers_of(view: type[APIView]) -> dict[str, str]:
    """Those that DRF gives every answer of the view: found out once."""
    return dict(APIView.default_response_headers.fget(view()))  # type: ignore[attr-defined]


class MessageView(APIView):
    """A view of one use case. `use_case` names it; refusals are journalled under it."""

    use_case: Exchange
    media_types: tuple[str, ...] = ("application/json",)
    journals_refusals = True
    # Answers that hold a credential are kept encrypted with the one that the caller presented.
    answers_hold_secrets = False
    # A use case that admits its message before it acts may judge it by what is kept in memory:
    # the admission asks whether that stood, and if not the message is judged anew.
    is_admitted = False
    judges_from_memory = False
    _attempt: Attempt | None = None
    _judgement: Judgement | None = None
    _envelope: Envelope | None = None

    @property
    def max_bytes(self) -> int:
        return int(settings.MAX_MESSAGE_BYTES)

    @property
    def default_response_headers(self) -> dict[str, str]:
        return dict(_headers_of(self.__class__))  # type: ignore[arg-type]

    def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Request:
        return PlatformRequest(
            request,
            parsers=self.get_parsers(),
            authenticators=self.get_authenticators(),
            negotiator=self.get_content_negotiator(),
            parser_context=self.get_parser_context(request),
        )

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Nearly everybody takes JSON and says so plainly, or says nothing."""
        accepted = request.META.get("HTTP_ACCEPT", "*/*")
        if accepted in ("*/*", "application/json") and not request.META.get("QUERY_STRING"):
            renderer = self.get_renderers()[0]
            return renderer, renderer.media_type
        return super().perform_content_negotiation(request, force)

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Judges the message anew while what it was judged by turns out to stand no longer."""
        if not self.is_admitted:
            return super().dispatch(request, *args, **kwargs)
        for from_memory in (True, False, False, False):
            self.judges_from_memory = from_memory
            self._judgement = self._envelope = None
            try:
                return super().dispatch(request, *args, **kwargs)
            except Outdated:
                continue
            except (OperationalError, InterfaceError) as error:  # of `_check_judgement`
                return problem(request, as_refusal(error))
        return problem(request, Refusal("unavailable", "The rules of the switch do not rest."))

    def _check_judgement(self) -> None:
        """Before anything goes out that no admission has proven: Outdated where it must not."""
        rights = judged_by() if self.is_admitted else None
        if rights is None or (self._judgement is not None and self._judgement.stands):
            return
        if standing_version() != rights.version:
            raise Outdated

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """After credentials and limits: a message that came before is answered as before."""
        super().initial(request, *args, **kwargs)
        rights = judged_by()
        if self.is_admitted and rights is not None:
            self._judgement = Judgement(rights.version)
        if self._attempt is not None or not self._answers(request) or key_of(request) is None:
            return
        asker = self.asker(request)
        if asker is not None:
            token = (bearer_token(request) or "") if self.answers_hold_secrets else None
            self._attempt = begin(request, asker, self._read(request), token)

    def _answers(self, request: Request) -> bool:
        """Else it is no message of any use case, but method_not_allowed."""
        return hasattr(self, str(request.method).lower())

    def asker(self, request: Request) -> Platform | None:
        """The platform whose keys and message ids are looked at."""
        return request.user if isinstance(request.user, Platform) else None

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """The answer is kept before it goes out: whoever saw it sees the same again."""
        self._check_judgement()
        response = super().finalize_response(request, response, *args, **kwargs)
        attempt, self._attempt = self._attempt, None
        if attempt is None:
            return response
        if getattr(response, "is_rendered", True):
            attempt.settle(response)
        else:
            response.add_post_render_callback(attempt.settle)
        return response

    def body_of(self, request: Request) -> bytes:
        """The raw body, within the limit. Refuses body_too_large and unsupported_media_type."""
        media_type = (request.META.get("CONTENT_TYPE") or "").partition(";")[0].strip().lower()
        if media_type not in self.media_types:
            raise UnsupportedMediaType(media_type or "nothing")
        if (request.META.get("HTTP_CONTENT_ENCODING") or "identity").lower() != "identity":
            raise Refusal(
                "unsupported_media_type", "Bodies are read unencoded.", "Content-Encoding"
            )
        return self._read(request)

    def _read(self, request: Request) -> bytes:
        """The body as it came, read once. Refuses length_required and body_too_large."""
        inner = request._request
        known: bytes | None = inner.__dict__.get("_body")
        if known is not None:
            return known
        if "chunked" in (request.META.get("HTTP_TRANSFER_ENCODING") or "").lower():
            raise Refusal("length_required", "Send a Content-Length instead of chunks.")
        try:
            announced = int(request.META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            announced = 0
        if announced > self.max_bytes:
            raise Refusal("body_too_large", f"At most {self.max_bytes} bytes.")
        body = bytes(inner.read(self.max_bytes + 1))
        if len(body) > self.max_bytes:
            raise Refusal("body_too_large", f"At most {self.max_bytes} bytes.")
        inner._body, inner._stream = body, io.BytesIO(body)  # as if Django itself had read it
        return body

    def envelope(self, request: Request, body: bytes = b"") -> Envelope:
        """The message's surroundings, for the use case and for the journal."""
        envelope = Envelope(
            use_case=self.use_case,
            sender=request.user,  # type: ignore[arg-type]
            message_id=message_id_of(request),
            correlation_id=correlation_id_of(request),
            now=business_now(),
            body=body,
            claim=self._attempt.claim if self._attempt is not None else None,
            judgement=self._judgement,
        )
        self._envelope = envelope
        return envelope

    def note(self, request: Request, what: str, sender: Platform | None = None) -> None:
        """A journal row for what is local to the clearing house (UC1-1)."""
        if sender is not None:
            request.user = sender  # type: ignore[assignment]
        verdict = Verdict(JournalEntry.Outcome.ACCEPTED, answer=what)
        write_verdict(self.envelope(request), Route(), verdict)

    def handle_exception(self, exc: Exception) -> Any:
        """Every refusal of an authenticated platform's message stands in the journal."""
        if isinstance(exc, GivenBefore):
            return exc.response
        if isinstance(exc, Outdated):
            raise exc
        refusal = as_refusal(exc)
        request = self.request
        # Not `request.user`: where authentication failed, asking again would fail again.
        sender = getattr(request, "_user", None)
        journals = self.journals_refusals and request.method in CHANGING and self._answers(request)
        if isinstance(sender, Platform) and journals and not refusal.journalled:
            try:
                envelope = self._envelope or self.envelope(request)
                write_verdict(envelope, Route(), Verdict.of_refusal(refusal))
            except Outdated:
                raise
            except Exception as broken:  # the answer must go out all the same
                refusal = as_refusal(broken)
        response = problem(request, refusal)
        response.exception = True  # type: ignore[attr-defined]
        if response.status_code == 415:
            say_what_is_read(response, self, [str(request.method)])
            response["Accept-Encoding"] = "identity"
        return response

    def render(
        self, request: Request, content: object, status: int = 200, location: str = ""
    ) -> HttpResponse:
        """The answer as JSON, decimals as strings, with the correlation id.

        `location`: the address of what a 201 made.
        """
        response = HttpResponse(
            msgspec.json.encode(content), content_type="application/json", status=status
        )
        response["X-Correlation-ID"] = correlation_id_of(request)
        if location:
            response["Location"] = location
        return response


def decode(body: bytes, kind: type[T]) -> T:
    """The body as a value of the domain. Refuses malformed_body and invalid_field with its path."""
    check_text(body)
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        found = _PATH.search(str(error))
        field = found["path"] if found else None
        raise Refusal("invalid_field", str(error), field or None) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal("malformed_body", str(error)) from error

"""Problem details (RFC 9457): every no of the API has a stable code and the correlation id."""

from __future__ import annotations

import logging
import math
from typing import Any

import msgspec
from django.core.exceptions import DisallowedHost, PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.request import Request

from roaming.api.correlation import correlation_id_of
from roaming.domain.refusals import CATALOGUE, Refusal

logger = logging.getLogger(__name__)


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The body of every error. `code` is of the refusal catalogue, `field` a path in the body."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    field: str | None = None
    whose_fault: str
    what_to_do: str
    correlation_id: str


_DRF: list[tuple[type[Exception], str]] = [
    (exceptions.NotAuthenticated, "not_authenticated"),
    (exceptions.AuthenticationFailed, "not_authenticated"),
    (exceptions.MethodNotAllowed, "method_not_allowed"),
    (exceptions.NotAcceptable, "not_acceptable"),
    (exceptions.UnsupportedMediaType, "unsupported_media_type"),
    (exceptions.Throttled, "rate_limited"),
    (exceptions.ParseError, "malformed_body"),
    (exceptions.ValidationError, "invalid_field"),
    (exceptions.NotFound, "not_found"),
    (exceptions.PermissionDenied, "party_not_held"),
    (PermissionDenied, "party_not_held"),
    (Http404, "not_found"),
    (SuspiciousOperation, "malformed_request"),
    (OperationalError, "unavailable"),
    (InterfaceError, "unavailable"),
]


# How soon it makes sense to try again, in seconds; goes out as Retry-After.
RETRY_AFTER_S = {
    "request_in_progress": 2,
    "rate_limited": 60,
    "overloaded": 2,
    "unavailable": 5,
    "receiver_overloaded": 2,
    "receiver_not_connected": 30,
    "receiver_offline": 30,
}


def as_refusal(error: Exception) -> Refusal:
    """Any exception as a line of the catalogue; what nobody foresaw is our own fault, logged."""
    if isinstance(error, Refusal):
        if error.code == "internal_error" and error.__cause__ is not None:
            logger.error("unforeseen error", exc_info=error.__cause__)
        return error
    for kind, code in _DRF:
        if isinstance(error, kind):
            if code == "unavailable":
                logger.error("the database did not answer", exc_info=error)
                return Refusal(code, "The database did not answer.")
            detail, field = _detail_and_field(error)
            # A filter may say more than invalid_field.
            named = _named_code(detail) if kind is exceptions.ValidationError else None
            refusal = Refusal(named or code, str(detail), field)
            wait = getattr(error, "wait", None)  # of Throttled
            if wait is not None:
                refusal.retry_after_s = math.ceil(wait)
            return refusal
    logger.error("unforeseen error", exc_info=error)
    return Refusal("internal_error", "An unforeseen error was recorded.")


def _detail_and_field(error: Exception) -> tuple[str, str | None]:
    """The first message of an error of DRF in words, and the field that it names."""
    detail = getattr(error, "detail", None) or str(error) or "It cannot be done."
    if isinstance(detail, dict):
        field, messages = next(iter(detail.items()))
        return (messages[0] if isinstance(messages, list) else messages), str(field)
    return (detail[0] if isinstance(detail, list) else detail), None


def _named_code(detail: str) -> str | None:
    code = getattr(detail, "code", None)
    return code if code in CATALOGUE else None


def problem(request: Request | HttpRequest, refusal: Refusal) -> HttpResponse:
    """The refusal as a response."""
    reason = refusal.reason
    correlation_id = correlation_id_of(request)
    body = Problem(
        type=f"/api/docs/refusals#{reason.code}",
        title=reason.title,
        status=reason.status,
        code=reason.code,
        detail=refusal.detail,
        field=refusal.field,
        whose_fault=reason.fault.value,
        what_to_do=reason.what_to_do,
        correlation_id=correlation_id,
    )
    response = HttpResponse(
        msgspec.json.encode(body), content_type="application/problem+json", status=reason.status
    )
    response["X-Correlation-ID"] = correlation_id
    response.refusal_code = reason.code  # type: ignore[attr-defined]
    # A refusal is an answer; what broke was logged by `as_refusal`. Else Django logs each 503.
    response._has_been_logged = True  # type: ignore[attr-defined]
    wait_s = refusal.retry_after_s or RETRY_AFTER_S.get(reason.code)
    if wait_s is not None:
        response["Retry-After"] = str(wait_s)
    if reason.status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="clearing house"'
    return response


def problem_response(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """DRF's exception handler."""
    return problem(context["request"], as_refusal(error))


@csrf_exempt  # no session decides here, and a platform is to read JSON
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The 404 below /api/."""
    return problem(request, Refusal("not_found", "There is nothing at this address."))


def unusable_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The 400 below /api/ of a request that no view ever saw: a bad Host header, for one."""
    if isinstance(exception, DisallowedHost):
        detail = "The Host header names none of the clearing house's names."
        return problem(request, Refusal("malformed_request", detail, "Host"))
    return problem(request, as_refusal(exception))


def failed_request(request: HttpRequest) -> HttpResponse:
    """The 500 below /api/ of what broke outside of a view; Django has logged it."""
    return problem(request, Refusal("internal_error", "An unforeseen error was recorded."))


assert all(code in CATALOGUE for code in [*RETRY_AFTER_S, *(code for _, code in _DRF)])

"""Middleware of our own."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from pghistory.middleware import HistoryMiddleware

from clearinghouse import logs, metrics
from roaming.api.correlation import correlation_id_of
from roaming.hub_switch.rights import of_one_request

access_log = logging.getLogger("clearinghouse.access")

# What a form of people's pages holds beside the largest file that anybody sends there.
_FORM_BYTES = 200_000


class StaffHistoryMiddleware(HistoryMiddleware):
    """Notes who changes what, for people's pages only.

    Below /api/ the journal says who did what; noting it twice would cost a message more than its
    own statements do.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith("/api/"):
            response: HttpResponseBase = self.get_response(request)
            return response
        result: HttpResponseBase = super().__call__(request)  # type: ignore[no-untyped-call]
        return result


class _ShortWay:
    """Where the short way of the chain that is being built leads to."""

    end: Callable[[HttpRequest], HttpResponseBase]


class EndOfPeoplesMiddleware:
    """Stands last: here the short way of `PeoplesOnlyMiddleware` ends."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = _ShortWay.end = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)


class PeoplesOnlyMiddleware:
    """Leads a platform's message past everything between here and `EndOfPeoplesMiddleware`.

    Sessions, cookies, CSRF, log-in and frames mean nothing to a platform, and would cost each
    message more than its own journal rows do. Its host is checked all the same.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._long_way = get_response
        self._short_way = _ShortWay.end  # Django builds the chain from its end

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith("/api/v1/"):
            if _too_large(request):
                return HttpResponse("That is too large.", status=413, content_type="text/plain")
            return self._long_way(request)
        request.get_host()
        with of_one_request():
            response = self._short_way(request)
        if isinstance(response, HttpResponse) and "Content-Length" not in response:
            response["Content-Length"] = str(len(response.content))
        return response


def _too_large(request: HttpRequest) -> bool:
    """Before anything is read, and before anybody has logged in."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    return not length.isdecimal() or int(length) > settings.DISPUTE_FILE_BYTES + _FORM_BYTES


class ApiWatchMiddleware:
    """Around every message of a platform: its correlation id in the logs, its figures in metrics.

    With CLEARINGHOUSE_ACCESS_LOG a line per message, too; the journal holds the same and more.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith("/api/v1/"):
            return self.get_response(request)
        began = time.perf_counter()
        known = logs.correlation_id.set(correlation_id_of(request))
        try:
            response = self.get_response(request)
            self._note(request, response, time.perf_counter() - began)
        finally:
            logs.correlation_id.reset(known)
        return response

    def _note(self, request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
        match = request.resolver_match
        operation = f"{request.method} {match.url_name}" if match else "unknown address"
        code = getattr(response, "refusal_code", "")
        metrics.MESSAGES.labels(operation, str(response.status_code), code).inc()
        metrics.LATENCY.labels(operation).observe(seconds)
        if settings.ACCESS_LOG:
            access_log.info(
                "%s %d %s",
                operation,
                response.status_code,
                code or "ok",
                extra={
                    "operation": operation,
                    "status": response.status_code,
                    "code": code,
                    "milliseconds": round(seconds * 1000, 1),
                },
            )

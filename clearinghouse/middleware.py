"""Middleware of our own."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from pghistory.middleware import HistoryMiddleware

from clearinghouse import logs, metrics
from roaming.api.correlation import correlation_id_of

access_log = logging.getLogger("clearinghouse.access")


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

"""Middleware of our own."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from pghistory.middleware import HistoryMiddleware


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

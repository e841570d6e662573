"""Every answer that any test gets from the API must be one that its documentation names."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from roaming.api.operation_schema import ANYWHERE

_PART = re.compile(r"<(?:\w+:)?(\w+)>")


class DocumentedAnswers:
    """Middleware of the tests: fails the test whose answer has an undocumented status or code."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.path.startswith("/api/v1/") and request.resolver_match:
            self._check(request, response)
        return response

    def _check(self, request: HttpRequest, response: HttpResponseBase) -> None:
        from roaming.api.documentation import document

        code = getattr(response, "refusal_code", "")
        address = "/" + _PART.sub(r"{\1}", str(request.resolver_match.route))
        method = "get" if request.method == "HEAD" else str(request.method).lower()
        operation = document()["paths"].get(address, {}).get(method)
        if operation is None or code in ANYWHERE:
            return
        what = f"{request.method} {address} answered {response.status_code} {code}"
        documented = operation["responses"].get(str(response.status_code))
        assert documented, f"{what}, which its documentation does not name"
        if code:
            codes = documented["content"]["application/problem+json"]["examples"]
            assert code in codes, f"{what}, which its documentation does not name: add the code"

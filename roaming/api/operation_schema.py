"""OpenAPI of operations: what all of them share is added here, so that no view can forget it.

The headers of requests and answers, the refusals that any message can meet, an example for each
refusal. Views say the rest with `extend_schema`.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample

from roaming.api.message_view import MessageView
from roaming.api.operation_examples import OPERATION_EXAMPLES
from roaming.api.schema import Refused, describe_refusals
from roaming.domain.refusals import CATALOGUE

Schema = dict[str, Any]

_ANY = ("internal_error", "unavailable", "not_acceptable")
_AUTHENTICATED = ("not_authenticated", "certificate_required", "rate_limited")
_KEYED = ("idempotency_conflict", "request_in_progress", "invalid_field")
_WITH_BODY = (
    "malformed_body", "body_too_large", "length_required", "unsupported_media_type",
)  # fmt: skip
_LISTED = ("invalid_field", "invalid_identifier", "time_without_offset")
# What no operation lists, because it is no answer to one: the address, the method or the host are
# wrong. The description of the API names them.
ANYWHERE = ("malformed_request", "method_not_allowed", "not_found")


class ApiSchema(AutoSchema):
    """The schema class of every view of the API."""

    def get_operation(self, *arguments: Any, **options: Any) -> Schema | None:
        operation: Schema | None = super().get_operation(*arguments, **options)
        if operation is not None:
            self._add_headers(operation)
            self._add_refusals(operation)
            operation["responses"] = dict(sorted(operation["responses"].items()))
            operation["x-own-refusals"] = sorted(self._declared())
            self._add_link(operation)
        return operation

    def get_examples(self) -> list[OpenApiExample]:
        """Those of the view come on top of this."""
        return OPERATION_EXAMPLES.get(self.get_operation_id(), [])

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Schema:
        """Rows of lists: every field is there in every answer."""
        schema: Schema = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        if "description" in schema:
            schema["description"] = " ".join(schema["description"].split())
        if schema.get("properties"):
            schema["required"] = list(schema["properties"])
        return schema

    def _add_link(self, operation: Schema) -> None:
        code = next((tag.split(" ")[0] for tag in operation["tags"] if tag.startswith("UC")), None)
        if code is not None:
            operation["description"] = (
                f"{operation.get('description', '')}\n\n[{code} with every refusal and what the "
                f"other side receives](/api/docs/use-cases/{code})"
            )

    @property
    def _is_authenticated(self) -> bool:
        return bool(self.view.authentication_classes)

    @property
    def _is_keyed(self) -> bool:
        return isinstance(self.view, MessageView) and self.method != "GET"

    @property
    def _is_conditional(self) -> bool:
        return self.method == "PUT" and getattr(self.view, "takes_conditions", False)

    def _add_headers(self, operation: Schema) -> None:
        names = ["CorrelationId"]
        if self._is_keyed:
            names += ["MessageId", "IdempotencyKey"]
        if self.method == "GET":
            names.append("IfNoneMatch")
        if self._is_conditional:
            names.append("IfMatch")
        operation.setdefault("parameters", []).extend(
            {"$ref": f"#/components/parameters/{name}"} for name in names
        )
        if self.method == "GET":
            operation["responses"]["304"] = {"description": "The caller has it already."}
        for status, answer in operation["responses"].items():
            answer.setdefault("headers", {}).update(
                {
                    header: {"$ref": f"#/components/headers/{component}"}
                    for header, component in self._headers_of(status)
                }
            )

    def _headers_of(self, status: str) -> list[tuple[str, str]]:
        found = [("X-Correlation-ID", "CorrelationId"), ("Cache-Control", "CacheControl")]
        if self._is_authenticated:
            found += [("RateLimit", "RateLimit"), ("RateLimit-Policy", "RateLimitPolicy")]
        if (self.method == "GET" and status in ("200", "304")) or (
            self._is_conditional and status == "200"
        ):
            found.append(("ETag", "ETag"))
        if self._is_keyed and status[0] == "2":
            found.append(("Idempotency-Replayed", "IdempotencyReplayed"))
        if status == "201":
            found.append(("Location", "Location"))
        return found

    def _add_refusals(self, operation: Schema) -> None:
        grouped: dict[int, set[str]] = {}
        for code in {*self._declared(), *self._shared()}:
            grouped.setdefault(CATALOGUE[code].status, set()).add(code)
        for status, codes in grouped.items():
            operation["responses"][str(status)] = self._problem(status, sorted(codes))

    def _declared(self) -> set[str]:
        answers = self.get_response_serializers()
        if not isinstance(answers, dict):
            return set()
        return {
            code for answer in answers.values() if isinstance(answer, Refused)
            for code in answer.codes
        }  # fmt: skip

    def _shared(self) -> set[str]:
        codes = set(_ANY)
        if self._is_authenticated:
            codes.update(_AUTHENTICATED)
        if self._is_keyed:
            codes.update(_KEYED)
            if self._is_conditional:
                codes.add("precondition_failed")
            if self.method != "DELETE":
                codes.update(_WITH_BODY)
        if self._is_list_view():
            codes.update(_LISTED)
        return codes

    def _problem(self, status: int, codes: list[str]) -> Schema:
        headers = [("X-Correlation-ID", "CorrelationId"), ("Cache-Control", "CacheControl")]
        if status in (409, 429, 503):
            headers.append(("Retry-After", "RetryAfter"))
        if status == 401:
            headers.append(("WWW-Authenticate", "WwwAuthenticate"))
        return {
            "description": describe_refusals(codes),
            "headers": {
                name: {"$ref": f"#/components/headers/{component}"} for name, component in headers
            },
            "content": {
                "application/problem+json": {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in codes},
                }
            },
        }


assert {*_ANY, *_AUTHENTICATED, *_KEYED, *_WITH_BODY, *_LISTED, *ANYWHERE} <= CATALOGUE.keys()

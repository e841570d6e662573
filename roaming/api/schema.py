"""OpenAPI of message values: the structs that decode a message also describe it."""

from __future__ import annotations

from typing import Any

import msgspec
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiResponse

from roaming.api.problems import Problem
from roaming.domain.refusals import CATALOGUE


class StructSchema(OpenApiSerializerExtension):
    """Lets `extend_schema` take a msgspec Struct where it takes a serializer."""

    target_class = "msgspec.Struct"
    match_subclasses = True

    def get_name(self, auto_schema: AutoSchema, direction: str) -> str:
        return str(self.target.__name__)

    def map_serializer(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        _, components = msgspec.json.schema_components(
            [self.target], schema_hook=_schema_of, ref_template="#/components/schemas/{name}"
        )
        own = components.pop(self.target.__name__)
        for name, schema in components.items():
            auto_schema.registry.register_on_missing(
                ResolvedComponent(
                    name=name, type=ResolvedComponent.SCHEMA, object=name, schema=_plain(schema)
                )
            )
        return _plain(own)


def array_of(kind: type[msgspec.Struct], most: int) -> dict[str, Any]:
    """The schema of an array of such records. What they refer to is described elsewhere."""
    _, components = msgspec.json.schema_components(
        [kind], schema_hook=_schema_of, ref_template="#/components/schemas/{name}"
    )
    return {"type": "array", "items": _plain(components[kind.__name__]), "maxItems": most}


def _schema_of(kind: type) -> dict[str, Any]:
    if kind is msgspec.Raw:
        return {"description": "JSON, kept as it was sent"}
    raise NotImplementedError(kind)


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Docstrings keep their first paragraph: the rest speaks to readers of the code."""
    if "description" in schema:
        schema["description"] = schema["description"].split("\n\n")[0].replace("\n", " ")
    return schema


def refusals(*codes: str) -> dict[int, OpenApiResponse]:
    """The problem responses of an endpoint, grouped by status, for `extend_schema`."""
    grouped: dict[int, list[str]] = {}
    for code in ("not_authenticated", "internal_error", "unavailable", *codes):
        grouped.setdefault(CATALOGUE[code].status, []).append(code)
    return {
        status: OpenApiResponse(
            Problem,
            description="; ".join(f"`{code}`: {CATALOGUE[code].title}" for code in sorted(found)),
        )
        for status, found in sorted(grouped.items())
    }


READING = (
    "malformed_body",
    "invalid_field",
    "body_too_large",
    "unsupported_media_type",
    "platform_suspended",
    "party_not_held",
)
ASKING = (
    "receiver_not_connected",
    "receiver_timed_out",
    "receiver_refused",
    "receiver_answered_rubbish",
    "receiver_offline",
    "receiver_overloaded",
    "overloaded",
)
AGREEING = (
    "no_agreement",
    "agreement_suspended",
    "agreement_ended",
    "service_not_covered",
    "party_suspended",
)

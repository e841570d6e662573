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

_named: dict[str, type] = {}


class StructSchema(OpenApiSerializerExtension):
    """Lets `extend_schema` take a msgspec Struct where it takes a serializer."""

    target_class = "msgspec.Struct"
    match_subclasses = True

    def get_name(self, auto_schema: AutoSchema, direction: str) -> str:
        return str(self.target.__name__)

    def get_identity(self, auto_schema: AutoSchema, direction: str) -> str:
        """By name, as a Struct is known that was met inside another one."""
        name = str(self.target.__name__)
        if _named.setdefault(name, self.target) is not self.target:
            raise ValueError(f"two Structs of the API are called {name}")
        return name

    def map_serializer(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        components = schemas_of([self.target])
        own = components.pop(self.target.__name__)
        for name, schema in components.items():
            auto_schema.registry.register_on_missing(
                ResolvedComponent(
                    name=name, type=ResolvedComponent.SCHEMA, object=name, schema=schema
                )
            )
        return own


def schemas_of(structs: list[type]) -> dict[str, dict[str, Any]]:
    """The component schemas of these Structs and of all that they hold, by name."""
    _, components = msgspec.json.schema_components(
        structs, schema_hook=_schema_of, ref_template="#/components/schemas/{name}"
    )
    return {name: _plain(schema) for name, schema in components.items()}


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


class Refused(OpenApiResponse):
    """The problem response of one status, with the codes that it may carry."""

    def __init__(self, codes: list[str]) -> None:
        super().__init__(Problem, description=describe_refusals(codes))
        self.codes = codes


def describe_refusals(codes: list[str]) -> str:
    """The codes of one status in words."""
    return "; ".join(f"`{code}`: {CATALOGUE[code].title}" for code in sorted(codes))


def refusals(*codes: str) -> dict[int, OpenApiResponse]:
    """The problem responses of an endpoint, grouped by status, for `extend_schema`.

    What any message can meet is added by `operation_schema`.
    """
    grouped: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        grouped.setdefault(CATALOGUE[code].status, []).append(code)
    return {status: Refused(found) for status, found in sorted(grouped.items())}


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

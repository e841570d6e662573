"""JSON out, exact: decimals stay decimals, and what a party sent leaves as it came."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
from drf_spectacular.utils import extend_schema_field
from rest_framework import renderers, serializers

from roaming.domain.preconditions import entity_tag


def _encodable(value: Any) -> Any:
    """What msgspec does not know: DRF's own containers and lazy texts."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (list, tuple)):
        return list(value)
    return str(value)


class ExactJSONRenderer(renderers.BaseRenderer):
    """Replaces DRF's renderer, which turns what it does not know into floats and back."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        return b"" if data is None else msgspec.json.encode(data, enc_hook=_encodable)


@extend_schema_field({"type": "string", "format": "decimal"})
class ExactDecimal(serializers.Field[Any, Any, Any, Any]):
    """A decimal with the digits that it has, neither rounded nor padded."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: Decimal) -> str:
        return format(value, "f")


@extend_schema_field(
    {"type": ["object", "null"], "additionalProperties": {}, "description": "As it was sent."}
)
class AsSentField(serializers.Field[Any, Any, Any, Any]):
    """A stored message, byte for byte; null where it is empty."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: str) -> msgspec.Raw | None:
        return msgspec.Raw(value.encode()) if value else None


@extend_schema_field(
    {"type": "string", "description": "The entity tag of the stored message, for If-Match."}
)
class EntityTag(serializers.Field[Any, Any, Any, Any]):
    """What the sender of a stored message names in If-Match to change just this version."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: str) -> str:
        return entity_tag(value)

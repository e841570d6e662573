"""Pages of lists: by cursor, newest first, so that a page costs the same at a million rows."""

from __future__ import annotations

import uuid
from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

from roaming.domain.refusals import Refusal

Schema = dict[str, Any]
_LINK = {
    "type": ["string", "null"],
    "format": "uri",
    "example": "https://hub.example/api/v1/sdrs?cursor=cD00ODY%3D",
}


class NewestFirst(CursorPagination):
    """`?cursor=` and `?page_size=` (100, at most 1000)."""

    ordering = "-id"
    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 1000

    def get_page_size(self, request: Request) -> int:
        """What was asked for. Refuses what no page can have: a caller that counts must not err."""
        text = request.query_params.get(self.page_size_query_param)
        if text is None:
            return self.page_size
        usable = text.isascii() and text.isdecimal() and len(text) <= 6
        if not usable or not 1 <= int(text) <= self.max_page_size:
            raise Refusal("invalid_field", f"From 1 to {self.max_page_size}.", "page_size")
        return int(text)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """The cursor, if its position can be one: a number that fits, or a uuid."""
        try:
            cursor = super().decode_cursor(request)
        except NotFound:
            raise Refusal("invalid_field", "The cursor is none of ours.", "cursor") from None
        position = cursor.position if cursor else None
        if position is not None and not _possible(str(position)):
            raise Refusal("invalid_field", "The cursor is none of ours.", "cursor")
        return cursor

    def get_paginated_response_schema(self, schema: Schema) -> Schema:
        return {
            "type": "object",
            "description": "One page. `next` leads on; null on the last page.",
            "required": ["next", "previous", "results"],
            "properties": {
                "next": _LINK,
                "previous": _LINK,
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[Schema]:
        return [
            {
                "name": self.cursor_query_param,
                "in": "query",
                "required": False,
                "description": "Where to go on: from `next` or `previous` of a page.",
                "schema": {"type": "string"},
            },
            {
                "name": self.page_size_query_param,
                "in": "query",
                "required": False,
                "description": "Rows in a page.",
                "schema": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": self.max_page_size,
                    "default": self.page_size,
                },
            },
        ]


def _possible(position: str) -> bool:
    if position.isascii() and position.isdecimal():
        return len(position) <= 18
    try:
        uuid.UUID(position)
    except ValueError:
        return False
    return True


class LatestArrivalFirst(NewestFirst):
    """SDRs page by their arrival sequence: the order of ids is the order of sessions."""

    ordering = "-arrival"

"""Pages of lists: by cursor, newest first, so that a page costs the same at a million rows."""

import uuid

from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request


class NewestFirst(CursorPagination):
    """`?cursor=` and `?page_size=` (100, at most 1000)."""

    ordering = "-id"
    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 1000

    def decode_cursor(self, request: Request) -> Cursor | None:
        """The cursor, if its position can be one: a number that fits, or a uuid."""
        cursor = super().decode_cursor(request)
        position = cursor.position if cursor else None
        if position is not None and not _possible(str(position)):
            raise NotFound("The cursor is none of ours.")
        return cursor


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

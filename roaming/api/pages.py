"""Pages of lists: by cursor, newest first, so that a page costs the same at a million rows."""

from rest_framework.pagination import CursorPagination


class NewestFirst(CursorPagination):
    """`?cursor=` and `?page_size=` (100, at most 1000)."""

    ordering = "-id"
    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 1000


class LatestArrivalFirst(NewestFirst):
    """SDRs page by their arrival sequence: the order of ids is the order of sessions."""

    ordering = "-arrival"

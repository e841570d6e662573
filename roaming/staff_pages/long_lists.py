"""Lists of tables with millions of rows: no count, no sort without an index, no page far out.

A page reads one row more than it shows, which says whether there is another. Search means equality
or a prefix on an indexed column.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property
from unfold.contrib.filters.admin import TextFilter
from unfold.views import ChangeList

PER_PAGE = 50
LAST_PAGE = 400
DEEP = 1_000
MOST_HITS = 1_000


class UncountedPaginator(Paginator):  # type: ignore[type-arg]
    """Never asks how many there are. The list tells it what it has seen."""

    template_name = "admin/staff/pagination.html"

    @cached_property
    def count(self) -> int:
        return self.per_page * LAST_PAGE


class UncountedList(ChangeList):
    """One query per page: newest first, with Next only where there is more."""

    has_more = False

    def get_results(self, request: HttpRequest) -> None:
        """Reads one page. Pages beyond the last allowed one are refused."""
        if not 1 <= self.page_num <= LAST_PAGE:
            raise IncorrectLookupParameters
        self.paginator = self.model_admin.get_paginator(request, self.queryset, self.list_per_page)
        start = (self.page_num - 1) * self.list_per_page
        rows = list(self._rows(start, start + self.list_per_page + 1))
        self.has_more = len(rows) > self.list_per_page
        self.result_list = rows[: self.list_per_page]
        self.result_count = self.full_result_count = start + len(self.result_list)
        self.show_full_result_count = False
        self.show_admin_actions = bool(rows)
        self.can_show_all = False
        self.multi_page = self.has_more or self.page_num > 1
        self.at_the_end = self.has_more and self.page_num == LAST_PAGE

    def _rows(self, start: int, end: int) -> QuerySet[Any]:
        """Far out the keys are found first: what is passed over is not read whole."""
        rows: QuerySet[Any] = self.queryset
        if start < DEEP:
            return rows[start:end]
        keys = list(rows.values_list("pk", flat=True)[start:end])
        return rows.filter(pk__in=keys)


@dataclass(frozen=True, slots=True)
class Search:
    """One way to find rows: a condition, and an order that its index has."""

    condition: Q
    along: tuple[str, ...] = ()


def found_by(rows: QuerySet[Any], searches: Iterable[Search]) -> QuerySet[Any]:
    """The rows that any of the searches finds, at most 1,000 each.

    Each search runs by itself along its index. One query with OR and the list's own order would let
    the planner walk the whole table for a term that nothing has.
    """
    keys: set[Any] = set()
    for search in searches:
        hits = rows.model._base_manager.filter(search.condition).order_by(*search.along)
        keys.update(hits.values_list("pk", flat=True)[:MOST_HITS])
    return rows.filter(pk__in=keys)


def begins_with(column: str, term: str) -> Q:
    """A prefix, as a range too: for LIKE the index is used under the plain C collation only.

    >>> begins_with("reference", "A").children[0]
    ('reference__gte', 'A')
    """
    return Q(
        (f"{column}__gte", term),
        (f"{column}__lt", f"{term}\U0010ffff"),
        (f"{column}__startswith", term),
    )


def clean_term(text: str) -> str:
    """What was typed, without blanks around it and without what PostgreSQL cannot hold."""
    return text.replace("\x00", "").strip()


def uuid_or_none(text: str) -> uuid.UUID | None:
    """The UUID, where the text is one."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def day_bounds(text: str, zone: Any) -> tuple[datetime, datetime] | None:
    """The first moment of a day `YYYY-MM-DD` in a zone and of the next day; None if it is no day.

    >>> from datetime import UTC
    >>> day_bounds("2026-10-05", UTC)[1].isoformat()
    '2026-10-06T00:00:00+00:00'
    """
    try:
        day = date.fromisoformat(text)
        following = day + timedelta(days=1)
    except (ValueError, OverflowError):
        return None
    midnight = datetime.min.time()
    return datetime.combine(day, midnight, zone), datetime.combine(following, midnight, zone)


def day_filter(
    name: str, words: str, bounds: Callable[[datetime, datetime], Q]
) -> type[TextFilter]:
    """A list filter for one day of the viewer's zone, `?name=2026-10-05`.

    `bounds` turns the first moment of the day and of the next one into a condition on an index.
    What is no day narrows the list to nothing.
    """

    class DayFilter(TextFilter):
        title = words
        parameter_name = name

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            if not self.value():
                return queryset
            edges = day_bounds(self.value().strip(), timezone.get_current_timezone())
            return queryset.filter(bounds(*edges)) if edges else queryset.none()

    return DayFilter

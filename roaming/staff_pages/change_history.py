"""The history of a row: who changed what, when and why, and what was done with it.

Reads the rows that the database's own triggers wrote (pghistory, so a bulk update is seen too) and
the admin's log of steps and of looks at personal data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import unquote
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import Field, Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from roaming.staff_pages.ranges import range_text

LONGEST = 500
_WORDS = {"insert": "added", "update": "changed", "delete": "removed"}


@dataclass(frozen=True, slots=True)
class Change:
    """One line: when, who, what happened to what, the fields with before and after, why."""

    at: datetime
    who: str
    what: str
    fields: Sequence[tuple[str, str, str]] = ()
    why: str = ""


class HistoryPage:
    """Mixin of a ModelAdmin: its history page. `history_of` names relations that belong to it."""

    history_of: Sequence[str] = ()
    words: Mapping[str, str] = {}
    model: Any
    admin_site: Any

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Everything that happened to the row, newest first."""
        row = self.get_object(request, unquote(object_id))  # type: ignore[attr-defined]
        if row is None:
            raise Http404
        if not self.has_view_or_change_permission(request, row):  # type: ignore[attr-defined]
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": f"History of {row}",
            "opts": self.model._meta,
            "original": row,
            "changes": changes_of(row, self.history_of, self.words),
            "tracked": hasattr(self.model, "pgh_event_model"),
            **(extra_context or {}),
        }
        return render(request, "admin/staff/history.html", context)


def changes_of(
    row: Model, related: Sequence[str] = (), words: Mapping[str, str] | None = None
) -> list[Change]:
    """The last 500 changes of the row and of the related rows named, newest first.

    `words` names columns of the row as people know them.
    """
    found = [*_logged(row)]
    events: list[Any] = []
    if hasattr(type(row), "pgh_event_model"):
        events += _events(row, "pgh_obj_id")
    for name in related:
        relation: Any = row._meta.get_field(name)
        if hasattr(relation.related_model, "pgh_event_model"):
            events += _events(row, relation.field.attname, relation.related_model)
    users = _names({_metadata(event).get("user") for event in events})
    found += _compared(events, users, words or {})
    return sorted(found, key=lambda change: change.at, reverse=True)[:LONGEST]


def _events(row: Model, column: str, model: Any = None) -> list[Any]:
    tracked: Any = model or type(row)
    events = tracked.pgh_event_model.objects
    newest = events.filter(**{column: row.pk}).select_related("pgh_context").order_by("-pgh_id")
    return list(newest[:LONGEST])


def _compared(
    events: list[Any], users: dict[Any, str], words: Mapping[str, str]
) -> Iterator[Change]:
    """Each event beside the one before it of the same row."""
    before: dict[tuple[type[Model], Any], Any] = {}
    for event in sorted(events, key=lambda event: (event.pgh_created_at, event.pgh_id)):
        tracked = type(event).pgh_tracked_model
        key = (tracked, event.pgh_obj_id)
        fields = tuple(_differences(before.get(key), event, words))
        before[key] = event
        if not fields:
            continue
        data = _metadata(event)
        verb = _WORDS.get(event.pgh_label, event.pgh_label)
        yield Change(
            at=event.pgh_created_at,
            who=users.get(data.get("user"), "the clearing house"),
            what=f"{tracked._meta.verbose_name} {verb}",
            fields=fields,
            why=str(data.get("why") or data.get("step") or ""),
        )


def _differences(
    before: Any, after: Any, words: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    for column in after._meta.fields:
        if column.name.startswith("pgh_") or column.name in {"id", "created_at"}:
            continue
        old = getattr(before, column.attname) if before is not None else None
        new = getattr(after, column.attname)
        if before is None and new in (None, "", False):
            continue
        if old != new:
            name = words.get(column.name, str(column.verbose_name))
            yield name, _text(column, before), _text(column, after)


def _text(column: Field[Any, Any], event: Any) -> str:
    if event is None or getattr(event, column.attname) in (None, ""):
        return ""
    value = getattr(event, column.attname)
    if column.is_relation:
        related = column.related_model._default_manager.filter(pk=value).first()  # type: ignore[union-attr]
        return str(related or value)
    if hasattr(value, "lower") and hasattr(value, "upper") and not isinstance(value, str):
        return range_text(value, "%Y-%m-%d")
    if isinstance(value, list):
        base: Any = getattr(column, "base_field", column)
        return ", ".join(_word(base, item) for item in value)
    return _word(column, value)


def _word(column: Any, value: Any) -> str:
    choices: dict[Any, Any] = dict(column.flatchoices) if column.choices else {}
    return str(choices.get(value, value))


def _metadata(event: Any) -> dict[str, Any]:
    return event.pgh_context.metadata if event.pgh_context else {}


def _names(keys: set[Any]) -> dict[Any, str]:
    users = get_user_model().objects.in_bulk([key for key in keys if key is not None])
    return {key: user.get_username() for key, user in users.items()}


def _logged(row: Model) -> Iterator[Change]:
    entries = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(row), object_id=str(row.pk)
    ).select_related("user")
    for entry in entries[:LONGEST]:
        message = entry.get_change_message()
        # What was edited in a form stands in the database's own history, field by field.
        if message and not entry.change_message.startswith("["):
            yield Change(entry.action_time, entry.user.get_username(), message)

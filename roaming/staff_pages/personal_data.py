"""Personal data in the admin: hidden, shown on request to who may see it, and each look is logged.

IEC 63119-2, 5.4.3: staff see tokens, contract ids and messages by a permission whose use is logged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse

PERMISSION = "roaming.view_personal_data"
Shown = Sequence[tuple[str, str]]


def masked(text: str) -> str:
    """What everybody else sees: that there is something, not what, nor how long it is.

    >>> masked("04A2B3C4"), masked("")
    ('••••••', '–')
    """
    return "••••••" if text else "–"


class PersonalDataPages:
    """Mixin of a ModelAdmin: the page that shows what the row's own page hides."""

    model: Any
    admin_site: Any

    def personal_data(self, row: Any) -> Shown:
        """Pairs of a label and a value, in clear."""
        raise NotImplementedError

    def personal_data_urls(self) -> list[Any]:
        """The address of the page."""
        return [
            path(
                "<path:object_id>/personal-data/",
                self.admin_site.admin_view(self.personal_data_view),
                name=f"{self.model._meta.app_label}_{self.model._meta.model_name}_personal_data",
            )
        ]

    def personal_data_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Shows it on POST, after writing down who looked."""
        row = self.get_object(request, object_id)  # type: ignore[attr-defined]
        if row is None:
            raise Http404
        allowed = self.has_view_permission(request, row)  # type: ignore[attr-defined]
        if not allowed or not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        opts = self.model._meta
        back = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk])
        if request.method != "POST":
            return HttpResponseRedirect(back)
        shown = [(label, value) for label, value in self.personal_data(row) if value]
        if not shown:
            messages.info(request, "There is nothing to show: it was erased, or never came.")
            return HttpResponseRedirect(back)
        log_look(request, row, [label for label, _ in shown])
        context = {
            **self.admin_site.each_context(request),
            "title": f"{row}: personal data",
            "opts": opts,
            "original": row,
            "shown": shown,
            "back": back,
        }
        answer = render(request, "admin/staff/personal_data.html", context)
        answer["Cache-Control"] = "no-store"
        return answer


def log_look(request: HttpRequest, row: Model, labels: Sequence[str]) -> None:
    """Leaves behind who looked at what; never what they saw."""
    LogEntry.objects.create(
        user_id=int(request.user.pk or 0),
        content_type=ContentType.objects.get_for_model(row),
        object_id=str(row.pk),
        object_repr=str(row)[:200],
        action_flag=CHANGE,
        change_message=f"Looked at personal data: {', '.join(labels)}",
    )

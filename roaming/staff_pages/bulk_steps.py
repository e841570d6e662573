"""Steps that a person takes with many rows of a list at once: chosen, previewed, confirmed, done.

The boxes beside the rows choose them; the step's page says what will happen to how many, asks for a
reason, and can widen the choice to all rows that fit the list's filters. At most 500 at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from roaming.staff_pages.steps import Confirmation

MOST = 500
CONFIRMED = "confirmed"
EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class Chosen:
    """Who takes a step with which rows, and what they filled in."""

    request: HttpRequest
    rows: QuerySet[Any]
    keys: Sequence[Any]
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def user(self) -> Any:
        return self.request.user


@dataclass(frozen=True, slots=True)
class Done:
    """What a step with many rows came to; `refused`: a sentence for each row that it left."""

    said: str
    refused: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class BulkStep:
    """As `Step`, for many rows. `act` leaves alone what cannot be done, and says why."""

    name: str
    label: str
    permission: str
    act: Callable[[Chosen], Done]
    preview: Callable[[Chosen], Sequence[str]]
    form: type[forms.Form] = Confirmation
    danger: bool = False
    refusals: tuple[type[Exception], ...] = ()


class BulkSteps:
    """Mixin of a ModelAdmin: its bulk steps as the actions of its list."""

    bulk_steps: tuple[BulkStep, ...] = ()
    actions: Any = ()
    model: Any
    admin_site: Any

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """The steps that this person may take, and nothing else."""
        return {
            step.name: (partial(_page, step), step.name, step.label)
            for step in self.bulk_steps
            if request.user.has_perm(step.permission)
        }

    def chosen_table(self, rows: QuerySet[Any]) -> Any:
        """A panel that shows what was chosen, for the step's page; None: only their number."""
        return None


def _page(
    step: BulkStep, admin: Any, request: HttpRequest, queryset: QuerySet[Any]
) -> HttpResponse:
    """What the step will do, its form; done where it was confirmed."""
    if not request.user.has_perm(step.permission):
        raise PermissionDenied
    everything = EVERYTHING in request.POST
    if everything:
        queryset = admin.get_changelist_instance(request).get_queryset(request)
    keys = list(queryset.values_list("pk", flat=True)[:MOST])
    rows = admin.get_queryset(request).filter(pk__in=keys)
    confirmed = CONFIRMED in request.POST and not everything
    form = step.form(request.POST if confirmed else None)
    if confirmed and form.is_valid():
        chosen = Chosen(request, rows, keys, form.cleaned_data)
        _do(step, admin, chosen)
        return HttpResponseRedirect(request.get_full_path())
    context = {
        **admin.admin_site.each_context(request),
        "title": f"{step.label}: {len(keys):,} {admin.model._meta.verbose_name_plural}",
        "opts": admin.model._meta,
        "step": step,
        "preview": step.preview(Chosen(request, rows, keys)),
        "form": form,
        "keys": keys,
        "full": len(keys) == MOST,
        "everything": everything,
        "panel": admin.chosen_table(rows),
        "checkbox": ACTION_CHECKBOX_NAME,
        "back": request.get_full_path(),
    }
    return render(request, "admin/staff/bulk_step.html", context)


def _do(step: BulkStep, admin: Any, chosen: Chosen) -> None:
    request, reason = chosen.request, str(chosen.data.get("reason", ""))
    try:
        done = step.act(chosen)
    except step.refusals as refusal:
        messages.error(request, str(refusal))
        return
    words = f"{step.label}: {reason}" if reason else step.label
    LogEntry.objects.log_actions(
        int(request.user.pk or 0), chosen.rows, CHANGE, words, single_object=False
    )
    messages.success(request, done.said)
    for sentence in _gathered(done.refused):
        messages.warning(request, sentence)


def _gathered(refused: Sequence[str]) -> list[str]:
    """Each sentence once, with how often it was said.

    >>> _gathered(["In CHF.", "In CHF.", "Settled."])
    ['In CHF. (2 times)', 'Settled.']
    """
    counts: dict[str, int] = {}
    for sentence in refused:
        counts[sentence] = counts.get(sentence, 0) + 1
    return [s if times == 1 else f"{s} ({times} times)" for s, times in counts.items()][:10]

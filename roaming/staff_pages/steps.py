"""Steps: what a person can do with a row, each a page that says what will happen and then does it.

A step is offered, or shown greyed with what stands in its way (so that four-eyes work says who must
act next). It is done by POST only, by one use case, and logged with the reason that was given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pghistory
from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from unfold.widgets import UnfoldAdminTextInputWidget


class Confirmation(forms.Form):
    """Nothing to fill in: the person only confirms."""


class WithReason(forms.Form):
    """A step that is done for a reason, which is kept."""

    reason = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget())


@dataclass(frozen=True, slots=True)
class Situation:
    """Who looks at which row, and what they filled in."""

    request: HttpRequest
    row: Any
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def user(self) -> Any:
        return self.request.user


@dataclass(frozen=True, slots=True)
class ShownOnce:
    """An answer that is shown on the page that did the step, and nowhere else ever."""

    title: str
    explanation: str
    secret: str


@dataclass(frozen=True, slots=True)
class Step:
    """`when` answers True (offered), False (not shown), or a text that says what it waits for.

    `act` calls one use case and returns what to tell the person; it raises one of `refusals` where
    the step cannot be taken. `preview` says beforehand what it will do.
    """

    name: str
    label: str
    permission: str
    act: Callable[[Situation], str | ShownOnce]
    when: Callable[[Situation], bool | str]
    preview: Callable[[Situation], Sequence[str]]
    form: type[forms.Form] = Confirmation
    initial: Callable[[Situation], dict[str, Any]] | None = None
    danger: bool = False
    refusals: tuple[type[Exception], ...] = (ValueError,)


@dataclass(frozen=True, slots=True)
class Offer:
    """A step as a page shows it: with an address, or with what it waits for."""

    step: Step
    url: str
    waits_for: str


class StepPages:
    """Mixin of a ModelAdmin: addresses and pages of its steps, of a row or of the whole list."""

    steps: tuple[Step, ...] = ()
    list_steps: tuple[Step, ...] = ()
    model: Any
    admin_site: Any

    def step_urls(self) -> list[Any]:
        """One address for the steps of a row, one for those of the list."""
        wrap = self.admin_site.admin_view
        return [
            path(
                "<path:object_id>/step/<slug:name>/",
                wrap(self.step_view),
                name=f"{self._page_name}_step",
            ),
            path(
                "list-step/<slug:name>/",
                wrap(self.list_step_view),
                name=f"{self._page_name}_list_step",
            ),
        ]

    @property
    def _page_name(self) -> str:
        return f"{self.model._meta.app_label}_{self.model._meta.model_name}"

    def _address(self, name: str, *args: object) -> str:
        return reverse(f"admin:{self._page_name}_{name}", args=args)

    def offers(self, request: HttpRequest, row: Model | None) -> list[Offer]:
        """The steps that this person may take, now or once something else was done."""
        found = []
        for step in self.list_steps if row is None else self.steps:
            if not request.user.has_perm(step.permission):
                continue
            when = step.when(Situation(request, row))
            if when is False:
                continue
            url = (
                self._address("list_step", step.name)
                if row is None
                else self._address("step", row.pk, step.name)
            )
            found.append(Offer(step, url, when if isinstance(when, str) else ""))
        return found

    def step_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """The page of a row's step: what it will do, its form; done on POST."""
        step = next((known for known in self.steps if known.name == name), None)
        row = self.get_object(request, object_id)  # type: ignore[attr-defined]
        if step is None or row is None:
            raise Http404
        return self._take(step, Situation(request, row), self._address("change", row.pk))

    def list_step_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """The page of a step that concerns the whole list."""
        step = next((known for known in self.list_steps if known.name == name), None)
        if step is None:
            raise Http404
        return self._take(step, Situation(request, None), self._address("changelist"))

    def _take(self, step: Step, situation: Situation, back: str) -> HttpResponse:
        request = situation.request
        may_see = self.has_view_or_change_permission(request, situation.row)  # type: ignore[attr-defined]
        if not (may_see and request.user.has_perm(step.permission)):
            raise PermissionDenied
        when = step.when(situation)
        if when is not True:
            messages.error(request, when or f"“{step.label}” is not possible now.")
            return HttpResponseRedirect(back)
        initial = step.initial(situation) if step.initial else None
        form = step.form(request.POST if request.method == "POST" else None, initial=initial)
        if request.method == "POST" and form.is_valid():
            return self._done(step, Situation(request, situation.row, form.cleaned_data), back)
        context = {
            **self._context(situation, step.label),
            "step": step,
            "preview": step.preview(situation),
            "form": form,
            "back": back,
        }
        return render(request, "admin/staff/step.html", context)

    def _done(self, step: Step, situation: Situation, back: str) -> HttpResponse:
        request, reason = situation.request, str(situation.data.get("reason", ""))
        try:
            with pghistory.context(step=step.label, why=reason):
                told = step.act(situation)
        except step.refusals as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(back)
        if situation.row is not None:
            words = f"{step.label}: {reason}" if reason else step.label
            self.log_change(request, situation.row, words)  # type: ignore[attr-defined]
        if isinstance(told, ShownOnce):
            context = {**self._context(situation, step.label), "shown": told, "back": back}
            answer = render(request, "admin/staff/shown_once.html", context)
            answer["Cache-Control"] = "no-store"
            return answer
        messages.success(request, told)
        return HttpResponseRedirect(back)

    def _context(self, situation: Situation, title: str) -> dict[str, Any]:
        opts = self.model._meta
        return {
            **self.admin_site.each_context(situation.request),
            "title": f"{situation.row or opts.verbose_name_plural}: {title}",
            "opts": opts,
            "original": situation.row,
        }

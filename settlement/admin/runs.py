"""Runs of SDR reconciliation, and starting one by hand."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from unfold.widgets import UnfoldAdminSelectWidget

from roaming.models import Environment
from roaming.models.clock import business_now
from roaming.staff_pages.cells import brief_moment, column, moment_column, name_column
from roaming.staff_pages.staff_admin import FactAdmin
from roaming.staff_pages.steps import Situation, Step
from settlement.models import ReconciliationRun
from settlement.use_cases.sdr_reconciliation import reconcile

Scope = ReconciliationRun.Scope


class RunForm(forms.Form):
    """Which SDRs to judge."""

    environment = forms.ChoiceField(choices=Environment.choices, widget=UnfoldAdminSelectWidget())
    scope = forms.ChoiceField(
        choices=Scope.choices, initial=Scope.NEW, widget=UnfoldAdminSelectWidget()
    )


def _run(situation: Situation) -> str:
    done = reconcile(
        situation.data["environment"],
        business_now(),
        scope=Scope(situation.data["scope"]),
        by=str(situation.user),
    )
    if not done.judged:
        return "Nothing waited."
    return f"{done.judged:,} SDRs judged, {done.changed:,} of them with a new result."


RUN = Step(
    name="run",
    label="Reconcile now",
    permission="settlement.add_reconciliationrun",
    act=_run,
    when=lambda situation: True,
    preview=lambda situation: [
        "SDRs that wait are judged every few minutes without anybody's help; by hand for when "
        "tariffs or agreements have changed since. Decisions that were taken stay.",
        "It goes batch by batch while you wait; closing the page loses nothing.",
    ],
    form=RunForm,
)


@admin.register(ReconciliationRun)
class ReconciliationRunAdmin(FactAdmin):
    """Runs, newest first."""

    list_steps = (RUN,)
    list_display = (
        "name", "over", "started_by", "judged", "agreed", "within_tolerance",
        "deviating", "one_sided", "not_ratable",
    )  # fmt: skip
    list_display_links = ("name",)
    list_filter = ("environment", "scope")
    fields = (
        "started", "environment", "scope", "started_by", "duration_ms", "judged", "changed",
        "agreed", "within_tolerance", "deviating", "one_sided", "not_ratable", "credits",
    )  # fmt: skip
    readonly_fields = ("started",)

    name = name_column("Started", lambda row: brief_moment(row.started_at))
    over = column("Over", lambda row: "new" if row.scope == Scope.NEW else "undecided")
    started = moment_column("started_at", "Started")

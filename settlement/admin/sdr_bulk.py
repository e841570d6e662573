"""What staff do with many SDRs at once: approve, decline, judge anew, hand over to a colleague."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from roaming.models import Sdr
from roaming.models.clock import business_now
from roaming.staff_pages.bulk_steps import BulkStep, Chosen, Done
from roaming.staff_pages.cells import link_to, money, money_text, value_at
from roaming.staff_pages.staff_admin import Panel
from roaming.staff_pages.steps import Situation, Step
from settlement.admin.sdr_steps import PERMISSION, ApprovalForm, DeclineReasonForm
from settlement.domain.refusals import RefusedError
from settlement.models.work_queues import QUEUED_STATES
from settlement.use_cases.sdr_decision import Decision, Wish, decide_many
from settlement.use_cases.sdr_reconciliation import reconcile_chosen
from settlement.use_cases.work_assignment import Handing, assign_sdrs

SHOWN = 20
ASSIGN_PERMISSION = "settlement.change_sdrassignment"
RUN_PERMISSION = "settlement.add_reconciliationrun"


class ColleagueField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """Members of staff who are there."""

    def __init__(self) -> None:
        people = get_user_model().objects.filter(is_staff=True, is_active=True)
        super().__init__(people.order_by("username"), widget=UnfoldAdminSelectWidget())


class AssignForm(forms.Form):
    """To whom, and what they should know."""

    colleague = ColleagueField()
    note = forms.CharField(
        max_length=300,
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text="For the colleague; the parties do not see it.",
    )


class WhyForm(forms.Form):
    """Why again."""

    reason = forms.CharField(
        max_length=200,
        widget=UnfoldAdminTextInputWidget(),
        help_text="For example: the tariff came late.",
    )


def claims_of(rows: QuerySet[Sdr]) -> str:
    """What the chosen claim, per currency."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for amount, currency in rows.values_list("claim_before_tax", "currency"):
        sums[currency] += amount or Decimal(0)
    return " and ".join(money_text(total, currency) for currency, total in sorted(sums.items()))


def chosen_panel(rows: QuerySet[Sdr]) -> Panel:
    """The first of the chosen, with what they claim and what is at stake."""
    shown = [
        (
            link_to(row),
            value_at(row, "standing").get_state_display(),
            str(row.visited_cso),
            str(row.home_csp or "–"),
            money(row.claim_before_tax, row.currency),
            money(value_at(row, "standing__money_at_stake"), row.currency),
        )
        for row in rows.order_by("pk")[:SHOWN]
    ]
    headers = ("SDR", "State", "visited-CSO", "home-CSP", "Claimed", "At stake")
    note = f"The oldest {SHOWN} of them." if len(shown) == SHOWN else ""
    return Panel("The chosen SDRs", headers, shown, "", note=note)


def _decide(approves: bool, done: str) -> Callable[[Chosen], Done]:
    """Decides all in one call, each by itself: what cannot be decided stays and is told."""

    def act(chosen: Chosen) -> Done:
        decision = Decision(
            by=str(chosen.user), reason=chosen.data["reason"], note=chosen.data["note"]
        )
        wishes = [Wish(key, approves, decision) for key in chosen.keys]
        outcomes = decide_many(wishes, business_now())
        refused = [f"Not decided: {one.refusal.detail}" for one in outcomes if one.refusal]
        decided = len(outcomes) - len(refused)
        return Done(f"{decided:,} {'SDR' if decided == 1 else 'SDRs'} {done}.", refused)

    return act


def _again(chosen: Chosen) -> Done:
    judged = changed = 0
    environments = set(chosen.rows.values_list("environment", flat=True))
    for environment in sorted(environments):
        result = reconcile_chosen(chosen.keys, environment, business_now(), by=str(chosen.user))
        judged += result.judged
        changed += result.changed
    decided = len(chosen.keys) - judged
    left = [f"{decided:,} left alone: decided already, or being worked on."] if decided > 0 else []
    return Done(f"{judged:,} judged again, {changed:,} of them with a new result.", left)


def _assign(chosen: Chosen) -> Done:
    colleague = chosen.data["colleague"]
    handing = Handing(colleague, chosen.user, chosen.data["note"])
    count = assign_sdrs(chosen.keys, handing, business_now())
    left = len(chosen.keys) - count
    refused = [f"{left:,} left alone: they wait for nobody."] if left else []
    return Done(f"{count:,} assigned to {colleague}.", refused)


BULK_STEPS = (
    BulkStep(
        name="approve",
        label="Approve",
        permission=PERMISSION,
        act=_decide(True, "accepted at their claim"),
        preview=lambda chosen: [
            f"{len(chosen.keys):,} SDRs that claim {claims_of(chosen.rows)} before tax are "
            "accepted at their claim, whatever was found.",
            "Your name and the reason stand in the log of each for good.",
        ],
        form=ApprovalForm,
    ),
    BulkStep(
        name="decline",
        label="Decline",
        permission=PERMISSION,
        act=_decide(False, "disputed"),
        preview=lambda chosen: [
            f"{len(chosen.keys):,} SDRs that claim {claims_of(chosen.rows)} before tax are "
            "disputed: carved out of the next statement until decided; the rest settles.",
        ],
        form=DeclineReasonForm,
        danger=True,
    ),
    BulkStep(
        name="reconcile",
        label="Reconcile again",
        permission=RUN_PERMISSION,
        act=_again,
        preview=lambda chosen: [
            f"{len(chosen.keys):,} SDRs are judged anew with today's tariffs, agreements and "
            "sessions. Decisions that were taken stay.",
        ],
        form=WhyForm,
    ),
    BulkStep(
        name="assign",
        label="Assign",
        permission=ASSIGN_PERMISSION,
        act=_assign,
        preview=lambda chosen: [
            f"A colleague finds {len(chosen.keys):,} SDRs among theirs, with your note. Who had "
            "them before no longer does.",
        ],
        form=AssignForm,
        refusals=(RefusedError,),
    ),
)


def _waits(situation: Situation) -> bool:
    return value_at(situation.row, "standing__state") in [state.value for state in QUEUED_STATES]


def _single(bulk: BulkStep, when: Callable[[Situation], bool]) -> Step:
    """The same step for the SDR whose page is open."""

    def chosen(situation: Situation) -> Chosen:
        rows = Sdr.objects.filter(pk=situation.row.pk)
        return Chosen(situation.request, rows, [situation.row.pk], situation.data)

    def act(situation: Situation) -> str:
        return bulk.act(chosen(situation)).said

    return Step(
        name=bulk.name,
        label=bulk.label,
        permission=bulk.permission,
        act=act,
        when=when,
        preview=lambda situation: bulk.preview(chosen(situation)),
        form=bulk.form,
        refusals=(RefusedError,),
    )


def _undecided(situation: Situation) -> bool:
    return _waits(situation) and value_at(situation.row, "standing__state") != "disputed"


SINGLE_STEPS: tuple[Any, ...] = (
    _single(BULK_STEPS[2], _undecided),
    _single(BULK_STEPS[3], _waits),
)

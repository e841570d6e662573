"""The clearing house's steps in a dispute, each a page: rule, ask for more, extend, write."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from roaming.models.clock import business_now
from roaming.staff_pages.cells import moment, money_text
from roaming.staff_pages.steps import Situation, Step
from settlement.domain import disputes
from settlement.domain.disputes import DisputeState, Side
from settlement.domain.refusals import RefusedError
from settlement.models import Dispute
from settlement.use_cases.dispute import (
    Actor,
    Saying,
    extend_deadline,
    take_dispute_step,
    write_message,
)

PERMISSION = "settlement.change_dispute"


class WordsForm(forms.Form):
    """Words that both parties read, and that stay."""

    text = forms.CharField(
        label="Why",
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text="Both parties read it.",
    )


class AmountForm(WordsForm):
    """What the SDR is settled at, and why."""

    amount = forms.DecimalField(
        max_digits=14,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
        help_text="Before tax, never above the claim.",
    )
    field_order = ["amount", "text"]


class DaysForm(WordsForm):
    """How much more time, and why."""

    days = forms.IntegerField(
        label="Days more",
        min_value=1,
        max_value=365,
        initial=7,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "numeric"}),
    )
    field_order = ["days", "text"]


def _actor(situation: Situation) -> Actor:
    return Actor(str(situation.user), Side.CLEARING_HOUSE)


def _ruling(step: disputes.Step) -> Callable[[Situation], str]:
    def act(situation: Situation) -> str:
        saying = Saying(situation.data.get("amount"), situation.data["text"])
        ended = take_dispute_step(situation.row.pk, step, _actor(situation), business_now(), saying)
        assert ended.amount is not None
        return f"Decided: settled at {money_text(ended.amount, ended.currency)}. Both are told."

    return act


def _request_more(situation: Situation) -> str:
    asked = take_dispute_step(
        situation.row.pk,
        disputes.Step.REQUEST_MORE,
        _actor(situation),
        business_now(),
        Saying(text=situation.data["text"]),
    )
    return f"Both are asked. The review is due on {moment(asked.respond_by)}."


def _extend(situation: Situation) -> str:
    now = business_now()
    until = max(situation.row.respond_by, now) + timedelta(days=situation.data["days"])
    extend_deadline(situation.row.pk, until, _actor(situation), situation.data["text"], now)
    return f"Extended until {moment(until)}. Both are told."


def _write(situation: Situation) -> str:
    write_message(situation.row.pk, _actor(situation), situation.data["text"], business_now())
    return "Written. Both parties are told."


def _in_review(situation: Situation) -> bool | str:
    state = DisputeState(situation.row.state)
    if not state.is_live:
        return False
    return True if state is DisputeState.REVIEW else f"{state.label} first."


def _is_live(situation: Situation) -> bool:
    return DisputeState(situation.row.state).is_live


def _settles(dispute: Dispute, amount: Any) -> str:
    """What a ruling at this amount does to the SDR."""
    at = money_text(amount, dispute.currency)
    if dispute.settled_before is None:
        return f"The SDR is accepted at {at} and falls into the next period that closes."
    before = money_text(dispute.settled_before, dispute.currency)
    if amount < dispute.settled_before:
        return f"It was settled at {before}: the difference to {at} is credited in the next period."
    return f"It was settled at {before}, and stays so."


def _final(dispute: Dispute) -> str:
    return "The ruling is final; your name and the reason stand in the log for good."


STEPS = (
    Step(
        name="uphold",
        label="Uphold",
        permission=PERMISSION,
        act=_ruling(disputes.Step.UPHOLD),
        when=_in_review,
        preview=lambda situation: [
            "The home-CSP is right.",
            _settles(situation.row, situation.row.undisputed),
            _final(situation.row),
        ],
        form=WordsForm,
        refusals=(RefusedError,),
    ),
    Step(
        name="rule-partly",
        label="Set the amount",
        permission=PERMISSION,
        act=_ruling(disputes.Step.RULE_PARTLY),
        when=_in_review,
        preview=lambda situation: [
            f"The claim is {money_text(situation.row.claim, situation.row.currency)}; the home-CSP "
            f"holds {money_text(situation.row.undisputed, situation.row.currency)} to be right"
            + (
                f", the visited-CSO offered "
                f"{money_text(situation.row.offered, situation.row.currency)}."
                if situation.row.offered is not None
                else "."
            ),
            _final(situation.row),
        ],
        form=AmountForm,
        refusals=(RefusedError,),
    ),
    Step(
        name="dismiss",
        label="Dismiss",
        permission=PERMISSION,
        act=_ruling(disputes.Step.DISMISS),
        when=_in_review,
        preview=lambda situation: [
            "The visited-CSO is right.",
            _settles(situation.row, situation.row.claim),
            _final(situation.row),
        ],
        form=WordsForm,
        danger=True,
        refusals=(RefusedError,),
    ),
    Step(
        name="request-more",
        label="Ask for more",
        permission=PERMISSION,
        act=_request_more,
        when=_in_review,
        preview=lambda situation: [
            "Both parties are asked for what you need; the time for the review begins anew."
        ],
        form=WordsForm,
        refusals=(RefusedError,),
    ),
    Step(
        name="extend",
        label="Extend the deadline",
        permission=PERMISSION,
        act=_extend,
        when=_is_live,
        preview=lambda situation: [
            f"{DisputeState(situation.row.state).label} until {moment(situation.row.respond_by)}.",
            "Both parties are told of the later deadline and the reason.",
        ],
        form=DaysForm,
        refusals=(RefusedError,),
    ),
    Step(
        name="write",
        label="Write to both",
        permission=PERMISSION,
        act=_write,
        when=_is_live,
        preview=lambda situation: ["The message stands in the log of the dispute."],
        form=WordsForm,
        refusals=(RefusedError,),
    ),
)

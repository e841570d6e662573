"""Staff's decisions on an SDR, each a page with a reason: approve, decline."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from roaming.domain.sdr import SdrLifeState
from roaming.models import Finding, Sdr
from roaming.models.clock import business_now
from roaming.staff_pages.cells import value_at
from roaming.staff_pages.steps import Situation, Step
from settlement.domain.decision_reasons import ReasonCode
from settlement.domain.decisions import UNDECIDED
from settlement.domain.refusals import RefusedError
from settlement.use_cases.dispute import Contest, open_dispute
from settlement.use_cases.sdr_decision import Decision, approve_sdr, decline_sdr
from settlement.use_cases.session_choice import Choice, choose_session

PERMISSION = "roaming.change_sdrstate"
APPROVAL_REASONS = (
    ("claim_is_right", "The claim is right"),
    ("agreed_with_parties", "Agreed with both parties"),
    ("evidence_is_wrong", "The clearing house's evidence is wrong"),
    ("other", "Another reason, see the note"),
)
DECLINE_REASONS = tuple((code.value, f"{code.value}: {code.label}") for code in ReasonCode)


class ApprovalForm(forms.Form):
    """Why an SDR is approved on the home-CSP's behalf."""

    reason = forms.ChoiceField(choices=APPROVAL_REASONS, widget=UnfoldAdminSelectWidget())
    note = forms.CharField(
        max_length=300,
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Both parties can read it.",
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("reason") in ("other", "OTH") and not data.get("note", "").strip():
            self.add_error("note", "Say which.")
        return data


class DeclineReasonForm(ApprovalForm):
    """Why SDRs are declined on the home-CSP's behalf."""

    reason = forms.ChoiceField(choices=DECLINE_REASONS, widget=UnfoldAdminSelectWidget())


class DeclineForm(DeclineReasonForm):
    """The same for one SDR, and what of its claim is right all the same."""

    undisputed = forms.DecimalField(
        label="Undisputed amount",
        required=False,
        max_digits=14,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
        help_text="What of the claim is right all the same, before tax; nothing if left empty.",
    )


def _state(situation: Situation) -> str:
    return str(value_at(situation.row, "standing__state") or "")


def _decision(situation: Situation) -> Decision:
    return Decision(
        by=str(situation.user),
        reason=situation.data["reason"],
        note=situation.data["note"],
        undisputed=situation.data.get("undisputed"),
    )


def _approve(situation: Situation) -> str:
    standing = approve_sdr(situation.row.pk, _decision(situation), business_now())
    return f"Accepted at {standing.settled_amount} {situation.row.currency}."


def _decline(situation: Situation) -> str:
    decline_sdr(situation.row.pk, _decision(situation), business_now())
    return "Disputed. It is carved out; the rest settles."


def _dispute(situation: Situation) -> str:
    data = situation.data
    contest = Contest(data["reason"], data["note"], data["undisputed"] or Decimal(0))
    dispute = open_dispute(situation.row.pk, contest, str(situation.user), business_now())
    return f"{dispute.name} is open. The visited-CSO is asked."


def _may_dispute(situation: Situation) -> bool:
    """Of what is settled; what is not is declined."""
    settled = _state(situation) in ("settled", "invoiced", "paid") and not situation.row.credit
    return settled and not situation.row.disputes.filter(closed_at=None).exists()


def _may_approve(situation: Situation) -> bool | str:
    if situation.row.credit:
        return False
    return _state(situation) in (*UNDECIDED, "disputed")


class ChoiceForm(forms.Form):
    """Which session the SDR is of, and why."""

    session = forms.UUIDField(widget=UnfoldAdminTextInputWidget())
    reason = forms.CharField(
        max_length=200,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Both parties can read it.",
    )


def _choose(situation: Situation) -> str:
    choice = Choice(situation.data["session"], str(situation.user), situation.data["reason"])
    choose_session(situation.row.pk, choice, business_now())
    return "Chosen. The SDR is judged anew within moments."


def _candidates(situation: Situation) -> list[str]:
    found = Finding.objects.filter(sdr=situation.row.pk, rule="AUT-20", superseded_at=None).first()
    possible = found.expected.removeprefix("one of ") if found else "none was found"
    return [
        f"Sessions that fit what the SDR says: {possible}.",
        "The SDR is matched with the session that you name, one of its two parties, whatever it "
        "says itself; then it is judged anew. Your name and the reason stand in its log for good.",
    ]


def _money(row: Sdr) -> str:
    return f"{row.claim_before_tax} {row.currency}" if row.claim_before_tax is not None else "–"


STEPS = (
    Step(
        name="approve",
        label="Approve",
        permission=PERMISSION,
        act=_approve,
        when=_may_approve,
        preview=lambda situation: [
            f"The home-CSP pays the claim, {_money(situation.row)} before tax, whatever was found.",
            f"It is {SdrLifeState(_state(situation)).label.lower()} now; the decision, your name "
            "and the reason stand in its log for good.",
        ],
        form=ApprovalForm,
        refusals=(RefusedError,),
    ),
    Step(
        name="decline",
        label="Decline",
        permission=PERMISSION,
        act=_decline,
        when=lambda situation: _state(situation) in (*UNDECIDED, "accepted"),
        preview=lambda situation: [
            f"The claim of {_money(situation.row)} before tax is disputed: it is carved out of "
            "the next statement until the dispute is decided; the rest settles.",
        ],
        form=DeclineForm,
        danger=True,
        refusals=(RefusedError,),
    ),
    Step(
        name="dispute",
        label="Open a dispute",
        permission="settlement.change_dispute",
        act=_dispute,
        when=_may_dispute,
        preview=lambda situation: [
            "The SDR is settled and stays so. What the dispute ends at below that is credited by "
            "the clearing house in the next period; the visited-CSO is asked first.",
        ],
        form=DeclineForm,
        danger=True,
        refusals=(RefusedError,),
    ),
    Step(
        name="choose-session",
        label="Choose its session",
        permission=PERMISSION,
        act=_choose,
        when=lambda situation: _state(situation) == "unmatched" and not situation.row.credit,
        preview=_candidates,
        form=ChoiceForm,
        refusals=(RefusedError,),
    ),
)

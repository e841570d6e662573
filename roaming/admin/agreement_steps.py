"""The steps of an agreement's life, as pages: propose, accept by document, suspend, resume, end."""

from __future__ import annotations

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from roaming.admin.acceptance_records import (
    parties_to_accept,
    record_document,
    waiting_documents,
)
from roaming.domain.agreement import Service
from roaming.domain.session import OPEN
from roaming.models import Agreement, AgreementAcceptance, Role, ServiceSession
from roaming.models.clock import business_now
from roaming.staff_pages.cells import moment
from roaming.staff_pages.steps import Situation, Step, WithReason
from roaming.use_cases.agreement_lifecycle import (
    AcceptanceRecord,
    accept_agreement,
    end_agreement,
    propose_agreement,
    resume_agreement,
    suspend_agreement,
)

PERMISSION = "roaming.change_agreement"
Status = Agreement.Status
_ENOUGH = 1000


class Document(forms.Form):
    """A party's signed document."""

    party = forms.ChoiceField(choices=Role.choices, widget=UnfoldAdminSelectWidget())
    reference = forms.CharField(
        label="Document",
        max_length=200,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Its name, and where it is kept.",
    )


def name_of(agreement: Agreement, party: str) -> str:
    """The operator in one of the two roles."""
    return str(agreement.visited_cso if party == Role.CSO else agreement.home_csp)


def _propose(situation: Situation) -> str:
    propose_agreement(situation.row, business_now())
    return "Proposed. It becomes active with the second party's acceptance."


def _may_record(situation: Situation) -> bool | str:
    if situation.row.status != Status.PROPOSED:
        return False
    return bool(parties_to_accept(situation.row))


def _record(situation: Situation) -> str:
    party, reference = situation.data["party"], situation.data["reference"]
    if party not in parties_to_accept(situation.row):
        raise ValueError(f"{name_of(situation.row, party)} has accepted already.")
    record_document(situation.row, party, reference, situation.user)
    return "Recorded. Another member of staff has to see the document and confirm it."


def _may_confirm(situation: Situation, party: str) -> bool | str:
    if situation.row.status != Status.PROPOSED:
        return False
    document = waiting_documents(situation.row).get(party)
    if document is None:
        return False
    if document.recorded_by == situation.user:
        return f"You recorded “{document.reference}”: another member of staff confirms it."
    return True


def _confirm(situation: Situation, party: str) -> str:
    document = waiting_documents(situation.row)[party]
    record = AcceptanceRecord(
        party=party,
        how=AgreementAcceptance.How.DOCUMENT,
        reference=document.reference,
        recorded_by=document.recorded_by,
        confirmed_by=situation.user,
    )
    agreement = accept_agreement(situation.row, record, business_now())
    if agreement.status == Status.ACTIVE:
        return "Both parties have accepted: the agreement is active."
    return "Accepted. The other party's acceptance is missing."


def _confirm_preview(situation: Situation, party: str) -> list[str]:
    document = waiting_documents(situation.row)[party]
    others = [p for p in parties_to_accept(situation.row) if p != party]
    return [
        f"{document.recorded_by} recorded on {moment(document.at)} that "
        f"{name_of(situation.row, party)} said yes by “{document.reference}”.",
        "Look at the document yourself: both names stand on the acceptance.",
        "The agreement becomes active with it."
        if not others
        else f"{name_of(situation.row, others[0])} has yet to accept.",
    ]


def _confirming(party: str, words: str) -> Step:
    return Step(
        name=f"confirm-{party.lower()}",
        label=f"Confirm the {words}'s document",
        permission=PERMISSION,
        act=lambda situation: _confirm(situation, party),
        when=lambda situation: _may_confirm(situation, party),
        preview=lambda situation: _confirm_preview(situation, party),
    )


def _running(agreement: Agreement) -> str:
    rows = ServiceSession.objects.filter(
        agreement=agreement, state__in=[state.value for state in OPEN]
    )
    count = len(rows.order_by()[:_ENOUGH].values_list("pk"))
    return f"{_ENOUGH} or more" if count == _ENOUGH else str(count)


def _what_stops(situation: Situation) -> list[str]:
    row = situation.row
    labels = [Service(service).label for service in row.services]
    return [
        f"New business between {row.visited_cso} and {row.home_csp} is refused from the next "
        f"message on: {'; '.join(labels)}.",
        f"Sessions that run go on ({_running(row)} now); they end, and their SDRs are taken and "
        "settled.",
        "The platforms of both parties are told at once, without the reason.",
    ]


def _suspend(situation: Situation) -> str:
    suspend_agreement(situation.row, business_now(), situation.data["reason"], situation.user)
    return "Suspended. New business is refused from the next message on."


def _resume(situation: Situation) -> str:
    resume_agreement(situation.row, business_now())
    return "Active again."


def _end(situation: Situation) -> str:
    ended = end_agreement(situation.row, business_now())
    return f"Ended on {moment(ended.validity.upper)}."


STEPS = (
    Step(
        name="propose",
        label="Propose to both parties",
        permission=PERMISSION,
        act=_propose,
        when=lambda situation: situation.row.status == Status.DRAFT,
        preview=lambda situation: [
            "The terms stay as they are from now on. Each party says yes by its platform, the "
            "portal, or a signed document; the second yes makes the agreement active.",
            "The platforms of both are told of the proposal at once.",
        ],
    ),
    _confirming("CSO", "visited-CSO"),
    _confirming("CSP", "home-CSP"),
    Step(
        name="record-document",
        label="Record a signed document",
        permission=PERMISSION,
        act=_record,
        when=_may_record,
        preview=lambda situation: [
            "You have seen the document in which the party accepts this agreement. Another member "
            "of staff will have to see it too."
        ],
        form=Document,
        initial=lambda situation: {"party": parties_to_accept(situation.row)[0]},
    ),
    Step(
        name="resume",
        label="Resume",
        permission=PERMISSION,
        act=_resume,
        when=lambda situation: situation.row.status == Status.SUSPENDED,
        preview=lambda situation: ["New business passes again from the next message on."],
        form=WithReason,
    ),
    Step(
        name="suspend",
        label="Suspend",
        permission=PERMISSION,
        act=_suspend,
        when=lambda situation: situation.row.status == Status.ACTIVE,
        preview=_what_stops,
        form=WithReason,
        danger=True,
    ),
    Step(
        name="end",
        label="End",
        permission=PERMISSION,
        act=_end,
        when=lambda situation: situation.row.status in (Status.ACTIVE, Status.SUSPENDED),
        preview=lambda situation: [
            *_what_stops(situation),
            "An ended agreement is never taken up again: business goes on under a new one.",
        ],
        form=WithReason,
        danger=True,
    ),
)

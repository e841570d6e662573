"""What a party does in a dispute: a step, words, a file; and files are given back to both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from clearinghouse.portal import own, words
from clearinghouse.portal.amounts import AmountField
from clearinghouse.portal.presentation import money_text
from clearinghouse.portal.viewer import DECIDE, Viewer, portal_page
from roaming.models.clock import business_now
from settlement.domain.disputes import LIVE, DisputeState, Side, Step
from settlement.domain.refusals import RefusedError
from settlement.models import Dispute
from settlement.models.evidence_files import read_file
from settlement.use_cases.dispute import (
    Actor,
    Saying,
    add_evidence,
    take_dispute_step,
    write_message,
)


class StepForm(forms.Form):
    """Words that go with a step."""

    text = forms.CharField(
        label=gettext_lazy("Text"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("The other party and the clearing house read it."),
    )


class ReasonedForm(StepForm):
    """A step that says why."""

    text = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("The other party and the clearing house read it."),
    )


class OfferForm(StepForm):
    """An amount to settle at."""

    field_order = ["amount", "text"]
    amount = AmountField(label=gettext_lazy("Amount before tax"))


class MessageForm(forms.Form):
    """Words to the other side."""

    text = forms.CharField(
        label=gettext_lazy("Message"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )


class EvidenceForm(forms.Form):
    """A file."""

    file = forms.FileField(label=gettext_lazy("File"), max_length=200)


@dataclass(frozen=True, slots=True)
class Offer:
    """A step that a party can take: in which states, and what it does (`{}`: the amount)."""

    step: Step
    side: Side
    states: tuple[DisputeState, ...]
    label: Any
    effect: Any
    form: type[forms.Form] = StepForm
    danger: bool = False
    primary: bool = False


OFFERS = (
    Offer(
        Step.MAINTAIN, Side.VISITED_CSO, (DisputeState.RESPONDENT,),
        gettext_lazy("Maintain the claim"),
        gettext_lazy("The claim stays at {claim}; the home-CSP is asked again."),
        ReasonedForm, primary=True,
    ),
    Offer(
        Step.OFFER, Side.VISITED_CSO, (DisputeState.RESPONDENT,),
        gettext_lazy("Offer an amount"),
        gettext_lazy("The home-CSP may accept the amount, which then settles the SDR."),
        OfferForm,
    ),
    Offer(
        Step.CONCEDE, Side.VISITED_CSO, LIVE,
        gettext_lazy("Concede"),
        gettext_lazy("The SDR settles at {undisputed}, and the dispute ends."),
        danger=True,
    ),
    Offer(
        Step.ACCEPT, Side.HOME_CSP, (DisputeState.CLAIMANT,),
        gettext_lazy("Accept"),
        gettext_lazy("The SDR settles at {offered}, and the dispute ends."),
        primary=True,
    ),
    Offer(
        Step.INSIST, Side.HOME_CSP, (DisputeState.CLAIMANT,),
        gettext_lazy("Insist"),
        gettext_lazy("The clearing house reviews the dispute and rules."),
    ),
    Offer(
        Step.WITHDRAW, Side.HOME_CSP, LIVE,
        gettext_lazy("Withdraw"),
        gettext_lazy("The SDR settles at the claim of {claim}, and the dispute ends."),
        danger=True,
    ),
)  # fmt: skip


def offered(viewer: Viewer, dispute: Dispute) -> list[Offer]:
    """The steps that the person can take now."""
    if not viewer.decides:
        return []
    side, state = own.side(viewer, dispute), DisputeState(dispute.state)
    return [offer for offer in OFFERS if offer.side is side and state in offer.states]


@portal_page(DECIDE)
def step(request: HttpRequest, viewer: Viewer, key: int, name: str) -> HttpResponse:
    """GET says what the step will do; POST takes it."""
    dispute = get_object_or_404(own.disputes(viewer), pk=key)
    side = own.side(viewer, dispute)
    offer = next((o for o in OFFERS if o.step.value == name and o.side is side), None)
    if offer is None:
        raise Http404
    if offer not in offered(viewer, dispute):
        messages.error(request, str(words.REFUSALS["not_your_turn"]))
        return redirect("portal:dispute", key)
    form = offer.form(request.POST or None)
    if request.method == "POST" and form.is_valid():
        saying = Saying(form.cleaned_data.get("amount"), form.cleaned_data["text"])
        actor = Actor(viewer.signature[:80], side)
        return _done(
            request, key, lambda: take_dispute_step(key, offer.step, actor, business_now(), saying)
        )
    context = {
        "title": f"{dispute.name}: {offer.label}",
        "lines": [_effect(offer, dispute)],
        "form": form,
        "button": offer.label,
        "danger": offer.danger,
        "back": reverse("portal:dispute", args=[key]),
        "narrow": True,
    }
    return render(request, "portal/simple_form.html", context)


def _effect(offer: Offer, dispute: Dispute) -> str:
    currency = dispute.currency
    settles_at = dispute.claim if dispute.offered is None else dispute.offered
    return str(offer.effect).format(
        claim=money_text(dispute.claim, currency),
        undisputed=money_text(dispute.undisputed, currency),
        offered=money_text(settles_at, currency),
    )


@portal_page(DECIDE)
@require_POST
def message(request: HttpRequest, viewer: Viewer, key: int) -> HttpResponse:
    """Words to the other side and to the clearing house."""
    dispute = get_object_or_404(own.disputes(viewer), pk=key)
    form = MessageForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Write something first."))
        return redirect("portal:dispute", key)
    actor = Actor(viewer.signature[:80], own.side(viewer, dispute))
    text = form.cleaned_data["text"]
    return _done(request, key, lambda: write_message(key, actor, text, business_now()))


@portal_page(DECIDE)
@require_POST
def evidence(request: HttpRequest, viewer: Viewer, key: int) -> HttpResponse:
    """A file for the dispute. What it is says its content, not its name."""
    dispute = get_object_or_404(own.disputes(viewer), pk=key)
    form = EvidenceForm(request.POST, request.FILES)
    if not form.is_valid():
        messages.error(request, _("Choose a file that is not empty."))
        return redirect("portal:dispute", key)
    file = form.cleaned_data["file"]
    if file.size > settings.DISPUTE_FILE_BYTES:
        messages.error(request, str(words.REFUSALS["evidence_too_large"]))
        return redirect("portal:dispute", key)
    actor = Actor(viewer.signature[:80], own.side(viewer, dispute))
    content = file.read()
    return _done(
        request, key, lambda: add_evidence(key, actor, file.name or "", content, business_now())
    )


@portal_page()
def evidence_file(request: HttpRequest, viewer: Viewer, key: int, number: int) -> HttpResponse:
    """A file of either side, as an attachment: no browser shows or runs it."""
    file = get_object_or_404(own.evidence(viewer), pk=number, dispute=key)
    content = read_file(file.sha256)
    if content is None:
        raise Http404
    response = HttpResponse(content, content_type=file.media_type)
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(file.name)}"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _done(request: HttpRequest, key: int, act: Callable[[], object]) -> HttpResponse:
    try:
        act()
    except RefusedError as refused:
        messages.error(request, str(words.REFUSALS.get(refused.no.value, refused.detail)))
    else:
        messages.success(request, _("Done. The other party is told."))
    return redirect("portal:dispute", key)

"""The home-CSP's decisions, one or many at once: what will happen, then a reason, then done."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clearinghouse.portal import own, words
from clearinghouse.portal.amounts import AmountField
from clearinghouse.portal.presentation import money_text
from clearinghouse.portal.sdr_list import row_of
from clearinghouse.portal.tables import Table, headers
from clearinghouse.portal.viewer import DECIDE, Viewer, portal_page
from roaming.models import Sdr
from roaming.models.clock import business_now
from roaming.staff_pages.long_lists import uuid_or_none
from settlement.domain.refusals import RefusedError
from settlement.use_cases.sdr_decision import Decision, approve_sdr, decline_sdr

MOST = 200
REASONS = (
    ("PRC", gettext_lazy("Price is not as published or agreed")),
    ("QTY", gettext_lazy("Energy or duration is wrong")),
    ("TIM", gettext_lazy("Times are wrong, or the SDR is late")),
    ("AUT", gettext_lazy("Not authorised, or not our contract")),
    ("DUP", gettext_lazy("Billed twice, or wrongly corrected")),
    ("TAX", gettext_lazy("Tax is wrong")),
    ("AGR", gettext_lazy("Not covered by the agreement")),
    ("DAT", gettext_lazy("Data is missing or wrong")),
    ("MTR", gettext_lazy("Signed meter data is missing or does not verify")),
    ("FRD", gettext_lazy("Suspicion of fraud")),
    ("OTH", gettext_lazy("Another reason, which the note says")),
)


class ApproveForm(forms.Form):
    """An approval needs no reason; a note may go with it."""

    note = forms.CharField(
        label=gettext_lazy("Note"),
        required=False,
        max_length=300,
        help_text=gettext_lazy("The visited-CSO and the clearing house can read it."),
    )


class DeclineForm(ApproveForm):
    """Why an SDR is declined."""

    field_order = ["reason", "undisputed", "note"]
    undisputed = AmountField(
        label=gettext_lazy("What is right of it"),
        required=False,
        help_text=gettext_lazy("Before tax. Empty: nothing of it."),
    )
    reason = forms.ChoiceField(
        label=gettext_lazy("Reason"),
        choices=[("", gettext_lazy("Choose one")), *REASONS],
    )

    def __init__(self, *args: Any, single: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not single:
            del self.fields["undisputed"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("reason") == "OTH" and not data.get("note", "").strip():
            self.add_error("note", _("Say which."))
        return data


@portal_page(DECIDE)
def decide(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """GET shows what would happen to the chosen SDRs; POST does it."""
    asked = request.POST if request.method == "POST" else request.GET
    approves = _approves(asked.get("decision", ""))
    chosen = _chosen(viewer, asked.getlist("sdr"))
    if not chosen:
        messages.error(request, _("Choose at least one SDR."))
        return redirect("portal:sdrs")
    sent = request.POST if request.method == "POST" else None
    form = ApproveForm(sent) if approves else DeclineForm(sent, single=len(chosen) == 1)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data.get("reason") or "approved"
        decision = Decision(
            viewer.signature,
            reason,
            form.cleaned_data["note"],
            by_home_csp=True,
            undisputed=form.cleaned_data.get("undisputed"),
        )
        _carry_out(request, chosen, approve_sdr if approves else decline_sdr, decision)
        if len(chosen) == 1:
            return redirect("portal:sdr", chosen[0].pk)
        return redirect("portal:sdrs")
    single = len(chosen) == 1
    context = {
        "title": _title(approves=approves, count=len(chosen), name=chosen[0].reference),
        "form": form,
        "table": _preview(viewer, chosen),
        "effect": _effect(chosen, approves=approves),
        "chosen": chosen,
        "decision": "approve" if approves else "decline",
        "danger": not approves,
        "button": _("Approve") if approves else _("Decline"),
        "back": reverse("portal:sdr", args=[chosen[0].pk]) if single else reverse("portal:sdrs"),
    }
    return render(request, "portal/decide.html", context)


def _approves(decision: str) -> bool:
    if decision not in ("approve", "decline"):
        raise Http404
    return decision == "approve"


def _chosen(viewer: Viewer, given: Sequence[str]) -> list[Sdr]:
    """The SDRs, in the order given. 404 where one is not the operator's to decide on."""
    keys = [uuid_or_none(text) for text in dict.fromkeys(given[:MOST])]
    rows = own.sdrs(viewer).select_related("standing", "visited_cso", "home_csp")
    found = {sdr.pk: sdr for sdr in rows.filter(pk__in=[key for key in keys if key])}
    chosen = []
    for key in keys:
        sdr = found.get(key or uuid.UUID(int=0))
        if sdr is None or not own.decides_on(viewer, sdr):
            raise Http404
        chosen.append(sdr)
    return chosen


def _title(*, approves: bool, count: int, name: str) -> str:
    if count == 1:
        return (_("Approve %s") if approves else _("Decline %s")) % name
    if approves:
        return ngettext("Approve %d SDR", "Approve %d SDRs", count) % count
    return ngettext("Decline %d SDR", "Decline %d SDRs", count) % count


def _preview(viewer: Viewer, chosen: list[Sdr]) -> Table:
    titles = (
        _("SDR"), _("State"), _("Counterparty"), _("Session ended"), _("Energy"), _("Claimed"),
        _("Re-rated"), _("Decide by"),
    )  # fmt: skip
    figures = (_("Energy"), _("Claimed"), _("Re-rated"))
    rows = [row_of(viewer, sdr) for sdr in chosen]
    return Table(_("What you decide on"), headers(*titles, figures=figures), rows, "")


def _effect(chosen: list[Sdr], *, approves: bool) -> str:
    sums: dict[str, Decimal] = {}
    for sdr in chosen:
        if sdr.claim_before_tax is not None:
            sums[sdr.currency] = sums.get(sdr.currency, Decimal(0)) + sdr.claim_before_tax
    amount = ", ".join(money_text(value, currency) for currency, value in sorted(sums.items()))
    if approves:
        return _("You accept to pay %(amount)s before tax, whatever was found.") % {
            "amount": amount
        }
    return _(
        "You dispute %(amount)s before tax. It is carved out of the next statement until the "
        "dispute is decided; the rest settles. The visited-CSO is told your reason."
    ) % {"amount": amount}


def _carry_out(
    request: HttpRequest,
    chosen: list[Sdr],
    act: Callable[..., object],
    decision: Decision,
) -> None:
    """Each by itself: one that is refused holds up no other."""
    done = 0
    for sdr in chosen:
        try:
            act(sdr.pk, decision, business_now())
        except RefusedError as refused:
            why = words.REFUSALS.get(refused.no.value, refused.detail)
            messages.error(request, f"{sdr.reference}: {why}")
        else:
            done += 1
    if not done:
        return
    if act is approve_sdr:
        told = ngettext("%d SDR is accepted.", "%d SDRs are accepted.", done)
    else:
        told = ngettext("%d SDR is disputed.", "%d SDRs are disputed.", done)
    messages.success(request, told % done)

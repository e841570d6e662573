"""The operator's agreements: read, and accepted where one was laid before it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clearinghouse.portal import own
from clearinghouse.portal.presentation import EMPTY, badge, link, moment, money, quantity
from clearinghouse.portal.tables import Row, Table, headers
from clearinghouse.portal.viewer import Viewer, portal_page
from roaming.domain.agreement import Service
from roaming.models import Agreement, AgreementAcceptance
from roaming.models.clock import business_now
from roaming.use_cases.agreement_lifecycle import (
    AcceptanceRecord,
    AgreementError,
    accept_agreement,
)

_SHADES = {"proposed": "warn", "active": "ok", "suspended": "bad", "ended": "plain"}


class AcceptForm(forms.Form):
    """The yes of a party is given knowingly."""

    read = forms.BooleanField(
        label=gettext_lazy("We have read the terms above and accept them."),
        error_messages={"required": gettext_lazy("Tick this to accept.")},
    )


@portal_page()
def agreement_list(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """All of them; those that wait for the operator's yes first."""
    rows = list(own.agreements(viewer).prefetch_related("acceptances").order_by("-pk")[:500])
    rows.sort(key=lambda agreement: not _waits_for(viewer, agreement))
    titles = (
        _("Counterparty"), _("You are"), _("Status"), _("Valid"), _("Currency"),
        _("To decide within"),
    )  # fmt: skip
    lines = [
        Row(
            (
                link(reverse("portal:agreement", args=[a.pk]), _other(viewer, a)),
                own.party(viewer, a).label,
                _status(viewer, a),
                _validity(a),
                a.currency,
                quantity(a.decision_window_hours, "h"),
            )
        )
        for a in rows
    ]
    table = Table(
        _("Agreements, those that wait for you first"),
        headers(*titles, figures=(_("To decide within"),)), lines,
        _("No agreement in this environment. The clearing house proposes one; ask it."),
        shown_caption=False,
    )  # fmt: skip
    return render(request, "portal/list.html", {"title": _("Agreements"), "table": table})


def _other(viewer: Viewer, agreement: Agreement) -> str:
    mine = agreement.visited_cso_id == viewer.operator.pk
    return str((agreement.home_csp if mine else agreement.visited_cso).name)


def _waits_for(viewer: Viewer, agreement: Agreement) -> bool:
    said = {acceptance.party for acceptance in agreement.acceptances.all()}
    proposed = agreement.status == Agreement.Status.PROPOSED
    return proposed and own.party(viewer, agreement).value not in said


def _status(viewer: Viewer, agreement: Agreement) -> Any:
    if _waits_for(viewer, agreement):
        return badge(_("waits for your yes"), "warn")
    return badge(agreement.get_status_display(), _SHADES.get(agreement.status, "plain"))


def _validity(agreement: Agreement) -> Any:
    until = agreement.validity.upper
    begin = moment(agreement.validity.lower)
    return _span(begin, moment(until)) if until else _span(begin, _("open"))


def _span(begin: Any, end: Any) -> Any:
    return format_html("{} – {}", begin, end)


@portal_page()
def agreement(request: HttpRequest, viewer: Viewer, key: int) -> HttpResponse:
    """The terms, who accepted, and the operator's own yes."""
    row = get_object_or_404(own.agreements(viewer).prefetch_related("acceptances"), pk=key)
    form = AcceptForm(request.POST or None)
    waits = _waits_for(viewer, row)
    if request.method == "POST":
        return _accept(request, viewer, row, form)
    context = {
        "title": _("Agreement with %s") % _other(viewer, row),
        "agreement": row,
        "status": _status(viewer, row),
        "terms": _terms(row),
        "services": [Service(name).label for name in row.services],
        "acceptances": _acceptances(viewer, row),
        "form": form if waits and viewer.decides else None,
        "waits": waits,
    }
    return render(request, "portal/agreement.html", context)


def _accept(request: HttpRequest, viewer: Viewer, row: Agreement, form: AcceptForm) -> HttpResponse:
    if not viewer.decides:
        raise PermissionDenied
    if not form.is_valid():
        messages.error(request, _("Tick that you have read the terms."))
        return redirect("portal:agreement", row.pk)
    if not _waits_for(viewer, row):
        messages.error(request, _("It does not wait for your yes any more."))
        return redirect("portal:agreement", row.pk)
    record = AcceptanceRecord(
        party=own.party(viewer, row).value,
        how=AgreementAcceptance.How.PORTAL,
        reference=viewer.signature[:200],
        recorded_by=viewer.user,
    )
    try:
        accepted = accept_agreement(row, record, business_now())
    except AgreementError as error:
        messages.error(request, str(error))
    else:
        active = accepted.status == Agreement.Status.ACTIVE
        messages.success(
            request,
            _("Accepted: the agreement is active.")
            if active
            else _("Accepted. It becomes active when the other party accepts, too."),
        )
    return redirect("portal:agreement", row.pk)


def _terms(row: Agreement) -> list[tuple[str, Any]]:
    energy = _tolerance(row.tolerance_energy_kwh, row.tolerance_energy_share, "kWh")
    share = _share(row.tolerance_money_share)
    return [
        (_("Valid"), _validity(row)),
        (_("Environment"), row.get_environment_display()),
        (_("Currency"), row.currency),
        (_("Rounding"), row.get_rounding_display()),
        (_("Collection"), row.get_collection_mode_display()),
        (_("Netting"), row.get_netting_display()),
        (_("Settled"), f"{row.calendar.get_cycle_display()} ({row.calendar.time_zone})"),
        (_("SDRs arrive within"), quantity(row.sdr_window_hours, "h")),
        (_("SDRs are decided within"), quantity(row.decision_window_hours, "h")),
        (_("Silence"), row.get_silence_display()),
        (_("Tolerance, energy"), energy),
        (_("Tolerance, time"), quantity(row.tolerance_time_s, "s")),
        (
            _("Tolerance, money"),
            _either(money(row.tolerance_money, row.currency), share),
        ),
        (_("Tariffs known before the session"), quantity(row.tariff_notice_hours, "h")),
        (_("Risk of offline starts"), row.get_offline_liability_display()),
        (_("The home-CSP sends own records"), _yes(row.requires_csp_record)),
        (_("Signed meter data"), _yes(row.requires_signed_meter_data)),
    ]


def _yes(value: bool) -> str:
    return _("required") if value else _("not required")


def _share(value: Any) -> str:
    return f"{value * 100:f}".rstrip("0").rstrip(".") + "\u00a0%" if value else ""


def _tolerance(absolute: Any, share: Any, unit: str) -> Any:
    return _either(quantity(absolute, unit), _share(share))


def _either(absolute: Any, share: str) -> Any:
    if not share:
        return absolute
    return format_html(_("{} or {}, the larger"), absolute, share)


def _acceptances(viewer: Viewer, row: Agreement) -> Table:
    lines = []
    for role, operator in (("CSO", row.visited_cso), ("CSP", row.home_csp)):
        said = next((a for a in row.acceptances.all() if a.party == role), None)
        ours = operator.pk == viewer.operator.pk
        lines.append(
            Row(
                (
                    operator.name,
                    _("visited-CSO") if role == "CSO" else _("home-CSP"),
                    badge(_("accepted"), "ok") if said else badge(_("not yet"), "warn"),
                    moment(said.at) if said else EMPTY,
                    said.get_how_display() if said else EMPTY,
                    said.reference if said and ours else EMPTY,
                )
            )
        )
    titles = (_("Party"), _("Role"), _("Acceptance"), _("When"), _("How"), _("Reference"))
    return Table(_("Who accepted"), headers(*titles), lines, "", shown_caption=False)

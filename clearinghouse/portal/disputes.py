"""The operator's disputes: whose turn it is, until when, about how much."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from clearinghouse.portal import own, words
from clearinghouse.portal.presentation import EMPTY, badge, link, moment, money
from clearinghouse.portal.tables import Row, Table, headers
from clearinghouse.portal.viewer import Viewer, portal_page
from settlement.domain.disputes import DisputeState, Side
from settlement.models import Dispute

PER_PAGE = 50
TURN_OF = {Side.HOME_CSP: DisputeState.CLAIMANT, Side.VISITED_CSO: DisputeState.RESPONDENT}
SHOWN = ("open", "yours", "ended")


@portal_page()
def dispute_list(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Those that are open, the newest first; or those of the viewer's turn, or all that ended."""
    shown = request.GET.get("show", "open")
    shown = shown if shown in SHOWN else "open"
    before = request.GET.get("before", "")
    rows = own.disputes(viewer).order_by("-pk")
    if shown == "yours":
        rows = your_turn(viewer, rows)
    else:
        rows = rows.filter(closed_at__isnull=shown == "open")
    if before.isdecimal():
        rows = rows.filter(pk__lt=int(before[:18]))
    found = list(rows[: PER_PAGE + 1])
    titles = (
        _("Dispute"), _("Standing"), _("SDR"), _("Counterparty"), _("At stake"),
        _("Answer by"), _("Ended at"), _("Opened"),
    )  # fmt: skip
    table = Table(
        _("Disputes, the newest first"),
        headers(*titles, figures=(_("At stake"), _("Ended at"))),
        [_row(viewer, dispute) for dispute in found[:PER_PAGE]],
        _("None here. A home-CSP opens a dispute by declining an SDR."),
        shown_caption=False,
    )
    more = found[PER_PAGE - 1].pk if len(found) > PER_PAGE else None
    context = {
        "title": _("Disputes"),
        "table": table,
        "shown": shown,
        "choices": [
            ("open", _("Open")),
            ("yours", _("Your turn")),
            ("ended", _("Ended")),
        ],
        "older": f"?show={shown}&before={more}" if more else "",
    }
    return render(request, "portal/disputes.html", context)


def your_turn(viewer: Viewer, rows: Any) -> Any:
    """Of these disputes, those that wait for the operator."""
    held = sorted(viewer.identifiers)
    mine = rows.filter(state=DisputeState.CLAIMANT.value, home_csp__in=held)
    theirs = rows.filter(state=DisputeState.RESPONDENT.value, visited_cso__in=held)
    return mine | theirs


def standing(viewer: Viewer, dispute: Dispute) -> Any:
    """Whose turn it is, as a mark."""
    if dispute.state == TURN_OF[own.side(viewer, dispute)].value:
        return badge(_("Your turn"), "warn")
    return words.mark(words.DISPUTES, dispute.state)


def counterparty(viewer: Viewer, dispute: Dispute) -> str:
    """The other operator."""
    pair = viewer.pairs.get(dispute.pair_id or 0)
    claims = own.side(viewer, dispute) is Side.HOME_CSP
    if pair is not None:
        return str((pair.visited_cso if claims else pair.home_csp).name)
    return str((dispute.visited_cso if claims else dispute.home_csp) or EMPTY)


def _row(viewer: Viewer, dispute: Dispute) -> Row:
    return Row(
        (
            link(reverse("portal:dispute", args=[dispute.pk]), dispute.name),
            standing(viewer, dispute),
            link(reverse("portal:sdr", args=[dispute.sdr_id]), dispute.sdr.reference),
            counterparty(viewer, dispute),
            money(dispute.claim - dispute.undisputed, dispute.currency),
            moment(dispute.respond_by),
            money(dispute.amount, dispute.currency),
            moment(dispute.opened_at),
        ),
        name=dispute.name,
    )

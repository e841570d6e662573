"""One dispute: what it is about, every step of both sides, and what the viewer may do now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from clearinghouse.portal import own, words
from clearinghouse.portal.actors import naming
from clearinghouse.portal.dispute_steps import EvidenceForm, MessageForm, offered
from clearinghouse.portal.disputes import counterparty, standing
from clearinghouse.portal.presentation import EMPTY, link, moment, money, quantity
from clearinghouse.portal.tables import Row, Table, headers
from clearinghouse.portal.viewer import Viewer, portal_page
from settlement.domain.disputes import DisputeState
from settlement.models import Dispute

_MOST = 500


@portal_page()
def dispute_page(request: HttpRequest, viewer: Viewer, key: int) -> HttpResponse:
    """For both parties the same, but for the buttons."""
    dispute = get_object_or_404(own.disputes(viewer), pk=key)
    live = DisputeState(dispute.state).is_live
    acts = live and viewer.decides
    context = {
        "title": _("Dispute %s") % dispute.name,
        "dispute": dispute,
        "standing": standing(viewer, dispute),
        "facts": list(_facts(viewer, dispute)),
        "steps": offered(viewer, dispute),
        "events": _events(viewer, dispute),
        "files": _files(viewer, dispute),
        "message_form": MessageForm() if acts else None,
        "evidence_form": EvidenceForm() if acts else None,
        "megabytes": settings.DISPUTE_FILE_BYTES // 1_000_000,
    }
    return render(request, "portal/dispute.html", context)


def _facts(viewer: Viewer, dispute: Dispute) -> Iterator[tuple[str, Any]]:
    currency = dispute.currency
    yield _("SDR"), link(reverse("portal:sdr", args=[dispute.sdr_id]), dispute.sdr.reference)
    yield _("Counterparty"), counterparty(viewer, dispute)
    yield _("Reason"), dispute.get_reason_display()
    yield _("Claim before tax"), money(dispute.claim, currency)
    yield _("Undisputed"), money(dispute.undisputed, currency)
    if dispute.offered is not None:
        yield _("Offered by the visited-CSO"), money(dispute.offered, currency)
    yield _("Opened"), moment(dispute.opened_at)
    if dispute.respond_by is not None:
        yield _("Answer by"), moment(dispute.respond_by)
    if dispute.result:
        yield _("Result"), words.RESULTS.get(dispute.result, dispute.get_result_display())
        yield _("Ended at"), money(dispute.amount, currency)
        yield _("Closed"), moment(dispute.closed_at)
    if dispute.note:
        yield _("What the home-CSP says"), dispute.note


def _events(viewer: Viewer, dispute: Dispute) -> Table:
    found = list(dispute.events.order_by("pk")[:_MOST])
    who = naming(viewer, [event.actor for event in found])
    rows = [
        Row(
            (
                moment(event.at),
                _what(event),
                who(event.actor),
                money(event.amount, dispute.currency),
                event.text or EMPTY,
                moment(event.respond_by),
            )
        )
        for event in found
    ]
    titles = (_("When"), _("Step"), _("Who"), _("Amount"), _("Text"), _("Next answer by"))
    return Table(
        _("Steps and messages"), headers(*titles, figures=(_("Amount"),)), rows, "",
        shown_caption=False,
    )  # fmt: skip


def _what(event: Any) -> Any:
    name = words.STEPS.get(event.step, event.step)
    return format_html(_("{} (by silence)"), name) if event.by_silence else name


def _files(viewer: Viewer, dispute: Dispute) -> Table:
    found = list(own.evidence(viewer).filter(dispute=dispute).select_related("event"))
    who = naming(viewer, [file.event.actor for file in found])
    rows = [
        Row(
            (
                link(reverse("portal:evidence-file", args=[dispute.pk, file.pk]), file.name),
                who(file.event.actor),
                moment(file.event.at),
                quantity(-(-file.size // 1000), "kB"),
            )
        )
        for file in found
    ]
    titles = (_("File"), _("From"), _("When"), _("Size"))
    return Table(
        _("Evidence"), headers(*titles, figures=(_("Size"),)), rows, _("No file was brought."),
        shown_caption=False,
    )  # fmt: skip

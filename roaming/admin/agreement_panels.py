"""What an agreement's page shows beside its terms: acceptance, suspensions, the business done."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from roaming.admin.acceptance_records import parties_to_accept, waiting_documents
from roaming.admin.agreement_steps import name_of
from roaming.models import Agreement, OperatorPair, Sdr, ServiceSession
from roaming.staff_pages.cells import anchor, list_of, moment
from roaming.staff_pages.ranges import range_text
from roaming.staff_pages.staff_admin import Panel

Status = Agreement.Status


def waits_for(row: Agreement) -> str:
    """Who or what it waits for."""
    if row.status == Status.DRAFT:
        return "its proposal"
    if row.status != Status.PROPOSED:
        return "–"
    accepted = {acceptance.party for acceptance in row.acceptances.all()}
    missing = [name_of(row, party) for party in ("CSO", "CSP") if party not in accepted]
    return " and ".join(missing)


def gap(row: Agreement) -> list[str]:
    """The time between the pair's last agreement and this one, where there is any."""
    begins = row.validity.lower
    before = (
        Agreement.objects.filter(
            environment=row.environment,
            visited_cso=row.visited_cso_id,
            home_csp=row.home_csp_id,
            status__in=Agreement.EVER_IN_FORCE,
            validity__endswith__lt=begins,
        )
        .order_by("-validity__endswith")
        .first()
    )
    if before is None:
        return []
    ended = before.validity.upper
    return [f"Between {moment(ended)} and {moment(begins)} the two have no agreement."]


def acceptances(row: Agreement) -> Panel:
    """Who said yes, by what, and who has yet to."""
    lines: list[tuple[Any, ...]] = [
        (
            name_of(row, yes.party),
            f"accepted: {yes.get_how_display().lower()}",
            yes.reference,
            moment(yes.at),
            " and ".join(str(user) for user in (yes.recorded_by, yes.confirmed_by) if user) or "–",
        )
        for yes in row.acceptances.select_related("recorded_by", "confirmed_by").order_by("at")
    ]
    waiting = waiting_documents(row) if row.status == Status.PROPOSED else {}
    for party in parties_to_accept(row) if row.status == Status.PROPOSED else ():
        document = waiting.get(party)
        lines.append(
            (
                name_of(row, party),
                "document recorded: a second member of staff confirms it"
                if document
                else "has yet to accept",
                document.reference if document else "–",
                moment(document.at) if document else "–",
                str(document.recorded_by) if document else "–",
            )
        )
    return Panel(
        "Acceptance by both parties",
        ("Party", "Standing", "By", "When", "Recorded and confirmed by"),
        lines,
        "Propose the agreement first.",
    )


def suspensions(row: Agreement) -> Panel:
    """When new business was stopped, why, by whom."""
    found = row.suspensions.select_related("ordered_by").order_by("-pk")
    return Panel(
        "Suspensions",
        ("When", "Reason", "Ordered by"),
        [(range_text(s.during), s.reason, str(s.ordered_by or "–")) for s in found],
        "Never suspended.",
    )


def business(row: Agreement) -> Panel:
    """The way to the sessions and SDRs of the two."""
    sessions = list_of(ServiceSession._meta, f"agreement__id__exact={row.pk}", "Service sessions")
    pair = OperatorPair.objects.filter(
        visited_cso=row.visited_cso_id, home_csp=row.home_csp_id
    ).first()
    lines = [(sessions, "opened under this agreement")]
    if pair is not None:
        url = reverse(f"admin:{Sdr._meta.app_label}_{Sdr._meta.model_name}_changelist")
        lines.append((anchor(f"{url}?pair={pair.pk}", "SDRs"), "of the two parties"))
    return Panel("Business", ("", ""), lines, "")

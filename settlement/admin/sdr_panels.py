"""What an SDR's page shows below the claim: evidence beside it, findings, what was decided."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from roaming.models import Finding, Sdr, SdrEvent, ServiceSession
from roaming.staff_pages.cells import (
    EMPTY,
    badge,
    link_to,
    moment,
    moment_cell,
    money,
    one_line,
    quantity,
    value_at,
)
from roaming.staff_pages.staff_admin import Panel
from settlement.models import StatementLine

SEVERITIES = {"fatal": "danger", "severe": "warning", "warning": "info"}
STATES = {
    "accepted": "success",
    "settled": "success",
    "invoiced": "success",
    "paid": "success",
    "rated": "info",
    "deviating": "warning",
    "unmatched": "warning",
    "not_ratable": "warning",
    "disputed": "danger",
    "rejected": "danger",
}
OUTCOMES = {
    "agreed": "success",
    "within_tolerance": "success",
    "deviating": "warning",
    "one_sided": "warning",
    "not_ratable": "warning",
    "rejected": "danger",
}
MOST = 100


def session_of(row: Sdr) -> ServiceSession | None:
    """The session that it was matched with, or the one it names."""
    standing = getattr(row, "standing", None)
    key = (standing.service_session_id if standing else None) or row.service_session_id
    if key is None:
        return None
    return ServiceSession.objects.select_related("evse").filter(pk=key).first()


def assigned(row: Sdr) -> Iterator[Panel]:
    """Who takes care of it, where somebody does."""
    assignment = value_at(row, "assignment")
    if assignment is not None:
        cells = (
            str(assignment.assigned_to),
            str(assignment.assigned_by),
            moment_cell(assignment.at),
            assignment.note or EMPTY,
        )
        yield Panel("Assigned", ("To", "By", "When", "Note"), [cells], "")


def beside(row: Sdr) -> Panel:
    """The claim and the clearing house's evidence side by side, the differences marked."""
    session, standing = session_of(row), getattr(row, "standing", None)
    return Panel(
        "Side by side",
        ("", "The visited-CSO's claim", "The clearing house's evidence", "Difference"),
        list(_pairs(row, session, standing)),
        "",
        note="The home-CSP's own record is compared where the agreement asks for one."
        if session
        else "No session was found for it: the claim stands alone.",
    )


def _pairs(row: Sdr, session: ServiceSession | None, standing: Any) -> Iterator[tuple[Any, ...]]:
    rated = getattr(standing, "rated_before_tax", None)
    yield ("Session", link_to(session) if session else EMPTY, link_to(session), "")
    yield _pair("EVSE", row.evse_key, session.evse.key if session else None)
    yield _times("Start", row.started_at, session.started_at if session else None)
    yield _times("End", row.ended_at, session.ended_at if session else None)
    energy = session.energy_kwh if session else None
    yield (
        "Energy",
        quantity(row.energy_kwh, "kWh"),
        quantity(energy, "kWh"),
        _difference(row.energy_kwh, energy, "kWh"),
    )
    yield (
        "Before tax",
        money(row.claim_before_tax, row.currency),
        money(rated, row.currency),
        _difference(row.claim_before_tax, rated, row.currency),
    )
    if row.token_hmac and session:
        same = bytes(row.token_hmac) == bytes(session.token_hmac)
        yield ("Token", "••••••", "••••••", "" if same else badge("another token", "danger"))


def _pair(name: str, claimed: str, known: str | None) -> tuple[Any, ...]:
    differs = known is not None and claimed != known
    return (name, claimed or EMPTY, known or EMPTY, badge("differs", "danger") if differs else "")


def _times(name: str, claimed: Any, known: Any) -> tuple[Any, ...]:
    told: Any = ""
    if claimed is not None and known is not None and claimed != known:
        ahead = claimed - known
        sign = "+" if ahead > timedelta(0) else "−"
        told = badge(f"{sign}{abs(ahead)}", "warning")
    return (name, moment(claimed), moment(known), told)


def _difference(claimed: Any, known: Any, unit: str) -> Any:
    if claimed is None or known is None or claimed == known:
        return ""
    ahead = claimed - known
    sign = "+" if ahead > 0 else "−"
    return badge(f"{sign}{abs(ahead):,f} {unit}".rstrip(), "warning")


def findings(row: Sdr) -> Panel:
    """What the checks found: those that stand first, then what a later run judged anew."""
    found = sorted(
        Finding.objects.filter(sdr=row)[:MOST],
        key=lambda one: (one.superseded_at is not None, one.rule),
    )
    lines = [
        (
            one_line(link_to(one, one.rule)),
            badge(one.get_severity_display(), SEVERITIES.get(one.severity, "plain")),
            one.explanation,
            one.claimed or EMPTY,
            one.expected or EMPTY,
            money(one.money_at_stake, row.currency),
            f"superseded {moment(one.superseded_at)}" if one.superseded_at else "stands",
        )
        for one in found
    ]
    headers = ("Rule", "Severity", "What", "Claimed", "Expected", "At stake", "Standing")
    return Panel("Findings", headers, lines, "No check found anything.")


def events(row: Sdr) -> Panel:
    """The append-only log behind the state."""
    lines = [
        (moment_cell(e.at), str(e), e.actor, e.reason.replace("_", " ") or EMPTY, e.note or EMPTY)
        for e in SdrEvent.objects.filter(sdr=row).order_by("at", "id")[:MOST]
    ]
    headers = ("When", "From and to", "Who", "Why", "Note")
    return Panel("What happened to it", headers, lines, "Nothing yet.")


def settled(row: Sdr) -> Panel:
    """The statement that it stands on, and its credits."""
    line = StatementLine.objects.filter(sdr=row).select_related("statement__period").first()
    lines: list[tuple[Any, ...]] = []
    if line is not None:
        lines.append(
            (
                link_to(line.statement),
                line.get_kind_display(),
                money(line.amount, line.statement.currency),
            )
        )
    related = Sdr.objects.filter(
        environment=row.environment, visited_cso=row.visited_cso_id, reference=row.credit_reference
    )
    if row.credit and row.credit_reference:
        lines += [(link_to(other), "the SDR it credits", "") for other in related[:5]]
    return Panel("Settled on", ("Where", "As", "Amount"), lines, "Not on a statement yet.")

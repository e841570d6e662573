"""What an SDR's page shows beside its records and its price: findings, statement, who has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from roaming.models import Finding, Sdr
from roaming.staff_pages.cells import (
    EMPTY,
    badge,
    link_to,
    moment,
    moment_cell,
    money,
    one_line,
    value_at,
)
from roaming.staff_pages.staff_admin import Panel
from settlement.admin.sdr_causes import likely_causes
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


def standing(row: Sdr) -> Panel:
    """Where it stands, at a glance."""
    now = value_at(row, "standing")
    headers = (
        "State", "Outcome", "Claimed", "At stake", "Settled", "Settled by", "Decide by", "Matched",
    )  # fmt: skip
    if now is None:
        return Panel("Standing", headers, [], "Nothing is known of it.")
    cells = (
        badge(now.get_state_display(), STATES.get(now.state, "plain")),
        badge(now.get_outcome_display() or "none yet", OUTCOMES.get(now.outcome, "plain")),
        money(row.claim_before_tax, row.currency),
        money(now.money_at_stake, row.currency),
        money(now.settled_amount, row.currency),
        now.get_basis_display() if now.basis else EMPTY,
        moment_cell(now.decide_by),
        f"by {now.matched_by.replace('_', ' ')}" if now.matched_by else EMPTY,
    )
    return Panel("Standing", headers, [cells], "")


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
            explained(one),
            one.claimed or EMPTY,
            one.expected or EMPTY,
            money(one.money_at_stake, row.currency),
            f"superseded {moment(one.superseded_at)}" if one.superseded_at else "stands",
        )
        for one in found
    ]
    headers = ("Rule", "Severity", "What", "Claimed", "Expected", "At stake", "Standing")
    return Panel("Findings", headers, lines, "No check found anything.")


def explained(finding: Finding) -> str:
    """What is wrong, with the causes that the check names, in words."""
    named = f" ({likely_causes(finding)})" if finding.causes else ""
    return f"{finding.explanation}{named}"


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


def disputes(row: Sdr) -> Panel:
    """What was or is contested about it."""
    lines = [
        (
            link_to(dispute),
            dispute.get_state_display(),
            dispute.reason,
            money(dispute.amount, dispute.currency),
            moment_cell(dispute.respond_by),
        )
        for dispute in row.disputes.order_by("-id")[:MOST]
    ]
    headers = ("Dispute", "State", "Reason", "Ended at", "Until")
    return Panel("Disputes", headers, lines, "Nobody disputes it.")

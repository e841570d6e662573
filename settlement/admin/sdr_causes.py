"""On an SDR's page: why its total differs, in words, where a known mistake explains it."""

from __future__ import annotations

from typing import Any

from roaming.models import Finding, Sdr
from roaming.staff_pages.cells import money
from roaming.staff_pages.staff_admin import Panel
from settlement.domain.reconciliation.mistakes import advice_on, mistakes_in, title_of

TOTAL_DIFFERS = "PRC-01"


def why(row: Sdr) -> list[Panel]:
    """One panel where the total differs beyond the tolerance, else none."""
    finding = Finding.objects.filter(sdr=row, rule=TOTAL_DIFFERS, superseded_at=None).first()
    if finding is None:
        return []
    lines = [_line(cause, row) for cause in finding.causes if mistakes_in(cause)]
    return [
        Panel(
            "Why the total differs",
            ("Mistake", "The claim follows when", "It gives", "What to do"),
            lines,
            "No known mistake gives this total to the cent, neither alone nor with a second one.",
            note="Each line explains the whole claim to the cent; the likeliest comes first."
            if len(lines) > 1
            else "",
        )
    ]


def _line(cause: str, row: Sdr) -> tuple[Any, ...]:
    made = mistakes_in(cause)
    return (
        title_of(cause),
        ", and ".join(mistake.meaning for mistake in made),
        money(row.claim_before_tax, row.currency),
        " ".join(advice_on([cause])),
    )


def likely_causes(finding: Finding) -> str:
    """The causes of a finding, in words where they are known mistakes."""
    return "; ".join(title_of(cause) for cause in finding.causes) or "–"

"""Tables on a session's page: how it was doing, its charge plan, who closed it by hand."""

from __future__ import annotations

from collections.abc import Iterator

from roaming.models import ChargePlan, ChargingUpdate, ServiceSession
from roaming.staff_pages.cells import EMPTY, badge, moment_cell, money, pretty_json, quantity
from roaming.staff_pages.refusal_words import plain_words
from roaming.staff_pages.staff_admin import Panel

MOST = 50


def running_panels(session: ServiceSession) -> Iterator[Panel]:
    """What exists of UC3-6, UC3-7 and UC3-10, and closings by hand; nothing where nothing does."""
    reports = list(
        ChargingUpdate.objects.filter(session=session).order_by("-stamped_at", "-id")[:MOST]
    )
    steps = list(ChargePlan.objects.filter(session=session).order_by("-number")[:MOST])
    closings = list(session.closings.select_related("closed_by"))
    if reports:
        yield _reports(reports)
    if steps:
        yield _steps(steps)
    if closings:
        headers = ("When", "Who", "It was", "It became", "Why")
        rows = [
            (
                moment_cell(row.at),
                str(row.closed_by),
                row.get_from_state_display(),
                row.get_to_state_display(),
                row.reason,
            )
            for row in closings
        ]
        yield Panel("Closed by hand", headers, rows, "")


def _reports(reports: list[ChargingUpdate]) -> Panel:
    headers = ("Stamped", "Received", "Energy", "Power", "Cost so far", "Charge")
    rows = [
        (
            moment_cell(row.stamped_at),
            moment_cell(row.received_at),
            quantity(row.energy_kwh, "kWh"),
            quantity(row.power_kw, "kW"),
            money(row.cost_before_tax, row.currency),
            quantity(row.state_of_charge, "%"),
        )
        for row in reports
    ]
    note = f"The newest {MOST}, by the CSO's own stamps; cost before tax."
    return Panel("Charging information", headers, rows, "", note=note)


_DECISIONS = {True: ("accepted", "success"), False: ("rejected", "warning")}


def _steps(steps: list[ChargePlan]) -> Panel:
    headers = ("No.", "Step", "Decision", "Reason", "Stamped", "Received")
    rows = []
    for row in steps:
        words, shade = ("not reached", "danger")
        if row.accepted is not None:
            words, shade = _DECISIONS[row.accepted]
        rows.append(
            (
                str(row.number),
                row.get_made_by_display(),
                badge(words, shade),
                plain_words(row.reason) or EMPTY,
                moment_cell(row.stamped_at),
                moment_cell(row.received_at),
            )
        )
    return Panel("Charge plan", headers, rows, "", note="Wishes and plans are personal data.")


def plans_in_clear(session: ServiceSession) -> Iterator[tuple[str, str]]:
    """The newest wishes, plans and report as they were sent, for who may see personal data."""
    steps = ChargePlan.objects.filter(session=session).select_related("body")
    for row in steps.order_by("-number")[:10]:
        body = getattr(row, "body", None)
        if body is not None and body.wishes:
            yield f"Wishes, step {row.number}", pretty_json(body.wishes)
        if body is not None and body.plan:
            yield f"Plan, step {row.number}", pretty_json(body.plan)
    reports = ChargingUpdate.objects.filter(session=session).select_related("body")
    newest = reports.order_by("-stamped_at", "-id").first()
    body = getattr(newest, "body", None)
    if body is not None:
        yield "Newest charging information", pretty_json(body.content)

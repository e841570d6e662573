"""Statements: what one home-CSP owes one visited-CSO, line by line down to the SDR."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from roaming.staff_pages.cells import (
    code,
    column,
    link_column,
    link_to,
    list_of,
    moment_cell,
    moment_column,
    money,
    money_column,
    quantity,
    quantity_column,
    state_column,
)
from roaming.staff_pages.staff_admin import FactAdmin, Panel
from settlement.models import Posting, Statement, StatementLine

SHADES = {"draft": "info", "preliminary": "warning", "final": "success", "superseded": "plain"}
MOST = 100


@admin.register(Statement)
class StatementAdmin(FactAdmin):
    """Statements, the newest first."""

    list_display = (
        "pair", "period_link", "shown_status", "sdr_count", "energy", "before", "adjusted",
        "to_pay", "open", "environment",
    )  # fmt: skip
    list_display_links = ("pair",)
    list_filter = ("status", "environment", "currency")
    list_select_related = ("period__calendar", "visited_cso", "home_csp")
    panels_first = True
    words = {"sdr_count": "Lines"}
    fieldsets = (
        (
            "Statement",
            {
                "fields": (
                    ("cso", "csp"), ("period_link", "environment"), ("shown_status", "version"),
                )
            },
        ),
        (
            "Amounts before tax",
            {"fields": (("before", "adjusted"), ("to_pay", "open"), ("sdr_count", "energy"))},
        ),
        ("Terms", {"fields": ("collection_mode", "netting", "fingerprint")}),
    )  # fmt: skip
    readonly_fields = (
        "cso", "csp", "period_link", "shown_status", "before", "adjusted", "to_pay", "energy",
        "open", "fingerprint",
    )  # fmt: skip

    pair = column("visited-CSO / home-CSP", lambda row: f"{row.visited_cso} / {row.home_csp}")
    cso = link_column("visited_cso", "visited-CSO (is owed)")
    csp = link_column("home_csp", "home-CSP (owes)")
    period_link = column("Period", lambda row: link_to(row.period, row.period.label))
    shown_status = state_column("status", "Status", SHADES)
    energy = quantity_column("energy_kwh", "Energy", "kWh")
    before = money_column("before_tax", "Sessions of the period")
    adjusted = money_column("adjustments", "Adjustments")
    to_pay = money_column("payable", "Payable")
    open = column(
        "Carved out",
        lambda row: (
            f"{row.open_count} SDRs, {money(row.open_amount, row.currency)}"
            if row.open_count
            else "–"
        ),
    )
    fingerprint = column("Fingerprint", lambda row: code(row.content_hash))

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:
        return [_lines(row), _postings(row)]


def _lines(row: Statement) -> Panel:
    found = StatementLine.objects.filter(statement=row).select_related("sdr").order_by("sdr_id")
    lines: list[Sequence[Any]] = [
        (
            link_to(line.sdr),
            line.get_kind_display(),
            moment_cell(line.ended_at),
            quantity(line.energy_kwh, "kWh"),
            money(line.amount, row.currency),
        )
        for line in found[:MOST]
    ]
    if len(lines) == MOST:
        query = f"statement__id__exact={row.pk}"
        lines.append((list_of(StatementLine._meta, query, "All lines"), "", "", "", ""))
    return Panel(
        "Lines",
        ("SDR", "Kind", "Session ended", "Energy", "Settled before tax"),
        lines,
        "No line: a later draft took its place."
        if row.status == Statement.Status.SUPERSEDED
        else "No line.",
    )


def _postings(row: Statement) -> Panel:
    found = Posting.objects.filter(statement=row, entry__settlement_period=row.period_id)
    lines = [
        (link_to(p.entry), link_to(p.account), money(p.amount, p.currency))
        for p in found.select_related("entry", "account__operator").order_by("id")[:MOST]
    ]
    headers = ("Entry", "Account", "Debit (credit −)")
    return Panel("Booked as", headers, lines, "Booked when the period is final.")


@admin.register(StatementLine)
class StatementLineAdmin(FactAdmin):
    """Lines of statements; a statement's page leads here where it has many."""

    list_display = ("sdr_link", "statement_link", "kind", "ended", "energy", "settled")
    list_display_links = None
    list_select_related = ("sdr", "statement__period", "statement__visited_cso")
    fields = ("sdr_link", "statement_link", "kind", "ended", "energy", "settled")
    readonly_fields = ("sdr_link", "statement_link", "ended", "energy", "settled")

    sdr_link = link_column("sdr", "SDR")
    statement_link = column("Statement", lambda row: link_to(row.statement))
    ended = moment_column("ended_at", "Session ended")
    energy = quantity_column("energy_kwh", "Energy", "kWh")
    settled = money_column("amount", "Settled before tax", "statement__currency")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("statement__home_csp")

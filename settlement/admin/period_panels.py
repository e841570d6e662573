"""What a period's page shows: the way to final, statements, positions, payments, fees, entries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from roaming.models.clock import business_now
from roaming.staff_pages.cells import badge, link_to, list_of, moment, money, quantity
from roaming.staff_pages.staff_admin import Panel
from settlement.models import (
    FeeCharge,
    LedgerEntry,
    NetPayment,
    NetPosition,
    SettlementPeriod,
    Statement,
)

Status = SettlementPeriod.Status
MOST = 50


def may_be_drafted_from(period: SettlementPeriod) -> datetime:
    """The end of the period and its cut-off."""
    upper: datetime = period.during.upper
    return upper + timedelta(hours=period.calendar.cut_off_hours)


def next_actor(period: SettlementPeriod, now: datetime) -> str:
    """Who must do what before the period goes on."""
    if period.status == Status.FINAL:
        return "nobody"
    if period.status == Status.PRELIMINARY:
        if period.objections_until and now < period.objections_until:
            return f"the parties, until {moment(period.objections_until)}"
        return f"a second person: anyone but {period.proposed_by}"
    if period.status == Status.DRAFT:
        return "somebody publishes it"
    earliest = may_be_drafted_from(period)
    return "somebody drafts it" if now >= earliest else f"nobody before {moment(earliest)}"


def _objections(row: SettlementPeriod) -> Any:
    if row.objections_until is None:
        return badge("ahead")
    if row.status == Status.FINAL or business_now() >= row.objections_until:
        return badge("done", "success")
    return badge("runs", "warning")


def way(row: SettlementPeriod) -> Panel:
    """What was done, when, by whom, and what comes next."""
    done, ahead = badge("done", "success"), badge("ahead")
    published = row.status in (Status.PRELIMINARY, Status.FINAL)
    final = row.status == Status.FINAL
    lines = [
        (
            "Over, and late SDRs in",
            done if row.drafted_at else ahead,
            moment(may_be_drafted_from(row)),
            "–",
        ),
        (
            f"Draft {row.version or ''}",
            done if row.drafted_at else ahead,
            moment(row.drafted_at),
            "–",
        ),
        (
            "Preliminary statements published",
            done if published else ahead,
            moment(row.preliminary_at),
            str(row.proposed_by or "–"),
        ),
        (
            "Objections in",
            _objections(row),
            f"until {moment(row.objections_until)}" if row.objections_until else "–",
            "the parties",
        ),
        (
            "Final",
            done if final else ahead,
            moment(row.final_at),
            str(row.finalised_by or "–"),
        ),
    ]
    return Panel(
        "The way to final",
        ("Step", "Standing", "When", "Who"),
        lines,
        "",
        note=f"Next: {next_actor(row, business_now())}.",
    )


def statements(row: SettlementPeriod) -> Panel:
    """Who owes whom."""
    current = (
        Statement.objects.filter(period=row)
        .exclude(status=Statement.Status.SUPERSEDED)
        .select_related("visited_cso", "home_csp")
    )
    lines: list[Sequence[Any]] = [
        (
            link_to(s, f"{s.visited_cso} / {s.home_csp}"),
            s.get_status_display(),
            quantity(s.sdr_count),
            quantity(s.energy_kwh, "kWh"),
            money(s.payable, s.currency),
            f"{s.open_count} carved out" if s.open_count else "–",
        )
        for s in current.order_by("visited_cso__name", "home_csp__name", "currency")[:MOST]
    ]
    return Panel(
        "Statements",
        ("Pair", "Status", "SDRs", "Energy", "Payable before tax", "Open"),
        [*lines, *_more(Statement, row, lines)],
        "No statement yet: draft the period.",
    )


def _more(model: Any, row: SettlementPeriod, lines: Sequence[Any]) -> list[Sequence[Any]]:
    if len(lines) < MOST:
        return []
    return [(list_of(model._meta, f"period__id__exact={row.pk}", "All of them"),)]


def positions(row: SettlementPeriod) -> Panel:
    """Where each operator stands."""
    found = NetPosition.objects.filter(period=row).select_related("operator")
    lines: list[Sequence[Any]] = [
        (
            link_to(p.operator),
            money(p.gross_receivable, p.currency),
            money(p.gross_payable, p.currency),
            money(p.net, p.currency),
        )
        for p in found.order_by("currency", "operator__name")[:MOST]
    ]
    return Panel(
        "Net positions",
        ("Operator", "Is owed", "Owes", "Net"),
        [*lines, *_more(NetPosition, row, lines)],
        "They come with the final period.",
        note="Per currency they sum to zero.",
    )


def payments(row: SettlementPeriod) -> Panel:
    """What is to be paid."""
    found = NetPayment.objects.filter(period=row).select_related("payer", "payee")
    lines: list[Sequence[Any]] = [
        (
            link_to(p.payer),
            link_to(p.payee),
            money(p.amount, p.currency),
            money(p.payer_owes, p.currency),
            money(p.payee_owes, p.currency),
            p.get_mode_display(),
        )
        for p in found.order_by("currency", "payer__name", "payee__name")[:MOST]
    ]
    return Panel(
        "Payments",
        ("Payer", "Payee", "To pay", "Payer owed", "Payee owed", "How"),
        [*lines, *_more(NetPayment, row, lines)],
        "They come with the final period.",
    )


def fees(row: SettlementPeriod) -> Panel:
    """What the clearing house charges."""
    found = FeeCharge.objects.filter(period=row).select_related("operator", "rule")
    lines: list[Sequence[Any]] = [
        (
            link_to(f.operator),
            link_to(f.rule),
            quantity(f.sdr_count),
            money(f.unit_amount, f.currency),
            money(f.amount, f.currency),
        )
        for f in found.order_by("operator__name", "pk")[:MOST]
    ]
    return Panel(
        "Fees of the clearing house",
        ("Operator", "Rule", "SDRs", "Each", "Fee"),
        [*lines, *_more(FeeCharge, row, lines)],
        "No fee is charged.",
    )


def books(row: SettlementPeriod) -> Panel:
    """The way to the entries."""
    link = list_of(
        LedgerEntry._meta, f"settlement_period__id__exact={row.pk}", "Entries of this period"
    )
    return Panel("Ledger", ("",), [(link,)], "")

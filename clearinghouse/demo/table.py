"""The figures on the screen."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from rich import box
from rich.console import Console
from rich.table import Table

from clearinghouse.demo.figures import Figures

OUTCOMES = {
    "agreed": "agreed",
    "within_tolerance": "agreed within tolerance",
    "deviating": "deviating",
    "one_sided": "one-sided",
    "not_ratable": "not ratable",
    "rejected": "rejected at the door",
}


def show(figures: Figures, console: Console) -> None:
    """All tables, one below the other."""
    for table in (
        _summary(figures),
        _traffic(figures),
        _deviations(figures),
        _positions(figures),
        _planted(figures),
        _refused_rows(figures),
        _seconds(figures),
    ):
        if table.row_count:
            console.print(table)
    console.print("Reports:", style="bold")
    for path in figures.reports:
        console.print(f"  {path}", soft_wrap=True, highlight=False, markup=False)
    for fault in figures.faults:
        console.print(f"FAILED: {fault}", style="bold red", markup=False, highlight=False)


def money(amount: Decimal, currency: str = "") -> str:
    """Two decimals at least, never fewer than it has, thousands apart.

    >>> money(Decimal("1234.5"), "EUR")
    '1,234.50 EUR'
    >>> money(Decimal("0.035"))
    '0.035'
    """
    exponent = amount.normalize().as_tuple().exponent
    digits = max(2, -exponent) if isinstance(exponent, int) else 2
    return f"{amount:,.{digits}f} {currency}".rstrip()


def _table(title: str, *columns: str, numbers: Iterable[int] = ()) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index in numbers else "left")
    return table


def _summary(figures: Figures) -> Table:
    currency = figures.currency
    table = _table(f"Settlement of {figures.period}", "", "Count", "Before tax", numbers=(1, 2))
    messages = sum(row.messages for row in figures.traffic)
    deliveries = sum(row.delivered for row in figures.traffic)
    table.add_row("Messages switched", f"{messages:,}")
    table.add_row("  and delivered from rows", f"{deliveries:,}")
    received = sum(figures.outcomes.values())
    table.add_row("SDRs received, money claimed", f"{received:,}", money(figures.claimed, currency))
    for outcome, words in OUTCOMES.items():
        if count := figures.outcomes.get(outcome, 0):
            table.add_row(f"  {words}", f"{count:,}")
    for outcome in sorted(figures.outcomes.keys() - OUTCOMES.keys()):
        table.add_row(f"  {outcome}", f"{figures.outcomes[outcome]:,}")
    settled = received - figures.open_sdrs
    table.add_row("Money settled", f"{settled:,}", money(figures.settled, currency))
    table.add_row(
        "Carved out, for a person to decide",
        f"{figures.open_sdrs:,}",
        money(figures.open_amount, currency),
    )
    count, amount = figures.gross
    table.add_row("Payments, gross", f"{count:,}", money(amount, currency))
    count, amount = figures.netted
    table.add_row("Payments, netted", f"{count:,}", money(amount, currency))
    count, amount = figures.fees
    table.add_row("Fees of the clearing house", f"{count:,}", money(amount, currency))
    for code, difference in figures.trial_balance.items() or [(currency, Decimal(0))]:
        table.add_row("Trial balance", f"{figures.accounts:,} accounts", money(difference, code))
    return table


def _traffic(figures: Figures) -> Table:
    table = _table(
        "The switch",
        *("Use case", "", "Messages", "Refused", "Delivered from rows"),
        numbers=(2, 3, 4),
    )
    for row in figures.traffic:
        table.add_row(
            row.use_case, row.title, f"{row.messages:,}", f"{row.refused:,}", f"{row.delivered:,}"
        )
    return table


def _deviations(figures: Figures) -> Table:
    table = _table("Deviating, by rule", "Rule", "", "SDRs", "Money at stake", numbers=(2, 3))
    for row in figures.deviations:
        table.add_row(row.rule, row.title, f"{row.sdrs:,}", money(row.at_stake, figures.currency))
    return table


def _positions(figures: Figures) -> Table:
    table = _table(
        "Net positions", "Operator", "Receives", "Pays", "Net (−: owes)", numbers=(1, 2, 3)
    )
    for row in figures.positions:
        table.add_row(row.operator, money(row.receivable), money(row.payable), money(row.net))
    if figures.positions:
        total = sum((row.net for row in figures.positions), Decimal(0))
        table.add_row("Sum", "", "", money(total, figures.currency), style="bold")
    return table


def _planted(figures: Figures) -> Table:
    table = _table(
        "Mistakes planted by the simulated operators",
        *("Mistake", "Rules", "Planted", "Found", "Cause named", "At stake"),
        numbers=(2, 3, 4, 5),
    )
    for row in figures.planted:
        table.add_row(
            row.kind.replace("_", " "),
            row.family,
            f"{row.planted:,}",
            f"{row.found:,}",
            "" if row.named is None else f"{row.named:,}",
            money(row.at_stake),
        )
    if figures.planted:
        table.add_row(
            "Sum",
            "",
            f"{sum(row.planted for row in figures.planted):,}",
            f"{sum(row.found for row in figures.planted):,}",
            f"{sum(row.named or 0 for row in figures.planted):,}",
            money(sum((row.at_stake for row in figures.planted), Decimal(0)), figures.currency),
            style="bold",
        )
        table.add_row("SDRs flagged besides", "", "", f"{figures.flagged_besides:,}", "", "")
    return table


def _refused_rows(figures: Figures) -> Table:
    table = _table("Rows of the files that were refused", "Reason", "Rows", numbers=(1,))
    for reason, count in sorted(figures.refused_rows.items(), key=lambda row: -row[1]):
        table.add_row(reason, f"{count:,}")
    return table


def _seconds(figures: Figures) -> Table:
    table = _table("Time", "Stage", "Seconds", numbers=(1,))
    for stage, seconds in figures.seconds.items():
        table.add_row(stage, f"{seconds:.1f}")
    if figures.seconds:
        table.add_row("Sum", f"{sum(figures.seconds.values()):.1f}", style="bold")
    return table

"""Reports as data, and their writers. Each is of one settlement period and reproducible."""

from settlement.reports.of_a_period import (
    REPORTS,
    discrepancy_list,
    net_payments,
    net_positions,
    settlement_report,
    statement_summary,
)
from settlement.reports.report import Column, Report, rows, write_csv

__all__ = [
    "REPORTS",
    "Column",
    "Report",
    "discrepancy_list",
    "net_payments",
    "net_positions",
    "rows",
    "settlement_report",
    "statement_summary",
    "write_csv",
]

"""Reports as data, and their writers: of one settlement period, and of reconciliation."""

from settlement.reports.files import Format, write
from settlement.reports.of_a_period import (
    REPORTS,
    discrepancy_list,
    net_payments,
    net_positions,
    settlement_report,
    statement_summary,
)
from settlement.reports.of_reconciliation import RECONCILIATION_REPORTS
from settlement.reports.reconciliation_filters import Filters
from settlement.reports.report import Column, Report, rows, write_csv
from settlement.reports.unconfirmed_days import unconfirmed_days

__all__ = [
    "RECONCILIATION_REPORTS",
    "REPORTS",
    "Column",
    "Filters",
    "Format",
    "Report",
    "discrepancy_list",
    "net_payments",
    "net_positions",
    "rows",
    "settlement_report",
    "statement_summary",
    "unconfirmed_days",
    "write",
    "write_csv",
]

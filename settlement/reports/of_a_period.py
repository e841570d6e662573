"""The reports of one settlement period: SDR by SDR, by statement, by finding, by operator."""

from __future__ import annotations

import json

from settlement.domain.reconciliation.rules import rule_titles
from settlement.models import SettlementPeriod
from settlement.reports.names import file_name
from settlement.reports.report import Column, Report, moment, number

_PARTIES = (
    Column("Visited-CSO", "cso.name"),
    Column("Home-CSP", "csp.name"),
)
_STATEMENT_PARTIES = """
JOIN roaming_operator cso ON cso.id = statement.visited_cso_id
JOIN roaming_operator csp ON csp.id = statement.home_csp_id
"""


def settlement_report(period: SettlementPeriod) -> Report:
    """One line per settled SDR: what was claimed, what it is settled at, and why."""
    return Report(
        "Settlement report",
        file_name(period, "settlement-report"),
        (
            Column("Settlement period", "period.label"),
            number("Statement", "statement.id"),
            number("Statement version", "statement.version"),
            Column("Statement status", "statement.status"),
            *_PARTIES,
            Column("Visited-CSO id", "cso_identifier.identifier"),
            Column("Home-CSP id", "csp_identifier.identifier"),
            Column("SDR id", "sdr.reference"),
            Column("Service session id", "sdr.service_session_id"),
            Column("EVSE", "sdr.evse_id"),
            moment("Session start (UTC)", "sdr.started_at"),
            moment("Session end (UTC)", "sdr.ended_at"),
            Column("Time zone of the site", "sdr.time_zone"),
            number("Energy (kWh)", "line.energy_kwh"),
            number("Claim before tax", "sdr.claim_before_tax"),
            number("Settled before tax", "line.amount"),
            Column("Currency", "statement.currency"),
            Column("Kind of line", "line.kind"),
            Column("Basis", "standing.basis"),
            Column("Outcome of reconciliation", "standing.outcome"),
            Column("Tariff", "sdr.tariff_id"),
        ),
        f"""
FROM settlement_statementline line
JOIN settlement_statement statement ON statement.id = line.statement_id
JOIN settlement_settlementperiod period ON period.id = statement.period_id
JOIN roaming_sdr sdr ON sdr.id = line.sdr_id
JOIN roaming_sdrstate standing ON standing.sdr_id = line.sdr_id
{_STATEMENT_PARTIES}
JOIN roaming_operatoridentifier cso_identifier ON cso_identifier.id = sdr.visited_cso_id
JOIN roaming_operatoridentifier csp_identifier ON csp_identifier.id = sdr.home_csp_id
WHERE statement.period_id = %(period)s
ORDER BY cso.name, csp.name, statement.currency, statement.id, sdr.ended_at, sdr.id
""",
        {"period": period.pk},
    )


def statement_summary(period: SettlementPeriod) -> Report:
    """One line per statement; what was superseded by a later version is left out."""
    return Report(
        "Statements",
        file_name(period, "statements"),
        (
            Column("Settlement period", "period.label"),
            number("Statement", "statement.id"),
            number("Version", "statement.version"),
            Column("Status", "statement.status"),
            *_PARTIES,
            Column("Currency", "statement.currency"),
            number("SDRs", "statement.sdr_count"),
            number("Energy (kWh)", "statement.energy_kwh"),
            number("Before tax", "statement.before_tax"),
            number("Adjustments of earlier periods", "statement.adjustments"),
            number("Payable", "statement.payable"),
            number("SDRs carved out (disputed or open)", "statement.open_count"),
            number("Amount carved out", "statement.open_amount"),
            Column("Collection", "statement.collection_mode"),
            Column("Netting", "statement.netting"),
        ),
        f"""
FROM settlement_statement statement
JOIN settlement_settlementperiod period ON period.id = statement.period_id
{_STATEMENT_PARTIES}
WHERE statement.period_id = %(period)s AND statement.status <> 'superseded'
ORDER BY cso.name, csp.name, statement.currency, statement.id
""",
        {"period": period.pk},
    )


def discrepancy_list(period: SettlementPeriod) -> Report:
    """One line per finding that holds, of the SDRs whose session ended in the period.

    SDRs without an agreement belong to no calendar and stand on the list of every one.
    """
    titles = [{"rule": rule, "title": title} for rule, title in rule_titles().items()]
    return Report(
        "Discrepancies",
        file_name(period, "discrepancies"),
        (
            Column("Settlement period", "period.label"),
            Column("Rule", "finding.rule"),
            Column("What is wrong", "coalesce(titles.title, finding.rule)"),
            Column("Severity", "finding.severity"),
            *_PARTIES,
            Column("SDR id", "sdr.reference"),
            Column("Service session id", "sdr.service_session_id"),
            Column("EVSE", "sdr.evse_id"),
            moment("Session end (UTC)", "sdr.ended_at"),
            Column("State of the SDR", "standing.state"),
            Column("Claimed", "finding.claimed"),
            Column("Expected", "finding.expected"),
            number("Money at stake", "finding.money_at_stake"),
            Column("Currency", "sdr.currency"),
            number("Settled before tax", "standing.settled_amount"),
            Column("Named cause", "array_to_string(finding.causes, ', ')"),
            Column("Explanation", "finding.explanation"),
            moment("Found at (UTC)", "finding.found_at"),
        ),
        """
FROM settlement_settlementperiod period
JOIN roaming_sdr sdr ON sdr.environment = period.environment
    AND period.during @> coalesce(sdr.ended_at, sdr.received_at)
LEFT JOIN roaming_agreement agreement ON agreement.id = sdr.agreement_id
JOIN roaming_finding finding ON finding.sdr_id = sdr.id AND finding.superseded_at IS NULL
JOIN roaming_sdrstate standing ON standing.sdr_id = sdr.id
JOIN roaming_operatoridentifier cso_identifier ON cso_identifier.id = sdr.visited_cso_id
JOIN roaming_operator cso ON cso.id = cso_identifier.operator_id
LEFT JOIN roaming_operatoridentifier csp_identifier ON csp_identifier.id = sdr.home_csp_id
LEFT JOIN roaming_operator csp ON csp.id = csp_identifier.operator_id
LEFT JOIN jsonb_to_recordset(%(titles)s::jsonb) AS titles (rule text, title text)
    ON titles.rule = finding.rule
WHERE period.id = %(period)s
    AND (agreement.id IS NULL OR agreement.calendar_id = period.calendar_id)
ORDER BY finding.rule, cso.name, csp.name, sdr.id, finding.id
""",
        {"period": period.pk, "titles": json.dumps(titles)},
    )


def net_positions(period: SettlementPeriod) -> Report:
    """One line per operator and currency; the net column sums to zero per currency."""
    return Report(
        "Net positions",
        file_name(period, "net-positions"),
        (
            Column("Settlement period", "period.label"),
            Column("Operator", "operator.name"),
            Column("Currency", "position.currency"),
            number("Gross receivable", "position.gross_receivable"),
            number("Gross payable", "position.gross_payable"),
            number("Net (negative: owes)", "position.net"),
        ),
        """
FROM settlement_netposition position
JOIN settlement_settlementperiod period ON period.id = position.period_id
JOIN roaming_operator operator ON operator.id = position.operator_id
WHERE position.period_id = %(period)s ORDER BY position.currency, operator.name
""",
        {"period": period.pk},
    )


def net_payments(period: SettlementPeriod) -> Report:
    """One line per payment, with what each side owed before netting."""
    return Report(
        "Net payments",
        file_name(period, "net-payments"),
        (
            Column("Settlement period", "period.label"),
            Column("Payer", "payer.name"),
            Column("Payee", "payee.name"),
            Column("Currency", "payment.currency"),
            number("Payer owes (gross)", "payment.payer_owes"),
            number("Payee owes (gross)", "payment.payee_owes"),
            number("To pay", "payment.amount"),
            Column("How", "payment.mode"),
            Column("Netted", "CASE WHEN payment.netted THEN 'yes' ELSE 'no' END"),
        ),
        """
FROM settlement_netpayment payment
JOIN settlement_settlementperiod period ON period.id = payment.period_id
JOIN roaming_operator payer ON payer.id = payment.payer_id
JOIN roaming_operator payee ON payee.id = payment.payee_id
WHERE payment.period_id = %(period)s ORDER BY payment.currency, payer.name, payee.name, payment.id
""",
        {"period": period.pk},
    )


REPORTS = {
    "settlement-report": settlement_report,
    "statements": statement_summary,
    "discrepancies": discrepancy_list,
    "net-positions": net_positions,
    "net-payments": net_payments,
}

"""Reports of reconciliation: summary, by rule, discrepancies, missing and late, ageing of disputes.

Each takes the same filters and reads by the session's day, so that their totals agree. With
`of_operators` a report holds what these operators are a party of: nobody sees another's trade.
"""

from __future__ import annotations

from collections.abc import Callable

from settlement.reports.reconciliation_filters import Filters, of_sdrs, parameters, where
from settlement.reports.report import Column, Report, moment, number


def _parties(row: str) -> str:
    return f"""
JOIN roaming_operatoridentifier cso_identifier ON cso_identifier.id = {row}.visited_cso_id
JOIN roaming_operator cso ON cso.id = cso_identifier.operator_id
LEFT JOIN roaming_operatoridentifier csp_identifier ON csp_identifier.id = {row}.home_csp_id
LEFT JOIN roaming_operator csp ON csp.id = csp_identifier.operator_id
"""


_SDRS = f"""
FROM roaming_sdr sdr
JOIN roaming_sdrstate standing ON standing.sdr_id = sdr.id
{_parties("sdr")}"""
_PARTIES = (Column("Visited-CSO", "cso.name"), Column("Home-CSP", "csp.name"))
_MONTH = Column("Month", "to_char(sdr.period, 'YYYY-MM')", text=False)
_CURRENCY = Column("Currency", "sdr.currency")
_STAKE = "standing.money_at_stake"


def _address(parameter: str, key: str) -> Column:
    return Column("Page", f"replace(%({parameter})s, '{{id}}', {key}::text)", text=False, link=True)


_SDR = (
    Column("SDR id", "sdr.reference"),
    Column("Service session id", "coalesce(standing.service_session_id, sdr.service_session_id)"),
    Column("EVSE", "sdr.evse_id"),
    moment("Session start (UTC)", "sdr.started_at"),
    moment("Session end (UTC)", "sdr.ended_at"),
    Column("State of the SDR", "standing.state"),
    Column("Outcome of reconciliation", "standing.outcome"),
)


def reconciliation_summary(filters: Filters) -> Report:
    """A line per month, pair, currency, state and outcome: how many SDRs, how much money."""
    return Report(
        "Reconciliation summary",
        filters.file_name("summary"),
        (
            _MONTH,
            *_PARTIES,
            _CURRENCY,
            Column("State", "standing.state"),
            Column("Outcome", "standing.outcome"),
            number("SDRs", "count(*)"),
            number("Energy (kWh)", "coalesce(sum(sdr.energy_kwh), 0)"),
            number("Claimed before tax", "coalesce(sum(sdr.claim_before_tax), 0)"),
            number("Rated before tax (exact)", "coalesce(sum(standing.rated_before_tax), 0)"),
            number("Money at stake", f"coalesce(sum({_STAKE}), 0)"),
            number("Settled before tax", "coalesce(sum(standing.settled_amount), 0)"),
        ),
        f"""{_SDRS}
WHERE {of_sdrs(filters)}
GROUP BY sdr.period, cso.name, csp.name, sdr.currency, standing.state, standing.outcome
ORDER BY sdr.period, cso.name, csp.name, sdr.currency, standing.state, standing.outcome
""",
        parameters(filters),
    )


def summary_by_rule(filters: Filters) -> Report:
    """A line per month, pair, currency and rule: findings that stand, SDRs, money at stake."""
    return Report(
        "Findings by rule",
        filters.file_name("by-rule"),
        (
            _MONTH,
            *_PARTIES,
            _CURRENCY,
            Column("Rule", "finding.rule"),
            Column("What is wrong", "coalesce(min(titles.title), finding.rule)"),
            Column("Severity", "finding.severity"),
            number("Findings", "count(*)"),
            number("SDRs", "count(DISTINCT sdr.id)"),
            number("Money at stake", "coalesce(sum(finding.money_at_stake), 0)"),
        ),
        f"""{_SDRS}{_STANDING_FINDINGS}
WHERE {of_sdrs(filters)}{_of_rule(filters)}
GROUP BY sdr.period, cso.name, csp.name, sdr.currency, finding.rule, finding.severity
ORDER BY sdr.period, cso.name, csp.name, sdr.currency, finding.rule, finding.severity
""",
        parameters(filters),
    )


_STANDING_FINDINGS = """
JOIN roaming_finding finding ON finding.sdr_id = sdr.id AND finding.superseded_at IS NULL
LEFT JOIN jsonb_to_recordset(%(titles)s::jsonb) AS titles (rule text, title text)
    ON titles.rule = finding.rule"""


def _of_rule(filters: Filters) -> str:
    return " AND finding.rule = %(rule)s" if filters.rule else ""


def discrepancies(filters: Filters) -> Report:
    """A line per finding that stands, with both values, the cause and the money."""
    return Report(
        "Discrepancies",
        filters.file_name("discrepancies"),
        (
            Column("Rule", "finding.rule"),
            Column("What is wrong", "coalesce(titles.title, finding.rule)"),
            Column("Severity", "finding.severity"),
            *_PARTIES,
            *_SDR,
            Column("Claimed", "finding.claimed"),
            Column("Expected", "finding.expected"),
            number("Money at stake", "finding.money_at_stake"),
            number("Claim before tax", "sdr.claim_before_tax"),
            number("Settled before tax", "standing.settled_amount"),
            _CURRENCY,
            Column("Named cause", "array_to_string(finding.causes, ', ')"),
            Column("Explanation", "finding.explanation"),
            moment("Found at (UTC)", "finding.found_at"),
            _address("sdr_address", "sdr.id"),
        ),
        f"""{_SDRS}{_STANDING_FINDINGS}
WHERE {of_sdrs(filters)}{_of_rule(filters)}
ORDER BY finding.rule, cso.name, csp.name, sdr.id, finding.id
""",
        parameters(filters),
    )


def missing_and_late(filters: Filters) -> Report:
    """Completed sessions whose SDR did not come, and SDRs that came after their window.

    The rule and the state of an SDR narrow nothing here: a missing one has neither.
    """
    return Report(
        "Missing and late SDRs",
        filters.file_name("missing-and-late"),
        (
            Column("Kind", "found.kind"),
            *_PARTIES,
            Column("SDR id", "found.reference"),
            Column("Service session id", "found.session_id"),
            Column("EVSE", "found.evse_id"),
            moment("Session end (UTC)", "found.ended_at"),
            moment("Received (UTC)", "found.received_at"),
            number("Hours waited", "floor(extract(epoch FROM found.waited) / 3600)"),
            number("Reported or claimed before tax", "found.amount"),
            Column("Currency", "found.currency"),
            Column("Page", "found.page", text=False, link=True),
        ),
        f"""
FROM (
    SELECT 'missing' AS kind, session.environment, session.id, session.visited_cso_id,
        session.home_csp_id, NULL AS reference, session.id AS session_id, evse.evse_id,
        session.ended_at, NULL::timestamptz AS received_at,
        %(now)s - coalesce(session.completed_at, session.ended_at, session.opened_at) AS waited,
        session.cost_so_far AS amount, session.cost_currency AS currency,
        replace(%(session_address)s, '{{id}}', session.id::text) AS page
    FROM roaming_servicesession session JOIN roaming_evse evse ON evse.id = session.evse_id
    WHERE session.state = 'completed' AND NOT session.sdr_accounted_for
        AND coalesce(session.completed_at, session.ended_at, session.opened_at)
            < %(now)s - make_interval(hours => %(missing_hours)s)
        AND NOT EXISTS (
            SELECT FROM roaming_sdr arrived
            WHERE arrived.service_session_id = session.id AND NOT arrived.credit
                AND arrived.environment = session.environment
                AND arrived.visited_cso_id = session.visited_cso_id)
    UNION ALL
    SELECT 'late', sdr.environment, sdr.id, sdr.visited_cso_id, sdr.home_csp_id, sdr.reference,
        sdr.service_session_id, sdr.evse_id, sdr.ended_at, sdr.received_at,
        sdr.received_at - sdr.ended_at, sdr.claim_before_tax, sdr.currency,
        replace(%(sdr_address)s, '{{id}}', sdr.id::text)
    FROM roaming_sdr sdr
    WHERE EXISTS (
        SELECT FROM roaming_finding finding
        WHERE finding.sdr_id = sdr.id AND finding.rule = 'TIM-05' AND finding.superseded_at IS NULL)
) found
{_parties("found")}
WHERE {where(filters, "found")}
ORDER BY found.kind DESC, cso.name, csp.name, found.id
""",  # noqa: S608  constants of this module
        parameters(filters),
    )


def dispute_ageing(filters: Filters) -> Report:
    """A line per disputed SDR: since when, by whom, why, how old that is, and whose turn it is.

    A settled SDR that is disputed afterwards stays settled, and stands here all the same.
    """
    since = "coalesce(dispute.opened_at, event.at)"
    days = f"floor(extract(epoch FROM %(now)s - {since}) / 86400)"
    return Report(
        "Ageing of disputes",
        filters.file_name("dispute-ageing"),
        (
            *_PARTIES,
            *_SDR,
            Column("Dispute", "'D-' || dispute.id"),
            moment("Disputed since (UTC)", since),
            number("Days", days),
            Column(
                "Age",
                f"CASE WHEN {days} <= 7 THEN '0 to 7 days' WHEN {days} <= 14 THEN '8 to 14 days'"
                f" WHEN {days} <= 30 THEN '15 to 30 days' ELSE 'over 30 days' END",
                text=False,
            ),
            Column("Stands with", "dispute.state"),
            moment("Respond by (UTC)", "dispute.respond_by"),
            Column(
                "Overdue",
                "CASE WHEN dispute.respond_by < %(now)s THEN 'yes' ELSE 'no' END",
                text=False,
            ),
            number("Undisputed", "dispute.undisputed"),
            number("Offered", "dispute.offered"),
            Column("Disputed by", "event.actor"),
            Column("Reason", "coalesce(dispute.reason, event.reason)"),
            Column("Note", "coalesce(nullif(dispute.note, ''), event.note)"),
            number("Claim before tax", "sdr.claim_before_tax"),
            number(
                "Money at stake", "coalesce(standing.money_at_stake, abs(sdr.claim_before_tax))"
            ),
            _CURRENCY,
            _address("sdr_address", "sdr.id"),
        ),
        f"""{_SDRS}
LEFT JOIN LATERAL (
    SELECT event.* FROM roaming_sdrevent event
    WHERE event.sdr_id = sdr.id AND event.to_state = 'disputed' ORDER BY event.at DESC LIMIT 1
) event ON true
LEFT JOIN settlement_dispute dispute ON dispute.sdr_id = sdr.id AND dispute.closed_at IS NULL
WHERE (standing.state = 'disputed' OR dispute.id IS NOT NULL) AND {of_sdrs(filters)}
ORDER BY {since}, cso.name, csp.name, sdr.id
""",  # noqa: S608  constants of this module
        parameters(filters),
    )


RECONCILIATION_REPORTS: dict[str, Callable[[Filters], Report]] = {
    "summary": reconciliation_summary,
    "by-rule": summary_by_rule,
    "discrepancies": discrepancies,
    "missing-and-late": missing_and_late,
    "dispute-ageing": dispute_ageing,
}

"""Which days nobody has confirmed: totals per day, counterparty and currency, and each side's word.

A day that was confirmed counts as such only while our figures are what they were then: an SDR that
came later puts it in doubt again.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from roaming.domain.uuid7 import uuid7_at
from settlement.reports.report import Column, Report, number

_LONGEST = timedelta(days=31)

# One side's word on the day: "confirmed", "differs", "outdated", or nothing yet.
_WORD = """
LEFT JOIN settlement_totalsofday {side} ON {side}.environment = %(environment)s
    AND {side}.day = total.day AND {side}.visited_cso_id = total.visited_cso_id
    AND {side}.home_csp_id = total.home_csp_id AND {side}.currency = total.currency
    AND {side}.side = '{role}'
"""
_STATE = """CASE WHEN {side}.id IS NULL THEN 'not told'
    WHEN {side}.state = 'confirmed' AND ({side}.count_here, {side}.energy_kwh_here,
        {side}.before_tax_here) IS DISTINCT FROM (total.count, total.energy_kwh, total.before_tax)
    THEN 'outdated' ELSE {side}.state END"""
_CSO, _CSP = _STATE.format(side="said_by_cso"), _STATE.format(side="said_by_csp")

_SOURCE = f"""
FROM (
    SELECT (sdr.ended_at AT TIME ZONE 'UTC')::date AS day, sdr.visited_cso_id, sdr.home_csp_id,
        sdr.currency, count(*) AS count, coalesce(sum(sdr.energy_kwh), 0) AS energy_kwh,
        coalesce(sum(sdr.claim_before_tax), 0) AS before_tax
    FROM roaming_sdr sdr JOIN roaming_sdrstate standing ON standing.sdr_id = sdr.id
    WHERE sdr.environment = %(environment)s AND standing.state <> 'rejected'
        AND sdr.id >= %(least)s AND sdr.id < %(most)s
        AND sdr.ended_at >= %(first)s AND sdr.ended_at < %(end)s
    GROUP BY 1, 2, 3, 4
) total
JOIN roaming_operatoridentifier cso ON cso.id = total.visited_cso_id
JOIN roaming_operatoridentifier csp ON csp.id = total.home_csp_id
{_WORD.format(side="said_by_cso", role="CSO")}
{_WORD.format(side="said_by_csp", role="CSP")}
WHERE {_CSO} <> 'confirmed' OR {_CSP} <> 'confirmed'
ORDER BY total.day, cso.identifier, csp.identifier, total.currency
"""  # noqa: S608  constants of this module


def unconfirmed_days(environment: str, first: date, last: date) -> Report:
    """One line per UTC day, pair and currency that a side has not confirmed."""
    begin = datetime.combine(first, time(), UTC)
    end = datetime.combine(last, time(), UTC) + timedelta(days=1)
    return Report(
        "Unconfirmed days",
        f"{environment}_{first:%Y-%m-%d}_{last:%Y-%m-%d}_unconfirmed-days.csv",
        (
            Column("Day (UTC)", "total.day"),
            Column("Visited-CSO", "cso.identifier"),
            Column("Home-CSP", "csp.identifier"),
            Column("Currency", "total.currency"),
            number("SDRs", "total.count"),
            number("Energy (kWh)", "total.energy_kwh"),
            number("Before tax", "total.before_tax"),
            Column("Said by the visited-CSO", _CSO),
            number("SDRs of the visited-CSO", "said_by_cso.count"),
            number("Before tax of the visited-CSO", "said_by_cso.before_tax"),
            Column("Said by the home-CSP", _CSP),
            number("SDRs of the home-CSP", "said_by_csp.count"),
            number("Before tax of the home-CSP", "said_by_csp.before_tax"),
        ),
        _SOURCE,
        {
            "environment": environment,
            "least": uuid7_at(begin - _LONGEST, 0),
            "most": uuid7_at(end, 0),
            "first": begin,
            "end": end,
        },
    )

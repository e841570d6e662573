"""The close of a period in SQL: what is frozen, what it adds up to, what becomes settled.

The one named place where a close reads and writes SDRs by the thousand (settlement.md, section 5).
Everything is computed from two temporary tables of one transaction, `close_line` and `close_open`,
so that lines, statements, fees and hash are of one moment.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from settlement.models.reconciliation_sql import key_of

_TABLES = "pg_temp.close_line, pg_temp.close_open, pg_temp.close_statement"
_LOCK_CLASS = 4_711_002  # advisory locks of period closes

_COLUMNS = """
    SELECT sdr.id AS sdr_id, pair.visited_cso_id, pair.home_csp_id, sdr.currency,
        agreement.collection_mode, agreement.netting,
        CASE WHEN sdr.ended_at < lower(period.during) THEN 'adjustment' ELSE standing.basis END
            AS kind,
        standing.settled_amount AS amount,
        CASE WHEN NOT sdr.credit THEN sdr.energy_kwh
            WHEN credited.state = 'credited' THEN 0 ELSE -abs(sdr.energy_kwh) END AS energy_kwh,
        standing.tariff_version_id, sdr.ended_at, sdr.credit
    FROM settlement_settlementperiod period
    JOIN roaming_agreement agreement ON agreement.calendar_id = period.calendar_id
        AND agreement.environment = period.environment
    JOIN roaming_sdr sdr ON sdr.agreement_id = agreement.id
    JOIN roaming_sdrstate standing ON standing.sdr_id = sdr.id
    JOIN roaming_operatorpair pair ON pair.id = sdr.pair_id
    LEFT JOIN roaming_sdrregistry registry ON sdr.credit
        AND registry.environment = sdr.environment
        AND registry.visited_cso_id = sdr.visited_cso_id
        AND registry.reference = sdr.credit_reference
    LEFT JOIN roaming_sdrstate credited ON credited.sdr_id = registry.sdr_id
    WHERE period.id = %(period)s
"""
# A late SDR of a final period goes to the first period after it that is not final.
_FREEZE = f"""
DROP TABLE IF EXISTS {_TABLES};
CREATE TEMPORARY TABLE close_line ON COMMIT DROP AS
{_COLUMNS}
    AND standing.state = 'accepted' AND standing.environment = period.environment
    AND sdr.ended_at < upper(period.during)
    AND (sdr.ended_at >= lower(period.during) OR (
        EXISTS (
            SELECT FROM settlement_settlementperiod own
            WHERE own.environment = period.environment AND own.calendar_id = period.calendar_id
                AND own.during @> sdr.ended_at AND own.status = 'final'
        ) AND NOT EXISTS (
            SELECT FROM settlement_settlementperiod before
            WHERE before.environment = period.environment
                AND before.calendar_id = period.calendar_id AND before.status <> 'final'
                AND upper(before.during) > sdr.ended_at
                AND lower(before.during) < lower(period.during)
        )
    ));
CREATE TEMPORARY TABLE close_open ON COMMIT DROP AS
SELECT pair.visited_cso_id, pair.home_csp_id, sdr.currency, agreement.collection_mode,
    agreement.netting, count(*) AS sdr_count, sum(sdr.claim_before_tax) AS claimed
FROM settlement_settlementperiod period
JOIN roaming_agreement agreement ON agreement.calendar_id = period.calendar_id
    AND agreement.environment = period.environment
JOIN roaming_sdr sdr ON sdr.agreement_id = agreement.id AND period.during @> sdr.ended_at
JOIN roaming_sdrstate standing ON standing.sdr_id = sdr.id
JOIN roaming_operatorpair pair ON pair.id = sdr.pair_id
WHERE period.id = %(period)s AND standing.state IN ('received', 'validated', 'matched',
    'unmatched', 'rated', 'deviating', 'not_ratable', 'disputed')
GROUP BY 1, 2, 3, 4, 5;
ANALYZE close_line;
"""  # noqa: S608  constants of this module
_FREEZE_SETTLED = f"""
DROP TABLE IF EXISTS {_TABLES};
CREATE TEMPORARY TABLE close_line ON COMMIT DROP AS
{_COLUMNS}
    AND standing.settlement_period_id = period.id;
"""

_KEY = "visited_cso_id, home_csp_id, currency, collection_mode, netting"
# What stands in the hash of one line: its id, versions and amounts.
_LINE = """concat_ws('|', sdr_id, kind, trim_scale(amount), trim_scale(energy_kwh),
    coalesce(tariff_version_id, 0))"""
_STATEMENTS = f"""
CREATE TEMPORARY TABLE close_statement ON COMMIT DROP AS
WITH lined AS (
    SELECT {_KEY}, count(*) AS sdr_count, sum(energy_kwh) AS energy_kwh,
        coalesce(sum(amount) FILTER (WHERE kind <> 'adjustment'), 0) AS before_tax,
        coalesce(sum(amount) FILTER (WHERE kind = 'adjustment'), 0) AS adjustments,
        string_agg({_LINE}, E'\\n' ORDER BY sdr_id) AS lines
    FROM close_line GROUP BY {_KEY}
), both_sides AS (
    SELECT {_KEY}, coalesce(lined.sdr_count, 0) AS sdr_count,
        coalesce(lined.energy_kwh, 0) AS energy_kwh, coalesce(before_tax, 0) AS before_tax,
        coalesce(adjustments, 0) AS adjustments, coalesce(close_open.sdr_count, 0) AS open_count,
        coalesce(close_open.claimed, 0) AS open_amount, coalesce(lines, '') AS lines
    FROM lined FULL JOIN close_open USING ({_KEY})
)
SELECT both_sides.*, encode(sha256(convert_to(concat_ws('|', {_KEY}, sdr_count,
    trim_scale(energy_kwh), trim_scale(before_tax), trim_scale(adjustments), open_count,
    trim_scale(open_amount)) || E'\\n' || lines, 'UTF8')), 'hex') AS content_hash
FROM both_sides;
"""  # noqa: S608  constants of this module
_SAME_STATEMENTS = f"""
SELECT NOT EXISTS (
    SELECT FROM (
        SELECT {_KEY}, content_hash FROM settlement_statement
        WHERE period_id = %(period)s AND status <> 'superseded'
    ) stored FULL JOIN close_statement fresh USING ({_KEY}, content_hash)
    WHERE stored.content_hash IS NULL OR fresh.content_hash IS NULL
)
"""  # noqa: S608  constants of this module


def _hash_of(lines: str) -> str:
    """SQL for one hash over all lines, statement by statement."""
    return f"""
SELECT encode(sha256(convert_to(coalesce(
    string_agg(statement, E'\\n' ORDER BY statement), ''), 'UTF8')), 'hex')
FROM (
    SELECT concat_ws('|', {_KEY}, encode(sha256(convert_to(
        string_agg({_LINE}, E'\\n' ORDER BY sdr_id), 'UTF8')), 'hex')) AS statement
    FROM {lines} GROUP BY {_KEY}
) statements
"""  # noqa: S608  constants of this module


_FRESH_HASH = _hash_of("close_line")
_STORED_HASH = _hash_of(
    """(
        SELECT statement.visited_cso_id, statement.home_csp_id, statement.currency,
            statement.collection_mode, statement.netting, line.sdr_id, line.kind, line.amount,
            line.energy_kwh, line.tariff_version_id
        FROM settlement_statementline line
        JOIN settlement_statement statement ON statement.id = line.statement_id
        WHERE statement.period_id = %(period)s
    ) stored"""
)

_REMOVE_LINES = """
DELETE FROM settlement_statementline line USING settlement_statement statement
WHERE statement.id = line.statement_id AND statement.period_id = %(period)s
"""
_WRITE_STATEMENTS = f"""
INSERT INTO settlement_statement (environment, period_id, version, status, {_KEY}, sdr_count,
    energy_kwh, before_tax, adjustments, payable, open_count, open_amount, content_hash)
SELECT period.environment, period.id, %(version)s, 'draft', {_KEY}, sdr_count, energy_kwh,
    before_tax, adjustments, before_tax + adjustments, open_count, open_amount, content_hash
FROM close_statement JOIN settlement_settlementperiod period ON period.id = %(period)s
"""  # noqa: S608  constants of this module
_WRITE_LINES = f"""
INSERT INTO settlement_statementline
    (statement_id, sdr_id, kind, amount, energy_kwh, tariff_version_id, ended_at)
SELECT statement.id, line.sdr_id, line.kind, line.amount, line.energy_kwh,
    line.tariff_version_id, line.ended_at
FROM close_line line JOIN settlement_statement statement USING ({_KEY})
WHERE statement.period_id = %(period)s AND statement.version = %(version)s
"""  # noqa: S608  constants of this module

# Credits carry no fee and give none back: the fee is for the work on the SDR.
_FEES = """
SELECT rule.id, party.operator_id, rule.amount, rule.currency, count(*)
FROM close_line line
CROSS JOIN LATERAL (
    VALUES ('CSO', line.visited_cso_id), ('CSP', line.home_csp_id)
) AS party (role, operator_id)
JOIN settlement_feerule rule ON rule.environment = %(environment)s
    AND rule.payer_role = party.role AND rule.currency = line.currency
    AND rule.validity @> line.ended_at
    AND (rule.operator_id = party.operator_id OR rule.operator_id IS NULL AND NOT EXISTS (
        SELECT FROM settlement_feerule own
        WHERE own.environment = rule.environment AND own.payer_role = rule.payer_role
            AND own.currency = rule.currency AND own.operator_id = party.operator_id
            AND own.validity @> line.ended_at
    ))
WHERE NOT line.credit
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2
"""

_STALE = """
SELECT count(*) FROM settlement_statementline line
JOIN settlement_statement statement ON statement.id = line.statement_id
JOIN roaming_sdrstate standing ON standing.sdr_id = line.sdr_id
WHERE statement.period_id = %(period)s
    AND (standing.state <> 'accepted' OR standing.settled_amount <> line.amount)
"""
_SETTLE = f"""
WITH settled AS (
    UPDATE roaming_sdrstate standing SET state = 'settled', settlement_period_id = %(period)s
    FROM settlement_statementline line
    JOIN settlement_statement statement ON statement.id = line.statement_id
    WHERE statement.period_id = %(period)s AND standing.sdr_id = line.sdr_id
        AND standing.state = 'accepted' AND standing.settled_amount = line.amount
    RETURNING standing.sdr_id, standing.environment, standing.period, standing.pair_id,
        statement.id AS statement_id
), told AS (
    INSERT INTO roaming_sdrevent
        (id, environment, period, pair_id, sdr_id, from_state, to_state, actor, reason, note, at)
    SELECT {key_of("sdr_id")}, environment, period, pair_id, sdr_id, 'accepted', 'settled',
        %(by)s, 'final', 'statement ' || statement_id, %(now)s
    FROM settled
)
SELECT (SELECT count(*) FROM settled), (
    SELECT count(*) FROM settlement_statementline line
    JOIN settlement_statement statement ON statement.id = line.statement_id
    WHERE statement.period_id = %(period)s
)
"""  # noqa: S608  constants of this module

_WITHOUT_PERIOD = """
SELECT DISTINCT agreement.environment, agreement.calendar_id,
    date_trunc('day', sdr.ended_at AT TIME ZONE calendar.time_zone) AT TIME ZONE calendar.time_zone
FROM roaming_sdrstate standing
JOIN roaming_sdr sdr ON sdr.id = standing.sdr_id
JOIN roaming_agreement agreement ON agreement.id = sdr.agreement_id
JOIN roaming_settlementcalendar calendar ON calendar.id = agreement.calendar_id
WHERE standing.state IN ('validated', 'unmatched', 'rated', 'deviating', 'not_ratable', 'accepted',
        'disputed')
    AND NOT EXISTS (
        SELECT FROM settlement_settlementperiod period
        WHERE period.environment = agreement.environment
            AND period.calendar_id = agreement.calendar_id AND period.during @> sdr.ended_at
    )
"""


class FeeRow(NamedTuple):
    """How many SDRs one rule charges to one operator."""

    rule_id: int
    operator_id: int
    unit_amount: Decimal
    currency: str
    sdr_count: int


def lock_period(cursor: Any, period_id: int) -> None:
    """Waits for any other close of this period; held to the end of the transaction."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, period_id % 2**31])


def freeze(cursor: Any, period_id: int) -> str:
    """Fills the temporary tables with what the period holds now; returns the hash of its lines."""
    cursor.execute(_FREEZE, {"period": period_id})
    cursor.execute(_STATEMENTS)
    return str(_one(cursor, _FRESH_HASH, {}))


def hash_of_settled(cursor: Any, period_id: int) -> str:
    """The hash of what a final period settled, from the SDRs as they are now."""
    cursor.execute(_FREEZE_SETTLED, {"period": period_id})
    return str(_one(cursor, _FRESH_HASH, {}))


def stored_hash(cursor: Any, period_id: int) -> str:
    """The hash of the lines as they stand on the period's statements."""
    return str(_one(cursor, _STORED_HASH, {"period": period_id}))


def same_statements(cursor: Any, period_id: int) -> bool:
    """Whether the period's statements already say what was frozen just now."""
    same: bool = _one(cursor, _SAME_STATEMENTS, {"period": period_id})
    return same


def fees_of_frozen(cursor: Any, environment: str) -> list[FeeRow]:
    cursor.execute(_FEES, {"environment": environment})
    return [FeeRow(*row) for row in cursor.fetchall()]


def remove_lines(cursor: Any, period_id: int) -> None:
    cursor.execute(_REMOVE_LINES, {"period": period_id})


def write_statements(cursor: Any, period_id: int, version: int) -> None:
    """Statements, then all lines with one INSERT ... SELECT."""
    parameters = {"period": period_id, "version": version}
    cursor.execute(_WRITE_STATEMENTS, parameters)
    cursor.execute(_WRITE_LINES, parameters)


def stale_lines(cursor: Any, period_id: int) -> int:
    """How many frozen SDRs are no longer accepted at the amount on their line."""
    count: int = _one(cursor, _STALE, {"period": period_id})
    return count


def settle(cursor: Any, period_id: int, by: str, now: datetime) -> bool:
    """Makes every SDR on the statements settled; False where one of them changed meanwhile."""
    cursor.execute(_SETTLE, {"period": period_id, "by": by, "now": now})
    settled, lines = cursor.fetchone()
    return bool(settled == lines)


def moments_without_period(cursor: Any) -> list[tuple[str, int, datetime]]:
    """(environment, calendar id, a moment) of SDRs that no period holds yet."""
    cursor.execute(_WITHOUT_PERIOD)
    rows: list[tuple[str, int, datetime]] = cursor.fetchall()
    return rows


def _one(cursor: Any, statement: str, parameters: dict[str, Any]) -> Any:
    cursor.execute(statement, parameters)
    return cursor.fetchone()[0]

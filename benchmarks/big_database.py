"""A database full of SDRs for benchmarks of pages and reports, made by set-based SQL.

Three months of sessions at 500 EVSEs between one visited-CSO and its home-CSPs: most SDRs are
settled or accepted, one in ten deviates, a few are unmatched, not ratable or disputed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from benchmarks.clearing_house import DATA_DIR

DAYS = 90
EVSES = 500
_EMPTY = {
    "character varying": "''", "text": "''", "boolean": "false", "ARRAY": "'{}'", "bytea": "''",
    "integer": "0", "bigint": "0", "smallint": "0", "numeric": "0", "jsonb": "'{}'",
    "timestamp with time zone": "opened",
}  # fmt: skip
# Of twenty SDRs: so many in each state.
_STATE = """CASE
    WHEN n % 20 < 11 THEN 'settled' WHEN n % 20 < 14 THEN 'accepted' WHEN n % 20 < 16 THEN 'rated'
    WHEN n % 20 < 18 THEN 'deviating' WHEN n % 40 = 18 THEN 'unmatched'
    WHEN n % 40 = 38 THEN 'not_ratable' WHEN n % 40 = 19 THEN 'disputed' ELSE 'deviating' END"""
_OUTCOME = """CASE state
    WHEN 'deviating' THEN 'deviating' WHEN 'disputed' THEN 'deviating'
    WHEN 'unmatched' THEN 'one_sided' WHEN 'not_ratable' THEN 'not_ratable' ELSE 'agreed' END"""
# One finding in fifty thousand is of a rare rule.
_RULE = """CASE WHEN n % 50000 = 17 THEN 'DUP-02' WHEN state = 'unmatched' THEN 'AUT-01'
    WHEN state = 'not_ratable' THEN 'PRC-02' ELSE 'PRC-01' END"""


def fill(size: int, *, undecided: bool = False) -> None:
    """Makes `size` SDRs with their sessions, standings, findings and messages. As superuser: the
    triggers that guard facts row by row would be most of the time.

    `undecided`: all wait for reconciliation, with nothing found yet.
    """
    from clearinghouse.embedded_postgres import EmbeddedPostgres

    evses = _evses()
    server = EmbeddedPostgres(DATA_DIR / "postgres")
    with psycopg.connect(
        server.conninfo("clearinghouse", "postgres"), autocommit=True
    ) as connection:
        cursor = connection.cursor()
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET synchronous_commit = off")
        _draw(cursor, size, evses)
        for table, columns in _rows().items():
            condition = _CONDITIONS.get(table, "true")
            _insert(cursor, table, columns, condition)
        if undecided:
            cursor.execute(_UNDECIDED)
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


_UNDECIDED = """
TRUNCATE roaming_finding, roaming_sdrevent, roaming_sdrstate;
INSERT INTO roaming_sdrstate (sdr_id, environment, period, pair_id, state, outcome, matched_by,
    basis, visible_at)
SELECT id, environment, period, pair_id, 'validated', '', '', '', received_at
FROM roaming_sdr ORDER BY id;
"""


def _evses() -> list[int]:
    """The keys of the EVSEs of the benchmark's visited-CSO."""
    from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
    from django.utils import timezone

    from roaming import models

    now = timezone.now()
    cso = models.OperatorIdentifier.objects.get(role="CSO")
    site = models.Site.objects.create(
        environment="live", visited_cso=cso, site_id="S1", country="DE",
        latitude=52.5, longitude=13.4,
        time_zone="Europe/Berlin", last_updated=now, received_at=now,
    )  # fmt: skip
    made = models.Evse.objects.bulk_create(
        models.Evse(
            environment="live", site=site, evse_id=f"DE*BMO*E{number:05}", key=f"DEBMOE{number:05}"
        )
        for number in range(EVSES)
    )
    models.EvseOwnership.objects.bulk_create(
        models.EvseOwnership(
            evse=evse, visited_cso=cso,
            during=DateTimeTZRange(now - timedelta(days=2 * DAYS), None),
        )
        for evse in made
    )  # fmt: skip
    return [evse.pk for evse in made]


def _draw(cursor: Any, size: int, evses: list[int]) -> None:
    """The numbers behind every row: who, where, when, in which state."""
    began = datetime.now(UTC).replace(microsecond=0) - timedelta(days=DAYS)
    cursor.execute(
        f"""
        CREATE TEMPORARY TABLE drawn AS
        SELECT drawn.*, {_STATE.replace("%", "%%")} AS state,
            agreement.id AS agreement_id, pair.id AS pair_id,
            cso.id AS cso_id, csp.id AS csp_id, platform.id AS platform_id,
            (%(evses)s::bigint[])[1 + n %% {EVSES}] AS evse_id, n %% {EVSES} AS evse_number,
            (lpad(to_hex((extract(epoch FROM opened) * 1000)::bigint), 12, '0') || '7'
                || lpad(to_hex(n %% 4096), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid AS id,
            date_trunc('month', opened AT TIME ZONE 'UTC')::date AS period
        FROM (
            SELECT n, %(began)s + n * make_interval(secs => {DAYS * 86_400} / %(size)s::float8)
                AS opened
            FROM generate_series(0, %(size)s - 1) n
        ) drawn
        JOIN (
            SELECT *, row_number() OVER (ORDER BY id) - 1 AS rank, count(*) OVER () AS all_of_them
            FROM roaming_agreement
        ) agreement ON agreement.rank = drawn.n %% 7919 %% agreement.all_of_them
        JOIN roaming_operatorpair pair ON pair.visited_cso_id = agreement.visited_cso_id
            AND pair.home_csp_id = agreement.home_csp_id
        JOIN roaming_operatoridentifier cso ON cso.operator_id = agreement.visited_cso_id
        JOIN roaming_operatoridentifier csp ON csp.operator_id = agreement.home_csp_id
        JOIN roaming_platform platform ON platform.run_by_id = agreement.visited_cso_id
        """,
        {"evses": evses, "began": began, "size": size},
    )


_HOT = {"id": "id", "environment": "'live'", "period": "period", "pair_id": "pair_id"}
_PARTIES = {
    "visited_cso_id": "cso_id", "home_csp_id": "csp_id", "agreement_id": "agreement_id",
}  # fmt: skip
_TOKEN = "sha256((n % 50000)::text::bytea)"
_ENDED = "opened + interval '42 minutes'"
_FOUND = "state IN ('deviating', 'disputed', 'unmatched', 'not_ratable')"
_CONDITIONS = {"roaming_finding": _FOUND, "roaming_sdr": "n % 25 <> 24 OR state <> 'settled'"}
_CONDITIONS["roaming_sdrstate"] = _CONDITIONS["roaming_sdr"]


def _rows() -> Mapping[str, Mapping[str, str]]:
    """What each table gets, as SQL over `drawn`. Of some sessions the SDR is missing."""
    return {
        "roaming_servicesession": {
            **_HOT, **_PARTIES, "evse_id": "evse_id", "state": "'completed'",
            "identification_method": "'RFID'", "token_hmac": _TOKEN, "opened_at": "opened",
            "started_at": "opened", "ended_at": _ENDED, "completed_at": _ENDED,
            "energy_kwh": "12.345", "cost_so_far": "6.17", "cost_currency": "'EUR'",
            "sdr_accounted_for": "NOT (n % 25 = 24 AND state = 'settled')",
        },
        "roaming_sdr": {
            **_HOT, **_PARTIES, "arrival": "n", "sent_by_id": "platform_id",
            "reference": "'SDR-' || lpad(n::text, 9, '0')", "service_session_id": "id",
            "token_hmac": _TOKEN, "evse_id": "'DE*BMO*E' || lpad(evse_number::text, 5, '0')",
            "evse_key": "'DEBMOE' || lpad(evse_number::text, 5, '0')", "connector_id": "'1'",
            "country": "'DEU'", "time_zone": "'Europe/Berlin'", "started_at": "opened",
            "ended_at": _ENDED, "energy_kwh": "12.345",
            "currency": "'EUR'", "claim_before_tax": "5 + (n % 3000) / 100.0",
            "tariff_id": "'T1'", "rated_part": "repeat('0123456789', 60)",
            "received_at": f"{_ENDED} + interval '1 minute'",
        },
        "roaming_sdrstate": {
            "sdr_id": "id", "environment": "'live'", "period": "period", "pair_id": "pair_id",
            "state": "state", "outcome": _OUTCOME, "service_session_id": "id",
            "rated_before_tax": "5", "visible_at": f"{_ENDED} + interval '1 minute'",
            "money_at_stake": f"CASE WHEN {_FOUND} THEN (n % 3000) / 100.0 END",
            "settled_amount": "CASE WHEN state IN ('settled', 'accepted') THEN 5 END",
            "basis": "CASE WHEN state IN ('settled', 'accepted') THEN 'claim' ELSE '' END",
            "decide_by": "CASE WHEN state = 'rated' THEN now() + interval '1 day' END",
        },
        "roaming_finding": {
            **_HOT, "sdr_id": "id", "rule": _RULE, "severity": "'severe'",
            "explanation": "'The total is not what the tariff in force gives.'",
            "claimed": "'12.00 EUR'", "expected": "'10.00 EUR'",
            "money_at_stake": "(n % 3000) / 100.0", "found_at": _ENDED,
        },
        "roaming_sdrevent": {
            **_HOT, "sdr_id": "id", "from_state": "'validated'", "to_state": "state",
            "actor": "'reconciliation'", "at": _ENDED,
        },
        "roaming_journalentry": {
            "transaction_id": "id", "phase": "'verdict'", "at": "opened",
            "recorded_at": "opened", "environment": "'live'", "use_case": "'UC3-1'",
            "message_id": "'M' || n", "correlation_id": "'C' || n", "sender_id": "platform_id",
            "visited_cso_id": "cso_id", "home_csp_id": "csp_id", "service_session_id": "id",
            "outcome": "'accepted'", "latency_us": "1500",
        },
    }  # fmt: skip


def _insert(cursor: Any, table: str, columns: Mapping[str, str], condition: str) -> None:
    """One INSERT ... SELECT; what must not be empty and is not named gets an empty value."""
    cursor.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s"
        " AND table_schema = 'public' AND is_nullable = 'NO' AND column_default IS NULL"
        " AND is_identity = 'NO'",
        [table],
    )
    values = {name: _EMPTY.get(kind, "''") for name, kind in cursor.fetchall()} | dict(columns)
    cursor.execute(
        f"INSERT INTO {table} ({', '.join(values)}) SELECT {', '.join(values.values())}"
        f" FROM drawn WHERE {condition} ORDER BY n"
    )

"""Taking in identifications by the hundred thousand: COPY to a staging table, a few statements.

The one named place where identifications and their versions are written (UC4-2). What is judged
about a start later (AUT) becomes a version; the same said in other words does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db import connection

_COLUMNS = {
    "n": "integer",
    "token_hmac": "bytea",
    "contract_hmac": "bytea",
    "kind": "text",
    "valid": "boolean",
    "whitelist": "text",
    "expires_at": "timestamptz",
    "removed": "boolean",
    "last_updated": "timestamptz",
    "token_uid": "text",
    "contract_id": "text",
    "content": "text",
}


class OfferedRow(NamedTuple):
    """One entry on its way in. Fields stand in the order of the staging table."""

    n: int
    token_hmac: bytes
    contract_hmac: bytes | None
    kind: str
    valid: bool
    whitelist: str
    expires_at: datetime | None
    removed: bool
    last_updated: datetime
    token_uid: str
    contract_id: str
    content: str


@dataclass(frozen=True, slots=True)
class Intake:
    """Whose list it is, and when it came. `complete`: what is missing in it is removed."""

    environment: str
    home_csp_id: int
    now: datetime
    complete: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the entries. `news`: numbers of those that say something new, in order;
    `missing`: how many were removed for not being in a complete list."""

    news: list[int]
    unchanged: int
    older: int
    missing: int


_STAGING = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS identification_intake ("
    + ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
    + ") ON COMMIT DELETE ROWS"
)
_COPY = f"COPY identification_intake ({', '.join(_COLUMNS)}) FROM STDIN"

# Of a token that stands twice in a call the latest entry counts, of two equally late ones the last.
# A removal leaves the rest of what is known as it was.
_COMPARE = """
DROP TABLE IF EXISTS pg_temp.identification_change;
CREATE TEMPORARY TABLE identification_change ON COMMIT DROP AS
WITH offered AS (
    SELECT DISTINCT ON (token_hmac) * FROM identification_intake
    ORDER BY token_hmac, last_updated DESC, n DESC
), compared AS (
    SELECT offered.n, offered.token_hmac, known.id AS known_id, offered.removed,
        offered.last_updated, offered.token_uid, offered.contract_id, offered.content, offered.kind,
        CASE WHEN offered.removed THEN known.contract_hmac ELSE offered.contract_hmac END
            AS contract_hmac,
        CASE WHEN offered.removed THEN known.valid ELSE offered.valid END AS valid,
        CASE WHEN offered.removed THEN known.whitelist ELSE offered.whitelist END AS whitelist,
        CASE WHEN offered.removed THEN known.expires_at ELSE offered.expires_at END AS expires_at,
        known.last_updated AS known_last_updated,
        (known.contract_hmac, known.valid, known.whitelist, known.expires_at,
            known.removed_at IS NOT NULL) AS known_judged,
        person.content AS known_content
    FROM offered
    LEFT JOIN roaming_identification known ON known.environment = %(environment)s
        AND known.home_csp_id = %(home_csp_id)s AND known.token_hmac = offered.token_hmac
    LEFT JOIN roaming_identificationpersonaldata person ON person.identification_id = known.id
)
SELECT n, token_hmac, known_id, removed, last_updated, token_uid, contract_id, content, kind,
    contract_hmac, valid, whitelist, expires_at,
    CASE
        WHEN known_id IS NULL THEN CASE WHEN removed THEN 'unchanged' ELSE 'changed' END
        WHEN known_last_updated > last_updated THEN 'older'
        WHEN known_judged IS DISTINCT FROM
            (contract_hmac, valid, whitelist::varchar, expires_at, removed) THEN 'changed'
        WHEN removed OR known_content = content THEN 'unchanged'
        ELSE 'reworded'
    END AS fate
FROM compared;
ANALYZE identification_change;
"""

_APPLY = """
WITH written AS (
    INSERT INTO roaming_identification (environment, home_csp_id, token_hmac, contract_hmac, kind,
        valid, whitelist, expires_at, removed_at, last_updated, received_at)
    SELECT %(environment)s, %(home_csp_id)s, token_hmac, contract_hmac, kind, valid, whitelist,
        expires_at, NULL, last_updated, %(now)s
    FROM identification_change WHERE fate IN ('changed', 'reworded') AND NOT removed ORDER BY n
    ON CONFLICT (environment, home_csp_id, token_hmac) DO UPDATE SET
        contract_hmac = excluded.contract_hmac, kind = excluded.kind, valid = excluded.valid,
        whitelist = excluded.whitelist, expires_at = excluded.expires_at, removed_at = NULL,
        last_updated = excluded.last_updated, received_at = excluded.received_at
    RETURNING id, token_hmac
), person AS (
    INSERT INTO roaming_identificationpersonaldata
        (identification_id, token_uid, contract_id, content)
    SELECT written.id, token_uid, contract_id, content
    FROM written JOIN identification_change USING (token_hmac)
    ON CONFLICT (identification_id) DO UPDATE SET token_uid = excluded.token_uid,
        contract_id = excluded.contract_id, content = excluded.content
), gone AS (
    UPDATE roaming_identification SET removed_at = %(now)s, received_at = %(now)s,
        last_updated = change.last_updated
    FROM identification_change change
    WHERE roaming_identification.id = change.known_id AND change.removed
        AND change.fate = 'changed'
), known_again AS (
    DELETE FROM roaming_unknowntoken unknown USING identification_change change
    WHERE unknown.environment = %(environment)s AND unknown.token_hmac = change.token_hmac
        AND NOT change.removed AND change.fate <> 'older'
)
INSERT INTO roaming_identificationversion (environment, home_csp_id, token_hmac, contract_hmac,
    valid, whitelist, expires_at, removed, received_at)
SELECT %(environment)s, %(home_csp_id)s, token_hmac, contract_hmac, valid, whitelist, expires_at,
    removed, %(now)s
FROM identification_change WHERE fate = 'changed' ORDER BY n
"""

_REMOVE_MISSING = """
WITH gone AS (
    UPDATE roaming_identification known SET removed_at = %(now)s, received_at = %(now)s
    WHERE environment = %(environment)s AND home_csp_id = %(home_csp_id)s AND removed_at IS NULL
        AND NOT EXISTS (
            SELECT FROM identification_intake offered WHERE offered.token_hmac = known.token_hmac)
    RETURNING token_hmac, contract_hmac, valid, whitelist, expires_at
)
INSERT INTO roaming_identificationversion (environment, home_csp_id, token_hmac, contract_hmac,
    valid, whitelist, expires_at, removed, received_at)
SELECT %(environment)s, %(home_csp_id)s, token_hmac, contract_hmac, valid, whitelist, expires_at,
    true, %(now)s
FROM gone
"""

_NEWS = "SELECT n FROM identification_change WHERE fate IN ('changed', 'reworded') ORDER BY n"
_COUNTS = """
SELECT count(*) FILTER (WHERE fate = 'unchanged'), count(*) FILTER (WHERE fate = 'older')
FROM identification_change
"""
_LIVE = """
SELECT person.content
FROM roaming_identification known
JOIN roaming_identificationpersonaldata person ON person.identification_id = known.id
WHERE known.environment = %(environment)s AND known.home_csp_id = %(home_csp_id)s
    AND known.removed_at IS NULL AND person.content <> ''
ORDER BY known.id
"""


def take_in_identifications(rows: Iterable[OfferedRow], intake: Intake) -> Taken:
    """Writes what is new. Runs in the caller's transaction; one call of a home-CSP after the other.

    Identifications that change at the same business moment keep the order in which they came.
    """
    values: dict[str, str | int | datetime] = {
        "environment": intake.environment,
        "home_csp_id": intake.home_csp_id,
        "now": intake.now,
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtext('identifications'), %s)", [intake.home_csp_id]
        )
        cursor.execute(_STAGING)
        cursor.execute("DELETE FROM identification_intake")  # of an earlier call in the transaction
        with cursor.copy(_COPY) as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute("ANALYZE identification_intake")
        cursor.execute("SET LOCAL work_mem = '128MB'")
        cursor.execute(_COMPARE, values)
        cursor.execute(_APPLY, values)
        missing = 0
        if intake.complete:
            cursor.execute(_REMOVE_MISSING, values)
            missing = cursor.rowcount
        cursor.execute(_NEWS)
        news = [number for (number,) in cursor.fetchall()]
        cursor.execute(_COUNTS)
        unchanged, older = cursor.fetchone()
    return Taken(news, unchanged, older, missing)


def distributed_entries(environment: str, home_csp_id: int) -> Iterator[str]:
    """Every entry that the home-CSP distributes now, as it was sent."""
    with connection.cursor() as cursor:
        cursor.execute(_LIVE, {"environment": environment, "home_csp_id": home_csp_id})
        while found := cursor.fetchmany(5_000):
            yield from (content for (content,) in found)

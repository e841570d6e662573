"""Taking in SDRs by the thousand: COPY to a staging table, then one statement (storage.md, 2).

Chunk by chunk: while the server takes one in, the next is judged.

The one named place where SDR rows are written. The registry decides which records are new, in the
same statement that writes them; two senders of one reference cannot both win.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any, NamedTuple

from django.db import connection

CHUNK = 1_000

_COLUMNS = {
    "n": "integer",
    "arrival": "bigint",
    "id": "uuid",
    "period": "date",
    "pair_id": "bigint",
    "visited_cso_id": "bigint",
    "home_csp_id": "bigint",
    "agreement_id": "bigint",
    "reference": "text",
    "content_hmac": "bytea",
    "service_session_id": "uuid",
    "cso_session_id": "text",
    "csp_session_id": "text",
    "authorization_reference": "text",
    "identification_method": "text",
    "authorised": "text",
    "token_hmac": "bytea",
    "contract_hmac": "bytea",
    "evse_id": "text",
    "evse_key": "text",
    "connector_id": "text",
    "country": "text",
    "time_zone": "text",
    "started_at": "timestamptz",
    "ended_at": "timestamptz",
    "energy_kwh": "numeric",
    "total_time_h": "numeric",
    "currency": "text",
    "claim_before_tax": "numeric",
    "claim_after_tax": "numeric",
    "tariff_id": "text",
    "credit": "boolean",
    "credit_reference": "text",
    "rated_part": "text",
    "state": "text",
    "token_uid": "text",
    "contract_id": "text",
    "content": "text",
}


class IntakeRow(NamedTuple):
    """One record on its way in: what becomes the SDR, its original, its standing, its first event
    (which has the id of its SDR).

    Fields stand in the order of the staging table. `arrival` None: the next number.
    """

    n: int
    arrival: int | None
    id: uuid.UUID
    period: date
    pair_id: int | None
    visited_cso_id: int
    home_csp_id: int | None
    agreement_id: int | None
    reference: str
    content_hmac: bytes
    service_session_id: uuid.UUID | None
    cso_session_id: str
    csp_session_id: str
    authorization_reference: str
    identification_method: str
    authorised: str
    token_hmac: bytes | None
    contract_hmac: bytes | None
    evse_id: str
    evse_key: str
    connector_id: str
    country: str
    time_zone: str
    started_at: datetime | None
    ended_at: datetime | None
    energy_kwh: Decimal | None
    total_time_h: Decimal | None
    currency: str
    claim_before_tax: Decimal | None
    claim_after_tax: Decimal | None
    tariff_id: str
    credit: bool
    credit_reference: str
    rated_part: str
    state: str
    token_uid: str
    contract_id: str
    content: str


@dataclass(frozen=True, slots=True)
class KnownSdr:
    """A record whose reference was taken: by which SDR, and whether the bytes are the same."""

    n: int
    sdr_id: uuid.UUID
    same_bytes: bool


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of a chunk: the numbers of its new records, and what was known already."""

    fresh: set[int]
    known: list[KnownSdr]


class IntakeCall(NamedTuple):
    """What all rows of a call have in common: who sent them, when, and its journal."""

    environment: str
    sent_by_id: int
    received_at: datetime
    transaction_id: uuid.UUID
    use_case: str
    message_id: str
    correlation_id: str
    latency_us: int


# The columns of a row that is given as parameters, in the place of the staging table.
PARAMETERS = {name: f"%({name})s::{kind}" for name, kind in _COLUMNS.items()}
_STAGING = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS sdr_intake ("
    + ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
    + ") ON COMMIT DELETE ROWS"
)
_COPY = f"COPY sdr_intake ({', '.join(_COLUMNS)}) FROM STDIN (FORMAT BINARY)"

_ARRIVALS = "SELECT nextval('roaming_sdr_arrival') FROM generate_series(1, %s)"

_SDR_COLUMNS = """
    id, period, pair_id, visited_cso_id, home_csp_id, agreement_id, reference,
    service_session_id, cso_session_id, csp_session_id, authorization_reference,
    identification_method, authorised, token_hmac, contract_hmac, evse_id, evse_key,
    connector_id, country, time_zone, started_at, ended_at, energy_kwh, total_time_h, currency,
    claim_before_tax, claim_after_tax, tariff_id, credit, credit_reference, rated_part
"""

# The common table expressions that write what `sdr_intake` holds: the staging table, or another
# expression of that name. Every value says its type, because some come as parameters of the server.
# Ordered by the registry's key, so that two calls with the same references cannot deadlock; the
# order of code points is that of Python, which cuts a call into chunks.
WRITE = f"""
won AS (
    INSERT INTO roaming_sdrregistry (environment, visited_cso_id, reference, sdr_id, content_hmac)
    SELECT %(environment)s::text, visited_cso_id, reference, id, content_hmac
    FROM sdr_intake ORDER BY visited_cso_id, reference COLLATE "C", n
    ON CONFLICT DO NOTHING RETURNING sdr_id
), fresh AS (
    SELECT sdr_intake.* FROM sdr_intake JOIN won ON won.sdr_id = sdr_intake.id
), original AS (
    INSERT INTO roaming_sdroriginal (sdr_id, token_uid, contract_id, content)
    SELECT id, token_uid, contract_id, content FROM fresh
), standing AS (
    INSERT INTO roaming_sdrstate (sdr_id, environment, period, pair_id, state, outcome,
        matched_by, basis, visible_at)
    SELECT id, %(environment)s::text, period, pair_id, state,
        CASE state WHEN 'rejected' THEN 'rejected' ELSE '' END, '', '',
        %(received_at)s::timestamptz
    FROM fresh
), event AS (
    INSERT INTO roaming_sdrevent (id, environment, period, pair_id, sdr_id, from_state, to_state,
        actor, reason, note, at)
    SELECT id, %(environment)s::text, period, pair_id, id, 'received', state,
        'clearing house', 'door', '', %(received_at)s::timestamptz FROM fresh
), journal AS (
    INSERT INTO roaming_journalentry (transaction_id, phase, at, environment, use_case, message_id,
        correlation_id, sender_id, visited_cso_id, home_csp_id, agreement_id, service_session_id,
        object_key, outcome, refusal_code, latency_us, body_hmac)
    SELECT %(transaction_id)s::uuid, 'verdict', %(received_at)s::timestamptz,
        %(environment)s::text, %(use_case)s::text, %(message_id)s::text, %(correlation_id)s::text,
        %(sent_by_id)s::bigint, visited_cso_id, home_csp_id, agreement_id, service_session_id,
        reference, 'accepted', '', %(latency_us)s::bigint, content_hmac
    FROM fresh
), sdr AS (
    INSERT INTO roaming_sdr (environment, sent_by_id, received_at, arrival, {_SDR_COLUMNS})
    SELECT %(environment)s::text, %(sent_by_id)s::bigint, %(received_at)s::timestamptz,
        coalesce(arrival, nextval('roaming_sdr_arrival')), {_SDR_COLUMNS}
    FROM (SELECT * FROM fresh ORDER BY n) ordered
)
"""  # noqa: S608  column names only
_TAKE_IN = f"WITH {WRITE} SELECT n FROM fresh"  # noqa: S608

_KNOWN = """
SELECT sdr_intake.n, registry.sdr_id, registry.content_hmac = sdr_intake.content_hmac
FROM sdr_intake
JOIN roaming_sdrregistry registry USING (visited_cso_id, reference)
WHERE registry.environment = %s AND registry.sdr_id <> sdr_intake.id
"""


def reserve_arrivals(count: int) -> list[int]:
    """So many numbers of the arrival sequence, ascending."""
    with connection.cursor() as cursor:
        cursor.execute(_ARRIVALS, [count])
        return [number for (number,) in cursor.fetchall()]


def take_in(rows: Iterable[IntakeRow], call: IntakeCall) -> Iterator[TakenIn]:
    """Writes the rows whose reference is new; says after each chunk what became of it.

    Runs in the caller's transaction. A reference that stands twice among `rows` is new once. Rows
    beyond the first CHUNK have to come in the order of the registry's key. `rows` is drawn upon
    while the server works, and must not ask the database itself.
    """
    parameters = call._asdict()
    waiting = iter(rows)
    with connection.cursor() as cursor:
        cursor.execute(_STAGING)
        cursor.execute("DELETE FROM sdr_intake")  # of an earlier call in the same transaction
        cursor.execute("SET LOCAL work_mem = '128MB'")
        # The server reads while rows are still being judged: two processors work at once.
        following: Iterable[IntakeRow] = islice(waiting, CHUNK)
        count, chunks = _stage(cursor, following), 0
        while count:
            fresh, following = _take_in_staged(cursor, parameters, waiting)
            yield TakenIn(fresh, _known(cursor, call.environment) if len(fresh) < count else [])
            chunks += 1
            if chunks == 1 and following:
                # Now, while the next rows are judged, and not all of them at the COMMIT.
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            if following:
                cursor.execute("TRUNCATE sdr_intake")
            count = _stage(cursor, following) if following else 0
        if chunks > 1:
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def _stage(cursor: Any, rows: Iterable[IntakeRow]) -> int:
    count = 0
    with cursor.copy(_COPY) as copy:
        copy.set_types(list(_COLUMNS.values()))
        for row in rows:
            copy.write_row(row)
            count += 1
    return count


def _take_in_staged(
    cursor: Any, call: dict[str, Any], waiting: Iterator[IntakeRow]
) -> tuple[set[int], list[IntakeRow]]:
    """Takes in what is staged; returns what was new, and the rows that were judged meanwhile."""
    # In a pipeline a statement is sent, and its result awaited as the block is left.
    with connection.wrap_database_errors, connection.connection.pipeline():
        cursor.execute(_TAKE_IN, call)
        following = list(islice(waiting, CHUNK))
    return {number for (number,) in cursor.fetchall()}, following


def _known(cursor: Any, environment: str) -> list[KnownSdr]:
    cursor.execute(_KNOWN, [environment])
    return [KnownSdr(*row) for row in cursor.fetchall()]

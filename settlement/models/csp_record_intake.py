"""Taking in CSP records by the thousand: COPY to a staging table, then one statement (storage.md).

The one named place where CSP records are written. The registry decides which are new, in the same
statement; two senders of one reference cannot both win.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import connection

from settlement.domain.reconciliation.case import LONGEST_SESSION
from settlement.models.reconciliation_sql.batch import OPEN_STATES

_COLUMNS = {
    "n": "integer",
    "id": "uuid",
    "period": "date",
    "pair_id": "bigint",
    "home_csp_id": "bigint",
    "visited_cso_id": "bigint",
    "reference": "text",
    "content_hmac": "bytea",
    "service_session_id": "uuid",
    "csp_session_id": "text",
    "cso_session_id": "text",
    "authorization_reference": "text",
    "token_hmac": "bytea",
    "contract_hmac": "bytea",
    "evse_id": "text",
    "evse_key": "text",
    "started_at": "timestamptz",
    "ended_at": "timestamptz",
    "energy_kwh": "numeric",
    "currency": "text",
    "before_tax": "numeric",
    "token_uid": "text",
    "contract_id": "text",
    "content": "text",
}


class RecordRow(NamedTuple):
    """One record on its way in; fields stand in the order of the staging table."""

    n: int
    id: uuid.UUID
    period: date
    pair_id: int
    home_csp_id: int
    visited_cso_id: int
    reference: str
    content_hmac: bytes
    service_session_id: uuid.UUID | None
    csp_session_id: str
    cso_session_id: str
    authorization_reference: str
    token_hmac: bytes | None
    contract_hmac: bytes | None
    evse_id: str
    evse_key: str
    started_at: datetime
    ended_at: datetime
    energy_kwh: Decimal
    currency: str
    before_tax: Decimal | None
    token_uid: str
    contract_id: str
    content: str


@dataclass(frozen=True, slots=True)
class RecordCall:
    """What all records of a call have in common."""

    environment: str
    sent_by_id: int
    received_at: datetime


@dataclass(frozen=True, slots=True)
class KnownRecord:
    """A record whose reference was taken: by which one, and whether its content is the same."""

    record_id: uuid.UUID
    same_content: bool


_STAGING = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS csp_record_intake ("
    + ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
    + ") ON COMMIT DROP"
)
_COPY = f"COPY csp_record_intake ({', '.join(_COLUMNS)}) FROM STDIN (FORMAT BINARY)"
_RECORD = """
    id, period, pair_id, home_csp_id, visited_cso_id, reference, service_session_id,
    csp_session_id, cso_session_id, authorization_reference, token_hmac, contract_hmac, evse_id,
    evse_key, started_at, ended_at, energy_kwh, currency, before_tax
"""
# Ordered by the registry's key, so that two calls with the same references cannot deadlock.
_TAKE_IN = f"""
WITH won AS (
    INSERT INTO settlement_csprecordregistry
        (environment, home_csp_id, reference, record_id, content_hmac)
    SELECT %(environment)s, home_csp_id, reference, id, content_hmac
    FROM csp_record_intake ORDER BY home_csp_id, reference COLLATE "C", n
    ON CONFLICT DO NOTHING RETURNING record_id
), fresh AS (
    SELECT offered.* FROM csp_record_intake offered JOIN won ON won.record_id = offered.id
), original AS (
    INSERT INTO settlement_csprecordoriginal (record_id, token_uid, contract_id, content)
    SELECT id, token_uid, contract_id, content FROM fresh
), record AS (
    INSERT INTO settlement_csprecord (environment, sent_by_id, received_at, arrival, {_RECORD})
    SELECT %(environment)s, %(sent_by_id)s, %(received_at)s,
        nextval('settlement_csprecord_arrival'), {_RECORD}
    FROM (SELECT * FROM fresh ORDER BY n) ordered
)
SELECT n FROM fresh
"""  # noqa: S608  column names only
_KNOWN = """
SELECT offered.n, registry.record_id, registry.content_hmac = offered.content_hmac
FROM csp_record_intake offered
JOIN settlement_csprecordregistry registry USING (home_csp_id, reference)
WHERE registry.environment = %s AND registry.record_id <> offered.id
"""

# The undecided SDRs that a new record may be of, by each way in which it can be matched.
_MARK_DUE = f"""
INSERT INTO roaming_sdrdue (environment, sdr_id)
SELECT DISTINCT standing.environment, standing.sdr_id
FROM csp_record_intake fresh
JOIN settlement_csprecordregistry registry ON registry.record_id = fresh.id
CROSS JOIN LATERAL (
    SELECT id FROM roaming_sdr WHERE service_session_id = fresh.service_session_id
    UNION SELECT sdr_id FROM roaming_sdrstate WHERE service_session_id = fresh.service_session_id
        AND matched_by IN ('authorization_reference', 'identification', 'chosen')
    UNION SELECT id FROM roaming_sdr
        WHERE authorization_reference = fresh.authorization_reference
            AND authorization_reference <> ''
    UNION SELECT standing.sdr_id FROM roaming_servicesession session
        JOIN roaming_sdrstate standing ON standing.service_session_id = session.id
        WHERE session.authorization_reference = fresh.authorization_reference
            AND session.authorization_reference <> ''
    UNION SELECT id FROM roaming_sdr
        WHERE token_hmac = fresh.token_hmac AND evse_key = fresh.evse_key
            AND started_at BETWEEN fresh.started_at - make_interval(days => {LONGEST_SESSION.days})
                AND fresh.started_at + make_interval(days => {LONGEST_SESSION.days})
) affected
JOIN roaming_sdrstate standing ON standing.sdr_id = affected.id
WHERE standing.environment = %(environment)s AND standing.state = ANY (%(undecided)s)
"""  # noqa: S608  constants of this module


def take_in_records(rows: Sequence[RecordRow], call: RecordCall) -> dict[int, KnownRecord]:
    """Writes the records whose reference is new, and marks the SDRs that they may be of as due;
    returns the other records by their number.

    Runs in the caller's transaction. A reference that stands twice among `rows` is new once.
    """
    if not rows:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_STAGING)
        cursor.execute("DELETE FROM csp_record_intake")  # of an earlier call in the transaction
        with cursor.copy(_COPY) as copy:
            copy.set_types(list(_COLUMNS.values()))
            for row in rows:
                copy.write_row(row)
        cursor.execute(_TAKE_IN, asdict(call))
        fresh = cursor.fetchall()
        cursor.execute(_MARK_DUE, {"environment": call.environment, "undecided": OPEN_STATES})
        if len(fresh) == len(rows):
            return {}
        cursor.execute(_KNOWN, [call.environment])
        return {n: KnownRecord(known, same) for n, known, same in cursor.fetchall()}

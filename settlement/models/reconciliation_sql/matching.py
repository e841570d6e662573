"""Which session and which record of the home-CSP belong to each SDR; `find_match` in the domain.

What names its session is joined by the key. For the rest every search has constant bounds of keys,
a month beyond the batch on each side: only a few months are touched once the tables are
partitioned, and what began in the last minute of a month is found (storage.md).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from roaming.domain.session import WITHOUT_AUTHORISATION
from roaming.domain.uuid7 import uuid7_at
from settlement.domain.reconciliation.case import LONGEST_SESSION
from settlement.domain.reconciliation.matching import FURTHEST_APART

_UNAUTHORISED = ", ".join(f"'{state.value}'" for state in WITHOUT_AUTHORISATION)

_START = """
CREATE TEMPORARY TABLE recon_match ON COMMIT DROP AS
SELECT sdr.id AS sdr_id, coalesce(standing.chosen_session_id, sdr.service_session_id) AS session_id,
    CASE WHEN standing.chosen_session_id IS NOT NULL THEN 'chosen'
        WHEN sdr.service_session_id IS NOT NULL THEN 'session_id' ELSE '' END AS matched_by,
    '{}'::uuid[] AS session_candidates,
    NULL::uuid AS record_id, '{}'::uuid[] AS record_candidates
FROM recon_claim
JOIN roaming_sdr sdr ON sdr.id = recon_claim.sdr_id
JOIN roaming_sdrstate standing ON standing.sdr_id = sdr.id
WHERE NOT sdr.credit;
ANALYZE recon_match;
"""
_SPAN = """
SELECT min(sdr.started_at), max(sdr.ended_at), count(*) FILTER (WHERE session_id IS NULL)
FROM recon_match JOIN roaming_sdr sdr ON sdr.id = recon_match.sdr_id
"""
_ONE_OR_SEVERAL = """
UPDATE recon_match SET
    {key} = CASE WHEN cardinality(found.keys) = 1 THEN found.keys[1] END,
    {candidates} = CASE WHEN cardinality(found.keys) = 1 THEN '{{}}' ELSE found.keys END {more}
FROM ({rows}) found WHERE recon_match.sdr_id = found.sdr_id
"""
_SESSIONS = f"""
    SELECT sdr.id AS sdr_id, array_agg(session.id ORDER BY session.id) AS keys
    FROM recon_match JOIN roaming_sdr sdr ON sdr.id = recon_match.sdr_id
    {{evse}} JOIN roaming_servicesession session ON session.environment = sdr.environment
        AND session.pair_id = sdr.pair_id AND session.id BETWEEN %(least)s AND %(most)s
        AND session.state NOT IN ({_UNAUTHORISED}) AND {{same}}
    WHERE recon_match.session_id IS NULL AND recon_match.session_candidates = '{{{{}}}}'
    GROUP BY sdr.id
"""  # noqa: S608  constants of this module
_RECORDS = """
    SELECT sdr.id AS sdr_id, array_agg(record.id ORDER BY record.id) AS keys
    FROM recon_match JOIN roaming_sdr sdr ON sdr.id = recon_match.sdr_id
    {session} JOIN settlement_csprecord record ON record.environment = sdr.environment
        AND record.pair_id = sdr.pair_id AND record.id BETWEEN %(least)s AND %(most)s AND {same}
    WHERE recon_match.record_id IS NULL AND recon_match.record_candidates = '{{}}'
    GROUP BY sdr.id
"""
_FURTHEST = f"make_interval(days => {FURTHEST_APART.days})"
_LONGEST = f"make_interval(days => {LONGEST_SESSION.days})"


def _near(moment: str, within: str) -> str:
    return f"{moment} BETWEEN sdr.started_at - {within} AND sdr.started_at + {within}"


def _find_session(by: str, same: str, evse: str = "") -> str:
    more = f", matched_by = CASE WHEN cardinality(found.keys) = 1 THEN '{by}' ELSE '' END"
    return _ONE_OR_SEVERAL.format(
        key="session_id",
        candidates="session_candidates",
        more=more,
        rows=_SESSIONS.format(same=same, evse=evse),
    )


def _find_record(same: str, session: str = "") -> str:
    return _ONE_OR_SEVERAL.format(
        key="record_id",
        candidates="record_candidates",
        more="",
        rows=_RECORDS.format(same=same, session=session),
    )


_SESSION_WAYS = (
    _find_session(
        "authorization_reference",
        "session.authorization_reference = sdr.authorization_reference"
        " AND sdr.authorization_reference <> '' AND " + _near("session.opened_at", _FURTHEST),
    ),
    _find_session(
        "identification",
        "session.evse_id = evse.id AND session.token_hmac = sdr.token_hmac"
        " AND session.opened_at <= sdr.ended_at"
        " AND coalesce(session.ended_at, 'infinity') >= sdr.started_at AND "
        + _near("session.opened_at", _LONGEST),
        "JOIN roaming_evse evse ON evse.environment = sdr.environment"
        " AND evse.key = sdr.evse_key AND sdr.evse_key <> ''",
    ),
)
_NOT_OF_ANOTHER = "(record.service_session_id IS NULL OR recon_match.session_id IS NULL)"
_RECORD_WAYS = (
    _find_record(
        "record.service_session_id = recon_match.session_id AND "
        + _near("record.started_at", _FURTHEST)
    ),
    _find_record(
        "record.authorization_reference ="
        " coalesce(nullif(sdr.authorization_reference, ''), session.authorization_reference)"
        f" AND record.authorization_reference <> '' AND {_NOT_OF_ANOTHER} AND "
        + _near("record.started_at", _FURTHEST),
        "LEFT JOIN roaming_servicesession session ON session.id = recon_match.session_id"
        " AND session.environment = sdr.environment AND session.pair_id = sdr.pair_id",
    ),
    _find_record(
        "record.token_hmac = sdr.token_hmac AND record.evse_key = sdr.evse_key"
        " AND sdr.evse_key <> '' AND record.started_at <= sdr.ended_at"
        f" AND record.ended_at >= sdr.started_at AND {_NOT_OF_ANOTHER} AND "
        + _near("record.started_at", _LONGEST)
    ),
)
# What was matched otherwise than by its id: nearly always none, and small.
_UNNAMED = """
CREATE TEMPORARY TABLE recon_unnamed ON COMMIT DROP AS
SELECT sdr_id, session_id FROM recon_match
WHERE session_id IS NOT NULL AND matched_by <> 'session_id';
CREATE INDEX ON recon_unnamed (session_id);
ANALYZE recon_match; ANALYZE recon_unnamed;
"""
_ANY_RECORD = """
SELECT EXISTS (
    SELECT FROM settlement_csprecord record
    WHERE environment = %(environment)s AND id BETWEEN %(least)s AND %(most)s
)
"""


def match_records(cursor: Any, environment: str) -> None:
    """Fills `recon_match`, one row per SDR of the batch that is no credit, and `recon_unnamed`."""
    cursor.execute(_START)
    cursor.execute(_SPAN)
    first, last, without_session = cursor.fetchone()
    if first is not None:
        bounds = _bounds(first, last)
        for way in _SESSION_WAYS if without_session else ():
            cursor.execute(way, bounds)
        cursor.execute(_ANY_RECORD, {"environment": environment, **bounds})
        for way in _RECORD_WAYS if cursor.fetchone()[0] else ():
            cursor.execute(way, bounds)
    cursor.execute(_UNNAMED)


def _bounds(first: datetime, last: datetime) -> dict[str, Any]:
    apart = FURTHEST_APART + timedelta(days=1)
    most = (1 << 74) - 1
    return {"least": uuid7_at(first - apart, 0), "most": uuid7_at(last + apart, most)}

"""Credits: each takes back one SDR exactly, before the SDRs of the batch are judged.

Where the credited SDR is settled already, or stands on a published statement, both stand and the
credit counts. Else the credited SDR is left out of settlement and its credit counts zero: so it is
where it was disputed, for a disputed line is carved out. A dispute about it ends with the credit.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from settlement.models.dispute_notices import tell_parties
from settlement.models.disputes import DisputeEvent
from settlement.models.reconciliation_sql import key_of
from settlement.models.reconciliation_sql.dispute_credits import end_disputes_of_credited

# What a close under way holds is left, credit and all, to the next run.
_PAIR_UP = """
CREATE TEMPORARY TABLE recon_original (
    sdr_id uuid PRIMARY KEY, state text, settled_amount numeric, credited boolean, stands boolean
) ON COMMIT DROP;
WITH locked AS MATERIALIZED (
    SELECT standing.sdr_id, standing.state, standing.settled_amount
    FROM roaming_sdrstate standing
    WHERE standing.sdr_id IN (
        SELECT registry.sdr_id FROM recon_claim
        JOIN roaming_sdr credit ON credit.id = recon_claim.sdr_id AND credit.credit
        JOIN roaming_sdrregistry registry ON registry.environment = credit.environment
            AND registry.visited_cso_id = credit.visited_cso_id
            AND registry.reference = credit.credit_reference
    )
    FOR UPDATE SKIP LOCKED
)
INSERT INTO recon_original
SELECT locked.*,
    locked.state = 'credited' OR EXISTS (
        SELECT FROM roaming_sdrevent event
        WHERE event.sdr_id = locked.sdr_id AND event.reason = 'credited'
    ),
    locked.state IN ('settled', 'invoiced', 'paid') OR locked.state <> 'disputed' AND EXISTS (
        SELECT FROM settlement_statementline line
        JOIN settlement_statement statement ON statement.id = line.statement_id
        WHERE line.sdr_id = locked.sdr_id AND statement.status IN ('preliminary', 'final')
    )
FROM locked;

CREATE TEMPORARY TABLE recon_credit ON COMMIT DROP AS
WITH paired AS (
    SELECT credit.id AS sdr_id, credit.reference, credit.credit_reference, credit.arrival,
        credit.claim_before_tax AS before_tax, credit.currency, credit.agreement_id,
        original.id AS original_id, original.claim_before_tax AS original_before_tax,
        original.currency AS original_currency,
        registry.sdr_id IS NOT NULL AND recon_original.sdr_id IS NULL AS busy,
        recon_original.credited AS credited_before, recon_original.stands,
        recon_original.state AS original_state,
        recon_original.settled_amount AS original_settled,
        coalesce(
            credit.claim_before_tax = -original.claim_before_tax
            AND coalesce(credit.claim_after_tax = -original.claim_after_tax, true)
            AND credit.currency = original.currency
            AND credit.home_csp_id IS NOT DISTINCT FROM original.home_csp_id,
            false
        ) AS exact
    FROM recon_claim
    JOIN roaming_sdr credit ON credit.id = recon_claim.sdr_id AND credit.credit
    LEFT JOIN roaming_sdrregistry registry ON registry.environment = credit.environment
        AND registry.visited_cso_id = credit.visited_cso_id
        AND registry.reference = credit.credit_reference
    LEFT JOIN recon_original ON recon_original.sdr_id = registry.sdr_id
    LEFT JOIN roaming_sdr original ON original.id = registry.sdr_id AND NOT original.credit
)
SELECT *, original_id IS NOT NULL AND (
    credited_before OR coalesce(bool_or(exact AND agreement_id IS NOT NULL) OVER (
        PARTITION BY original_id ORDER BY arrival ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ), false)
) AS credited
FROM paired;
DELETE FROM recon_claim WHERE sdr_id IN (SELECT sdr_id FROM recon_credit WHERE busy);
DELETE FROM recon_credit WHERE busy;
"""

# (rule, claimed, expected, condition), for the columns of recon_credit.
CREDIT_FINDINGS = (
    ("DUP-03", "credit_reference", "'an SDR of this CSO'", "original_id IS NULL"),
    ("DUP-04", "credit_reference", "'one credit'", "credited"),
    (
        "DUP-05",
        "before_tax::text || ' ' || currency",
        "(-original_before_tax)::text || ' ' || original_currency",
        "original_id IS NOT NULL AND original_before_tax IS NOT NULL AND NOT exact",
    ),
    ("AGR-01", "''", "'an agreement of the two parties'", "agreement_id IS NULL"),
)
_FIND = "\nUNION ALL\n".join(
    f"SELECT sdr_id, '{rule}' AS rule, {claimed} AS claimed, {expected} AS expected,"  # noqa: S608
    f" abs(before_tax) AS money_at_stake FROM recon_credit WHERE {condition}"
    for rule, claimed, expected, condition in CREDIT_FINDINGS
)
_FINDINGS = f"""
INSERT INTO recon_finding
SELECT found.sdr_id, found.rule, listed.severity, listed.explanation, found.claimed,
    found.expected, found.money_at_stake, '{{}}'
FROM ({_FIND}) found
JOIN jsonb_to_recordset(%(rules)s::jsonb)
    AS listed (rule text, severity text, explanation text) USING (rule)
"""  # noqa: S608  constants of this module

_TAKE = f"""
CREATE TEMPORARY TABLE recon_verdict ON COMMIT DROP AS
SELECT recon_credit.sdr_id, original_id, original_state, coalesce(stands, false) AS stands,
    reference, credit_reference, original_settled, recon_claim.from_state,
    EXISTS (SELECT FROM recon_finding WHERE recon_finding.sdr_id = recon_credit.sdr_id) AS refused
FROM recon_credit JOIN recon_claim USING (sdr_id);

WITH changed AS (
    UPDATE roaming_sdrstate standing SET
        state = CASE WHEN refused THEN 'deviating' ELSE 'accepted' END,
        outcome = CASE WHEN refused THEN 'deviating' ELSE 'agreed' END,
        matched_by = CASE WHEN refused THEN '' ELSE 'credit_reference' END,
        basis = CASE WHEN refused THEN '' ELSE 'credit' END,
        settled_amount = CASE
            WHEN refused THEN NULL WHEN stands THEN -original_settled ELSE 0 END,
        reconciled_at = %(now)s
    FROM recon_verdict verdict
    WHERE standing.sdr_id = verdict.sdr_id
        AND NOT (standing.state = 'deviating' AND verdict.refused)
    RETURNING standing.sdr_id, standing.environment, standing.period, standing.pair_id,
        standing.state, verdict.from_state, verdict.credit_reference
)
INSERT INTO roaming_sdrevent
    (id, environment, period, pair_id, sdr_id, from_state, to_state, actor, reason, note, at)
SELECT {key_of("sdr_id")}, environment, period, pair_id, sdr_id, from_state, state,
    'reconciliation', CASE state WHEN 'accepted' THEN 'credit' ELSE 'deviating' END,
    'credit of ' || credit_reference, %(now)s
FROM changed;

WITH credited AS (
    UPDATE roaming_sdrstate standing SET
        state = CASE WHEN stands THEN state ELSE 'credited' END,
        settled_amount = CASE WHEN stands THEN settled_amount END,
        basis = CASE WHEN stands THEN basis ELSE '' END,
        decide_by = NULL
    FROM recon_verdict verdict
    WHERE standing.sdr_id = verdict.original_id AND NOT verdict.refused
    RETURNING standing.sdr_id, standing.environment, standing.period, standing.pair_id,
        verdict.original_state, standing.state, verdict.reference
)
INSERT INTO roaming_sdrevent
    (id, environment, period, pair_id, sdr_id, from_state, to_state, actor, reason, note, at)
SELECT {key_of("sdr_id", 9)}, environment, period, pair_id, sdr_id, original_state, state,
    'reconciliation', 'credited', 'by credit ' || reference, %(now)s
FROM credited;
"""  # noqa: S608  constants of this module

# The SDRs of a credited SDR's session are judged anew: one of them may take its place.
_AFTERWARDS = """
DELETE FROM recon_claim WHERE sdr_id IN (
    SELECT original_id FROM recon_verdict WHERE NOT refused AND NOT stands
);
INSERT INTO recon_claim
SELECT standing.sdr_id, standing.state, standing.outcome
FROM roaming_sdrstate standing JOIN roaming_sdr sdr ON sdr.id = standing.sdr_id
WHERE standing.environment = %(environment)s AND standing.state = ANY (%(states)s)
    AND NOT sdr.credit
    AND sdr.service_session_id IN (
        SELECT original.service_session_id FROM recon_verdict
        JOIN roaming_sdr original ON original.id = recon_verdict.original_id
        WHERE NOT recon_verdict.refused
    )
    AND standing.sdr_id NOT IN (SELECT sdr_id FROM recon_claim)
FOR UPDATE OF standing SKIP LOCKED;
"""
_COUNT = """
SELECT count(*), count(*) FILTER (WHERE NOT refused),
    count(*) FILTER (WHERE NOT (refused AND from_state = 'deviating'))
FROM recon_verdict
"""


def pair_up_credits(cursor: Any) -> bool:
    """Lays each credit of the batch beside the SDR that it names; False where there is none."""
    cursor.execute(
        "SELECT EXISTS (SELECT FROM recon_claim JOIN roaming_sdr sdr"
        " ON sdr.id = recon_claim.sdr_id AND sdr.credit)"
    )
    if not cursor.fetchone()[0]:
        return False
    cursor.execute(_PAIR_UP)
    return True


def take_credits(
    cursor: Any, environment: str, states: list[str], rules: str, now: datetime
) -> tuple[int, int, int]:
    """Accepts what is exact, leaves findings on the rest; returns judged, accepted, changed."""
    cursor.execute(_FINDINGS, {"rules": rules})
    cursor.execute(_TAKE, {"now": now})
    _tell_of(end_disputes_of_credited(cursor, now), now)
    cursor.execute(_AFTERWARDS, {"environment": environment, "states": states})
    cursor.execute(_COUNT)
    judged, accepted, changed = cursor.fetchone()
    cursor.execute("DROP TABLE recon_verdict")
    return judged, accepted, changed


def _tell_of(events: list[int], now: datetime) -> None:
    if events:
        rows = DisputeEvent.objects.select_related("dispute__sdr").filter(pk__in=events)
        tell_parties(rows, now)

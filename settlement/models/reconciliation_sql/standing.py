"""Outcomes, states and events: what reconciliation and the passing of time leave on SDRs."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from roaming.domain.money import currency_digits
from settlement.models.reconciliation_sql import key_of

# Findings of the door stay, and count as staff set their rules; those that a run judges anew are
# the ones of this run.
_VERDICTS = """
CREATE TEMPORARY TABLE recon_verdict ON COMMIT DROP AS
WITH severe AS (
    SELECT sdr_id, max(stake) AS stake FROM (
        SELECT sdr_id, money_at_stake AS stake FROM recon_finding WHERE severity = 'severe'
        UNION ALL
        SELECT finding.sdr_id, finding.money_at_stake
        FROM roaming_finding finding JOIN recon_case kase USING (sdr_id)
        LEFT JOIN recon_ruling ruling ON ruling.rule = finding.rule
            AND ruling.agreement_key = kase.agreement_key AND ruling.pair_key = kase.pair_key
        WHERE coalesce(ruling.severity, finding.severity) = 'severe' AND ruling.off IS NOT TRUE
            AND finding.superseded_at IS NULL AND finding.rule <> ALL (%(judged_anew)s)
    ) found GROUP BY sdr_id
), judged AS (
    SELECT kase.*, coalesce(offline.cause = '', false) AS supported,
        CASE WHEN severe.stake IS NOT NULL THEN
            least(abs(severe.stake), abs(kase.before_tax)) END AS stake, CASE
        WHEN NOT matched AND (offline.cause = '') IS NOT TRUE THEN 'one_sided'
        WHEN failure <> '' THEN 'not_ratable'
        WHEN severe.sdr_id IS NOT NULL THEN 'deviating'
        WHEN money_difference <> 0 OR energy_difference_kwh <> 0 THEN 'within_tolerance'
        ELSE 'agreed'
    END AS outcome
    FROM recon_case kase LEFT JOIN severe USING (sdr_id)
    LEFT JOIN recon_offline offline USING (sdr_id)
)
SELECT sdr_id, from_state, from_outcome, matched OR supported AS matched, outcome,
    CASE outcome WHEN 'one_sided' THEN 'unmatched' WHEN 'not_ratable' THEN 'not_ratable'
        WHEN 'deviating' THEN 'deviating' ELSE 'rated' END AS state,
    CASE WHEN matched THEN session_id END AS service_session_id, record_id AS csp_record_id,
    CASE WHEN matched THEN matched_by WHEN supported THEN 'distributed_data' ELSE '' END
        AS matched_by,
    tariff_version_id, unrounded, decision_window_hours,
    CASE WHEN outcome NOT IN ('agreed', 'within_tolerance')
        THEN coalesce(stake, abs(before_tax)) END AS stake
FROM judged;
ANALYZE recon_verdict;
"""

_STAND = f"""
WITH due AS (
    SELECT verdict.*, CASE WHEN verdict.state = 'rated' THEN
        standing.visible_at + make_interval(hours => decision_window_hours) END AS decide_by
    FROM recon_verdict verdict JOIN roaming_sdrstate standing USING (sdr_id)
), changed AS (
    UPDATE roaming_sdrstate standing SET state = due.state, outcome = due.outcome,
        service_session_id = due.service_session_id, matched_by = due.matched_by,
        csp_record_id = due.csp_record_id,
        tariff_version_id = due.tariff_version_id, rated_before_tax = due.unrounded,
        money_at_stake = due.stake, decide_by = due.decide_by, reconciled_at = %(now)s
    FROM due
    WHERE standing.sdr_id = due.sdr_id AND (
        standing.state, standing.outcome, standing.service_session_id, standing.matched_by,
        standing.csp_record_id, standing.tariff_version_id, standing.rated_before_tax,
        standing.money_at_stake, standing.decide_by
    ) IS DISTINCT FROM (
        due.state, due.outcome, due.service_session_id, due.matched_by, due.csp_record_id,
        due.tariff_version_id, due.unrounded, due.stake, due.decide_by
    )
    RETURNING standing.sdr_id, standing.environment, standing.period, standing.pair_id,
        due.from_state, due.from_outcome, due.matched, due.matched_by, due.state, due.outcome
), steps AS (
    SELECT changed.*, {key_of("sdr_id", 0)} AS id, from_state AS step_from,
        'matched' AS step_to, matched_by AS reason
    FROM changed WHERE matched AND from_state IN ('validated', 'unmatched')
    UNION ALL
    SELECT changed.*, {key_of("sdr_id", 1)},
        CASE WHEN matched AND from_state IN ('validated', 'unmatched') THEN 'matched'
            ELSE from_state END,
        state, outcome
    FROM changed WHERE (from_state, from_outcome) IS DISTINCT FROM (state, outcome)
), told AS (
    INSERT INTO roaming_sdrevent
        (id, environment, period, pair_id, sdr_id, from_state, to_state, actor, reason, note, at)
    SELECT id, environment, period, pair_id, sdr_id, step_from, step_to, 'reconciliation', reason,
        '', %(now)s
    FROM steps
)
SELECT count(*) FROM changed
"""  # noqa: S608  constants of this module

_COUNT = "SELECT outcome, count(*) FROM recon_verdict GROUP BY outcome"

# Rounds as the agreement says; `round_money` in the domain, held equal by a test.
ROUNDED_CLAIM = """CASE agreement.rounding
    WHEN 'CEILING' THEN round(
        ceil(sdr.claim_before_tax * power(10::numeric, digits.digits))
            / power(10::numeric, digits.digits),
        digits.digits)
    ELSE round(sdr.claim_before_tax, digits.digits)
END"""

_ACCEPT_UNDECIDED = f"""
WITH due AS MATERIALIZED (
    SELECT standing.sdr_id, agreement.silence, {ROUNDED_CLAIM} AS amount
    FROM roaming_sdrstate standing
    JOIN roaming_sdr sdr ON sdr.id = standing.sdr_id
    JOIN roaming_agreement agreement ON agreement.id = sdr.agreement_id
    JOIN jsonb_to_recordset(%(digits)s::jsonb) AS digits (currency text, digits integer)
        ON digits.currency = sdr.currency
    WHERE standing.environment = %(environment)s AND standing.state = 'rated'
        AND standing.decide_by <= %(now)s
    ORDER BY standing.sdr_id LIMIT %(size)s FOR UPDATE OF standing SKIP LOCKED
), decided AS (
    UPDATE roaming_sdrstate standing SET
        state = CASE silence WHEN 'accepts' THEN 'accepted' ELSE 'disputed' END,
        settled_amount = CASE silence WHEN 'accepts' THEN due.amount END,
        basis = CASE silence WHEN 'accepts' THEN 'claim' ELSE '' END
    FROM due WHERE standing.sdr_id = due.sdr_id
    RETURNING standing.sdr_id, standing.environment, standing.period, standing.pair_id,
        standing.state
), told AS (
    INSERT INTO roaming_sdrevent
        (id, environment, period, pair_id, sdr_id, from_state, to_state, actor, reason, note, at)
    SELECT {key_of("sdr_id")}, environment, period, pair_id, sdr_id, 'rated', state,
        'clearing house', 'silence', 'the decision window has passed', %(now)s
    FROM decided
)
SELECT count(*) FILTER (WHERE state = 'accepted'),
    coalesce(array_agg(sdr_id) FILTER (WHERE state = 'disputed'), '{{}}')
FROM decided
"""  # noqa: S608  constants of this module
_CURRENCIES = "SELECT DISTINCT currency FROM roaming_agreement WHERE environment = %(environment)s"


def reach_verdicts(cursor: Any, judged_anew: Sequence[str]) -> dict[str, int]:
    """Fills `recon_verdict`; returns how many SDRs came to each outcome."""
    cursor.execute(_VERDICTS, {"judged_anew": list(judged_anew)})
    cursor.execute(_COUNT)
    return dict(cursor.fetchall())


def let_verdicts_stand(cursor: Any, now: datetime) -> int:
    """Writes states and events where something is new; returns how many SDRs changed."""
    cursor.execute(_STAND, {"now": now})
    changed: int = cursor.fetchone()[0]
    return changed


def accept_by_silence(
    cursor: Any, environment: str, now: datetime, size: int
) -> tuple[int, list[uuid.UUID]]:
    """Accepts or disputes what was due for a decision; how many were accepted, which disputed."""
    cursor.execute(_CURRENCIES, {"environment": environment})
    digits = [{"currency": c, "digits": currency_digits(c)} for (c,) in cursor.fetchall()]
    cursor.execute(
        _ACCEPT_UNDECIDED,
        {"environment": environment, "now": now, "size": size, "digits": json.dumps(digits)},
    )
    accepted, disputed = cursor.fetchone()
    return accepted, disputed

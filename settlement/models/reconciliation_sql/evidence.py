"""The three records side by side: one row per claimed SDR, with what the domain's Case holds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

# An EVSE has one owner at a time (exclusion constraint): `place` is one row or none.
_CASES = """
CREATE TEMPORARY TABLE recon_case ON COMMIT DROP AS
SELECT sdr.id AS sdr_id, sdr.environment, sdr.pair_id, sdr.home_csp_id, recon_claim.from_state,
    recon_claim.from_outcome, sdr.reference, sdr.arrival, sdr.service_session_id, sdr.token_hmac,
    sdr.authorised = 'OFFLINE' AND sdr.service_session_id IS NULL AND recon_match.session_id IS NULL
        AND recon_match.session_candidates = '{}' AS claims_offline,
    recon_match.session_id, recon_match.matched_by, recon_match.session_candidates,
    sdr.evse_id, sdr.evse_key, sdr.started_at, sdr.ended_at, sdr.received_at, sdr.energy_kwh,
    sdr.currency, sdr.claim_before_tax AS before_tax, sdr.identification_method, sdr.authorised,
    sdr.authorization_reference, sdr.cso_session_id, sdr.total_time_h,
    coalesce(sdr.agreement_id, 0) AS agreement_key, coalesce(sdr.pair_id, 0) AS pair_key,
    reserved.sdr_id IS NOT NULL AS reserved,
    session.id IS NOT NULL AS session_found, session.state AS session_state,
    session.token_hmac AS session_token_hmac,
    session.identification_method AS session_method, session.authorised AS session_authorised,
    session.authorization_reference AS session_reference,
    CASE WHEN session.state = 'completed' AND session.ended_at IS NOT NULL THEN session.energy_kwh
        END AS completed_kwh,
    coalesce(session.pair_id = sdr.pair_id, false) AS matched,
    CASE WHEN session.pair_id = sdr.pair_id THEN session.opened_at ELSE sdr.started_at END
        AS opening,
    session_evse.evse_id AS session_evse_id, session_evse.key AS session_evse_key,
    place.evse_key IS NOT NULL AS evse_owned,
    agreement.id AS agreement_id, agreement.validity, agreement.currency AS agreement_currency,
    coalesce(agreement.tolerance_time_s, 0) AS tolerance_time_s, agreement.sdr_window_hours,
    agreement.decision_window_hours,
    coalesce(greatest(
        agreement.tolerance_energy_kwh, agreement.tolerance_energy_share * abs(sdr.energy_kwh)
    ), 0) AS allowed_energy_kwh,
    coalesce(greatest(
        agreement.tolerance_money,
        agreement.tolerance_money_share * abs(coalesce(price.expected, 0))
    ), 0) AS allowed_money,
    price.payable, price.unrounded, price.expected, price.failure, price.periods_energy,
    price.tariff_version_id, price.tariff_issue, price.tariff_claimed, price.tariff_expected,
    price.causes AS price_causes,
    price.payable - price.expected AS money_difference,
    sdr.energy_kwh - price.periods_energy AS energy_difference_kwh,
    recon_match.record_id, recon_match.record_candidates, record.energy_kwh AS record_energy_kwh,
    record.started_at AS record_started_at, record.ended_at AS record_ended_at,
    record.currency AS record_currency, record.before_tax AS record_before_tax,
    record.evse_id AS record_evse_id, record.evse_key AS record_evse_key,
    record.token_hmac AS record_token_hmac,
    CASE WHEN record.currency = sdr.currency THEN abs(sdr.claim_before_tax - record.before_tax) END
        AS record_money_difference,
    coalesce(greatest(
        agreement.tolerance_money, agreement.tolerance_money_share * abs(record.before_tax)
    ), 0) AS allowed_record_money,
    CASE WHEN agreement.requires_csp_record AND recon_match.record_id IS NULL
        AND recon_match.record_candidates = '{}'
        THEN sdr.received_at + make_interval(hours => %(csp_record_hours)s) END AS record_due_at,
    %(now)s::timestamptz AS judged_at
FROM recon_claim
JOIN roaming_sdr sdr ON sdr.id = recon_claim.sdr_id
JOIN recon_match ON recon_match.sdr_id = sdr.id
LEFT JOIN settlement_csprecord record ON record.id = recon_match.record_id
JOIN recon_price price ON price.sdr_id = sdr.id
LEFT JOIN recon_reserved reserved ON reserved.sdr_id = sdr.id
LEFT JOIN roaming_servicesession session
    ON session.id = recon_match.session_id AND session.environment = sdr.environment
LEFT JOIN roaming_evse session_evse ON session_evse.id = session.evse_id
JOIN roaming_operatoridentifier claimant ON claimant.id = sdr.visited_cso_id
LEFT JOIN (
    SELECT evse.environment, evse.key AS evse_key, owner.operator_id, ownership.during
    FROM roaming_evseownership ownership
    JOIN roaming_evse evse ON evse.id = ownership.evse_id
    JOIN roaming_operatoridentifier owner ON owner.id = ownership.visited_cso_id
) place
    ON place.environment = sdr.environment AND place.evse_key = sdr.evse_key
    AND place.operator_id = claimant.operator_id
    AND place.during @> CASE WHEN session.pair_id = sdr.pair_id THEN session.opened_at
        ELSE sdr.started_at END
LEFT JOIN roaming_agreement agreement ON agreement.id = sdr.agreement_id
WHERE NOT sdr.credit;
ANALYZE recon_case;
"""
# Offline starts, each beside what its home-CSP had distributed when it began; '' is no cause.
_OFFLINE = """
CREATE TEMPORARY TABLE recon_offline ON COMMIT DROP AS
SELECT kase.sdr_id, kase.started_at, kase.before_tax, CASE
    WHEN kase.token_hmac IS NULL THEN 'no_token'
    WHEN NOT EXISTS (
        SELECT FROM roaming_operatorpair pair
        JOIN roaming_agreementservice covered ON covered.environment = kase.environment
            AND covered.visited_cso_id = pair.visited_cso_id
            AND covered.home_csp_id = pair.home_csp_id AND covered.service = 'offline'
        WHERE pair.id = kase.pair_id AND covered.validity @> kase.started_at
    ) THEN 'not_covered'
    WHEN version.id IS NULL THEN 'never_distributed'
    WHEN version.removed THEN 'removed'
    WHEN NOT version.valid THEN 'blocked'
    WHEN version.expires_at <= kase.started_at THEN 'expired'
    WHEN version.whitelist = 'NEVER' THEN 'policy_never'
    ELSE ''
END AS cause
FROM recon_case kase
LEFT JOIN LATERAL (
    SELECT * FROM roaming_identificationversion version
    WHERE version.environment = kase.environment AND version.home_csp_id = kase.home_csp_id
        AND version.token_hmac = kase.token_hmac AND version.received_at <= kase.started_at
    ORDER BY version.received_at DESC, version.id DESC LIMIT 1
) version ON true
WHERE kase.claims_offline;
ANALYZE recon_offline;
"""


def gather_evidence(cursor: Any, now: datetime, csp_record_hours: int) -> None:
    """Fills `recon_case` from the claim, what was matched with it, the agreement and what rating
    gave, and `recon_offline` from what was distributed."""
    cursor.execute("ANALYZE recon_price; ANALYZE recon_reserved")
    cursor.execute(_CASES, {"now": now, "csp_record_hours": csp_record_hours})
    cursor.execute(_OFFLINE)

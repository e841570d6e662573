"""The rules as SQL over `recon_case`; each equals its function in settlement.domain.reconciliation.

A rule is (claimed, expected, money at stake, causes, FROM and WHERE). Severity and explanation come
from the registry of rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from settlement.domain.reconciliation.authorisation import AUTHORISATION_EXPECTED, UNAUTHORISED
from settlement.domain.reconciliation.case import LONGEST_SESSION
from settlement.domain.reconciliation.offline import (
    NOT_GOOD,
    OFFLINE_EXPECTED,
    POLICY,
    WITHOUT_DATA,
)
from settlement.domain.reconciliation.place import EVSE_EXPECTED
from settlement.models.reconciliation_sql import DECIDED, NOT_STANDING, key_of, utc


@dataclass(frozen=True, slots=True)
class _Select:
    """One rule's SELECT. `severity` only where a finding may be milder than its rule."""

    claimed: str
    expected: str
    rows: str
    money_at_stake: str = "before_tax"
    causes: str = "'{}'::text[]"
    severity: str = "NULL"


def _neighbours(columns: str, condition: str) -> str:
    """FROM recon_case with the first standing SDR beside each that meets the condition."""
    return f"""recon_case kase CROSS JOIN LATERAL (
        SELECT {columns} FROM roaming_sdr other
        JOIN roaming_sdrstate standing ON standing.sdr_id = other.id
        WHERE other.environment = kase.environment AND other.id <> kase.sdr_id
            AND NOT other.credit AND standing.state NOT IN {NOT_STANDING}
            AND (other.arrival < kase.arrival OR standing.state IN {DECIDED})
            AND {condition}
        ORDER BY other.arrival LIMIT 1
    ) first"""  # noqa: S608  constants of this module


def _overlapping(condition: str, wanted: str) -> _Select:
    days = LONGEST_SESSION.days
    rows = _neighbours(
        "other.reference AS first_reference, other.started_at AS first_started,"
        " other.ended_at AS first_ended",
        f"""{condition}
            AND (other.service_session_id = kase.service_session_id) IS NOT TRUE
            AND other.started_at > kase.started_at - make_interval(days => {days})
            AND other.started_at < kase.ended_at
            AND least(other.ended_at, kase.ended_at) - greatest(other.started_at, kase.started_at)
                > make_interval(secs => kase.tolerance_time_s)""",
    )
    return _Select(
        f"{utc('started_at')} || ' to ' || {utc('ended_at')}",
        f"'{wanted}; ' || first_reference || ': ' || {utc('first_started')}"
        f" || ' to ' || {utc('first_ended')}",
        rows,
    )


_UNAUTHORISED = " ".join(
    f"WHEN session_state = '{state}' THEN '{cause}'" for state, cause in UNAUTHORISED.items()
)
_CAUSE = f"""CASE
    WHEN claims_offline THEN NULL
    WHEN service_session_id IS NULL THEN 'no_session_id'
    WHEN NOT session_found THEN 'unknown_session'
    WHEN NOT matched THEN 'other_parties'
    {_UNAUTHORISED}
    WHEN token_hmac <> session_token_hmac THEN 'other_token'
END"""


def _expected(wanted: dict[str, str]) -> str:
    """What was expected, by cause, in the words of the domain."""
    cases = " ".join(f"WHEN '{cause}' THEN '{expected}'" for cause, expected in wanted.items())
    return f"CASE cause {cases} END"


def _offline(causes: tuple[str, ...]) -> _Select:
    listed = ", ".join(f"'{cause}'" for cause in causes)
    return _Select(
        f"'OFFLINE at ' || {utc('started_at')}",
        _expected(OFFLINE_EXPECTED),
        f"recon_offline WHERE cause IN ({listed})",
        causes="ARRAY[cause]",
    )


_EVSE_CAUSE = """CASE
    WHEN evse_key = '' THEN NULL
    WHEN matched AND evse_key <> session_evse_key THEN 'other_evse'
    WHEN NOT evse_owned THEN 'unknown_evse'
END"""
_IN_FORCE = "coalesce(validity @> opening, false)"

SELECTS: dict[str, _Select] = {
    "DUP-02": _Select(
        "reference",
        "'only ' || first_reference",
        _neighbours(
            "other.reference AS first_reference",
            "other.service_session_id = kase.service_session_id AND other.pair_id = kase.pair_id",
        ),
    ),
    "AUT-01": _Select(
        "coalesce(service_session_id::text, '')",
        _expected(AUTHORISATION_EXPECTED),
        f"(SELECT *, {_CAUSE} AS cause FROM recon_case) kase WHERE cause IS NOT NULL",  # noqa: S608
        causes="ARRAY[cause]",
    ),
    "AUT-03": _offline(WITHOUT_DATA),
    "AUT-04": _offline(NOT_GOOD),
    "AUT-05": _offline(POLICY),
    "AGR-01": _Select(
        "''",
        f"'an agreement in force at ' || {utc('opening')}",
        f"recon_case WHERE NOT {_IN_FORCE}",
    ),
    "AGR-02": _Select(
        f"'opened at ' || {utc('opening')}",
        "'no new session while suspended'",
        f"""recon_case kase WHERE {_IN_FORCE} AND EXISTS (
            SELECT FROM roaming_agreementsuspension suspension
            WHERE suspension.agreement_id = kase.agreement_id
                AND suspension.during @> kase.opening)""",
    ),
    "TIM-05": _Select(
        f"'received at ' || {utc('received_at')}",
        "'not after ' || " + utc("(ended_at + make_interval(hours => sdr_window_hours))"),
        "recon_case WHERE received_at > ended_at + make_interval(hours => sdr_window_hours)",
    ),
    "TIM-06": _overlapping("other.evse_key = kase.evse_key AND kase.evse_key <> ''", "EVSE free"),
    "TIM-07": _overlapping(
        """other.token_hmac = kase.token_hmac
            AND other.home_csp_id IS NOT DISTINCT FROM kase.home_csp_id
            AND other.evse_key <> kase.evse_key""",
        "token free",
    ),
    "QTY-02": _Select(
        "energy_kwh::text || ' kWh'",
        "periods_energy::text || ' kWh'",
        "recon_case WHERE abs(energy_difference_kwh) > allowed_energy_kwh",
        money_at_stake="coalesce(abs(money_difference), before_tax)",
    ),
    "QTY-06": _Select(
        "evse_id",
        f"CASE cause WHEN 'other_evse' THEN '{EVSE_EXPECTED['other_evse']}, ' || session_evse_id"
        f" ELSE '{EVSE_EXPECTED['unknown_evse']}' END",
        f"(SELECT *, {_EVSE_CAUSE} AS cause FROM recon_case) kase WHERE cause IS NOT NULL",  # noqa: S608
        causes="ARRAY[cause]",
    ),
    "PRC-01": _Select(
        "before_tax::text || ' ' || currency",
        "expected::text || ' ' || currency",
        "recon_case WHERE abs(money_difference) > allowed_money",
        money_at_stake="abs(money_difference)",
        causes="price_causes",
    ),
    "PRC-02": _Select("failure", "'an SDR that can be rated'", "recon_case WHERE failure <> ''"),
    "PRC-04": _Select(
        "tariff_claimed",
        "tariff_expected",
        "recon_case WHERE tariff_issue <> ''",
        money_at_stake="coalesce(abs(money_difference), before_tax)",
        causes="ARRAY[tariff_issue]",
        severity="CASE WHEN abs(money_difference) <= allowed_money THEN 'warning' END",
    ),
    "PRC-05": _Select(
        "currency", "agreement_currency", "recon_case WHERE currency <> agreement_currency"
    ),
}

_EVERY = "\nUNION ALL\n".join(
    f"SELECT sdr_id, '{rule}' AS rule, {s.severity} AS milder, {s.claimed} AS claimed,"  # noqa: S608
    f" {s.expected} AS expected, {s.money_at_stake} AS money_at_stake, {s.causes} AS causes"
    f" FROM {s.rows}"
    for rule, s in SELECTS.items()
)
_FIND = f"""
INSERT INTO recon_finding
SELECT found.sdr_id, found.rule, coalesce(found.milder, listed.severity), listed.explanation,
    found.claimed, found.expected, found.money_at_stake, found.causes
FROM ({_EVERY}) found
JOIN jsonb_to_recordset(%(rules)s::jsonb)
    AS listed (rule text, severity text, explanation text) USING (rule)
"""  # noqa: S608  constants of this module

_SAME = """
    kept.sdr_id = fresh.sdr_id AND kept.rule = fresh.rule AND kept.severity = fresh.severity
    AND kept.claimed = fresh.claimed AND kept.expected = fresh.expected
    AND kept.money_at_stake IS NOT DISTINCT FROM fresh.money_at_stake
    AND kept.causes = fresh.causes::varchar[]
"""
_SUPERSEDE = f"""
UPDATE roaming_finding kept SET superseded_at = %(now)s
FROM recon_claim
WHERE kept.sdr_id = recon_claim.sdr_id AND kept.superseded_at IS NULL
    AND kept.rule = ANY (%(judged_anew)s)
    AND NOT EXISTS (SELECT FROM recon_finding fresh WHERE {_SAME})
"""  # noqa: S608  constants of this module
_KEEP = f"""
INSERT INTO roaming_finding (id, environment, period, pair_id, sdr_id, rule, severity, explanation,
    claimed, expected, money_at_stake, causes, found_at)
SELECT {key_of("fresh.sdr_id")}, standing.environment, standing.period, standing.pair_id,
    fresh.sdr_id, fresh.rule, fresh.severity, fresh.explanation, fresh.claimed, fresh.expected,
    fresh.money_at_stake, fresh.causes, %(now)s
FROM recon_finding fresh JOIN roaming_sdrstate standing ON standing.sdr_id = fresh.sdr_id
WHERE NOT EXISTS (
    SELECT FROM roaming_finding kept WHERE kept.superseded_at IS NULL AND {_SAME}
)
"""  # noqa: S608  constants of this module


def apply_rules(cursor: Any, rules: str) -> None:
    """Fills `recon_finding`. `rules`: the registry as JSON (rule, severity, explanation)."""
    cursor.execute(_FIND, {"rules": rules})


def keep_findings(cursor: Any, judged_anew: Sequence[str], now: datetime) -> None:
    """Supersedes findings that no longer hold, adds those that are new, leaves the same alone."""
    cursor.execute("ANALYZE recon_finding")
    cursor.execute(_SUPERSEDE, {"judged_anew": list(judged_anew), "now": now})
    cursor.execute(_KEEP, {"now": now})

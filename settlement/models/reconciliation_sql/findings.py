"""Applying the rules to a batch, and keeping what they found beside what they had found before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from settlement.models.reconciliation_sql import key_of
from settlement.models.reconciliation_sql.selects import SELECTS

_EVERY = "\nUNION ALL\n".join(
    f"SELECT sdr_id, '{rule}' AS rule, {s.severity} AS milder, {s.claimed} AS claimed,"  # noqa: S608
    f" {s.expected} AS expected, {s.money_at_stake} AS money_at_stake, {s.causes} AS causes"
    f" FROM {s.rows}"
    for rule, s in SELECTS.items()
)
_FIND = f"""
INSERT INTO recon_finding
SELECT found.sdr_id, found.rule, coalesce(found.milder, ruling.severity, listed.severity),
    listed.explanation, found.claimed, found.expected, found.money_at_stake, found.causes
FROM ({_EVERY}) found
JOIN jsonb_to_recordset(%(rules)s::jsonb)
    AS listed (rule text, severity text, explanation text) USING (rule)
JOIN recon_case kase ON kase.sdr_id = found.sdr_id
LEFT JOIN recon_ruling ruling ON ruling.rule = found.rule
    AND ruling.agreement_key = kase.agreement_key AND ruling.pair_key = kase.pair_key
WHERE ruling.off IS NOT TRUE
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

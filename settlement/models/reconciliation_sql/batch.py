"""Claiming a batch of SDRs, reading what rating needs, bringing its results back by COPY."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from settlement.domain.reconciliation.case import PriceEvidence

OPEN_STATES = ["validated", "matched", "unmatched", "rated", "deviating", "not_ratable"]
NEW_STATES = ["validated", "matched"]

TABLES = (
    "recon_claim",
    "recon_credit",
    "recon_original",
    "recon_price",
    "recon_reserved",
    "recon_ruling",
    "recon_match",
    "recon_unnamed",
    "recon_case",
    "recon_offline",
    "recon_finding",
    "recon_verdict",
)

_START = """
DROP TABLE IF EXISTS {tables};
CREATE TEMPORARY TABLE recon_claim (
    sdr_id uuid PRIMARY KEY, from_state text NOT NULL, from_outcome text NOT NULL
) ON COMMIT DROP;
CREATE TEMPORARY TABLE recon_price (
    sdr_id uuid PRIMARY KEY, payable numeric, unrounded numeric, expected numeric,
    failure text NOT NULL, periods_energy numeric, tariff_version_id bigint,
    tariff_issue text NOT NULL, tariff_claimed text NOT NULL, tariff_expected text NOT NULL,
    causes text[] NOT NULL
) ON COMMIT DROP;
CREATE TEMPORARY TABLE recon_reserved (sdr_id uuid PRIMARY KEY) ON COMMIT DROP;
CREATE TEMPORARY TABLE recon_ruling (
    agreement_key bigint NOT NULL, pair_key bigint NOT NULL, rule text NOT NULL,
    off boolean NOT NULL, severity text, absolute numeric, share numeric
) ON COMMIT DROP;
CREATE TEMPORARY TABLE recon_finding (
    sdr_id uuid NOT NULL, rule text NOT NULL, severity text NOT NULL, explanation text NOT NULL,
    claimed text NOT NULL, expected text NOT NULL, money_at_stake numeric, causes text[] NOT NULL
) ON COMMIT DROP;
""".format(tables=", ".join(f"pg_temp.{table}" for table in TABLES))

_DUE = """
SELECT EXISTS (
    SELECT FROM roaming_sdrstate
    WHERE environment = %(environment)s AND state = ANY (%(states)s) AND sdr_id > %(after)s{only}
){or_due}
"""
_OR_DUE = " OR EXISTS (SELECT FROM roaming_sdrdue WHERE environment = %(environment)s)"
# Those of which new evidence came. What another run, a decision or a close holds stays due.
_CLAIM_DUE = """
WITH taken AS (
    DELETE FROM roaming_sdrdue WHERE id IN (
        SELECT id FROM roaming_sdrdue WHERE environment = %(environment)s
        ORDER BY id LIMIT %(size)s FOR UPDATE SKIP LOCKED
    ) RETURNING sdr_id
), undecided AS MATERIALIZED (
    SELECT sdr_id, state, outcome FROM roaming_sdrstate
    WHERE sdr_id IN (SELECT sdr_id FROM taken) AND state = ANY (%(undecided)s)
), claimed AS (
    INSERT INTO recon_claim
    SELECT sdr_id, state, outcome FROM roaming_sdrstate
    WHERE sdr_id IN (SELECT sdr_id FROM undecided) AND state = ANY (%(undecided)s)
    FOR UPDATE SKIP LOCKED
    RETURNING sdr_id
)
INSERT INTO roaming_sdrdue (environment, sdr_id)
SELECT %(environment)s, sdr_id FROM undecided
WHERE sdr_id NOT IN (SELECT sdr_id FROM claimed)
"""
# Rows that another run, a decision or a close holds are left to the next run.
_CLAIM = """
WITH claimed AS (
    INSERT INTO recon_claim
    SELECT sdr_id, state, outcome FROM roaming_sdrstate
    WHERE environment = %(environment)s AND state = ANY (%(states)s) AND sdr_id > %(after)s{only}
        AND sdr_id NOT IN (SELECT sdr_id FROM recon_claim)
    ORDER BY sdr_id LIMIT %(size)s FOR UPDATE SKIP LOCKED
    RETURNING sdr_id
)
SELECT sdr_id FROM claimed ORDER BY sdr_id DESC LIMIT 1
"""
_ONLY = " AND sdr_id = ANY (%(only)s)"

# A new SDR puts the undecided ones of its session in doubt again.
_CLAIM_SIBLINGS = """
INSERT INTO recon_claim
SELECT standing.sdr_id, standing.state, standing.outcome
FROM roaming_sdrstate standing JOIN roaming_sdr sdr ON sdr.id = standing.sdr_id
WHERE standing.environment = %(environment)s AND standing.state = ANY (%(states)s)
    AND sdr.service_session_id IN (
        SELECT fresh.service_session_id FROM recon_claim
        JOIN roaming_sdr fresh ON fresh.id = recon_claim.sdr_id
    )
    AND standing.sdr_id NOT IN (SELECT sdr_id FROM recon_claim)
FOR UPDATE OF standing SKIP LOCKED
"""

_TO_RERATE = """
SELECT sdr.id, sdr.rated_part, coalesce(nullif(sdr.time_zone, ''), site.time_zone, ''),
    sdr.visited_cso_id, sdr.home_csp_id, sdr.started_at, sdr.tariff_id,
    coalesce(individual.tariff_ids, connector.tariff_ids, '{}'), sdr.claim_before_tax, sdr.currency,
    coalesce(agreement.rounding, 'HALF_UP'), coalesce(agreement.tolerance_money, 0),
    coalesce(agreement.tolerance_money_share, 0), coalesce(agreement.tariff_notice_hours, 0),
    sdr.ended_at, sdr.energy_kwh, coalesce(agreement.tolerance_energy_kwh, 0),
    coalesce(agreement.tolerance_energy_share, 0), coalesce(agreement.tolerance_time_s, 0),
    sdr.connector_id, connector.max_power_w,
    evse.id IS NOT NULL AND connector.id IS NULL AND sdr.connector_id <> '',
    coalesce(sdr.agreement_id, 0), coalesce(sdr.pair_id, 0),
    coalesce(agreement.requires_signed_meter_data, false)
FROM recon_claim
JOIN roaming_sdr sdr ON sdr.id = recon_claim.sdr_id
LEFT JOIN roaming_agreement agreement ON agreement.id = sdr.agreement_id
LEFT JOIN roaming_evse evse
    ON evse.environment = sdr.environment AND evse.key = sdr.evse_key
LEFT JOIN roaming_site site ON site.id = evse.site_id
LEFT JOIN roaming_connector connector
    ON connector.evse_id = evse.id AND connector.connector_id = sdr.connector_id
LEFT JOIN roaming_connectortariffs individual
    ON individual.connector_id = connector.id AND individual.home_csp_id = sdr.home_csp_id
WHERE NOT sdr.credit
"""

_COPY_PRICES = """
COPY recon_price (sdr_id, payable, unrounded, expected, failure, periods_energy,
    tariff_version_id, tariff_issue, tariff_claimed, tariff_expected, causes) FROM STDIN
"""
_COPY_FINDINGS = """
COPY recon_finding (sdr_id, rule, severity, explanation, claimed, expected, money_at_stake, causes)
FROM STDIN
"""

_VERSIONS = """
SELECT id, visited_cso_id, home_csp_id, tariff_id, valid_from, valid_to, received_at, withdrawn,
    body, on_request
FROM roaming_tariffversion
WHERE environment = %(environment)s AND visited_cso_id = ANY (%(visited_csos)s)
"""


@dataclass(frozen=True, slots=True)
class Claiming:
    """Which SDRs a batch takes: in these states, after this key, so many at most; of `only`."""

    environment: str
    states: list[str]
    after: uuid.UUID
    size: int
    only: Sequence[uuid.UUID] | None = None


class RerateRow(NamedTuple):
    """What rating needs of one SDR, in the order of the query."""

    sdr_id: uuid.UUID
    rated_part: str
    time_zone: str
    visited_cso_id: int
    home_csp_id: int | None
    started_at: datetime
    tariff_id: str
    connector_tariff_ids: list[str]
    before_tax: Decimal
    currency: str
    rounding: str
    tolerance_money: Decimal
    tolerance_money_share: Decimal
    tariff_notice_hours: int
    ended_at: datetime
    energy_kwh: Decimal
    tolerance_energy_kwh: Decimal
    tolerance_energy_share: Decimal
    tolerance_time_s: int
    connector_id: str
    max_power_w: int | None
    connector_unknown: bool
    agreement_key: int
    pair_key: int
    requires_signed_meter_data: bool


class FoundRow(NamedTuple):
    """A finding on its way to the table, in the order of the COPY."""

    sdr_id: uuid.UUID
    rule: str
    severity: str
    explanation: str
    claimed: str
    expected: str
    money_at_stake: Decimal | None
    causes: list[str]


def claim_batch(cursor: Any, claiming: Claiming) -> uuid.UUID | None:
    """Locks the next SDRs into `recon_claim`, and those of which new evidence came; returns the key
    after which to go on, None where nothing is due."""
    due: dict[str, Any] = {
        "environment": claiming.environment,
        "states": claiming.states,
        "after": claiming.after,
    }
    only = ""
    if claiming.only is not None:
        only, due["only"] = _ONLY, list(claiming.only)
    or_due = _OR_DUE if claiming.only is None else ""
    cursor.execute(_DUE.format(only=only, or_due=or_due), due)
    if not cursor.fetchone()[0]:
        return None
    cursor.execute(_START)
    if claiming.only is None:
        cursor.execute(_CLAIM_DUE, {**due, "size": claiming.size, "undecided": OPEN_STATES})
    cursor.execute(_CLAIM.format(only=only), {**due, "size": claiming.size})
    row = cursor.fetchone()
    if row is not None:
        last: uuid.UUID = row[0]
        return last
    cursor.execute("SELECT EXISTS (SELECT FROM recon_claim)")
    return claiming.after if cursor.fetchone()[0] else None


def claim_siblings(cursor: Any, environment: str) -> None:
    """Locks the undecided SDRs of the sessions that the batch touches."""
    cursor.execute("ANALYZE recon_claim")
    cursor.execute(_CLAIM_SIBLINGS, {"environment": environment, "states": OPEN_STATES})


def rows_to_rerate(cursor: Any) -> list[RerateRow]:
    cursor.execute(_TO_RERATE)
    return [RerateRow(*row) for row in cursor.fetchall()]


def tariff_versions(cursor: Any, environment: str, visited_csos: list[int]) -> list[Any]:
    """Every version that these CSOs announced, in the order of the domain's Version."""
    cursor.execute(_VERSIONS, {"environment": environment, "visited_csos": visited_csos})
    rows: list[Any] = cursor.fetchall()
    return rows


def bring_prices(cursor: Any, prices: Iterable[tuple[uuid.UUID, PriceEvidence]]) -> None:
    with cursor.copy(_COPY_PRICES) as copy:
        for sdr_id, price in prices:
            copy.write_row(
                (
                    sdr_id,
                    price.payable,
                    price.unrounded,
                    price.expected,
                    _storable(price.failure),
                    price.periods_energy,
                    price.tariff_version_id,
                    price.tariff_issue,
                    _storable(price.tariff_claimed),
                    _storable(price.tariff_expected),
                    list(price.causes),
                )
            )


def bring_findings(cursor: Any, found: Iterable[FoundRow]) -> None:
    with cursor.copy(_COPY_FINDINGS) as copy:
        for row in found:
            copy.write_row(
                row._replace(claimed=_storable(row.claimed), expected=_storable(row.expected))
            )


def _storable(text: str) -> str:
    """What a party sent may hold characters that PostgreSQL's text cannot, such as U+0000."""
    return text.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")[:200]

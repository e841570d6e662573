"""B5: reconciling 1,000,000 SDRs with every rule that SQL judges, against the join that reads them.

Measured is what the product does between the prices that rating brings and the verdicts: laying the
records side by side, every set-based rule, the outcome of each SDR. The reference is one statement
that joins the same rows and reads the columns that the rules compare. Both work on the same claimed
batch, in one transaction that is rolled back. A hundredth of the rows is measured first: what a row
costs may grow by 1.3 at most.
"""

from __future__ import annotations

import json
import time
from typing import Any

from benchmarks import clearing_house
from benchmarks.runner import Budget, Measurement

ID = "B5"
TITLE = "reconciliation of 1,000,000 SDRs with all set-based rules against the join that reads them"
BUDGET = Budget(at_most=2.0)
SIZE = 1_000_000
GROWTH = 1.3
_filled: list[int] = []

_REFERENCE = """
SELECT count(*) FILTER (WHERE abs(sdr.energy_kwh - session.energy_kwh) > 0.01),
    count(*) FILTER (WHERE abs(sdr.claim_before_tax - price.expected) > 0.01),
    count(*) FILTER (WHERE sdr.token_hmac <> session.token_hmac),
    count(*) FILTER (WHERE sdr.evse_key <> evse.key),
    count(*) FILTER (WHERE NOT agreement.validity @> session.opened_at),
    count(*) FILTER (WHERE sdr.currency <> agreement.currency),
    count(*) FILTER (WHERE sdr.ended_at < sdr.started_at),
    count(*) FILTER (WHERE sdr.received_at > sdr.ended_at
        + make_interval(hours => agreement.sdr_window_hours)),
    count(*) FILTER (WHERE sdr.tariff_id = '' OR sdr.reference = '' OR sdr.time_zone = ''),
    count(*) FILTER (WHERE csp_record.energy_kwh <> sdr.energy_kwh)
FROM recon_claim
JOIN roaming_sdr sdr ON sdr.id = recon_claim.sdr_id
JOIN recon_price price ON price.sdr_id = sdr.id
JOIN roaming_servicesession session ON session.id = sdr.service_session_id
JOIN roaming_evse evse ON evse.id = session.evse_id
JOIN roaming_agreement agreement ON agreement.id = sdr.agreement_id
LEFT JOIN settlement_csprecord csp_record
    ON csp_record.service_session_id = sdr.service_session_id
"""
# As rating would have brought them: one in ten claims too much.
_PRICES = """
INSERT INTO recon_price (sdr_id, payable, unrounded, expected, failure, periods_energy,
    tariff_version_id, tariff_issue, tariff_claimed, tariff_expected, causes)
SELECT sdr.id, sdr.claim_before_tax, sdr.claim_before_tax, sdr.claim_before_tax
    - CASE WHEN sdr.arrival % 10 = 0 THEN 1 ELSE 0 END, '', sdr.energy_kwh, 1, '', '', '', '{}'
FROM recon_claim JOIN roaming_sdr sdr ON sdr.id = recon_claim.sdr_id
"""


def run(size: int) -> Measurement:
    """One measurement; the rows are made once for each size."""
    clearing_house.configure()
    if _filled != [size]:
        from benchmarks.big_database import fill

        clearing_house.fresh_database()
        clearing_house.make_parties({f"DE-B{number:02}": "" for number in range(20)})
        fill(size, undecided=True)
        _filled[:] = [size]
    few = max(size // 100, 1)
    small = sum(_spent(few)[0] for _ in range(5)) / 5 / few
    ours, theirs, found = _spent(size)
    growth = (ours / size) / small
    if growth > GROWTH and size >= SIZE:
        raise RuntimeError(f"a row costs {growth:.2f} times as much at {size:,} as at {few:,}")
    return Measurement(
        ratio=ours / theirs,
        detail=f"{ours:.1f} s, the join {theirs:.1f} s, {found:,} findings,"
        f" {growth:.2f} times the cost of a row at {few:,}",
    )


def _spent(size: int) -> tuple[float, float, int]:
    """Seconds of the product and of the reference on one batch; how much the rules found."""
    from django.conf import settings
    from django.db import connection, transaction
    from django.utils import timezone

    from roaming.domain.uuid7 import EARLIEST, uuid7_at
    from settlement.domain.reconciliation.rules import JUDGED_ANEW, RULES
    from settlement.models.reconciliation_sql import (
        batch,
        evidence,
        findings,
        matching,
        standing,
    )

    rules = json.dumps(
        [{"rule": r.id, "severity": r.severity.value, "explanation": r.explanation} for r in RULES]
    )
    with transaction.atomic(), connection.cursor() as cursor:
        claiming = batch.Claiming("live", batch.NEW_STATES, uuid7_at(EARLIEST), size)
        batch.claim_batch(cursor, claiming)
        cursor.execute(_PRICES)
        cursor.execute("ANALYZE recon_claim; ANALYZE recon_price")
        began = time.perf_counter()
        cursor.execute(_REFERENCE)
        theirs = time.perf_counter() - began
        began = time.perf_counter()
        matching.match_records(cursor, "live")
        evidence.gather_evidence(cursor, timezone.now(), settings.CSP_RECORD_HOURS)
        findings.apply_rules(cursor, rules)
        outcomes = standing.reach_verdicts(cursor, JUDGED_ANEW)
        ours = time.perf_counter() - began
        assert sum(outcomes.values()) == _one(cursor, "SELECT count(*) FROM recon_claim"), outcomes
        found = _one(cursor, "SELECT count(*) FROM recon_finding")
        assert found == _one(
            cursor, "SELECT count(*) FROM recon_price WHERE payable <> expected"
        ), "something else than the planted was found"
        transaction.set_rollback(True)
    return ours, theirs, found


def _one(cursor: Any, query: str) -> int:
    cursor.execute(query)
    value: int = cursor.fetchone()[0]
    return value

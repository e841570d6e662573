"""The rules of SDRs' bodies: judged here, in the pass that rates them, and brought by COPY."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from roaming.domain.time_zones import find_zone
from settlement.domain.reconciliation.body import BodyCase, Stated, read_stated
from settlement.domain.reconciliation.outcome import judge_body
from settlement.domain.reconciliation.rerating import Rerated
from settlement.domain.reconciliation.tolerances import Allowance, Tolerances
from settlement.models.reconciliation_sql.batch import FoundRow, RerateRow

_W_PER_KW = Decimal(1000)


def found_in_body(row: RerateRow, rerated: Rerated) -> Iterator[FoundRow]:
    """The findings of one SDR's body."""
    stated = read_stated(row.rated_part)
    if stated is None:
        return
    for rule, verdict in judge_body(body_case(row, stated, rerated)):
        yield FoundRow(
            row.sdr_id,
            rule.id,
            (verdict.severity or rule.severity).value,
            rule.explanation,
            verdict.claimed,
            verdict.expected,
            verdict.money_at_stake,
            list(verdict.causes),
        )


def body_case(row: RerateRow, stated: Stated, rerated: Rerated) -> BodyCase:
    """The row as the domain's case."""
    return BodyCase(
        stated=stated,
        started_at=row.started_at,
        ended_at=row.ended_at,
        energy_kwh=row.energy_kwh,
        before_tax=row.before_tax,
        currency=row.currency,
        time_zone=find_zone(row.time_zone),
        periods=rerated.parsed.charging_periods if rerated.parsed else (),
        priced=rerated.priced,
        max_power_kw=None if row.max_power_w is None else row.max_power_w / _W_PER_KW,
        connector_id=row.connector_id,
        connector_unknown=row.connector_unknown,
        tolerances=Tolerances(
            energy=Allowance(row.tolerance_energy_kwh, row.tolerance_energy_share),
            time=Allowance(Decimal(row.tolerance_time_s)),
            money=Allowance(row.tolerance_money, row.tolerance_money_share),
        ),
    )

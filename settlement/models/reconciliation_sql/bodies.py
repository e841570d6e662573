"""The rules of SDRs' bodies: judged here, in the pass that rates them, and brought by COPY."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from roaming.domain.time_zones import find_zone
from settlement.domain.reconciliation.body import BodyCase, Stated, read_stated
from settlement.domain.reconciliation.outcome import judge_body
from settlement.domain.reconciliation.rerating import Rerated
from settlement.domain.reconciliation.rule_settings import Rulings
from settlement.domain.reconciliation.tolerances import Allowance, Tolerances
from settlement.models.reconciliation_sql.batch import FoundRow, RerateRow

_W_PER_KW = Decimal(1000)


def read_body(row: RerateRow, rerated: Rerated) -> BodyCase | None:
    """The body as the domain's case, None where it cannot be read."""
    stated = read_stated(row.rated_part)
    return None if stated is None else _case(row, stated, rerated)


def found_in_body(row: RerateRow, case: BodyCase, rulings: Rulings) -> Iterator[FoundRow]:
    """The findings of one SDR's body."""
    for rule, verdict in judge_body(case, rulings):
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


def bring_reserved(cursor: Any, reserved: Iterable[uuid.UUID]) -> None:
    """Says of which SDRs the body charges for a reservation."""
    with cursor.copy("COPY recon_reserved (sdr_id) FROM STDIN") as copy:
        for sdr_id in reserved:
            copy.write_row((sdr_id,))


def _case(row: RerateRow, stated: Stated, rerated: Rerated) -> BodyCase:
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
        requires_signed_meter_data=row.requires_signed_meter_data,
        tolerances=Tolerances(
            energy=Allowance(row.tolerance_energy_kwh, row.tolerance_energy_share),
            time=Allowance(Decimal(row.tolerance_time_s)),
            money=Allowance(row.tolerance_money, row.tolerance_money_share),
        ),
    )

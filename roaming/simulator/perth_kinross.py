"""A month of real sessions from files in the Perth & Kinross form.

The rows say when and where; who drove is not in them, so every session is given a driver of a
fictitious home-CSP, always the same for the same row, and nobody is in two places at once. Dates
are taken as published: a day and month that were swapped and still make a plausible session cannot
be told from the row.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from pathlib import Path

from roaming.simulator.drivers import Driver, make_drivers
from roaming.simulator.months import Month
from roaming.simulator.network import Network
from roaming.simulator.occupancy import Occupancy
from roaming.simulator.perth_files import PerthFileError, rows
from roaming.simulator.perth_network import perth_network
from roaming.simulator.perth_rows import (
    LONDON,
    PerthRow,
    Reason,
    UnusableRowError,
    max_power_w,
    read_row,
)
from roaming.simulator.planned_session import PlannedSession, in_order

__all__ = ["PerthFileError", "PerthReading", "Reason", "RefusedRow", "read_perth_kinross"]

SHARE_OF_FULL_POWER = Decimal("0.5")
BETWEEN_STATIONS = timedelta(minutes=20)
SESSIONS_PER_DRIVER = 4


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that was not replayed. `row` is its line in the file, the header being line 1."""

    file: str
    row: int
    reason: Reason
    detail: str


@dataclass(frozen=True)
class PerthReading:
    """What became of every row: `rows_read` = sessions + refused + other months."""

    month: Month
    network: Network
    drivers: tuple[Driver, ...]
    sessions: list[PlannedSession]
    refused: list[RefusedRow]
    rows_read: int
    rows_of_other_months: int

    @property
    def refusals(self) -> Counter[Reason]:
        """How often each reason."""
        return Counter(row.reason for row in self.refused)


def read_perth_kinross(
    files: Sequence[Path], month: Month, seed: int = 0, progress: Callable[[], None] | None = None
) -> PerthReading:
    """The sessions of `month`, their network and drivers, and every refused row.

    A session belongs to the month in which it ends (London), as in settlement; a refused row to the
    month in which it starts. A row whose start cannot be read belongs to every month. `progress` is
    called once per row. PerthFileError for a file that is not in this form.
    """
    plausible: list[PerthRow] = []
    refused: list[RefusedRow] = []
    rows_read = other_months = 0
    for path in files:
        for number, fields in rows(path):
            rows_read += 1
            if progress is not None:
                progress()
            try:
                row = read_row(path.name, number, fields)
            except UnusableRowError as refusal:
                if refusal.day is None or month.holds(refusal.day):
                    refused.append(RefusedRow(path.name, number, refusal.reason, refusal.detail))
                else:
                    other_months += 1
                continue
            if month.holds(row.end.astimezone(LONDON).date()):
                plausible.append(row)
            else:
                other_months += 1
    plausible, overlapping = _without_overlaps(plausible)
    network = perth_network(plausible, month)
    # Four to an EVSE: then somebody with the right contract is always free.
    least = 4 * len(network.places)
    drivers = make_drivers(network, max(least, len(plausible) // SESSIONS_PER_DRIVER), seed)
    return PerthReading(
        month=month,
        network=network,
        drivers=drivers,
        sessions=_sessions(plausible, network, drivers),
        refused=sorted(refused + overlapping, key=lambda r: (r.file, r.row)),
        rows_read=rows_read,
        rows_of_other_months=other_months,
    )


def _without_overlaps(found: list[PerthRow]) -> tuple[list[PerthRow], list[RefusedRow]]:
    """Of two sessions that overlap at one connector the later one is refused."""
    kept: list[PerthRow] = []
    refused: list[RefusedRow] = []
    busy: dict[tuple[str, str], PerthRow] = {}
    for row in sorted(found, key=lambda r: (r.start, r.end, r.file, r.row)):
        before = busy.get(row.connector_key)
        if before is not None and row.start < before.end:
            detail = f"overlaps row {before.row} of {before.file}"
            refused.append(RefusedRow(row.file, row.row, Reason.OVERLAP, detail))
        else:
            busy[row.connector_key] = row
            kept.append(row)
    return kept, refused


@dataclass(frozen=True, slots=True)
class _World:
    network: Network
    drivers: tuple[Driver, ...]
    people: Occupancy


def _sessions(
    plausible: list[PerthRow], network: Network, drivers: tuple[Driver, ...]
) -> list[PlannedSession]:
    world = _World(network, drivers, Occupancy(BETWEEN_STATIONS))
    evse_of = {evse_id.partition("*E")[2]: evse_id for evse_id in network.places}
    sessions = []
    for row in plausible:
        evse_id = evse_of[f"{row.charge_point}*{row.connector}"]
        cso = network.places[evse_id].site.operator_id
        reference = f"{row.start:%Y%m%d%H%M}-{row.charge_point}-{row.connector}"
        driver = _driver_for(row, zlib.crc32(reference.encode()), cso, world)
        world.people.take(driver.token_uid, row.start, row.end)
        sessions.append(
            PlannedSession(
                reference=reference,
                cso=cso,
                csp=driver.csp,
                evse_id=evse_id,
                connector_id=row.connector,
                token_uid=driver.token_uid,
                contract_id=driver.contract_id,
                start=row.start,
                end_of_charging=end_of_charging(row),
                end=row.end,
                energy_kwh=row.energy_kwh,
                method=driver.method,
            )
        )
    return sorted(sessions, key=in_order)


def _driver_for(row: PerthRow, start_at: int, cso: str, world: _World) -> Driver:
    """The first driver from `start_at` on who is free and whose home-CSP has an agreement."""
    drivers = world.drivers
    for step in range(len(drivers)):
        driver = drivers[(start_at + step) % len(drivers)]
        agreed = (cso, driver.csp) in world.network.agreement_by_pair
        if agreed and world.people.free(driver.token_uid, row.start, row.end):
            return driver
    raise AssertionError("more sessions at once than drivers")


def end_of_charging(row: PerthRow) -> datetime:
    """When the vehicle was full, which the files do not say: at half of the power, in minutes.

    The rest of the stay is parking; a session that needs all its time has none.
    """
    power_kw = max_power_w(row.model) * SHARE_OF_FULL_POWER / 1000
    minutes = (row.energy_kwh * 60 / power_kw).to_integral_value(ROUND_CEILING)
    return min(row.end, row.start + timedelta(minutes=int(minutes)))

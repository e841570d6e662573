"""B4: rating SDRs from JSON to totals and lines, against a naive implementation beside it.

Three elements: a start fee with energy by day and by night, and parking. The SDRs are made from a
fixed seed: one to four periods, a period's start wherever the price changes, in Berlin's time.
Both sides start from the same bytes and must give the same totals.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks.reference import naive_rating
from benchmarks.runner import Budget, Measurement
from roaming.domain.tariff import parse_tariff
from settlement.domain.rating import PricedSdr, compile_tariff, parse_sdr, rate

ID = "B4"
TITLE = "rating, SDRs per second against a naive implementation"
BUDGET = Budget(at_least=2.0)
SIZE = 10_000
BATCH = 500

ZONE = ZoneInfo("Europe/Berlin")
TARIFF = json.dumps(
    {
        "country_code": "DE",
        "party_id": "ABC",
        "id": "B4",
        "currency": "EUR",
        "elements": [
            {
                "price_components": [
                    {"type": "FLAT", "price": 0.35, "vat": 19, "step_size": 1},
                    {"type": "ENERGY", "price": 0.59, "vat": 19, "step_size": 1},
                ],
                "restrictions": {"start_time": "07:00", "end_time": "20:00"},
            },
            {
                "price_components": [
                    {"type": "FLAT", "price": 0.35, "vat": 19, "step_size": 1},
                    {"type": "ENERGY", "price": 0.49, "vat": 19, "step_size": 1},
                ],
            },
            {
                "price_components": [
                    {"type": "PARKING_TIME", "price": 6, "vat": 19, "step_size": 60}
                ],
                "restrictions": {"start_time": "08:00", "end_time": "22:00"},
            },
        ],
        "last_updated": "2026-01-01T00:00:00Z",
    }
).encode()

_WHO_AND_WHERE = {
    "cdr_token": {
        "country_code": "DE",
        "party_id": "XYZ",
        "uid": "04A2B3C4D5E680",
        "type": "RFID",
        "contract_id": "DEXYZC12E46L892",
    },
    "auth_method": "WHITELIST",
    "cdr_location": {
        "id": "LOC1",
        "address": "Rathausplatz 1",
        "city": "Berlin",
        "postal_code": "10178",
        "country": "DEU",
        "coordinates": {"latitude": "52.518611", "longitude": "13.408333"},
        "evse_uid": "3256",
        "evse_id": "DE*ABC*E041503003",
        "connector_id": "1",
        "connector_standard": "IEC_62196_T2",
        "connector_format": "SOCKET",
        "connector_power_type": "AC_3_PHASE",
    },
}


def run(size: int) -> Measurement:
    """One measurement: how many times as many SDRs per second as the naive implementation."""
    plan = compile_tariff(parse_tariff(TARIFF), ZONE)
    tariff = naive_rating.load(TARIFF)
    sdrs = list(make_sdrs(size))
    spent = spent_by_them = 0.0
    # In batches, the two by turns: neither keeps the other's results, both meet the same noise.
    for first in range(0, size, BATCH):
        batch = sdrs[first : first + BATCH]
        began = time.process_time()
        ours = [rate(parse_sdr(sdr), (plan,), ZONE) for sdr in batch]
        between = time.process_time()
        theirs = [naive_rating.rate(naive_rating.load(sdr), tariff, ZONE) for sdr in batch]
        spent += between - began
        spent_by_them += time.process_time() - between
        for priced, naive in zip(ours, theirs, strict=True):
            compare(priced, naive)
    detail = f"{size / spent:,.0f} SDR/s, naive {size / spent_by_them:,.0f} SDR/s"
    return Measurement(ratio=spent_by_them / spent, detail=detail)


def compare(priced: PricedSdr, naive: dict[str, Any]) -> None:
    """Both did the same work: identical totals, the same lines, nothing to find."""
    assert priced.total_before_tax == naive["total_before_tax"], (priced, naive)
    assert priced.total_after_tax == naive["total_after_tax"], (priced, naive)
    assert len([line for line in priced.lines if line.component]) == len(naive["lines"])
    assert not priced.findings, priced
    assert not naive["findings"], naive


def make_sdrs(size: int) -> Iterator[bytes]:
    """CDRs as a CSO sends them, without snapshot: the tariff in the store prices them."""
    chance = random.Random(4)
    month = datetime(2026, 3, 1, tzinfo=UTC)  # with the change to summer time in it
    for number in range(size):
        start = month + timedelta(seconds=chance.randrange(31 * 86_400))
        charged_until = start + timedelta(minutes=chance.randrange(10, 240))
        end = charged_until + timedelta(minutes=chance.choice((0, 0, 7, 45)))
        yield json.dumps(_cdr(number, start, charged_until, end, chance)).encode()


def _cdr(
    number: int,
    start: datetime,
    charged_until: datetime,
    end: datetime,
    chance: random.Random,
) -> dict[str, object]:
    periods = []
    energy = Decimal(0)
    for first, last in _between_price_changes(start, end, charged_until):
        hours = round((last - first).total_seconds() / 3600, 4)
        if first >= charged_until:
            volumes = {"PARKING_TIME": hours}
        else:
            kwh = Decimal(chance.randrange(100, 25_000)) / 1000
            energy += kwh
            volumes = {"ENERGY": float(kwh), "TIME": hours, "MAX_POWER": 22.0}
        periods.append(
            {
                "start_date_time": f"{first:%Y-%m-%dT%H:%M:%SZ}",
                "dimensions": [{"type": kind, "volume": v} for kind, v in volumes.items()],
            }
        )
    return {
        "country_code": "DE",
        "party_id": "ABC",
        "id": f"SDR-{number}",
        "start_date_time": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "end_date_time": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        **_WHO_AND_WHERE,
        "currency": "EUR",
        "charging_periods": periods,
        "total_cost": {"excl_vat": 12.34, "incl_vat": 14.68},
        "total_energy": float(energy),
        "total_time": round((end - start).total_seconds() / 3600, 4),
        "last_updated": f"{end:%Y-%m-%dT%H:%M:%SZ}",
    }


def _between_price_changes(
    start: datetime, end: datetime, charged_until: datetime
) -> Iterator[tuple[datetime, datetime]]:
    cuts = {start, end, charged_until}
    day = start.astimezone(ZONE).date()
    for offset in range(3):
        for hour in (7, 8, 20, 22):
            wall = datetime(day.year, day.month, day.day, hour, tzinfo=ZONE)
            cuts.add((wall + timedelta(days=offset)).astimezone(UTC))
    inside = sorted(cut for cut in cuts if start <= cut <= end)
    yield from pairwise(inside)

"""B1: bulk SDR ingest over HTTP, validated, deduplicated, journalled, against bare COPY.

SDRs go in by calls of at most 10,000; the reference copies all rows that the product wrote for
them, in transactions of the same size, on the same durable server.
"""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta

import msgspec
import psycopg

from benchmarks import clearing_house
from benchmarks.reference.bare_copy import BareCopy
from benchmarks.runner import Budget, Measurement

ID = "B1"
TITLE = "bulk SDR ingest over HTTP against bare COPY of the same rows"
BUDGET = Budget(at_least=0.40)
SIZE = 10_000
PER_CALL = 10_000


def run(size: int) -> Measurement:
    """One measurement: the time of COPY over the time of the calls."""
    clearing_house.configure()
    spent = copied = 0.0
    rows = 0
    with clearing_house.running() as house:
        for first in range(0, size, PER_CALL):
            count = min(PER_CALL, size - first)
            body = make_body(count)
            began = time.perf_counter()
            answer = house.post("/api/v1/sdrs/bulk", body, "application/x-ndjson")
            spent += time.perf_counter() - began
            assert msgspec.json.decode(answer)["accepted"] == count
            seconds, written = copy_what_was_written(count)
            copied, rows = copied + seconds, rows + written
    detail = (
        f"{size / spent:,.0f} SDR/s; COPY {rows / copied:,.0f} rows/s, {rows / size:.1f} an SDR"
    )
    return Measurement(ratio=copied / spent, detail=detail)


def copy_what_was_written(count: int) -> tuple[float, int]:
    """How long bare COPY takes for the rows of the last call, and how many rows they are."""
    with psycopg.connect(clearing_house.conninfo()) as connection:
        latest = f"SELECT id FROM public.roaming_sdr ORDER BY arrival DESC LIMIT {count}"
        reference = BareCopy(
            connection,
            {
                "roaming_sdrregistry": f"sdr_id IN ({latest})",
                "roaming_sdr": f"id IN ({latest})",
                "roaming_sdroriginal": f"sdr_id IN ({latest})",
                "roaming_sdrstate": f"sdr_id IN ({latest})",
                "roaming_sdrevent": f"sdr_id IN ({latest})",
                "roaming_journalentry": "transaction_id = (SELECT transaction_id FROM "
                "public.roaming_journalentry ORDER BY id DESC LIMIT 1)",
                "roaming_delivery": "correlation_id = (SELECT correlation_id FROM "
                "public.roaming_journalentry ORDER BY id DESC LIMIT 1)",
            },
        )
        return reference.seconds(), reference.row_count


def make_body(count: int) -> bytes:
    """`count` clean SDRs of DE*BMO as NDJSON; ids never repeat."""
    began = datetime.now(UTC).replace(microsecond=0) - timedelta(days=20)
    lines = []
    for number in range(count):
        start = began + timedelta(seconds=37 * number)
        end = start + timedelta(minutes=42)
        sdr = {
            "id": str(uuid.uuid4()),
            "visited_cso": "DE*BMO",
            "home_csp": "DE-BMP",
            "service_session_id": str(uuid.uuid4()),
            "cso_session_id": f"S{number}",
            "authorization_reference": f"A{number}",
            "identification": {
                "method": "RFID",
                "token_uid": f"04{number:012X}",
                "contract_id": f"DE-BMP-C{number:08d}",
                "authorised": "ONLINE",
            },
            "evse_id": f"DE*BMO*E{number % 500:05d}",
            "connector_id": "1",
            "power_type": "AC_3_PHASE",
            "country": "DE",
            "time_zone": "Europe/Berlin",
            "start_date_time": start.isoformat(),
            "end_date_time": end.isoformat(),
            "currency": "EUR",
            "tariff_id": "T1",
            "charging_periods": [
                {
                    "start_date_time": start.isoformat(),
                    "dimensions": [
                        {"type": "ENERGY", "volume": "12.345"},
                        {"type": "TIME", "volume": "0.5"},
                    ],
                },
                {
                    "start_date_time": (start + timedelta(minutes=30)).isoformat(),
                    "dimensions": [{"type": "PARKING_TIME", "volume": "0.2"}],
                },
            ],
            "total_energy": "12.345",
            "total_time": "0.7",
            "total_parking_time": "0.2",
            "total_cost": {"excl_vat": "6.17", "incl_vat": "7.34"},
        }
        lines.append(msgspec.json.encode(sdr))
    return b"\n".join(lines)

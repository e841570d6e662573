"""A bill becomes the native SDR message (UC3-9, Annex B), as a dict ready for JSON.

Numbers are Decimals, times are RFC 3339 with the offset of the site. `to_json` writes both without
loss.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from roaming.simulator.billing import Bill
from roaming.simulator.manner import TaxHabit
from roaming.simulator.prices import Amount, Stretch, hours, trimmed

_SMALLEST = Decimal("1e-9")
_ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the operator's platform was told when the session was authorised."""

    service_session_id: str | None = None
    authorization_reference: str | None = None
    authorised: str = "ONLINE"


def to_json(message: object) -> bytes:
    """JSON with Decimals as exact numbers: `Decimal("5.00")` becomes `5.00`."""
    return _ENCODER.encode(message)


def write_sdr(bill: Bill, evidence: Evidence, *, with_tariff: bool) -> dict[str, Any]:
    """The SDR of a bill; `with_tariff` adds the tariff itself to its id."""
    session, site, zone = bill.session, bill.place.site, bill.place.zone
    tariff_id = bill.tariff.tariff_id
    charged_s = sum(s.seconds for s in bill.stretches if s.charging)
    parked_s = sum(s.seconds for s in bill.stretches if not s.charging)
    meter_start = Decimal(zlib.crc32(session.reference.encode()) % 90_000_000) / 1000
    message = {
        "id": f"SDR-{session.reference}",
        "visited_cso": session.cso,
        "home_csp": session.csp,
        "service_session_id": evidence.service_session_id,
        "cso_session_id": f"S-{session.reference}",
        "authorization_reference": evidence.authorization_reference,
        "identification": {
            "method": session.method.value,
            "token_uid": session.token_uid,
            "contract_id": session.contract_id,
            "authorised": evidence.authorised,
        },
        "evse_id": session.evse_id,
        "connector_id": session.connector_id,
        "power_type": bill.place.evse.connector(session.connector_id).power_type,
        "site_id": site.site_id,
        "country": site.country,
        "time_zone": site.time_zone,
        "start_date_time": local_text(session.start, zone),
        "end_date_time": local_text(session.end, zone),
        "currency": bill.tariff.body["currency"],
        "tariff_id": tariff_id,
        "charging_periods": [_period(s, tariff_id, zone) for s in bill.stretches],
        "total_energy": trimmed(session.energy_kwh),
        "total_time": hours(charged_s + parked_s),
        "total_parking_time": hours(parked_s),
        "total_cost": {
            "excl_vat": bill.claimed.before_tax,
            "incl_vat": bill.claimed.after_tax,
        },
        "total_energy_cost": _sub_total(bill.costs.energy, bill),
        "total_fixed_cost": _sub_total(bill.costs.fixed, bill),
        "total_time_cost": _sub_total(bill.costs.time, bill),
        "total_parking_cost": _sub_total(bill.costs.parking, bill),
        "meter_start": meter_start,
        "meter_end": meter_start + sum(s.energy_kwh for s in bill.stretches),
        "credit": False,
        "credit_reference_id": None,
    }
    if with_tariff:
        message["tariffs"] = [bill.tariff.body]
    return message


def local_text(moment: datetime, zone: ZoneInfo) -> str:
    """RFC 3339 with the offset at the site, `2026-09-01T10:14:24+02:00`."""
    return moment.astimezone(zone).isoformat()


def _period(stretch: Stretch, tariff_id: str, zone: ZoneInfo) -> dict[str, Any]:
    dimensions: list[dict[str, Any]] = [{"type": "PARKING_TIME", "volume": stretch.hours}]
    if stretch.charging:
        dimensions = [
            {"type": "ENERGY", "volume": trimmed(stretch.energy_kwh)},
            {"type": "TIME", "volume": stretch.hours},
        ]
    return {
        "start_date_time": local_text(stretch.start, zone),
        "dimensions": dimensions,
        "tariff_id": tariff_id,
    }


def _sub_total(amount: Amount, bill: Bill) -> dict[str, Decimal]:
    """Unrounded, so that the sub-totals add up to what the total was rounded from."""
    before = amount.before_tax
    if bill.manner.tax is TaxHabit.LEFT_IN:
        before = amount.after_tax
    elif bill.manner.tax is TaxHabit.TAKEN_OUT:
        before = before.quantize(_SMALLEST)  # a quotient has no last digit
    return {"excl_vat": trimmed(before), "incl_vat": trimmed(amount.after_tax)}

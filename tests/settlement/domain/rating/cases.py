"""Small tariffs and SDRs for the tests of rating, written as the wire has them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from roaming.domain.tariff import Tariff, parse_tariff
from settlement.domain.rating import PricedSdr, Rounding, SdrToRate, parse_sdr, rate

BERLIN = ZoneInfo("Europe/Berlin")
LONDON = ZoneInfo("Europe/London")
NEW_YORK = ZoneInfo("America/New_York")
KOLKATA = ZoneInfo("Asia/Kolkata")
UTC_ZONE = ZoneInfo("UTC")

Volumes = dict[str, Any]


def component(kind: str, price: Any, step_size: int = 1, **more: Any) -> dict[str, Any]:
    return {"type": kind, "price": price, "step_size": step_size, **more}


def element(*components: dict[str, Any], **restrictions: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"price_components": list(components)}
    if restrictions:
        found["restrictions"] = restrictions
    return found


def tariff(*elements: dict[str, Any], **more: Any) -> Tariff:
    return parse_tariff({"id": "T", "currency": "EUR", "elements": list(elements), **more})


def cdr(
    start: str, *periods: tuple[str, Volumes], end: str | None = None, **more: Any
) -> dict[str, Any]:
    """A CDR. Moments are "HH:MM" (or with date and offset); a period is its start and volumes."""
    return {
        "start_date_time": moment(start),
        "end_date_time": moment(end) if end else moment("23:59"),
        "currency": "EUR",
        "charging_periods": [
            {
                "start_date_time": moment(begin),
                "dimensions": [{"type": kind, "volume": volume} for kind, volume in v.items()],
            }
            for begin, v in periods
        ],
        **more,
    }


def sdr(
    start: str, *periods: tuple[str, Volumes], end: str | None = None, **more: Any
) -> SdrToRate:
    return parse_sdr(cdr(start, *periods, end=end, **more))


def moment(text: str) -> str:
    """ "10:00" is a Monday in February, in UTC; longer texts are taken as they are."""
    return f"2019-02-04T{text}:00Z" if len(text) == 5 else text


def priced(
    tariffs: Tariff | Sequence[Tariff],
    session: SdrToRate,
    zone: ZoneInfo = UTC_ZONE,
    rounding: Rounding = Rounding.HALF_UP,
) -> PricedSdr:
    return rate(session, [tariffs] if isinstance(tariffs, Tariff) else tariffs, zone, rounding)


def total(
    tariffs: Tariff | Sequence[Tariff], session: SdrToRate, zone: ZoneInfo = UTC_ZONE
) -> Decimal:
    return priced(tariffs, session, zone).total_before_tax


def codes(answer: PricedSdr) -> list[str]:
    return [finding.code for finding in answer.findings]


def at(base: datetime, **offset: float) -> str:
    return (base + timedelta(**offset)).astimezone(UTC).isoformat()

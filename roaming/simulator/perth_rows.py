"""One row in the Perth & Kinross form: read, or refused with its reason.

Times are local (Europe/London), dates are ISO with a time that is always midnight. The publisher
swapped day and month of many dates; where that shows, the row is refused under that name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
LONGEST = timedelta(days=7)

_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T00:00:00)?")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")
_KWH = re.compile(r"-?[0-9]{1,6}(?:\.[0-9]{1,6})?")
_CHARGE_POINT = re.compile(r"[A-Za-z0-9]{1,16}")
_CONNECTOR = re.compile(r"[0-9]{1,2}")


class Reason(StrEnum):
    """Why a row is refused."""

    COLUMNS = "columns"
    CHARGE_POINT = "charge_point"
    START = "start_unreadable"
    END_BLANK = "end_blank"
    END = "end_unreadable"
    LOCAL_TIME = "local_time_does_not_exist"
    SWAPPED = "day_and_month_swapped"
    NEGATIVE = "negative_duration"
    NO_DURATION = "no_duration"
    TOO_LONG = "longer_than_seven_days"
    KWH = "energy_unreadable"
    KWH_NEGATIVE = "energy_negative"
    KWH_ZERO = "energy_zero"
    KWH_IMPLAUSIBLE = "energy_above_power"
    OVERLAP = "overlapping_at_connector"
    TEST_SITE = "test_site"


REASON_TEXTS = {
    Reason.COLUMNS: "not as many fields as the header",
    Reason.CHARGE_POINT: "charge point or connector unreadable",
    Reason.START: "start date or time unreadable",
    Reason.END_BLANK: "end date or time blank",
    Reason.END: "end date or time unreadable",
    Reason.LOCAL_TIME: "a local time that the clocks skipped in spring",
    Reason.SWAPPED: "day and month swapped",
    Reason.NEGATIVE: "ends before it starts",
    Reason.NO_DURATION: "ends in the minute in which it starts",
    Reason.TOO_LONG: "longer than seven days",
    Reason.KWH: "energy unreadable",
    Reason.KWH_NEGATIVE: "energy negative",
    Reason.KWH_ZERO: "no energy, so nothing to bill",
    Reason.KWH_IMPLAUSIBLE: "more energy than the connector can give in that time",
    Reason.OVERLAP: "overlaps another session at the connector",
    Reason.TEST_SITE: "a test before the charge point was opened",
}


class UnusableRowError(Exception):
    """A row that is no session. `day` is its start's date, None where that is unreadable."""

    def __init__(self, reason: Reason, day: date | None, detail: str = "") -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.day = day
        self.detail = detail


@dataclass(frozen=True, slots=True)
class PerthRow:
    """A plausible session as published; UTC, kWh, W."""

    file: str
    row: int
    charge_point: str
    connector: str
    start: datetime
    end: datetime
    energy_kwh: Decimal
    site: str
    model: str

    @property
    def connector_key(self) -> tuple[str, str]:
        return self.charge_point, self.connector


def max_power_w(model: str) -> int:
    """What a connector of this model can give: rating at the highest voltage that is allowed.

    >>> max_power_w("APT 22kW Dual Outlet"), max_power_w("Siemens 7 kW Dual Outlet")
    (24300, 8100)
    """
    words = model.casefold().replace(" ", "")
    if "7kw" in words:
        return 8_100
    if "22kw" in words or "semi-rapid" in words:
        return 24_300
    return 52_000


def read_row(file: str, number: int, fields: dict[str, str] | None) -> PerthRow:
    """The row as a session; UnusableRowError with the first reason that applies."""
    if fields is None:
        raise UnusableRowError(Reason.COLUMNS, None)
    started = _moment(fields["Start Date"], fields["Start Time"], Reason.START, None)
    day = started.date()
    charge_point, connector = fields["CP ID"].strip(), fields["Connector"].strip()
    if not (_CHARGE_POINT.fullmatch(charge_point) and _CONNECTOR.fullmatch(connector)):
        raise UnusableRowError(Reason.CHARGE_POINT, day)
    site = fields["Site"].strip()
    if site.casefold().startswith("***test site***"):
        raise UnusableRowError(Reason.TEST_SITE, day, site)
    if not fields["End Date"].strip() or not fields["End Time"].strip():
        raise UnusableRowError(Reason.END_BLANK, day)
    ended = _moment(fields["End Date"], fields["End Time"], Reason.END, day)
    start, end = _instants(started, ended)
    energy_kwh = _energy(fields["Total kWh"], day)
    model = fields["Model"].strip()
    duration_s = int((end - start).total_seconds())
    if energy_kwh * 3_600_000 > max_power_w(model) * duration_s:
        raise UnusableRowError(
            Reason.KWH_IMPLAUSIBLE, day, f"{energy_kwh} kWh in {duration_s // 60} min at {model}"
        )
    return PerthRow(file, number, charge_point, connector, start, end, energy_kwh, site, model)


def _moment(day: str, clock: str, reason: Reason, started: date | None) -> datetime:
    """A naive local time; one without seconds is on the minute."""
    date_match, time_match = _DATE.fullmatch(day.strip()), _TIME.fullmatch(clock.strip())
    if date_match and time_match:
        year, month, day_of_month = (int(part) for part in date_match.groups())
        hour, minute, second = (int(part or 0) for part in time_match.groups())
        try:
            return datetime(year, month, day_of_month, hour, minute, second)  # noqa: DTZ001 - local
        except ValueError:
            pass
    raise UnusableRowError(reason, started, f"{day[:30]} {clock[:12]}".strip())


def _instants(started: datetime, ended: datetime) -> tuple[datetime, datetime]:
    """Both times in UTC.

    In the repeated hour of autumn a start is taken as its first turn, an end as the first turn that
    lies after the start. A time in the skipped hour of spring never was.
    """
    day = started.date()
    start = _utc(started, day)
    end = _utc(ended, day)
    if end <= start:
        end = max(end, _utc(ended.replace(fold=1), day))
    if start <= end <= start + LONGEST:
        if start == end:
            raise UnusableRowError(Reason.NO_DURATION, day)
        return start, end
    text = f"{started:%Y-%m-%d %H:%M} to {ended:%Y-%m-%d %H:%M}"
    if repaired := _swapping_repairs(started, ended):
        raise UnusableRowError(Reason.SWAPPED, day, f"{text}, perhaps {repaired}")
    raise UnusableRowError(Reason.NEGATIVE if end < start else Reason.TOO_LONG, day, text)


def _utc(local: datetime, day: date) -> datetime:
    moment = local.replace(tzinfo=LONDON).astimezone(UTC)
    if moment.astimezone(LONDON).replace(tzinfo=None) != local.replace(fold=0):
        raise UnusableRowError(Reason.LOCAL_TIME, day, f"{local:%Y-%m-%d %H:%M}")
    return moment


def _swapping_repairs(started: datetime, ended: datetime) -> str | None:
    """The dates that make the row plausible with day and month swapped in one or both of them."""
    for start, end in (
        (swapped(started), swapped(ended)),
        (started, swapped(ended)),
        (swapped(started), ended),
    ):
        if start and end and start < end <= start + LONGEST:
            return f"{start:%Y-%m-%d} to {end:%Y-%m-%d}"
    return None


def swapped(moment: datetime) -> datetime | None:
    """Day and month exchanged; None where no such date exists."""
    return moment.replace(month=moment.day, day=moment.month) if moment.day <= 12 else None


def _energy(text: str, day: date) -> Decimal:
    if not _KWH.fullmatch(text.strip()):
        raise UnusableRowError(Reason.KWH, day, text[:20])
    energy_kwh = Decimal(text.strip()).quantize(Decimal("0.001"))
    if energy_kwh < 0:
        raise UnusableRowError(Reason.KWH_NEGATIVE, day, f"{energy_kwh} kWh")
    if not energy_kwh:
        raise UnusableRowError(Reason.KWH_ZERO, day)
    return energy_kwh

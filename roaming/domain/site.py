"""Sites information as it arrives (UC1-2): a site, its EVSEs, their connectors."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal

import msgspec

from roaming.domain.moments import check_moment
from roaming.domain.refusals import Refusal


class Coordinates(msgspec.Struct, kw_only=True, frozen=True):
    """WGS 84, decimal degrees."""

    latitude: Decimal
    longitude: Decimal


class TariffsFor(msgspec.Struct, kw_only=True, frozen=True):
    """The tariffs of a connector for one home-CSP, instead of those for all."""

    home_csp: str
    tariff_ids: list[str]


class ConnectorPart(msgspec.Struct, kw_only=True, frozen=True):
    """A socket or cable. `max_electric_power` in W.

    `tariffs_for`: where home-CSPs have tariffs of their own; each is shown its own entry alone.
    """

    id: str
    standard: str = ""
    power_type: str = ""
    max_electric_power: int | None = None
    tariff_ids: list[str] = []
    tariffs_for: list[TariffsFor] = []


class EvsePart(msgspec.Struct, kw_only=True, frozen=True):
    """One charging position."""

    evse_id: str
    connectors: list[ConnectorPart]
    authentication_methods: list[str] = []


class RegularHours(msgspec.Struct, kw_only=True, frozen=True):
    """A weekday (1: Monday to 7: Sunday) and its hours, `HH:MM` in the site's time zone."""

    weekday: int
    period_begin: str
    period_end: str


class ExceptionalPeriod(msgspec.Struct, kw_only=True, frozen=True):
    """From - to, with their offset."""

    period_begin: datetime
    period_end: datetime


class OpeningTimes(msgspec.Struct, kw_only=True, frozen=True):
    """Round the clock, or in regular hours; each with its exceptions."""

    twentyfourseven: bool = False
    regular_hours: list[RegularHours] = []
    exceptional_openings: list[ExceptionalPeriod] = []
    exceptional_closings: list[ExceptionalPeriod] = []


class SiteMessage(msgspec.Struct, kw_only=True, frozen=True):
    """UC1-2, native form, in OCPI's vocabulary. Unknown extra fields are kept and passed on.

    Directions, images and parking restrictions are such extras. `access`: who may come in, as text.
    """

    id: str
    visited_cso: str
    name: str = ""
    address: str
    city: str
    postal_code: str = ""
    country: str
    coordinates: Coordinates
    time_zone: str
    opening_times: OpeningTimes | None = None
    access: str = ""
    evses: list[EvsePart]
    last_updated: datetime


class SiteWithdrawal(msgspec.Struct, kw_only=True, frozen=True):
    """What home-CSPs receive on `uc1-2/sites` when a site is withdrawn: it and its EVSEs are gone.

    The same id may be published again later.
    """

    id: str
    visited_cso: str
    withdrawn: bool = True


_HOUR = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00", re.ASCII)


def check_opening_times(times: OpeningTimes) -> None:
    """Refuses a weekday or an hour that there is none of, a time without offset, an end too early.

    Hours that pass midnight end before they begin: 22:00 to 06:00.
    """
    for index, hours in enumerate(times.regular_hours):
        field = f"opening_times.regular_hours[{index}]"
        if not 1 <= hours.weekday <= 7:
            raise Refusal("invalid_field", "From 1 (Monday) to 7 (Sunday).", f"{field}.weekday")
        for name in ("period_begin", "period_end"):
            if not _HOUR.fullmatch(getattr(hours, name)):
                raise Refusal("invalid_field", "An hour as HH:MM.", f"{field}.{name}")
    for name in ("exceptional_openings", "exceptional_closings"):
        for index, period in enumerate(getattr(times, name)):
            field = f"opening_times.{name}[{index}]"
            check_moment(period.period_begin, f"{field}.period_begin")
            check_moment(period.period_end, f"{field}.period_end")
            if period.period_end <= period.period_begin:
                raise Refusal("invalid_field", "The end lies before it.", f"{field}.period_end")

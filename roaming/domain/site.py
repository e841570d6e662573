"""Sites information as it arrives (UC1-2): a site, its EVSEs, their connectors."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec


class Coordinates(msgspec.Struct, kw_only=True, frozen=True):
    """WGS 84, decimal degrees."""

    latitude: Decimal
    longitude: Decimal


class ConnectorPart(msgspec.Struct, kw_only=True, frozen=True):
    """A socket or cable. `max_electric_power` in W."""

    id: str
    standard: str = ""
    power_type: str = ""
    max_electric_power: int | None = None
    tariff_ids: list[str] = []


class EvsePart(msgspec.Struct, kw_only=True, frozen=True):
    """One charging position."""

    evse_id: str
    connectors: list[ConnectorPart]
    authentication_methods: list[str] = []


class SiteMessage(msgspec.Struct, kw_only=True, frozen=True):
    """UC1-2, native form. Unknown extra fields are kept and passed on."""

    id: str
    visited_cso: str
    name: str = ""
    address: str
    city: str
    postal_code: str = ""
    country: str
    coordinates: Coordinates
    time_zone: str
    evses: list[EvsePart]
    last_updated: datetime

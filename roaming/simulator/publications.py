"""Sites and tariffs as messages: UC1-2 and UC2-1, as dicts ready for JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from roaming.simulator.network import Connector, Site, TariffVersion
from roaming.simulator.tariffs import utc_text


def site_message(site: Site, last_updated: datetime) -> dict[str, Any]:
    """A whole site with its EVSEs."""
    return {
        "id": site.site_id,
        "visited_cso": site.operator_id,
        "name": site.name,
        "address": site.address,
        "city": site.city,
        "postal_code": site.postal_code,
        "country": site.country,
        "coordinates": {"latitude": site.latitude, "longitude": site.longitude},
        "time_zone": site.time_zone,
        "evses": [
            {
                "evse_id": evse.evse_id,
                "connectors": [_connector(connector) for connector in evse.connectors],
                "authentication_methods": list(evse.authentication_methods),
            }
            for evse in site.evses
        ],
        "last_updated": utc_text(last_updated),
    }


def _connector(connector: Connector) -> dict[str, Any]:
    return {
        "id": connector.connector_id,
        "standard": connector.standard,
        "format": connector.format,
        "power_type": connector.power_type,
        "max_voltage": connector.max_voltage_v,
        "max_amperage": connector.max_current_a,
        "max_electric_power": connector.max_power_w,
        "tariff_ids": [connector.tariff_id],
    }


def tariff_message(version: TariffVersion) -> dict[str, Any]:
    """A tariff version for all home-CSPs, or for one."""
    message = {**version.body, "visited_cso": version.operator_id}
    return message | {"home_csp": version.home_csp} if version.home_csp else message

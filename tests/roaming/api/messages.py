"""Messages of the cast, as their platforms send them."""

from __future__ import annotations

import copy
from typing import Any

SITE = {
    "id": "LOC1",
    "visited_cso": "DE*VIS",
    "name": "Am Markt",
    "address": "Markt 1",
    "city": "Jena",
    "postal_code": "07743",
    "country": "DE",
    "coordinates": {"latitude": "50.928", "longitude": "11.588"},
    "time_zone": "Europe/Berlin",
    "evses": [
        {
            "evse_id": "DE*VIS*E100",
            "connectors": [
                {"id": "1", "standard": "IEC_62196_T2", "power_type": "AC_3_PHASE",
                 "max_electric_power": 22000, "tariff_ids": ["T1"]},
            ],
        }
    ],
    "last_updated": "2026-10-01T08:00:00+02:00",
    "operator_remark": "kept",
}  # fmt: skip

TARIFF = {
    "id": "T1",
    "visited_cso": "DE*VIS",
    "currency": "EUR",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 0.25, "step_size": 1}]}],
    "valid_from": "2026-10-01T00:00:00+02:00",
}

LOCAL_START = {
    "visited_cso": "DE*VIS",
    "evse_id": "DE*VIS*E001",
    "connector_id": "1",
    "cso_session_id": "S-1",
    "identification": {
        "method": "RFID", "token_uid": "04A2B3C4D5E6F7", "contract_id": "DE-HOM-C12345678",
    },
}  # fmt: skip

SDR = {
    "id": "SDR-1",
    "visited_cso": "DE*VIS",
    "home_csp": "DE-HOM",
    "service_session_id": None,
    "cso_session_id": "S-1",
    "identification": {
        "method": "RFID", "token_uid": "04A2B3C4D5E6F7", "contract_id": "DE-HOM-C12345678",
        "authorised": "ONLINE",
    },
    "evse_id": "DE*VIS*E001",
    "connector_id": "1",
    "country": "DE",
    "time_zone": "Europe/Berlin",
    "start_date_time": "2026-10-05T10:00:00+02:00",
    "end_date_time": "2026-10-05T11:00:00+02:00",
    "currency": "EUR",
    "tariff_id": "T1",
    "charging_periods": [
        {"start_date_time": "2026-10-05T10:00:00+02:00",
         "dimensions": [{"type": "ENERGY", "volume": 20}]},
    ],
    "total_energy": 20,
    "total_time": 1,
    "total_cost": {"excl_vat": "5.00", "incl_vat": "5.95"},
}  # fmt: skip


def changed(message: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A copy with other top-level fields; `...` removes one."""
    result = copy.deepcopy(message)
    for name, value in fields.items():
        if value is ...:
            del result[name]
        else:
            result[name] = value
    return result

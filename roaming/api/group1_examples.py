"""Messages of the cast, as the documentation of group 1 and of UC5-1 shows them."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample, OpenApiParameter

VISITED_CSO = OpenApiParameter(
    "visited_cso", str, required=True, description="Whose it is, for example DE*VIS."
)
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
    "opening_times": {
        "regular_hours": [{"weekday": 1, "period_begin": "06:00", "period_end": "22:00"}],
        "exceptional_closings": [
            {"period_begin": "2026-12-24T14:00:00+01:00",
             "period_end": "2026-12-27T06:00:00+01:00"},
        ],
    },
    "access": "Barrier opens with the charging card",
    "directions": [{"language": "en", "text": "Behind the town hall, level -1."}],
    "images": [{"url": "https://cso.example/loc1.jpg", "category": "ENTRANCE", "type": "jpeg"}],
    "evses": [
        {
            "evse_id": "DE*VIS*E100",
            "authentication_methods": ["RFID", "APP"],
            "parking_restrictions": ["EV_ONLY"],
            "connectors": [
                {"id": "1", "standard": "IEC_62196_T2", "power_type": "AC_3_PHASE",
                 "max_electric_power": 22000, "tariff_ids": ["T1"]},
            ],
        }
    ],
    "last_updated": "2026-10-01T08:00:00+02:00",
}  # fmt: skip
STORED = {"id": "LOC1", "taken": True, "received_at": "2026-10-01T06:00:01Z"}


def asked(name: str, value: object) -> OpenApiExample:
    """An example of a request."""
    return OpenApiExample(name, value, request_only=True)


def answered(name: str, value: object, status: str = "200") -> OpenApiExample:
    """An example of a response."""
    return OpenApiExample(name, value, response_only=True, status_codes=[status])


STATUS = {
    "evse_id": "DE*VIS*E100",
    "state": "CHARGING",
    "stamped_at": "2026-10-05T10:00:00+02:00",
    "time_to_live_s": 900,
}
STATUSES = {
    "asked": [
        STATUS,
        {"evse_id": "DE*VIS*E101", "state": "AVAILABLE",
         "stamped_at": "2026-10-05T10:00:00+02:00"},
    ],
    "answer": {
        "accepted": 1,
        "refused": 1,
        "results": [
            {"index": 0, "evse_id": "DE*VIS*E100", "accepted": True, "taken": True,
             "refusal": None},
            {"index": 1, "evse_id": "DE*VIS*E101", "accepted": False, "taken": False,
             "refusal": {
                 "code": "unknown_evse",
                 "title": "No EVSE with this id is known for this CSO",
                 "detail": "DE*VIS*E101 is not an EVSE of yours.",
                 "field": "evse_id",
                 "what_to_do": "Publish the site first (UC1-2), or correct the EVSE-ID.",
             }},
        ],
    },
    "listed": {
        "evse_id": "DE*VIS*E100",
        "visited_cso": "DE*VIS",
        "site_id": "LOC1",
        "state": "CHARGING",
        "stamped_at": "2026-10-05T08:00:00Z",
        "expires_at": "2026-10-05T08:15:00Z",
        "received_at": "2026-10-05T08:00:00.120000Z",
        "outage_id": None,
    },
}  # fmt: skip

OUTAGE = {
    "id": "MAINT-7",
    "visited_cso": "DE*VIS",
    "kind": "PLANNED",
    "starts_at": "2026-10-06T02:00:00+02:00",
    "ends_at": "2026-10-06T05:00:00+02:00",
    "description": "New firmware for the whole site",
    "site_ids": ["LOC1"],
    "last_updated": "2026-10-05T09:00:00+02:00",
}
OUTAGE_READ = {
    "outage_id": "MAINT-7",
    "visited_cso": "DE*VIS",
    "kind": "PLANNED",
    "state": "ANNOUNCED",
    "in_force": False,
    "starts_at": "2026-10-06T00:00:00Z",
    "ends_at": "2026-10-06T03:00:00Z",
    "description": "New firmware for the whole site",
    "last_updated": "2026-10-05T07:00:00Z",
    "received_at": "2026-10-05T07:00:01Z",
    "outage": OUTAGE,
    "evse_ids": ["DE*VIS*E100"],
    "told": [
        {"home_csps": ["DE-HOM"], "state": "delivered", "sent_at": "2026-10-05T07:00:01Z",
         "delivered_at": "2026-10-05T07:00:01.340000Z"},
    ],
}  # fmt: skip

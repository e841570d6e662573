"""Statuses of the cast's EVSEs (UC1-3), as its platforms report and read them."""

from datetime import UTC, datetime, timedelta

from psycopg.types.range import TimestamptzRange

from roaming import models
from roaming.models.clock import set_business_clock
from tests import factories

NOW = datetime(2026, 10, 5, 8, tzinfo=UTC)
STAMP = "2026-10-05T10:00:00+02:00"
PATH = "/uc1-3/evse-statuses"


def turn_clock(moment):
    set_business_clock(moment, speed=0, ceiling=moment)


def put(client, party, evse_id="DE*VIS*E001", /, **fields):
    body = {"state": "AVAILABLE", "stamped_at": STAMP, **fields}
    return client.put(
        f"/api/v1/evses/{evse_id}/status",
        data=body,
        content_type="application/json",
        headers=party.headers,
    )


def post(client, party, statuses):
    return client.post(
        "/api/v1/evse-statuses",
        data=statuses,
        content_type="application/json",
        headers=party.headers,
    )


def line(evse_id="DE*VIS*E001", state="AVAILABLE", stamped_at=STAMP, **fields):
    return {"evse_id": evse_id, "state": state, "stamped_at": stamped_at, **fields}


def listed(client, party, **query):
    response = client.get("/api/v1/evse-statuses", query, headers=party.headers)
    assert response.status_code == 200, response.content
    return response.json()["results"]


def states(client, party, **query):
    return {row["evse_id"]: row["state"] for row in listed(client, party, **query)}


def later(seconds):
    return (NOW + timedelta(seconds=seconds)).isoformat()


def many_evses(cast, count):
    """`count` EVSEs besides the one that the cast has."""
    site = cast.evse.site
    evses = models.Evse.objects.bulk_create(
        models.Evse(environment="live", site=site, evse_id=f"DE*VIS*E1{n:05d}",
                    key=f"DEVISE1{n:05d}")
        for n in range(count)
    )  # fmt: skip
    models.EvseOwnership.objects.bulk_create(
        models.EvseOwnership(evse=evse, visited_cso=cast.visited_cso.identifier,
                             during=TimestamptzRange(factories.EPOCH, None))
        for evse in evses
    )  # fmt: skip
    return evses

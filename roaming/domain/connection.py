"""How a party can be reached, as its partners are told (IEC 63119-2, 5.3)."""

from __future__ import annotations

from enum import StrEnum


class Connection(StrEnum):
    """`PULLING`: it has no roaming endpoint and fetches its messages; live questions fail."""

    CONNECTED = "connected"
    DEGRADED = "degraded"
    OFFLINE = "offline"
    SUSPENDED = "suspended"
    PULLING = "pulling"
    NOT_CONNECTED = "not_connected"


def connection_of(
    platform_status: str | None, health: str | None, has_endpoint: bool
) -> Connection:
    """By the platform's standing, then by whether it has an endpoint, then by how that has been.

    None: there is no platform; of the endpoint nothing is known yet.

    >>> connection_of("suspended", "offline", True).value, connection_of(None, None, False).value
    ('suspended', 'not_connected')
    >>> connection_of("connected", None, True).value, connection_of("connected", None, False).value
    ('connected', 'pulling')
    """
    if platform_status == "suspended":
        return Connection.SUSPENDED
    if platform_status != "connected":
        return Connection.NOT_CONNECTED
    if not has_endpoint:
        return Connection.PULLING
    return Connection(health or "connected")

"""What a simulated operator is told, as one JSON document; everything has a default but the hub.

Sites and tariffs are the messages themselves, as UC1-2 and UC2-1 carry them; what a newcomer leaves
out is filled in. Who the operator is, it learns from the clearing house at its registration.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from roaming.simulator.operator.behaviour import Plan

Json = dict[str, Any]


class ConfigError(ValueError):
    """The configuration cannot be used; the text says where and why."""


class EndpointConfig(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Where the clearing house reaches this platform. Port 0: any free one, kept in the state.

    `public_url` is what is registered where a proxy stands in front, for TLS. The secret is what
    the clearing house has to show; it is drawn where none is given.
    """

    host: str = "127.0.0.1"
    port: int = 0
    public_url: str = ""
    secret: str = ""


class Driver(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A customer of this home-CSP. `whitelist` and `expires_at` go out with UC4-2."""

    token_uid: str = ""
    contract_id: str = ""
    method: str = "RFID"
    may_charge: bool = True
    whitelist: str = "ALLOWED"
    expires_at: str | None = None


class SessionHabit(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How a session goes on at this visited-CSO once it has begun.

    It charges with `power_kw` for `seconds` of real time (null: until it is stopped), stays for
    `parking_seconds`, is completed, and its SDR follows after `sdr_after_seconds` (null: never).
    `time_lapse` makes a second of charging give as much energy as so many would, so that there is
    something to see; times are told as they are.
    """

    power_kw: Decimal = Decimal(11)
    seconds: float | None = 20.0
    parking_seconds: float = 0.0
    updates_every_seconds: float = 5.0
    time_lapse: Decimal = Decimal(60)
    sdr_after_seconds: float | None = 0.0
    tariff_in_sdr: bool = False


class ReservationHabit(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """`no_show`: what ran out unused is claimed, with an SDR for the time that was reserved."""

    no_show: bool = True
    watch_every_seconds: float = 1.0


class OperatorConfig(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One simulated operator: a CSO, a CSP, or both, as its registration says.

    `hub` is the address of the native API, such as http://127.0.0.1:8000/api/v1. The registration
    token is good once; credentials are kept in `state_file`, so that a platform that comes back
    needs no other. `patience_s` is how long a message is tried again while nobody answers.
    """

    hub: str = ""
    registration_token: str = ""
    name: str = "operator"
    endpoint: EndpointConfig = EndpointConfig()
    control_port: int | None = None
    state_file: str = ""
    record_file: str = ""
    record_bodies: bool = False
    seed: int = 1
    patience_s: float = 60.0
    threads: int = 8
    partner: str = ""
    """The home-CSP or visited-CSO that steps deal with where they name none."""
    behaviours: dict[str, Plan] = {}
    sessions: SessionHabit = SessionHabit()
    reservations: ReservationHabit = ReservationHabit()
    drivers: list[Driver] = []
    """Empty: this home-CSP lets everybody charge."""
    sites: list[Json] = []
    tariffs: list[Json] = []
    """Empty: a site with two EVSEs, and a tariff, of the first identifier as CSO."""
    publish: bool = True
    """Whether sites, tariffs and statuses go out as soon as the platform is registered."""
    accept_agreements: bool = True
    """Whether agreements that wait for this party's acceptance get it."""
    script: list[Json] = []
    scripts: dict[str, list[Json]] = {}


_DECODER = msgspec.json.Decoder(float_hook=Decimal)


def read_json(text: bytes | str) -> object:
    """What a configuration's text says; numbers with a point are exact. ConfigError: no JSON."""
    try:
        return _DECODER.decode(text)
    except msgspec.DecodeError as error:
        raise ConfigError(f"no JSON: {error}") from error


def read_config(text: bytes | str) -> OperatorConfig:
    """The configuration. ConfigError with what is wrong and where.

    >>> read_config('{"hub": "http://127.0.0.1:8000/api/v1", "sede": 3}')
    Traceback (most recent call last):
    roaming.simulator.operator.config.ConfigError: Object contains unknown field `sede`
    """
    return config_of(read_json(text))


def config_of(document: object) -> OperatorConfig:
    """The configuration from what the JSON says. ConfigError as above."""
    try:
        config = msgspec.convert(document, OperatorConfig)
    except msgspec.ValidationError as error:
        raise ConfigError(str(error).replace("$.", "")) from error
    if not config.hub:
        raise ConfigError("missing required field `hub`: the address of the clearing house's API")
    if not config.hub.startswith(("http://", "https://")):
        raise ConfigError(f"hub: {config.hub!r} is no http or https address")
    if not 0 <= config.endpoint.port < 65_536 or not 0 <= (config.control_port or 0) < 65_536:
        raise ConfigError("a port is a number from 0 to 65535")
    if config.sessions.updates_every_seconds <= 0 or config.sessions.time_lapse <= 0:
        raise ConfigError("sessions: updates_every_seconds and time_lapse are above 0")
    return config

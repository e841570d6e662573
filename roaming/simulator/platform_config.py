"""What a platform is told when it is started, as one JSON document."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from roaming.simulator.world import WorldDescription


class SdrHabit(StrEnum):
    """How a charging station operator sends its SDRs."""

    AT_ONCE = "at_once"
    """One by one, as soon as a session has ended."""
    DAILY = "daily"
    """Once a night, the whole day in one call, as NDJSON."""


class PlatformConfig(msgspec.Struct, kw_only=True, frozen=True):
    """One platform: whose, where the clearing house is, and the world that it lives in.

    `hub` is the address of the native API, such as http://127.0.0.1:8000/api/v1. The registration
    token is good for one registration. Port 0 takes any free port.
    """

    organisation: str
    hub: str
    registration_token: str
    world: WorldDescription
    port: int = 0
    sdr_habit: SdrHabit = SdrHabit.AT_ONCE
    threads: int = 4
    poll_s: float = 0.05
    patience_s: float = 120.0
    """How long a message is tried again before the platform gives up."""


def read_config(text: bytes | str) -> PlatformConfig:
    """The configuration; ValueError with what is wrong with it."""
    return msgspec.json.decode(text, type=PlatformConfig)

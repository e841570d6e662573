"""The drivers of the simulated world: each has one contract and one way to identify."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from roaming.domain.identifiers import (
    ProviderId,
    TokenUid,
    din_check_digit,
    iso_check_digit,
)
from roaming.simulator.network import Network
from roaming.simulator.planned_session import Method

APP_SHARE = 0.12
MOST_DRIVERS = 999_999


@dataclass(frozen=True, slots=True)
class Driver:
    """A customer of one home-CSP."""

    csp: str
    token_uid: str
    contract_id: str
    method: Method


def make_drivers(network: Network, count: int, seed: int) -> tuple[Driver, ...]:
    """`count` drivers, shared out evenly over the providers; the same seed gives the same drivers.

    The providers write their contract ids in different valid ways, as in the field.
    """
    if count > MOST_DRIVERS:
        raise ValueError(
            f"at most {MOST_DRIVERS} drivers: their DIN contract numbers have six digits"
        )
    rng = random.Random(f"drivers {seed}")  # noqa: S311 - a repeatable world, no secret
    taken: set[str] = set()
    drivers = []
    providers = [organisation.provider_id for organisation in network.providers]
    for number in range(count):
        index = number % len(providers)
        csp = providers[index]
        assert csp is not None
        method = Method.QR_CODE if rng.random() < APP_SHARE else Method.RFID
        token = _unused_token(rng, method, taken)
        contract = STYLES[index % len(STYLES)](csp, number + 1)
        drivers.append(Driver(csp, token, contract, method))
    return tuple(drivers)


def unknown_identification(csp: str, reference: str) -> tuple[str, str]:
    """Token UID and contract id that `csp` never issued, yet well-formed.

    `make_drivers` issues no contract number with a letter in it.
    """
    rng = random.Random(f"unknown {reference}")  # noqa: S311 - a repeatable world, no secret
    provider = ProviderId.parse(csp).key
    bare = f"{provider}Z{rng.randrange(10**8):08}"
    return f"{rng.getrandbits(80):020X}", f"{bare}{iso_check_digit(bare)}"


def _unused_token(rng: random.Random, method: Method, taken: set[str]) -> str:
    while True:
        if method is Method.QR_CODE:
            text = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        else:
            length = 14 if rng.random() < 0.8 else 8
            text = f"{rng.getrandbits(length * 4):0{length}X}"
        key = TokenUid.parse(text).key
        if key not in taken:
            taken.add(key)
            return text


def _iso(csp: str, number: int) -> str:
    bare = f"{ProviderId.parse(csp).key}{number:09}"
    return f"{csp}-{number:09}-{iso_check_digit(bare)}"


def _emi3(csp: str, number: int) -> str:
    bare = f"{ProviderId.parse(csp).key}C{number:08}"
    return bare + iso_check_digit(bare)


def _without_check_digit(csp: str, number: int) -> str:
    return f"{ProviderId.parse(csp).key}{number:09}"


def _din(csp: str, number: int) -> str:
    bare = f"{ProviderId.parse(csp).key}{number:06}"
    return f"{csp}-{number:06}-{din_check_digit(bare)}"


STYLES: tuple[Callable[[str, int], str], ...] = (_iso, _emi3, _without_check_digit, _din)

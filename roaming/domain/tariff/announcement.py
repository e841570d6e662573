"""A tariff version as a visited-CSO announces it (UC2-1), or tells it on request (UC2-2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from roaming.domain.moments import check_moment
from roaming.domain.refusals import Refusal
from roaming.domain.sdr.message import Moment
from roaming.domain.tariff.tariff import InvalidTariffError, Tariff, parse_tariff


class TariffMessage(Tariff, kw_only=True, frozen=True):
    """UC2-1: an OCPI tariff, with whose it is, for whom, and when it is valid."""

    visited_cso: str
    valid_from: Moment
    home_csp: str | None = None
    valid_to: Moment | None = None


class TariffSurroundings(msgspec.Struct, kw_only=True, frozen=True):
    """The part of the message that is not the tariff itself."""

    id: str
    visited_cso: str
    valid_from: Moment
    home_csp: str | None = None
    valid_to: Moment | None = None


@dataclass(frozen=True, slots=True)
class TariffAnnouncement:
    """What surrounds the tariff itself. `body` is the message as received; empty: withdrawn."""

    tariff_id: str
    visited_cso: str
    home_csp: str | None
    currency: str
    valid_from: datetime
    valid_to: datetime | None
    body: str


def announcement_of(surroundings: TariffSurroundings, body: bytes) -> TariffAnnouncement:
    """The announcement in a message, read whole. Refuses what is no tariff, with its field."""
    try:
        tariff = parse_tariff(body)
    except InvalidTariffError as error:
        raise Refusal("invalid_field", error.detail, error.field or None) from error
    announced = TariffAnnouncement(
        tariff_id=surroundings.id,
        visited_cso=surroundings.visited_cso,
        home_csp=surroundings.home_csp,
        currency=tariff.currency,
        valid_from=surroundings.valid_from,
        valid_to=surroundings.valid_to,
        body=body.decode(),
    )
    check_announcement(announced)
    return announced


def check_announcement(announced: TariffAnnouncement) -> None:
    """Refuses invalid_field and time_without_offset, with the field."""
    check_tariff_id(announced.tariff_id)
    if len(announced.currency) != 3 or not announced.currency.isupper():
        raise Refusal("invalid_field", "Three capital letters, ISO 4217.", "currency")
    for name in ("valid_from", "valid_to"):
        moment: datetime | None = getattr(announced, name)
        if moment is not None:
            check_moment(moment, name)
    if announced.valid_to is not None and announced.valid_to <= announced.valid_from:
        raise Refusal("invalid_field", "valid_to must lie after valid_from.", "valid_to")


def check_tariff_id(tariff_id: str, field: str = "id") -> None:
    """Refuses what is no id: 1 to 36 printable characters of ASCII."""
    fine = tariff_id.isascii() and tariff_id.isprintable()
    if not fine or not 1 <= len(tariff_id) <= 36:
        raise Refusal("invalid_field", "A tariff id has 1 to 36 printable characters.", field)

"""Asking for the tariffs of a visited-CSO (IEC 63119-2, 8.2, UC2-2)."""

from __future__ import annotations

from typing import Annotated

import msgspec

from roaming.domain.refusals import Refusal
from roaming.domain.sdr.message import Moment
from roaming.domain.tariff.announcement import (
    TariffAnnouncement,
    TariffMessage,
    TariffSurroundings,
    announcement_of,
    check_tariff_id,
)

MOST_TARIFFS = 1_000
TariffIds = Annotated[tuple[str, ...], msgspec.Meta(max_length=MOST_TARIFFS)]


class TariffRequest(msgspec.Struct, kw_only=True, frozen=True):
    """UC2-2 as the home-CSP sends it. Unknown extra fields are passed on.

    `home_csp` may be left out by who speaks for one home-CSP only. Without `tariff_ids` and
    `evse_id`: all tariffs that hold for this home-CSP.
    """

    visited_cso: str
    home_csp: str | None = None
    tariff_ids: TariffIds = ()
    evse_id: str | None = None
    connector_id: str | None = None


class TariffQuestion(TariffRequest, kw_only=True, frozen=True):
    """What a visited-CSO that does not publish its tariffs receives; answer `TariffsGiven`."""

    requested_at: Moment


class TariffsGiven(msgspec.Struct, kw_only=True, frozen=True):
    """What that visited-CSO answers: each tariff as it would be announced by UC2-1."""

    tariffs: Annotated[list[TariffMessage], msgspec.Meta(max_length=MOST_TARIFFS)]


class _Given(msgspec.Struct, frozen=True):
    tariffs: Annotated[list[msgspec.Raw], msgspec.Meta(max_length=MOST_TARIFFS)]


def check_request(request: TariffRequest) -> None:
    """Refuses invalid_field, with the field."""
    for index, tariff_id in enumerate(request.tariff_ids):
        check_tariff_id(tariff_id, f"tariff_ids[{index}]")


def read_given_tariffs(body: bytes) -> list[TariffAnnouncement]:
    """The announcements in an answer, each checked as UC2-1 checks them.

    Raises ValueError that names the place of what is wrong.
    """
    given = msgspec.json.decode(body, type=_Given)
    found = []
    for index, raw in enumerate(given.tariffs):
        content = bytes(raw)
        try:
            surroundings = msgspec.json.decode(content, type=TariffSurroundings)
            found.append(announcement_of(surroundings, content))
        except Refusal as refusal:
            place = f"tariffs[{index}].{refusal.field or ''}"
            raise ValueError(f"{place}: {refusal.detail}") from refusal
        except msgspec.ValidationError as error:
            raise ValueError(f"tariffs[{index}]: {error}") from error
    return found

"""Emergency cable unlocking: who asked for it, and why (IEC 63119-2, 8.5; UC5-2, UC5-3)."""

from __future__ import annotations

import uuid
from typing import TypeVar

import msgspec

from roaming.domain.refusals import Refusal
from roaming.domain.wire_text import check_line, on_one_line

_LONGEST = {"requested_by": 80, "why": 200}


class UnlockWish(msgspec.Struct, kw_only=True, frozen=True):
    """UC5-2 as the home-CSP sends it, for a session.

    `requested_by`: who asked for it, up to 80 characters (a desk, a role, a case number: the name
    of a driver is not needed). `why`: up to 200. Both are mandatory, kept, and shown to the CSO.
    """

    requested_by: str
    why: str


class EvseUnlockWish(msgspec.Struct, kw_only=True, frozen=True):
    """UC5-3 as the home-CSP sends it, for an EVSE: no session came about. Texts as in UC5-2."""

    home_csp: str
    requested_by: str
    why: str
    connector_id: str | None = None


AnyWish = TypeVar("AnyWish", UnlockWish, EvseUnlockWish)


class UnlockCommand(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What the visited-CSO receives, with a session (UC5-2) or without (UC5-3).

    Its result goes to `commands/{command_id}/result`. Only a person of the visited-CSO can know
    whether unlocking is safe there: rejecting is allowed.
    """

    command_id: uuid.UUID
    visited_cso: str
    home_csp: str
    evse_id: str
    connector_id: str | None = None
    service_session_id: uuid.UUID | None = None
    cso_session_id: str | None = None
    csp_session_id: str | None = None
    requested_by: str
    why: str
    requested_at: str


def read_emergency(wish: AnyWish) -> AnyWish:
    """The wish with its words on one line. Refuses invalid_field where a name or reason is missing.

    >>> read_emergency(UnlockWish(requested_by="Help desk", why="The plug\\nis stuck")).why
    'The plug is stuck'
    """
    cleaned = msgspec.structs.replace(
        wish, **{name: on_one_line(getattr(wish, name)) for name in _LONGEST}
    )
    for name, longest in _LONGEST.items():
        text: str = getattr(cleaned, name)
        if not text.strip():
            raise Refusal("invalid_field", "An emergency needs a name and a reason.", name)
        check_line(text, longest, name)
    return cleaned

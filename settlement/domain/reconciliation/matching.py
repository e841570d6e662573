"""Which records are of one session, where no session id says so (settlement.md, section 3).

By the service session id, then the authorization reference, then identification, EVSE and time. A
way that finds exactly one record matches; one that finds several leaves the choice to people.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from settlement.domain.reconciliation.case import LONGEST_SESSION

# Two records of one session begin within this of each other; a bound that partitions can use.
FURTHEST_APART = timedelta(days=31)


class MatchedBy(StrEnum):
    """How a session or a record was found. `CHOSEN`: by people, among several."""

    NOTHING = ""
    SESSION_ID = "session_id"
    AUTHORIZATION = "authorization_reference"
    IDENTIFICATION = "identification"
    CHOSEN = "chosen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What a record says of its session. `ended_at` None: nobody has said that it ended."""

    pair_id: int | None
    service_session_id: uuid.UUID | None = None
    authorization_reference: str = ""
    token_hmac: bytes | None = None
    evse_key: str = ""
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Match:
    """The one record that was found, or the several among which people choose, by key."""

    key: uuid.UUID | None = None
    by: MatchedBy = MatchedBy.NOTHING
    candidates: tuple[uuid.UUID, ...] = ()


def find_match(wanted: Trace, known: Iterable[tuple[uuid.UUID, Trace]]) -> Match:
    """The record of the same session among those that are known, by the first way that finds any.

    >>> noon = datetime(2026, 10, 5, 12)
    >>> sdr = Trace(pair_id=1, authorization_reference="A", started_at=noon, ended_at=noon)
    >>> find_match(sdr, [(uuid.UUID(int=7), sdr)]).by
    <MatchedBy.AUTHORIZATION: 'authorization_reference'>
    >>> len(find_match(sdr, [(uuid.UUID(int=7), sdr), (uuid.UUID(int=8), sdr)]).candidates)
    2
    """
    possible = [(key, trace) for key, trace in known if _may_be_one(wanted, trace)]
    for by, way in _WAYS:
        found = sorted(key for key, trace in possible if way(wanted, trace))
        if len(found) == 1:
            return Match(found[0], by)
        if found:
            return Match(None, MatchedBy.NOTHING, tuple(found))
    return Match()


def _may_be_one(one: Trace, other: Trace) -> bool:
    """Of the same two parties, not a month apart, and not said to be of two sessions."""
    return (
        one.pair_id == other.pair_id
        and abs(one.started_at - other.started_at) <= FURTHEST_APART
        and (
            one.service_session_id is None
            or other.service_session_id is None
            or one.service_session_id == other.service_session_id
        )
    )


def _same_session_id(one: Trace, other: Trace) -> bool:
    return one.service_session_id is not None and (
        one.service_session_id == other.service_session_id
    )


def _same_authorization(one: Trace, other: Trace) -> bool:
    return (
        one.authorization_reference != ""
        and one.authorization_reference == other.authorization_reference
    )


def _same_identification(one: Trace, other: Trace) -> bool:
    """The same token at the same EVSE at the same time."""
    return (
        one.token_hmac is not None
        and one.token_hmac == other.token_hmac
        and one.evse_key != ""
        and one.evse_key == other.evse_key
        and abs(one.started_at - other.started_at) <= LONGEST_SESSION
        and (other.ended_at is None or one.started_at <= other.ended_at)
        and (one.ended_at is None or other.started_at <= one.ended_at)
    )


_WAYS: tuple[tuple[MatchedBy, Callable[[Trace, Trace], bool]], ...] = (
    (MatchedBy.SESSION_ID, _same_session_id),
    (MatchedBy.AUTHORIZATION, _same_authorization),
    (MatchedBy.IDENTIFICATION, _same_identification),
)

"""Rights and routes as each process keeps them in memory, held correct by one row (6.4.1).

Everything kept belongs to one version (`SwitchVersion`), which changes in the very transaction that
changes any of it. A message is judged by what is kept, and is admitted only if that version still
stands at its admission: the journal's INSERT asks (`journal.write_admission`). So nothing passes
after the COMMIT that stopped it, and no message pays for look-ups.

Rows that are handed out are shared by threads: read them, never change them.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db.models import Q

from roaming.hub_switch.envelope import Judgement
from roaming.hub_switch.statements import fetch
from roaming.models import (
    Agreement,
    AgreementSuspension,
    Credential,
    OperatorIdentifier,
    OperatorPair,
    Platform,
    PlatformIdentifier,
    RoamingEndpoint,
)

K = TypeVar("K")
V = TypeVar("V")
_MOST = 50_000  # entries of a kind; then that kind begins anew


class Outdated(Exception):  # noqa: N818  not a fault: what a message was judged by is over
    """The version that a message was judged by is no longer the one that stands."""


@dataclass(frozen=True, slots=True)
class KnownPair:
    """All agreements of two operators that were ever in force, each with its suspensions."""

    pair: OperatorPair | None
    agreements: tuple[KnownAgreement, ...]


@dataclass(frozen=True, slots=True)
class KnownAgreement:
    """An agreement and whenever it was suspended."""

    row: Agreement
    suspensions: tuple[AgreementSuspension, ...]


@dataclass(frozen=True, slots=True)
class KnownReceiver:
    """The platform that speaks for a party, None where none does, and the paths that it takes."""

    platform: Platform | None
    paths: tuple[str, ...]


@dataclass(slots=True)
class Rights:
    """What is known at one version; read from the database where it is first asked for."""

    version: uuid.UUID
    _credentials: dict[str, Credential] = field(default_factory=dict)
    _held: dict[int, dict[tuple[str, str], OperatorIdentifier]] = field(default_factory=dict)
    _parties: dict[tuple[str, str], OperatorIdentifier] = field(default_factory=dict)
    _pairs: dict[tuple[int, int, str], KnownPair] = field(default_factory=dict)
    _endpoints: dict[tuple[int, str], RoamingEndpoint] = field(default_factory=dict)
    _receivers: dict[tuple[int, str], KnownReceiver] = field(default_factory=dict)
    _derived: dict[Hashable, Any] = field(default_factory=dict)

    def credential(self, prefix: str) -> Credential | None:
        """The credential with this public prefix, with its platform; its own copy for each."""
        found = self._kept(self._credentials, prefix, lambda: _read_credential(prefix))
        if found is None:
            return None
        own = _copy(found)
        own.platform = _copy(found.platform)
        return own

    def held(self, platform: Platform, role: str, key: str) -> OperatorIdentifier | None:
        """The party that the platform is pinned to, with its operator."""
        return self._held_by(platform).get((role, key))

    def parties_of(self, platform: Platform, role: str) -> dict[str, OperatorIdentifier]:
        """All parties of a role that the platform is pinned to, by their keys."""
        held = self._held_by(platform).items()
        return {key: party for (its_role, key), party in held if its_role == role}

    def party(self, role: str, key: str) -> OperatorIdentifier | None:
        """A party by its identifier, with its operator."""
        return self._kept(self._parties, (role, key), lambda: _read_party(role, key))

    def pair(self, visited_cso: int, home_csp: int, environment: str) -> KnownPair:
        """What two operators have agreed."""
        names = (visited_cso, home_csp, environment)
        found = self._kept(self._pairs, names, lambda: _read_pair(*names))
        assert found is not None
        return found

    def endpoint(self, party: OperatorIdentifier, environment: str) -> RoamingEndpoint | None:
        """The endpoint of the platform that speaks for a party, with that platform."""
        names = (party.pk, environment)
        return self._kept(self._endpoints, names, lambda: _read_endpoint(*names))

    def receiver(self, party: OperatorIdentifier, environment: str) -> KnownReceiver:
        """Who takes what is meant for a party, with an endpoint or without."""
        names = (party.pk, environment)
        found = self._kept(self._receivers, names, lambda: _read_receiver(*names))
        assert found is not None
        return found

    def derived(self, key: Hashable, make: Callable[[], V | None]) -> V | None:
        """What `make` finds out from all this, once for this version; what is None, each time."""
        return self._kept(self._derived, key, make)

    def _held_by(self, platform: Platform) -> dict[tuple[str, str], OperatorIdentifier]:
        return self._kept(self._held, platform.pk, lambda: _read_held(platform)) or {}

    def _kept(self, table: dict[K, V], key: K, read: Callable[[], V | None]) -> V | None:
        """From memory, else from the database. What is not there is not kept: it may come."""
        found = table.get(key)
        if found is not None:
            return found
        found = read()
        # Read before the version was: had it been changed in between, the version would be another.
        if found is not None and standing_version() == self.version:
            if len(table) >= _MOST:
                table.clear()
            table[key] = found
        return found


T = TypeVar("T", Credential, Platform)


def _copy(row: T) -> T:
    """A shallow copy with a memory of its own for what is reached from it."""
    own = type(row).__new__(type(row))
    own.__dict__.update(row.__dict__)
    own._state = type(row._state)()
    own._state.db, own._state.adding = row._state.db, False
    return own


def _read_credential(prefix: str) -> Credential | None:
    return Credential.objects.select_related("platform").filter(prefix=prefix).first()


def _read_held(platform: Platform) -> dict[tuple[str, str], OperatorIdentifier]:
    rows = PlatformIdentifier.objects.filter(platform=platform).select_related(
        "identifier__operator"
    )
    return {(row.identifier.role, row.identifier.key): row.identifier for row in rows}


def _read_party(role: str, key: str) -> OperatorIdentifier | None:
    return OperatorIdentifier.objects.filter(role=role, key=key).select_related("operator").first()


def _read_pair(visited_cso: int, home_csp: int, environment: str) -> KnownPair:
    pair = OperatorPair.objects.filter(visited_cso=visited_cso, home_csp=home_csp).first()
    agreements = Agreement.objects.filter(
        visited_cso=visited_cso,
        home_csp=home_csp,
        environment=environment,
        status__in=Agreement.EVER_IN_FORCE,
    ).order_by("id")
    return KnownPair(
        pair,
        tuple(
            KnownAgreement(row, tuple(row.suspensions.all()))
            for row in agreements.prefetch_related("suspensions")
        ),
    )


def _read_endpoint(party: int, environment: str) -> RoamingEndpoint | None:
    speaking = Q(platform__held_identifiers__identifier=party, platform__environment=environment)
    return RoamingEndpoint.objects.filter(speaking).select_related("platform").first()


def _read_receiver(party: int, environment: str) -> KnownReceiver:
    held = PlatformIdentifier.objects.filter(identifier=party, environment=environment)
    row = held.select_related("platform").first()
    if row is None:
        return KnownReceiver(None, ())
    endpoint = RoamingEndpoint.objects.filter(platform=row.platform_id).first()
    return KnownReceiver(row.platform, tuple(endpoint.paths) if endpoint else ())


_VERSION = "SELECT version FROM roaming_switchversion"


def standing_version() -> uuid.UUID | None:
    """The version that stands now, in the eyes of this thread's transaction."""
    rows = fetch(_VERSION)
    return rows[0][0] if rows else None


def prove(judgement: Judgement | None) -> None:
    """Before a message acts that no admission has proven. Raises Outdated."""
    if judgement is None or judgement.stands:
        return
    if standing_version() != judgement.version:
        raise Outdated
    judgement.stands = True


class _Thread(threading.local):
    """What the request of this thread goes by."""

    rights: Rights | None = None


class _Kept:
    """What this process knows."""

    rights: Rights | None = None


_kept, _thread = _Kept(), _Thread()


def _verified() -> Rights:
    version = standing_version()
    kept = _kept.rights
    if kept is None or kept.version != version:
        # Without the row nothing is kept: no version equals a random one.
        kept = _kept.rights = Rights(version or uuid.uuid4())
    return kept


@contextmanager
def of_one_request() -> Iterator[None]:
    """Around each request of a platform: within it, all questions go by the same rights."""
    _thread.rights = None
    try:
        yield
    finally:
        _thread.rights = None


def judge_by(*, verified: bool) -> Rights:
    """Begins the judgement of a request. Not `verified`: its admission asks whether they stood."""
    kept = _kept.rights
    if verified or kept is None:
        kept = _verified()
    _thread.rights = kept
    return kept


def judged_by() -> Rights | None:
    """What this request goes by; None before it has begun to be judged, and outside of requests."""
    return _thread.rights


def known_rights() -> Rights:
    """What this request goes by; outside a request, what stands now."""
    return _thread.rights or _verified()


def forget() -> None:
    """Reads everything anew: in a forked process, and between tests."""
    _kept.rights = _thread.rights = None


os.register_at_fork(after_in_child=forget)

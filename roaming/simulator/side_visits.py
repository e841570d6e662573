"""What else happens at the stations in a month: people who are refused, people who only ask.

An unknown card, a blocked customer and a driver whose home-CSP has no agreement with the operator
lead to no session; a question without a start (UC4-1) leads to none either. Each takes place
shortly before a session of the plan, at the same EVSE.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from roaming.simulator.drivers import Driver, unknown_identification
from roaming.simulator.network import Network
from roaming.simulator.planned_session import Method, PlannedSession

SHARE_OF_SESSIONS = 40
"""One side visit for so many sessions, at least one of each kind."""
BEFORE_THE_SESSION = timedelta(minutes=2)


class Kind(StrEnum):
    """Why no session comes of it."""

    UNKNOWN = "unknown"
    BLOCKED = "blocked"
    NO_AGREEMENT = "no_agreement"
    ONLY_ASKED = "only_asked"


@dataclass(frozen=True, slots=True)
class SideVisit:
    """Somebody identifies at an EVSE at a moment (UTC), and does not charge."""

    reference: str
    kind: Kind
    moment: datetime
    cso: str
    csp: str
    evse_id: str
    connector_id: str
    method: Method
    token_uid: str
    contract_id: str


def plan_side_visits(
    network: Network,
    sessions: list[PlannedSession],
    people: tuple[tuple[Driver, ...], tuple[Driver, ...]],
    seed: int,
) -> tuple[SideVisit, ...]:
    """The side visits of a month in the order of time; `people` are the good and the blocked ones.

    A kind that this network cannot show, such as a pair without an agreement, is left out.
    """
    rng = random.Random(f"side visits {seed}")  # noqa: S311 - a repeatable world, no secret
    shuffled = rng.sample(sessions, len(sessions))
    wanted = max(len(Kind), len(sessions) // SHARE_OF_SESSIONS)
    sources = {kind: _fitting(kind, shuffled, network, people) for kind in Kind}
    found: dict[str, SideVisit] = {}
    while len(found) < min(wanted, len(sessions)) and sources:
        for kind, source in list(sources.items()):
            visit = next((v for v in source if v.reference not in found), None)
            if visit is None:
                del sources[kind]
            elif len(found) < wanted:
                found[visit.reference] = visit
    return tuple(sorted(found.values(), key=lambda v: (v.moment, v.reference)))


def _fitting(
    kind: Kind,
    sessions: list[PlannedSession],
    network: Network,
    people: tuple[tuple[Driver, ...], tuple[Driver, ...]],
) -> Iterator[SideVisit]:
    good, blocked = people
    for number, session in enumerate(sessions):
        driver: Driver | None = None
        if kind is Kind.UNKNOWN:
            token, contract = unknown_identification(session.csp, f"visit {session.reference}")
            driver = Driver(session.csp, token, contract, Method.RFID)
        elif kind is Kind.BLOCKED:
            of_csp = [d for d in blocked if d.csp == session.csp]
            driver = of_csp[number % len(of_csp)] if of_csp else None
        elif kind is Kind.NO_AGREEMENT:
            driver = _stranger(session.cso, good, network)
        else:
            driver = Driver(session.csp, session.token_uid, session.contract_id, session.method)
        if driver is not None:
            yield _visit(kind, session, driver)


def _stranger(cso: str, drivers: tuple[Driver, ...], network: Network) -> Driver | None:
    """A customer of another organisation without an agreement with this operator."""
    own = network.organisation_by_id[cso].provider_id
    return next(
        (d for d in drivers if d.csp != own and (cso, d.csp) not in network.agreement_by_pair),
        None,
    )


def _visit(kind: Kind, session: PlannedSession, driver: Driver) -> SideVisit:
    return SideVisit(
        reference=f"V-{session.reference}",
        kind=kind,
        moment=session.start - BEFORE_THE_SESSION,
        cso=session.cso,
        csp=driver.csp,
        evse_id=session.evse_id,
        connector_id=session.connector_id,
        method=driver.method,
        token_uid=driver.token_uid,
        contract_id=driver.contract_id,
    )

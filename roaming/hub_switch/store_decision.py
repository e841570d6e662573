"""Deciding from what a home-CSP distributed, in its place (domain.md, "who decides").

Only where the agreement of the two parties covers offline identification: without it the data was
never meant for this visited-CSO, and who bears the risk of such a start was never agreed.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet

from roaming.domain.agreement import Service
from roaming.domain.decision import Decision
from roaming.domain.refusals import Refusal
from roaming.domain.whitelist import Distributed, Whitelist, may_stand_in, why_not
from roaming.hub_switch.deciding import Presented
from roaming.hub_switch.envelope import Envelope
from roaming.hub_switch.route import Route, active_agreements
from roaming.models import (
    Agreement,
    Identification,
    OperatorIdentifier,
    Platform,
    PlatformIdentifier,
)

ONLINE, OFFLINE = "ONLINE", "OFFLINE"
ALWAYS_REASON = "whitelist_always"
UNKNOWN = Decision(decision="REFUSED", reason="unknown")


@dataclass(frozen=True, slots=True)
class Ruling:
    """The answer to a question, and who gave it.

    `authorised` says who accepted (ONLINE: the home-CSP, OFFLINE: its distributed data) and is
    empty for a refusal. `offline_reason`: why the data decided, for a refusal too. `liability`: who
    bears an offline start after the agreement, empty otherwise.
    """

    decision: Decision
    home_csp: OperatorIdentifier | None
    authorised: str = ""
    offline_reason: str = ""
    liability: str = ""

    @classmethod
    def of_home_csp(cls, home_csp: OperatorIdentifier, decision: Decision) -> Ruling:
        """The home-CSP's own word."""
        return cls(decision, home_csp, ONLINE if decision.accepted else "")


@dataclass(frozen=True, slots=True)
class Store:
    """What the store may say in the place of one home-CSP about one identification."""

    home_csp: OperatorIdentifier
    distributed: Distributed
    liability: str

    def rule_alone(self, envelope: Envelope) -> Ruling | None:
        """The answer where the policy is ALWAYS; None where the home-CSP has to be asked."""
        if self.distributed.whitelist is not Whitelist.ALWAYS:
            return None
        return self._rule(envelope, ALWAYS_REASON)

    def stand_in(self, envelope: Envelope, silence: Refusal) -> Ruling | None:
        """The answer after asking failed so; None where the policy forbids to stand in.

        What is distributed no longer says neither yes nor no: nobody stands in with it.
        """
        policy = self.distributed.whitelist
        reached = silence.may_have_acted
        if self.distributed.removed or not may_stand_in(policy, silence.code, reached=reached):
            return None
        return self._rule(envelope, silence.code)

    def _rule(self, envelope: Envelope, offline_reason: str) -> Ruling:
        reason = why_not(self.distributed, envelope.now)
        if reason:
            decision = Decision(decision="REFUSED", reason=reason)
            return Ruling(decision, self.home_csp, offline_reason=offline_reason)
        # The reference leads to the journal: it is the id of this exchange there.
        decision = Decision(
            decision="ACCEPTED", authorization_reference=str(envelope.transaction_id)
        )
        return Ruling(decision, self.home_csp, OFFLINE, offline_reason, self.liability)


def read_store(envelope: Envelope, route: Route, presented: Presented) -> Store | None:
    """What was distributed of this identification, where this CSO may rely on it.

    Nobody stands in for a home-CSP whose platform is suspended or has ended: that would be the new
    business which it has been stopped from.
    """
    assert route.home_csp is not None
    agreement = _offline_agreement(envelope, route)
    if agreement is None:
        return None
    row = (
        Identification.objects.filter(
            environment=envelope.environment,
            home_csp=route.home_csp,
            token_hmac=presented.token_hmac,
        )
        .exclude(Exists(_of_a_stopped_platform(envelope)))
        .first()
    )
    if row is None:
        return None
    distributed = Distributed(
        Whitelist(row.whitelist), row.valid, row.expires_at, row.removed_at is not None
    )
    return Store(route.home_csp, distributed, agreement.offline_liability)


def _of_a_stopped_platform(envelope: Envelope) -> QuerySet[PlatformIdentifier]:
    return PlatformIdentifier.objects.filter(
        identifier=OuterRef("home_csp"),
        environment=envelope.environment,
        platform__status__in=[Platform.Status.SUSPENDED, Platform.Status.ENDED],
    )


def _offline_agreement(envelope: Envelope, route: Route) -> Agreement | None:
    """The agreement that covers offline identification now: mostly the route's own."""
    if route.agreement is not None and Service.OFFLINE.value in route.agreement.services:
        return route.agreement
    if route.visited_cso is None or route.home_csp is None:
        return None
    active = active_agreements(envelope, route.visited_cso, route.home_csp)
    return next((a for a in active if Service.OFFLINE.value in a.services), None)

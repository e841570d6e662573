"""Who may speak, to whom, under which agreement: checked before anything is forwarded (6.4.1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch
from psycopg.types.range import TimestamptzRange

from roaming.domain.agreement import SERVICE_NEEDED, Service, Standing, passes
from roaming.domain.identifiers import IdentifierError, OperatorId, ProviderId
from roaming.domain.refusals import Refusal
from roaming.domain.use_case import Exchange
from roaming.hub_switch.envelope import Envelope
from roaming.models import (
    Agreement,
    AgreementSuspension,
    Operator,
    OperatorIdentifier,
    OperatorPair,
    Platform,
    PlatformIdentifier,
    Role,
)


@dataclass(frozen=True, slots=True)
class Route:
    """The two parties of a message and the agreement that carries it; None where not yet known."""

    visited_cso: OperatorIdentifier | None = None
    home_csp: OperatorIdentifier | None = None
    agreement: Agreement | None = None
    pair: OperatorPair | None = None


_FIELD: dict[str, str] = {Role.CSO.value: "visited_cso", Role.CSP.value: "home_csp"}


def identifier_key(text: str, role: Role) -> str:
    """The key of a party's identifier as sent. Refuses `invalid_identifier`."""
    kind = OperatorId if role == Role.CSO else ProviderId
    try:
        return kind.parse(text).key
    except IdentifierError as error:
        raise Refusal("invalid_identifier", str(error), _FIELD[role.value]) from error


def held_party(envelope: Envelope, text: str, role: Role) -> OperatorIdentifier:
    """The party that the sender says it speaks for. Refuses what the platform is not pinned to."""
    key = identifier_key(text, role)
    held = (
        PlatformIdentifier.objects.filter(
            platform=envelope.sender, identifier__role=role, identifier__key=key
        )
        .select_related("identifier__operator")
        .first()
    )
    if held is None:
        raise Refusal(
            "party_not_held",
            f"This platform does not speak for {text} as {role}.",
            _FIELD[role.value],
        )
    check_platform(envelope.sender, envelope.use_case)
    return held.identifier


def known_party(text: str, role: Role) -> OperatorIdentifier:
    """A counterparty by its identifier. Refuses `unknown_party`."""
    key = identifier_key(text, role)
    party = OperatorIdentifier.objects.filter(role=role, key=key).select_related("operator").first()
    if party is None:
        raise Refusal("unknown_party", f"No {role} with the identifier {text}.", _FIELD[role.value])
    return party


def check_platform(platform: Platform, use_case: Exchange) -> None:
    """A suspended or ended platform starts no new business; what runs goes on."""
    stopped = platform.status in (Platform.Status.SUSPENDED, Platform.Status.ENDED)
    if stopped and use_case.new_business:
        raise Refusal("platform_suspended", f"The platform is {platform.status}.")


def check_operators(use_case: Exchange, *parties: OperatorIdentifier) -> None:
    """A suspended or ended operator has no new business, on either side; what runs goes on."""
    for party in parties if use_case.new_business else ():
        if party.operator.status in (Operator.Status.SUSPENDED, Operator.Status.ENDED):
            raise Refusal(
                "party_suspended",
                f"The operator of {party} is {party.operator.status}.",
                _FIELD[party.role],
            )


def find_route(
    envelope: Envelope, visited_cso: OperatorIdentifier, home_csp: OperatorIdentifier
) -> Route:
    """The route of new business between two parties now.

    Refuses party_suspended, and no_agreement and its kin for want of an agreement.
    """
    check_operators(envelope.use_case, visited_cso, home_csp)
    pair = OperatorPair.objects.filter(
        visited_cso=visited_cso.operator_id, home_csp=home_csp.operator_id
    ).first()
    service = SERVICE_NEEDED.get(envelope.use_case)
    candidates = _agreements(pair, envelope) if pair else []
    agreement = next(
        (a for a in candidates if service is None or service.value in a.services), None
    )
    _check_standing(envelope, agreement, candidates, service)
    return Route(visited_cso, home_csp, agreement, pair)


def _agreements(pair: OperatorPair, envelope: Envelope) -> list[Agreement]:
    """Those that cover this moment; where none does, the one that ended last."""
    ever = Agreement.objects.prefetch_related(suspended_at(envelope.now))
    found = list(ever.covering(pair, envelope.environment, envelope.now))
    if not found:
        ended = ever.filter(
            visited_cso=pair.visited_cso_id,
            home_csp=pair.home_csp_id,
            environment=envelope.environment,
            validity__fully_lt=TimestamptzRange(envelope.now, None),
            status__in=Agreement.EVER_IN_FORCE,
        )
        found = list(ended.order_by("-validity")[:1])
    return found


def suspended_at(now: datetime) -> Prefetch[str]:
    """What `standing_of` needs on an agreement: its suspensions at this moment."""
    suspensions = AgreementSuspension.objects.filter(during__contains=now)
    return Prefetch("suspensions", queryset=suspensions, to_attr="suspensions_now")


def standing_of(agreement: Agreement | None, now: datetime) -> Standing:
    """How an agreement that covers the moment stands now."""
    if agreement is None:
        return Standing.ABSENT
    over = agreement.validity.upper is not None and agreement.validity.upper <= now
    if over or agreement.status == Agreement.Status.ENDED:
        return Standing.ENDED
    if agreement.status == Agreement.Status.SUSPENDED or agreement.suspensions_now:  # type: ignore[attr-defined]
        return Standing.SUSPENDED
    return Standing.ACTIVE


def _check_standing(
    envelope: Envelope,
    agreement: Agreement | None,
    candidates: list[Agreement],
    service: Service | None,
) -> None:
    standing = standing_of(agreement, envelope.now)
    if passes(envelope.use_case, standing):
        return
    if standing is Standing.ABSENT and candidates and service:
        raise Refusal("service_not_covered", f"The agreement does not cover '{service.label}'.")
    code = {
        Standing.ABSENT: "no_agreement",
        Standing.SUSPENDED: "agreement_suspended",
        Standing.ENDED: "agreement_ended",
    }[standing]
    raise Refusal(code, f"{envelope.use_case.code} needs an active agreement of the two parties.")

"""Who may speak, to whom, under which agreement: checked before anything is forwarded (6.4.1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from roaming.domain.agreement import SERVICE_NEEDED, Service, Standing, passes
from roaming.domain.identifiers import IdentifierError, OperatorId, ProviderId
from roaming.domain.refusals import Refusal
from roaming.domain.use_case import Exchange
from roaming.hub_switch.envelope import Envelope
from roaming.hub_switch.rights import KnownAgreement, KnownPair, known_rights
from roaming.models import (
    Agreement,
    Operator,
    OperatorIdentifier,
    OperatorPair,
    Platform,
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
    held = known_rights().held(envelope.sender, role.value, key)
    if held is None:
        raise Refusal(
            "party_not_held",
            f"This platform does not speak for {text} as {role}.",
            _FIELD[role.value],
        )
    check_platform(envelope.sender, envelope.use_case)
    return held


def known_party(text: str, role: Role) -> OperatorIdentifier:
    """A counterparty by its identifier. Refuses `unknown_party`."""
    key = identifier_key(text, role)
    party = known_rights().party(role.value, key)
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
    known = known_rights().pair(visited_cso.operator_id, home_csp.operator_id, envelope.environment)
    service = SERVICE_NEEDED.get(envelope.use_case)
    candidates = _candidates(known, envelope.now) if known.pair else []
    agreement = next(
        (a for a in candidates if service is None or service.value in a.row.services), None
    )
    _check_standing(envelope, agreement, candidates, service)
    return Route(visited_cso, home_csp, agreement.row if agreement else None, known.pair)


def _candidates(known: KnownPair, now: datetime) -> list[KnownAgreement]:
    """Those that cover this moment; where none does, the one that ended last."""
    covering = [agreement for agreement in known.agreements if now in agreement.row.validity]
    if covering:
        return covering
    over = [(a.row.validity.lower, a.row.validity.upper, a) for a in known.agreements]
    ended = [entry for entry in over if entry[1] is not None and entry[1] <= now]
    return [max(ended, key=lambda entry: entry[:2])[2]] if ended else []


def standing_of(agreement: KnownAgreement | None, now: datetime) -> Standing:
    """How an agreement stands now."""
    if agreement is None:
        return Standing.ABSENT
    row = agreement.row
    over = row.validity.upper is not None and row.validity.upper <= now
    if over or row.status == Agreement.Status.ENDED:
        return Standing.ENDED
    suspended = any(now in suspension.during for suspension in agreement.suspensions)
    if row.status == Agreement.Status.SUSPENDED or suspended:
        return Standing.SUSPENDED
    return Standing.ACTIVE


def active_agreements(
    envelope: Envelope, visited_cso: OperatorIdentifier, home_csp: OperatorIdentifier
) -> list[Agreement]:
    """The agreements of two parties that cover this moment and are not suspended."""
    known = known_rights().pair(visited_cso.operator_id, home_csp.operator_id, envelope.environment)
    return [
        agreement.row
        for agreement in known.agreements
        if envelope.now in agreement.row.validity
        and standing_of(agreement, envelope.now) is Standing.ACTIVE
    ]


def _check_standing(
    envelope: Envelope,
    agreement: KnownAgreement | None,
    candidates: list[KnownAgreement],
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

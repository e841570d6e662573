"""UC2-2, home-CSP requests tariffs from visited-CSO (IEC 63119-2, 8.2).

Accepts: the question which tariffs are in force at a moment, for a CSO, an EVSE or a connector,
answered from the store; and the request for the tariffs now, which is answered from the store where
the CSO publishes, and switched to the CSO on demand where it does not.
Refuses: unknown_party, party_not_held, no_agreement and its kin (it is new business),
unknown_evse, invalid_identifier, invalid_field, time_without_offset, and where the CSO is asked as
every live question does.
Leaves behind: what the CSO answered, checked like an announcement, as versions that were received
now for the home-CSP that asked, so that rating finds them; journal rows.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from roaming.domain.agreement import Service
from roaming.domain.identifiers import EvseId, IdentifierError
from roaming.domain.moments import check_moment
from roaming.domain.passing_on import as_sent
from roaming.domain.refusals import Refusal
from roaming.domain.tariff.announcement import TariffAnnouncement
from roaming.domain.tariff.requesting import TariffRequest, check_request, read_given_tariffs
from roaming.domain.wire_text import check_text
from roaming.hub_switch import (
    Envelope,
    Route,
    Verdict,
    ask,
    find_route,
    held_party,
    known_party,
    write_admission,
    write_verdict,
)
from roaming.hub_switch.route import check_platform, identifier_key
from roaming.models import (
    Agreement,
    Evse,
    JournalEntry,
    OperatorIdentifier,
    OperatorPair,
    Role,
    TariffVersion,
)
from roaming.models.tariff_intake import Announced, keep_version, lock_announcements
from roaming.models.tariffs_in_force import (
    ConnectorInForce,
    Scope,
    connectors_of,
    versions_in_force,
)
from roaming.ports import OutgoingMessage

PATH = "uc2-2/tariff-request"


@dataclass(frozen=True, slots=True, kw_only=True)
class TariffsAnswer:
    """What holds for a home-CSP (None: for all) at a moment.

    `from_store` is False where the CSO was asked just now. `absent`: ids that were asked for, or
    that a connector carries, of which no version is in force.
    """

    route: Route
    at: datetime
    versions: Sequence[TariffVersion]
    from_store: bool = True
    connectors: Sequence[ConnectorInForce] = ()
    absent: Sequence[str] = ()


def tariffs_in_force(
    envelope: Envelope, question: TariffRequest, at: datetime | None
) -> TariffsAnswer:
    """From the store: the versions in force at a moment, as far as they are known now.

    Which tariffs a connector carries is known for now only. A CSO may ask about its own tariffs.
    """
    moment = at or envelope.now
    check_moment(moment, "at")
    check_request(question)
    return _from_store(envelope, question, _route(envelope, question), moment)


def request_tariffs(envelope: Envelope, request: TariffRequest) -> TariffsAnswer:
    """The tariffs now: from the store where the CSO publishes, else asked for."""
    check_request(request)
    visited_cso = known_party(request.visited_cso, Role.CSO)
    route = find_route(envelope, visited_cso, _asking_csp(envelope, request.home_csp))
    if _publishes(envelope, route):
        answer = _from_store(envelope, request, route, envelope.now)
        write_verdict(envelope, route, Verdict(JournalEntry.Outcome.ACCEPTED))
        return answer
    return _ask(envelope, request, route)


def _route(envelope: Envelope, question: TariffRequest) -> Route:
    visited_cso = known_party(question.visited_cso, Role.CSO)
    if not visited_cso.held_by.filter(platform=envelope.sender).exists():
        return find_route(envelope, visited_cso, _asking_csp(envelope, question.home_csp))
    check_platform(envelope.sender, envelope.use_case)
    home_csp = known_party(question.home_csp, Role.CSP) if question.home_csp else None
    pair = None
    if home_csp is not None:
        pair = OperatorPair.objects.filter(
            visited_cso=visited_cso.operator_id, home_csp=home_csp.operator_id
        ).first()
    return Route(visited_cso, home_csp, None, pair)


def _asking_csp(envelope: Envelope, text: str | None) -> OperatorIdentifier:
    """The home-CSP that asks: named, or the only one that the sender speaks for."""
    if text:
        return held_party(envelope, text, Role.CSP)
    held = OperatorIdentifier.objects.filter(role=Role.CSP, held_by__platform=envelope.sender)
    parties = list(held.select_related("operator").order_by("pk")[:2])
    if not parties:
        raise Refusal("party_not_held", "This platform speaks for no home-CSP.", "home_csp")
    if len(parties) > 1:
        raise Refusal("invalid_field", "Say for which home-CSP you ask.", "home_csp")
    check_platform(envelope.sender, envelope.use_case)
    return parties[0]


def _publishes(envelope: Envelope, route: Route) -> bool:
    """Whether the CSO ever announced a tariff that this home-CSP may know."""
    announced = TariffVersion.objects.filter(
        environment=envelope.environment, visited_cso=route.visited_cso, on_request=False
    )
    return announced.filter(Q(home_csp=None) | Q(home_csp=route.home_csp)).exists()


def _from_store(
    envelope: Envelope, question: TariffRequest, route: Route, at: datetime
) -> TariffsAnswer:
    connectors = _connectors(envelope, question, route)
    wanted = list(question.tariff_ids)
    if question.evse_id:
        carried = [name for connector in connectors for name in connector.tariff_ids]
        keys = {name.casefold() for name in wanted}
        wanted = [name for name in carried if not wanted or name.casefold() in keys]
    everything = not question.tariff_ids and not question.evse_id
    assert route.visited_cso is not None, "a route to a visited-CSO"
    scope = Scope(
        environment=envelope.environment,
        visited_cso=route.visited_cso,
        home_csp=route.home_csp,
        at=at,
        known_at=envelope.now,
        notice=_notice(envelope, route, at),
    )
    found = versions_in_force(scope, None if everything else wanted)
    known = {version.tariff_id.casefold() for version in found}
    absent = [name for name in dict.fromkeys(wanted) if name.casefold() not in known]
    return TariffsAnswer(route=route, at=at, versions=found, connectors=connectors, absent=absent)


def _connectors(
    envelope: Envelope, question: TariffRequest, route: Route
) -> list[ConnectorInForce]:
    if not question.evse_id:
        if question.connector_id:
            raise Refusal("invalid_field", "Say of which EVSE.", "evse_id")
        return []
    evse = _evse(envelope, question.evse_id, route)
    answers = connectors_of(evse, route.home_csp, question.connector_id)
    if question.connector_id and not answers:
        raise Refusal("invalid_field", "The EVSE has no such connector.", "connector_id")
    return answers


def _evse(envelope: Envelope, text: str, route: Route) -> Evse:
    try:
        key = EvseId.parse(text).key
    except IdentifierError as error:
        raise Refusal("invalid_identifier", str(error), "evse_id") from error
    evse = Evse.objects.filter(
        environment=envelope.environment,
        key=key,
        removed_at=None,
        ownerships__visited_cso=route.visited_cso,
        ownerships__during__contains=envelope.now,
    ).first()
    if evse is None:
        raise Refusal("unknown_evse", f"{text} is not an EVSE of {route.visited_cso}.", "evse_id")
    return evse


def _notice(envelope: Envelope, route: Route, at: datetime) -> timedelta:
    """The notice of the agreement at that moment, as the SDR of a session then would have it."""
    agreement = route.agreement
    if route.pair is not None:
        covering = Agreement.objects.covering(route.pair, envelope.environment, at)
        found = sorted(
            covering, key=lambda row: (Service.LOCAL_START.value not in row.services, row.pk)
        )
        agreement = found[0] if found else agreement
    return timedelta(hours=agreement.tariff_notice_hours if agreement is not None else 0)


def _ask(envelope: Envelope, request: TariffRequest, route: Route) -> TariffsAnswer:
    """Asks the CSO live, outside any transaction, and keeps what it tells."""
    assert route.visited_cso is not None, "a route to a visited-CSO"
    write_admission(envelope, route)
    try:
        body = ask(route.visited_cso, envelope.environment, _question(envelope, route)).body
        given = _understood(route, body)
        with transaction.atomic():
            versions = _keep(envelope, route, given)
            verdict = Verdict(JournalEntry.Outcome.ACCEPTED, answer=body.decode())
            write_verdict(envelope, route, verdict)
    except Refusal as refusal:
        refusal.journalled = True
        write_verdict(envelope, route, Verdict.of_refusal(refusal))
        raise
    known = {version.tariff_id.casefold() for version in versions}
    absent = [name for name in request.tariff_ids if name.casefold() not in known]
    return TariffsAnswer(
        route=route, at=envelope.now, versions=versions, from_store=False, absent=absent
    )


def _question(envelope: Envelope, route: Route) -> OutgoingMessage:
    assert route.visited_cso is not None and route.home_csp is not None, "both are known"  # noqa: PT018
    ours = {
        "visited_cso": route.visited_cso.identifier,
        "home_csp": route.home_csp.identifier,
        "requested_at": envelope.now,
    }
    return OutgoingMessage(
        use_case=envelope.use_case.code,
        path=PATH,
        body=as_sent(envelope.body, ours).encode(),
        message_id=str(uuid.uuid4()),
        correlation_id=envelope.correlation_id,
        sender=route.home_csp.identifier,
        receiver=route.visited_cso.identifier,
    )


def _understood(route: Route, body: bytes) -> list[TariffAnnouncement]:
    """The announcements in the answer, all of the CSO that was asked, for the one that asked."""
    assert route.visited_cso is not None and route.home_csp is not None, "both are known"  # noqa: PT018
    try:
        check_text(body)
        given = read_given_tariffs(body)
        for announced in given:
            if identifier_key(announced.visited_cso, Role.CSO) != route.visited_cso.key:
                raise ValueError(f"{announced.tariff_id}: a tariff of {announced.visited_cso}")
            whose = announced.home_csp
            if whose and identifier_key(whose, Role.CSP) != route.home_csp.key:
                raise ValueError(f"{announced.tariff_id}: a tariff for {whose}")
    except (Refusal, ValueError, RecursionError) as error:
        words = error.detail if isinstance(error, Refusal) else error
        detail = f"{route.visited_cso}: {words}"[:300]
        raise Refusal("receiver_answered_rubbish", detail) from error
    return given


def _keep(
    envelope: Envelope, route: Route, given: Iterable[TariffAnnouncement]
) -> list[TariffVersion]:
    """Versions for the home-CSP that asked: what one is told is not everybody's to see."""
    assert route.visited_cso is not None, "a route to a visited-CSO"
    source = Announced(
        visited_cso=route.visited_cso,
        home_csp=route.home_csp,
        environment=envelope.environment,
        received_at=envelope.now,
        on_request=True,
    )
    lock_announcements(route.visited_cso)
    kept = [keep_version(source, announced) for announced in given]
    return [version for version, _ in kept]

"""UC3-1, start locally at the EVSE (IEC 63119-2, 8.3): the user identifies, the home-CSP decides.

Accepts: who identified how at which EVSE. The home-CSP is found by explicit receiver, contract id
or distributed token, and asked live; its decision is the answer, and the session opens.
Refuses: party_not_held, unknown_evse, unknown_party, home_csp_unknown, no_agreement and its kin,
receiver_not_connected, receiver_timed_out, receiver_refused, receiver_answered_rubbish.
Leaves behind: a service session whose id the clearing house minted, the identification in clear in
an erasable row, two journal rows. Nothing is held open in the database while the home-CSP thinks.
"""

from __future__ import annotations

import uuid

import msgspec
from django.db import transaction

from roaming.domain.decision import Decision, IdentificationQuestion
from roaming.domain.identifiers import ContractId, EvseId, IdentifierError
from roaming.domain.refusals import Refusal
from roaming.domain.sdr import IdentificationPart
from roaming.domain.session import SessionState
from roaming.domain.uuid7 import period_of, uuid7_at
from roaming.hub_switch import (
    Envelope,
    Route,
    Verdict,
    find_route,
    held_party,
    write_admission,
    write_verdict,
)
from roaming.hub_switch.deciding import (
    Presented,
    ask_home_csp,
    contract_fingerprint,
    find_home_csp,
    read_identification,
)
from roaming.models import (
    Evse,
    JournalEntry,
    OperatorIdentifier,
    Role,
    ServiceSession,
    ServiceSessionPersonalData,
)

PATH = "uc3-1/local-start"


class LocalStartQuestion(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What the home-CSP receives."""

    service_session_id: uuid.UUID
    visited_cso: str
    home_csp: str
    evse_id: str
    connector_id: str | None = None
    cso_session_id: str | None = None
    identification: IdentificationPart
    requested_at: str


def start_locally(
    envelope: Envelope, question: IdentificationQuestion
) -> tuple[ServiceSession, Decision]:
    """Opens a session if the home-CSP accepts; returns it with the decision."""
    visited_cso = held_party(envelope, question.visited_cso, Role.CSO)
    presented = read_identification(question)
    evse = _find_evse(envelope, question, visited_cso)
    home_csp = find_home_csp(envelope, question, presented, visited_cso)
    route = find_route(envelope, visited_cso, home_csp)
    session = _open_session(envelope, route, evse, question, presented)
    try:
        decision = ask_home_csp(envelope, home_csp, PATH, _question(envelope, session, question))
    except Refusal as refusal:
        _close(envelope, route, session, refusal)
        raise
    except Exception as unforeseen:
        failure = Refusal("internal_error", "An unforeseen error was recorded.")
        _close(envelope, route, session, failure)
        raise failure from unforeseen
    _decide(envelope, route, session, decision)
    return session, decision


def _find_evse(
    envelope: Envelope, question: IdentificationQuestion, visited_cso: OperatorIdentifier
) -> Evse:
    if not question.evse_id:
        raise Refusal("invalid_field", "Say which EVSE.", "evse_id")
    for name, longest in (("connector_id", 36), ("cso_session_id", 64)):
        if len(getattr(question, name) or "") > longest:
            raise Refusal("invalid_field", f"At most {longest} characters.", name)
    try:
        key = EvseId.parse(question.evse_id).key
    except IdentifierError as error:
        raise Refusal("invalid_identifier", str(error), "evse_id") from error
    evse = Evse.objects.filter(
        environment=envelope.environment,
        key=key,
        removed_at=None,
        ownerships__visited_cso=visited_cso,
        ownerships__during__contains=envelope.now,
    ).first()
    if evse is None:
        raise Refusal("unknown_evse", f"{question.evse_id} is not an EVSE of {visited_cso}.",
                      "evse_id")  # fmt: skip
    return evse


def _open_session(
    envelope: Envelope,
    route: Route,
    evse: Evse,
    question: IdentificationQuestion,
    presented: Presented,
) -> ServiceSession:
    key = uuid7_at(envelope.now)
    session = ServiceSession(
        id=key,
        environment=envelope.environment,
        period=period_of(key),
        pair=route.pair,
        agreement=route.agreement,
        visited_cso=route.visited_cso,
        home_csp=route.home_csp,
        evse=evse,
        connector_id=question.connector_id or "",
        state=SessionState.REQUESTED.value,
        identification_method=presented.method,
        cso_session_id=question.cso_session_id or "",
        token_hmac=presented.token_hmac,
        contract_hmac=presented.contract_hmac,
        opened_at=envelope.now,
    )
    with transaction.atomic():
        session.save(force_insert=True)
        ServiceSessionPersonalData.objects.create(
            session=session, token_uid=presented.token_uid, contract_id=presented.contract_id
        )
        write_admission(envelope, route, session.id, evse.key)
    return session


def _question(
    envelope: Envelope, session: ServiceSession, question: IdentificationQuestion
) -> LocalStartQuestion:
    return LocalStartQuestion(
        service_session_id=session.id,
        visited_cso=session.visited_cso.identifier,
        home_csp=session.home_csp.identifier,
        evse_id=question.evse_id or "",
        connector_id=question.connector_id,
        cso_session_id=question.cso_session_id,
        identification=question.identification,
        requested_at=(question.requested_at or envelope.now).isoformat(),
    )


def _decide(envelope: Envelope, route: Route, session: ServiceSession, decision: Decision) -> None:
    """The verdict row and the session's state become true together."""
    if decision.accepted:
        session.state = SessionState.AUTHORISED.value
        session.authorised, session.authorised_at = "ONLINE", envelope.now
        session.authorization_reference = decision.authorization_reference
        session.csp_session_id = decision.csp_session_id
        if session.contract_hmac is None and decision.contract_id:
            contract = ContractId.parse(decision.contract_id, opaque=True)
            session.contract_hmac = contract_fingerprint(contract)
        outcome = JournalEntry.Outcome.ACCEPTED
    else:
        session.state, session.refusal_reason = SessionState.REFUSED.value, decision.reason
        outcome = JournalEntry.Outcome.REFUSED
    with transaction.atomic():
        session.save()
        answer = msgspec.json.encode(decision).decode()
        write_verdict(
            envelope, route, Verdict(outcome, answer=answer), session.id, session.evse.key
        )


def _close(envelope: Envelope, route: Route, session: ServiceSession, refusal: Refusal) -> None:
    """The home-CSP could not be asked: the session ends before it began, and says why."""
    session.state, session.refusal_reason = SessionState.REFUSED.value, refusal.code
    refusal.journalled = True
    with transaction.atomic():
        session.save(update_fields=["state", "refusal_reason"])
        write_verdict(envelope, route, Verdict.of_refusal(refusal), session.id, session.evse.key)

"""The one place where a service session opens because a user identified at an EVSE (UC3-1, UC3-3).

Its id is minted before anybody is asked and stands in the question. The row exists from the moment
on at which the home-CSP is known: before a question to one, with the first acceptance of many.
Where the user had reserved the EVSE, the session of the reservation goes on (UC3-8).
"""

from __future__ import annotations

import uuid

import msgspec
from django.db import transaction

from roaming.domain.decision import IdentificationQuestion
from roaming.domain.identification_messages import LocalStartQuestion
from roaming.domain.identifiers import ContractId, EvseId, IdentifierError
from roaming.domain.refusals import Refusal
from roaming.domain.session import SessionState
from roaming.domain.uuid7 import period_of, uuid7_at
from roaming.hub_switch.authorising import Asked, Record
from roaming.hub_switch.envelope import Envelope
from roaming.hub_switch.reservations import (
    IS_RESERVED,
    find_reservation,
    fulfil_reservation,
)
from roaming.hub_switch.route import Route
from roaming.hub_switch.store_decision import Ruling
from roaming.models import (
    Evse,
    OperatorIdentifier,
    ServiceSession,
    ServiceSessionPersonalData,
)
from roaming.models.fingerprints import contract_fingerprint
from roaming.models.given_answers import hold

_SETTLED = (
    "state", "refusal_reason", "offline_reason", "authorised", "authorised_at",
    "authorization_reference", "csp_session_id", "contract_hmac",
)  # fmt: skip
_AT_THE_EVSE = ("identification_method", "cso_session_id", "connector_id")


def find_evse(
    envelope: Envelope, question: IdentificationQuestion, visited_cso: OperatorIdentifier
) -> Evse:
    """The EVSE at which the user stands: one of this CSO, now. Refuses unknown_evse."""
    if not question.evse_id:
        raise Refusal("invalid_field", "Say which EVSE.", "evse_id")
    try:
        key = EvseId.parse(question.evse_id).key
    except IdentifierError as error:
        raise Refusal("invalid_identifier", error.detail, "evse_id") from error
    evse = (
        Evse.objects.filter(
            environment=envelope.environment,
            key=key,
            removed_at=None,
            ownerships__visited_cso=visited_cso,
            ownerships__during__contains=envelope.now,
        )
        .annotate(is_reserved=IS_RESERVED)
        .first()
    )
    if evse is None:
        detail = f"{question.evse_id} is not an EVSE of {visited_cso}."
        raise Refusal("unknown_evse", detail, "evse_id")
    return evse


class SessionRecord(Record):
    """What a start leaves behind: the session, its identification apart, rows of the journal."""

    def __init__(self, asked: Asked, evse: Evse, message_type: type[LocalStartQuestion]) -> None:
        super().__init__(asked)
        self.evse = evse
        self.object_key = evse.key
        self.session: ServiceSession | None = None
        self._reservation_id: uuid.UUID | None = None
        self._minted = uuid7_at(asked.envelope.now)
        self._message_type = message_type

    @property
    def session_id(self) -> uuid.UUID:
        return self.session.id if self.session else self._minted

    def message(self, home_csp: OperatorIdentifier) -> msgspec.Struct:
        question = self.asked.question
        return self._message_type(
            question_id=self.envelope.transaction_id,
            service_session_id=self.session_id,
            visited_cso=self.asked.visited_cso.identifier,
            home_csp=home_csp.identifier,
            evse_id=question.evse_id or "",
            connector_id=question.connector_id,
            cso_session_id=question.cso_session_id,
            identification=question.identification,
            requested_at=self.requested_at,
        )

    def admit(self, route: Route) -> None:
        with transaction.atomic():
            self._open(route)
            super().admit(route)

    def rule(self, route: Route, ruling: Ruling) -> None:
        with transaction.atomic():
            if ruling.decision.accepted:
                self._refuse_where_taken_over()
            if route.agreement is not None:
                session = self.session or self._open(route)
                if self._reservation_id is not None:
                    self._fulfil(self._reservation_id, session, ruling)
                else:
                    self._settle(session, ruling)
                    session.save(update_fields=_SETTLED)
            super().rule(route, ruling)

    def fail(self, route: Route, refusal: Refusal) -> None:
        """The session ends before it began, and says why; a reservation stands."""
        with transaction.atomic():
            if self.session is not None and self._reservation_id is None:
                self.session.state = SessionState.REFUSED.value
                self.session.refusal_reason = refusal.code
                self.session.save(update_fields=["state", "refusal_reason"])
            super().fail(route, refusal)

    def _refuse_where_taken_over(self) -> None:
        """Two attempts at one message must not open two sessions: the one that lost its lease ends.

        Under the claim's lock: whoever takes it over later finds the session that opened.
        """
        claim = self.envelope.claim
        if claim is not None and not hold(claim):
            raise Refusal("request_in_progress", "A repetition of this message has taken over.")

    def _open(self, route: Route) -> ServiceSession:
        """The session's row, REQUESTED; or that of the reservation that holds the EVSE."""
        question, presented = self.asked.question, self.asked.presented
        visited_cso, now = self.asked.visited_cso, self.envelope.now
        held = find_reservation(self.evse, visited_cso, presented.token_hmac, now, route.home_csp)
        if held is not None:
            self._reservation_id, self.session = held.id, held.session
            return held.session
        session = ServiceSession(
            id=self._minted,
            environment=self.envelope.environment,
            period=period_of(self._minted),
            pair=route.pair,
            agreement=route.agreement,
            visited_cso=route.visited_cso,
            home_csp=route.home_csp,
            evse=self.evse,
            connector_id=question.connector_id or "",
            state=SessionState.REQUESTED.value,
            opened_by=self.envelope.use_case.code,
            identification_method=presented.method,
            cso_session_id=question.cso_session_id or "",
            token_hmac=presented.token_hmac,
            contract_hmac=presented.contract_hmac,
            opened_at=self.envelope.now,
        )
        session.save(force_insert=True)
        ServiceSessionPersonalData.objects.create(
            session=session, token_uid=presented.token_uid, contract_id=presented.contract_id
        )
        self.session = session
        return session

    def _fulfil(self, reservation_id: uuid.UUID, session: ServiceSession, ruling: Ruling) -> None:
        """The user came and the session goes on; the reservation stands where the CSP refuses."""
        if not ruling.decision.accepted:
            return
        fulfil_reservation(reservation_id, self.envelope.now)
        known = (session.authorization_reference, session.csp_session_id)
        self._settle(session, ruling)
        session.authorization_reference = session.authorization_reference or known[0]
        session.csp_session_id = session.csp_session_id or known[1]
        question = self.asked.question
        session.identification_method = self.asked.presented.method
        session.cso_session_id = question.cso_session_id or session.cso_session_id
        session.connector_id = question.connector_id or session.connector_id
        session.save(update_fields=[*_SETTLED, *_AT_THE_EVSE])

    def _settle(self, session: ServiceSession, ruling: Ruling) -> None:
        decision = ruling.decision
        session.offline_reason = ruling.offline_reason
        if not decision.accepted:
            session.state = SessionState.REFUSED.value
            session.refusal_reason = decision.reason
            return
        session.state = SessionState.AUTHORISED.value
        session.authorised, session.authorised_at = ruling.authorised, self.envelope.now
        session.authorization_reference = decision.authorization_reference
        session.csp_session_id = decision.csp_session_id
        if session.contract_hmac is None and decision.contract_id:
            contract = ContractId.parse(decision.contract_id, opaque=True)
            session.contract_hmac = contract_fingerprint(contract)

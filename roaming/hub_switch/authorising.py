"""Who decides when a user identifies (UC3-1, UC3-3, UC4-1; domain.md).

The store where the home-CSP said ALWAYS; else the home-CSP; where it is silent and its policy
allows, the store in its place; where nobody knows whose the token is, the first to accept.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import msgspec
from django.db import transaction

from roaming.domain.decision import Decision, IdentificationQuestion, read_decision
from roaming.domain.identification_messages import AuthorisationQuestion, DecidedByClearingHouse
from roaming.domain.passing_on import passed_on
from roaming.domain.refusals import Refusal
from roaming.hub_switch.asking import ask
from roaming.hub_switch.deciding import Presented, find_home_csp
from roaming.hub_switch.envelope import Envelope
from roaming.hub_switch.journal import Verdict, write_admission, write_verdict
from roaming.hub_switch.route import Route, find_route
from roaming.hub_switch.store_decision import OFFLINE, ONLINE, Ruling, read_store
from roaming.hub_switch.withdrawing import LOST, PutQuestion, withdrawal
from roaming.models import JournalEntry, OperatorIdentifier
from roaming.outbox import Parcel, enqueue, platform_of
from roaming.ports import Answer, OutgoingMessage


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it came in: its envelope, what was presented, by whom, and the path it takes
    to a home-CSP."""

    envelope: Envelope
    question: IdentificationQuestion
    presented: Presented
    visited_cso: OperatorIdentifier
    path: str


class Record:
    """What a question leaves behind: rows of the journal, news to a home-CSP that did not decide.

    This is all of it for UC4-1; `SessionRecord` adds the service session of UC3-1 and UC3-3.
    """

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.envelope = asked.envelope
        self.object_key = ""

    @property
    def session_id(self) -> uuid.UUID | None:
        """The service session that opens if somebody accepts; minted before anybody is asked."""
        return None

    def message(self, home_csp: OperatorIdentifier) -> msgspec.Struct:
        """The question as a value, for one home-CSP."""
        return AuthorisationQuestion(
            question_id=self.envelope.transaction_id,
            visited_cso=self.asked.visited_cso.identifier,
            home_csp=home_csp.identifier,
            evse_id=self.asked.question.evse_id,
            identification=self.asked.question.identification,
            requested_at=self.requested_at,
        )

    @property
    def requested_at(self) -> str:
        return (self.asked.question.requested_at or self.envelope.now).isoformat()

    def body(self, home_csp: OperatorIdentifier, **ours: object) -> bytes:
        """The question as JSON. `ours`: what the clearing house adds (`broadcast`, `decided`)."""
        message = msgspec.structs.replace(self.message(home_csp), **ours)
        return passed_on(message, self.envelope.body, consumed=("emaid",))

    def outgoing(self, home_csp: OperatorIdentifier, **ours: object) -> OutgoingMessage:
        """The question on its way to one home-CSP."""
        return OutgoingMessage(
            use_case=self.envelope.use_case.code,
            path=self.asked.path,
            body=self.body(home_csp, **ours),
            message_id=str(uuid.uuid4()),
            correlation_id=self.envelope.correlation_id,
            receiver=home_csp.identifier,
        )

    def admit(self, route: Route) -> None:
        """Before the home-CSP is asked."""
        write_admission(self.envelope, route, self.session_id, self.object_key)

    def rule(self, route: Route, ruling: Ruling) -> None:
        """The verdict, and the news where the home-CSP did not decide itself: true together."""
        accepted = ruling.decision.accepted
        outcome = JournalEntry.Outcome.ACCEPTED if accepted else JournalEntry.Outcome.REFUSED
        answer = msgspec.json.encode(ruling.decision).decode()
        # Without a route to one home-CSP no session exists.
        session_id = self.session_id if route.agreement else None
        verdict = Verdict(outcome, answer=answer)
        if ruling.authorised != OFFLINE:
            write_verdict(self.envelope, route, verdict, session_id, self.object_key)
            return
        with transaction.atomic():
            write_verdict(self.envelope, route, verdict, session_id, self.object_key)
            self._tell(ruling)

    def fail(self, route: Route, refusal: Refusal) -> None:
        """The home-CSP could not be asked and nobody stands in."""
        refusal.journalled = True
        write_verdict(
            self.envelope, route, Verdict.of_refusal(refusal), self.session_id, self.object_key
        )

    def withdraw(self, ruling: Ruling) -> None:
        """Takes an acceptance of the home-CSP back that nothing can come of any more."""
        platform = (
            platform_of(ruling.home_csp, self.envelope.environment)
            if ruling.home_csp is not None and ruling.authorised == ONLINE
            else None
        )
        if ruling.home_csp is None or platform is None:
            return
        reference = ruling.decision.authorization_reference
        home_csp = ruling.home_csp.identifier
        enqueue([withdrawal(self.put_question, home_csp, platform, LOST, reference)])

    @property
    def put_question(self) -> PutQuestion:
        """The question as a withdrawal names it."""
        return PutQuestion(
            self.envelope.transaction_id,
            self.session_id,
            self.envelope.use_case.code,
            self.asked.visited_cso.identifier,
            self.envelope.correlation_id,
        )

    def _tell(self, ruling: Ruling) -> None:
        assert ruling.home_csp is not None
        platform = platform_of(ruling.home_csp, self.envelope.environment)
        if platform is None:
            return
        decided = DecidedByClearingHouse(
            decision=ruling.decision.decision,
            authorised=ruling.authorised,
            offline_reason=ruling.offline_reason,
            authorization_reference=ruling.decision.authorization_reference,
            liability=ruling.liability,
            decided_at=self.envelope.now.isoformat(),
        )
        parcel = Parcel(
            platform,
            self.envelope.use_case.code,
            self.asked.path,
            # The completion of the session must not overtake the news that it exists.
            f"session:{self.session_id}"
            if self.session_id
            else f"question:{self.envelope.transaction_id}",
            self.body(ruling.home_csp, decided=decided).decode(),
            self.envelope.correlation_id,
        )
        enqueue([parcel])


def authorise_by_one(record: Record) -> Ruling | None:
    """The ruling of the one home-CSP that the identification leads to, or of its store.

    None where it leads to no particular one: then all are asked. Refuses home_csp_unknown, what the
    agreement does not allow, and where the home-CSP gives no answer that nobody may stand in for.
    """
    asked = record.asked
    envelope = asked.envelope
    home_csp = find_home_csp(envelope, asked.question, asked.presented, asked.visited_cso)
    if home_csp is None:
        return None
    route = find_route(envelope, asked.visited_cso, home_csp)
    store = read_store(envelope, route, asked.presented)
    ruling = store.rule_alone(envelope) if store else None
    if ruling is None:
        record.admit(route)
        try:
            decision = understand(
                home_csp, ask(home_csp, envelope.environment, record.outgoing(home_csp))
            )
            ruling = Ruling.of_home_csp(home_csp, decision)
        except Refusal as refusal:
            ruling = store.stand_in(envelope, refusal) if store else None
            if ruling is None:
                record.fail(route, refusal)
                raise
        except Exception as unforeseen:
            failure = Refusal("internal_error", "An unforeseen error was recorded.")
            record.fail(route, failure)
            raise failure from unforeseen
    try:
        record.rule(route, ruling)
    except Refusal as refusal:  # what it was accepted for is gone: a reservation that ran out
        with transaction.atomic():
            record.fail(route, refusal)
            record.withdraw(ruling)
        raise
    return ruling


def understand(home_csp: OperatorIdentifier, answer: Answer) -> Decision:
    """The decision in an answer. Refuses receiver_answered_rubbish."""
    try:
        return read_decision(answer.body)
    except (ValueError, RecursionError) as error:
        raise Refusal("receiver_answered_rubbish", f"{home_csp}: {error}"[:300]) from error

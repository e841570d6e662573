"""UC3-6, dynamic charging information (IEC 63119-2, 8.3): energy, power and cost so far.

Accepts: what the visited-CSO reports of a running session (push); the first report makes the
session active. A report that is stamped before what is stored, comes again, or comes after the
session's end changes nothing and is answered; energy that falls is taken and noted in the answer.
Either party reads the newest; the home-CSP may have the visited-CSO asked for it now (pull), and
where that cannot answer gets what is stored, with its age and what the trouble was.
Refuses: unknown_session, session_state, time_without_offset, invalid_field, sdr_window_closed (a
pull then gets what is stored).
Passes under a suspended agreement, and under an ended one until its SDR window closes: a running
session is never stranded.
Leaves behind: a row per report that counted, its body in an erasable one, the session's newest
values, one delivery to the home-CSP that takes the place of an older one that still waits, journal
rows.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

import msgspec
from django.db import transaction

from roaming.domain.charging_information import (
    ChargingInformation,
    ChargingInformationQuestion,
    Newest,
    Oddity,
    Untaken,
    check_charging_information,
    oddities,
    why_untaken,
)
from roaming.domain.passing_on import as_sent
from roaming.domain.refusals import Refusal
from roaming.domain.reservation import ReservationState
from roaming.domain.session import RUNNING, SessionState
from roaming.domain.uuid7 import moment_of, uuid7_at
from roaming.domain.wire_text import check_text, unquoted
from roaming.hub_switch import Envelope, Verdict, ask, write_admission, write_verdict
from roaming.hub_switch.reservations import take_reservation_to
from roaming.hub_switch.running_session import (
    REOPENED,
    become,
    check_sdr_window,
    hold_reservation,
    names_of,
    place_of,
    reopen_if_closed_by_hand,
    route_of,
    session_of_sender,
    started_remotely,
    take_up_after_reservation,
)
from roaming.models import (
    ChargingUpdate,
    ChargingUpdateBody,
    JournalEntry,
    Role,
    ServiceSession,
)
from roaming.outbox import Parcel, enqueue_newest, platform_of
from roaming.ports import OutgoingMessage

PATH = "uc3-6/charging-information"
QUESTION_PATH = "uc3-6/request"
_KEPT = (
    *REOPENED, "authorised", "authorised_at", "updated_at", "energy_kwh", "power_kw",
    "cost_so_far", "cost_currency", "cso_session_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a report. `untaken`: why it changed nothing."""

    session: ServiceSession
    untaken: Untaken | None = None
    oddities: list[Oddity] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reading:
    """The newest report, None where none came yet. `trouble`: why it is not fresh though asked."""

    session: ServiceSession
    newest: ChargingUpdate | None
    fresh: bool = False
    trouble: Refusal | None = None


def receive_charging_information(
    envelope: Envelope, session_id: uuid.UUID, message: ChargingInformation
) -> Receipt:
    """Takes in what the visited-CSO reports, if it is news, and leaves it for the home-CSP."""
    check_charging_information(message, envelope.now)
    with transaction.atomic():
        reservation = hold_reservation(session_id)
        session = session_of_sender(envelope, session_id, Role.CSO, lock=True)
        check_sdr_window(envelope, session)
        take_up_after_reservation(session, reservation)
        receipt = _take(envelope, session, message, envelope.body.decode())
        if receipt.untaken is None:
            _tell_home_csp(envelope, session)
            if reservation is not None:
                take_reservation_to(reservation, ReservationState.FULFILLED, envelope.now)
        words = f"left aside: {receipt.untaken}" if receipt.untaken else ""
        verdict = Verdict(JournalEntry.Outcome.ACCEPTED, answer=words)
        write_verdict(envelope, route_of(session), verdict, session.id, session.evse.key)
    return receipt


def read_charging_information(envelope: Envelope, session_id: uuid.UUID, fresh: bool) -> Reading:
    """The newest report, for either party; `fresh`: the visited-CSO is asked first.

    Of a session that does not run nothing is asked: what is stored is the truth.
    """
    session = session_of_sender(envelope, session_id, Role.CSO, Role.CSP)
    if not fresh:
        return Reading(session, _newest(session))
    if not session.home_csp.held_by.filter(platform=envelope.sender).exists():
        raise Refusal("invalid_field", "Only the home-CSP has the visited-CSO asked.", "fresh")
    if SessionState(session.state) not in RUNNING:
        return Reading(session, _newest(session))
    try:
        check_sdr_window(envelope, session)
        session = _ask_visited_cso(envelope, session)
    except Refusal as trouble:
        return Reading(session, _newest(session), trouble=trouble)
    return Reading(session, _newest(session), fresh=True)


def _take(
    envelope: Envelope, session: ServiceSession, message: ChargingInformation, body: str
) -> Receipt:
    """Keeps the report if it is the newest. The session is locked."""
    reopen_if_closed_by_hand(session)
    stored = Newest(session.updated_at, session.energy_kwh if session.updated_at else None)
    untaken = why_untaken(message, stored, SessionState(session.state))
    if untaken is not None:
        return Receipt(session, untaken)
    _activate(envelope, session)
    cost = message.cost
    session.updated_at, session.energy_kwh = message.stamped_at, message.energy_kwh
    session.power_kw = message.power_kw
    session.cost_so_far = cost.before_tax if cost else None
    session.cost_currency = cost.currency if cost else ""
    session.cso_session_id = message.cso_session_id or session.cso_session_id
    session.save(update_fields=_KEPT)
    charge = message.state_of_charge
    row = ChargingUpdate.objects.create(
        id=uuid7_at(moment_of(session.id)),
        environment=session.environment,
        period=session.period,
        pair_id=session.pair_id,
        session=session,
        stamped_at=message.stamped_at,
        received_at=envelope.now,
        energy_kwh=message.energy_kwh,
        power_kw=message.power_kw,
        cost_before_tax=session.cost_so_far,
        currency=session.cost_currency,
        state_of_charge=int(charge.to_integral_value()) if charge is not None else None,
    )
    ChargingUpdateBody.objects.create(update=row, content=body)
    return Receipt(session, oddities=oddities(message, stored, session.agreement.currency))


def _activate(envelope: Envelope, session: ServiceSession) -> None:
    """The first report says that the session is on. Refuses session_state."""
    state = SessionState(session.state)
    if state is SessionState.ACTIVE:
        return
    if state in (SessionState.REQUESTED, SessionState.RESERVED):
        if not started_remotely(session):
            raise Refusal("session_state", "Nobody has authorised the session yet.")
        # The result of the start was lost, or is on its way: the home-CSP asked for it.
        session.authorised = session.authorised or "COMMAND"
        session.authorised_at = session.authorised_at or envelope.now
        become(session, SessionState.AUTHORISED)
    become(session, SessionState.ACTIVE)


def _tell_home_csp(envelope: Envelope, session: ServiceSession) -> None:
    receiver = platform_of(session.home_csp, envelope.environment)
    if receiver is None:
        return
    ours = {**names_of(session), "state": session.state}
    enqueue_newest(
        Parcel(
            receiver,
            envelope.use_case.code,
            PATH,
            f"charging:{session.id}",
            as_sent(envelope.body, ours),
            envelope.correlation_id,
        )
    )


def _newest(session: ServiceSession) -> ChargingUpdate | None:
    """The report that counts: the latest stamp, and of one stamp the most energy."""
    rows = ChargingUpdate.objects.filter(session=session).select_related("body")
    return rows.order_by("-stamped_at", "-energy_kwh").first()


def _ask_visited_cso(envelope: Envelope, session: ServiceSession) -> ServiceSession:
    """Asks live, outside any transaction, and keeps the answer like a report of its own accord."""
    route = route_of(session)
    write_admission(envelope, route, session.id, session.evse.key)
    try:
        answer = ask(session.visited_cso, envelope.environment, _question(envelope, session))
        message = _understood(envelope, session, answer.body)
        with transaction.atomic():
            session = session_of_sender(envelope, session.id, Role.CSP, lock=True)
            _take(envelope, session, message, answer.body.decode())
            verdict = Verdict(JournalEntry.Outcome.ACCEPTED, answer=answer.body.decode())
            write_verdict(envelope, route, verdict, session.id, session.evse.key)
    except Refusal as refusal:
        refusal.journalled = True
        verdict = Verdict.of_refusal(refusal)
        write_verdict(envelope, route, verdict, session.id, session.evse.key)
        raise
    return session


def _question(envelope: Envelope, session: ServiceSession) -> OutgoingMessage:
    question = ChargingInformationQuestion(
        **names_of(session), **place_of(session), requested_at=envelope.now  # type: ignore[arg-type]
    )  # fmt: skip
    return OutgoingMessage(
        use_case=envelope.use_case.code,
        path=QUESTION_PATH,
        body=msgspec.json.encode(question),
        message_id=str(uuid.uuid4()),
        correlation_id=envelope.correlation_id,
        sender=session.home_csp.identifier,
        receiver=session.visited_cso.identifier,
    )


def _understood(envelope: Envelope, session: ServiceSession, body: bytes) -> ChargingInformation:
    try:
        check_text(body)
        message = msgspec.json.decode(body, type=ChargingInformation)
        check_charging_information(message, envelope.now)
    except Refusal as refusal:
        detail = f"{session.visited_cso}: {refusal.field or 'body'}: {refusal.detail}"
        raise Refusal("receiver_answered_rubbish", detail[:300]) from refusal
    except (ValueError, RecursionError) as error:
        detail = f"{session.visited_cso}: {unquoted(error)}"
        raise Refusal("receiver_answered_rubbish", detail[:300]) from error
    return message

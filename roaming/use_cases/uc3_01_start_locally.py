"""UC3-1, start locally at the EVSE (IEC 63119-2, 8.3): the user identifies, the home-CSP decides.

Accepts: who identified how at which EVSE (RFID, QR code, app, ...). The home-CSP is found by
explicit receiver, contract id or distributed token, and asked live; an RFID card that nobody
distributed is asked for at all home-CSPs that may serve this CSO, and the first acceptance wins.
What a home-CSP distributed for offline use decides where it said ALWAYS, and in its place where it
is silent and its policy and the agreement allow it (ALLOWED, ALLOWED_OFFLINE). A user who reserved
the EVSE leads to the home-CSP of the reservation, whose session goes on (UC3-8).
Refuses: party_not_held, unknown_evse, unknown_party, home_csp_unknown, no_agreement and its kin,
receiver_not_connected, receiver_timed_out, receiver_refused, receiver_answered_rubbish;
reservation_state where the reservation ended while the home-CSP was being asked.
Leaves behind: a service session whose id the clearing house minted, the identification in clear in
an erasable row, two journal rows for each home-CSP that was asked; news to a home-CSP in whose
place the store decided, and to one whose acceptance came second. Nothing is held open in the
database while a home-CSP thinks.
"""

from __future__ import annotations

import msgspec

from roaming.domain.decision import IdentificationQuestion
from roaming.domain.identification_messages import LocalStartQuestion
from roaming.hub_switch import Envelope, held_party
from roaming.hub_switch.authorising import Asked, authorise_by_one
from roaming.hub_switch.broadcasting import authorise_by_many
from roaming.hub_switch.deciding import read_identification
from roaming.hub_switch.recalling import recall_start
from roaming.hub_switch.reservations import find_reservation
from roaming.hub_switch.session_opening import SessionRecord, find_evse
from roaming.hub_switch.store_decision import Ruling
from roaming.models import Role, ServiceSession

PATH = "uc3-1/local-start"


def start_locally(
    envelope: Envelope, question: IdentificationQuestion
) -> tuple[ServiceSession | None, Ruling]:
    """The ruling, and the session: refused with a refusal; None where nobody knows the card."""
    visited_cso = held_party(envelope, question.visited_cso, Role.CSO)
    known = recall_start(envelope)
    if known is not None:
        return known
    presented = read_identification(question)
    evse = find_evse(envelope, question, visited_cso)
    if not question.home_csp and not presented.contract_id:
        held = find_reservation(evse, visited_cso, presented.token_hmac, envelope.now)
        if held is not None:
            question = msgspec.structs.replace(question, home_csp=held.home_csp.identifier)
    asked = Asked(envelope, question, presented, visited_cso, PATH)
    record = SessionRecord(asked, evse, LocalStartQuestion)
    ruling = authorise_by_one(record) or authorise_by_many(record)
    return record.session, ruling

"""UC3-3, start by plug and charge (IEC 63119-2, 8.3; ISO 15118): the vehicle identifies.

Accepts: the eMA-ID of the contract certificate, which is token and contract in one, at an EVSE.
What the CSO knows of the certificate (hash data, OCSP status) goes on to the home-CSP as it was
sent: the trust chain is theirs to judge. The home-CSP is found by explicit receiver or by the
eMA-ID; who decides is decided as in UC3-1. Nobody is asked at large: an eMA-ID names its home-CSP.
Refuses: as UC3-1; service_not_covered where the agreement leaves out plug and charge.
Leaves behind: as UC3-1. Here too the session of a reservation goes on.
"""

from __future__ import annotations

from roaming.domain.decision import PlugAndChargeMessage
from roaming.domain.identification_messages import PlugAndChargeQuestion
from roaming.domain.refusals import Refusal
from roaming.hub_switch import Envelope, held_party
from roaming.hub_switch.authorising import Asked, authorise_by_one
from roaming.hub_switch.deciding import read_identification
from roaming.hub_switch.recalling import recall_start
from roaming.hub_switch.session_opening import SessionRecord, find_evse
from roaming.hub_switch.store_decision import Ruling
from roaming.models import Role, ServiceSession

PATH = "uc3-3/plug-and-charge-start"


def start_by_plug_and_charge(
    envelope: Envelope, message: PlugAndChargeMessage
) -> tuple[ServiceSession, Ruling]:
    """The session and the ruling on it."""
    question = message.as_question()
    visited_cso = held_party(envelope, question.visited_cso, Role.CSO)
    known = recall_start(envelope)
    if known is not None:
        return known
    try:
        presented = read_identification(question)
        evse = find_evse(envelope, question, visited_cso)
        asked = Asked(envelope, question, presented, visited_cso, PATH)
        record = SessionRecord(asked, evse, PlugAndChargeQuestion)
        ruling = authorise_by_one(record)
    except Refusal as refusal:
        if (refusal.field or "").startswith("identification"):
            refusal.field = "emaid"
        raise
    assert ruling is not None  # no eMA-ID is an RFID card
    assert record.session is not None
    return record.session, ruling

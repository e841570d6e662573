"""UC4-1, online identification of the user at a visited-CSO, without a start (IEC 63119-2, 8.4).

Accepts: an identification, with or without an EVSE. Who decides is decided as in UC3-1.
Refuses: as UC3-1, less the EVSE.
Leaves behind: two journal rows for each home-CSP that was asked, and the news as in UC3-1; no
session opens.
"""

from __future__ import annotations

from roaming.domain.decision import IdentificationQuestion
from roaming.domain.identifiers import EvseId, IdentifierError
from roaming.domain.refusals import Refusal
from roaming.hub_switch import Envelope, held_party
from roaming.hub_switch.authorising import Asked, Record, authorise_by_one
from roaming.hub_switch.broadcasting import authorise_by_many
from roaming.hub_switch.deciding import read_identification
from roaming.hub_switch.store_decision import Ruling
from roaming.models import Role

PATH = "uc4-1/authorisation"


def identify_online(envelope: Envelope, question: IdentificationQuestion) -> Ruling:
    """The ruling on this identification."""
    visited_cso = held_party(envelope, question.visited_cso, Role.CSO)
    evse_key = _evse_key(question.evse_id) if question.evse_id else ""
    presented = read_identification(question)
    record = Record(Asked(envelope, question, presented, visited_cso, PATH))
    record.object_key = evse_key
    return authorise_by_one(record) or authorise_by_many(record)


def _evse_key(text: str) -> str:
    try:
        return EvseId.parse(text).key
    except IdentifierError as error:
        raise Refusal("invalid_identifier", error.detail, "evse_id") from error

"""UC4-1, online identification of the user at a visited-CSO, without a start (IEC 63119-2, 8.4).

Accepts: an identification, with or without an EVSE. The home-CSP is asked live and decides.
Refuses: as UC3-1, less the EVSE.
Leaves behind: two journal rows; no session opens.
"""

from __future__ import annotations

import msgspec

from roaming.domain.decision import Decision, IdentificationQuestion
from roaming.domain.identifiers import EvseId, IdentifierError
from roaming.domain.refusals import Refusal
from roaming.domain.sdr import IdentificationPart
from roaming.hub_switch import (
    Envelope,
    Verdict,
    find_route,
    held_party,
    write_admission,
    write_verdict,
)
from roaming.hub_switch.deciding import ask_home_csp, find_home_csp, read_identification
from roaming.models import JournalEntry, OperatorIdentifier, Role

PATH = "uc4-1/authorisation"


class AuthorisationQuestion(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What the home-CSP receives."""

    visited_cso: str
    home_csp: str
    evse_id: str | None = None
    identification: IdentificationPart
    requested_at: str


def identify_online(
    envelope: Envelope, question: IdentificationQuestion
) -> tuple[OperatorIdentifier, Decision]:
    """The home-CSP and its decision on this identification."""
    visited_cso = held_party(envelope, question.visited_cso, Role.CSO)
    if question.evse_id:
        _check_evse_id(question.evse_id)
    presented = read_identification(question)
    home_csp = find_home_csp(envelope, question, presented, visited_cso)
    route = find_route(envelope, visited_cso, home_csp)
    write_admission(envelope, route)
    message = AuthorisationQuestion(
        visited_cso=visited_cso.identifier,
        home_csp=home_csp.identifier,
        evse_id=question.evse_id,
        identification=question.identification,
        requested_at=(question.requested_at or envelope.now).isoformat(),
    )
    try:
        decision = ask_home_csp(envelope, home_csp, PATH, message)
    except Refusal as refusal:
        refusal.journalled = True
        write_verdict(envelope, route, Verdict.of_refusal(refusal))
        raise
    outcome = JournalEntry.Outcome.ACCEPTED if decision.accepted else JournalEntry.Outcome.REFUSED
    write_verdict(envelope, route, Verdict(outcome, answer=msgspec.json.encode(decision).decode()))
    return home_csp, decision


def _check_evse_id(text: str) -> None:
    try:
        EvseId.parse(text)
    except IdentifierError as error:
        raise Refusal("invalid_identifier", error.detail, "evse_id") from error

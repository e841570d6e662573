"""What an earlier attempt at the same message left behind, when its process died too early.

An attempt may die after its verdict was committed and before its answer was kept (API manners).
The repetition must then find the session that was opened, not open another.
"""

from __future__ import annotations

from roaming.domain.decision import Decision, read_decision
from roaming.hub_switch.envelope import Envelope
from roaming.hub_switch.store_decision import OFFLINE, Ruling
from roaming.models import JournalBody, JournalEntry, ServiceSession


def recall_start(envelope: Envelope) -> tuple[ServiceSession, Ruling] | None:
    """The session that this very message opened before, with the ruling; None where it did not.

    A start that was refused, or whose question was lost with the process, is asked anew.
    """
    if not envelope.repeated:
        return None
    verdict = (
        JournalEntry.objects.filter(
            message_id=envelope.message_id,
            sender=envelope.sender,
            use_case=envelope.use_case.code,
            phase=JournalEntry.Phase.VERDICT,
            outcome=JournalEntry.Outcome.ACCEPTED,
            service_session_id__isnull=False,
        )
        .order_by("id")
        .first()
    )
    if verdict is None:
        return None
    session = (
        ServiceSession.objects.select_related("home_csp", "visited_cso", "evse", "agreement")
        .filter(pk__in=[verdict.service_session_id])
        .first()
    )
    if session is None:
        return None
    liability = session.agreement.offline_liability if session.authorised == OFFLINE else ""
    ruling = Ruling(
        _decision_of(verdict, session),
        session.home_csp,
        session.authorised,
        session.offline_reason,
        liability,
    )
    return session, ruling


def _decision_of(verdict: JournalEntry, session: ServiceSession) -> Decision:
    """As it was given; without the contract id where the body was erased."""
    body = JournalBody.objects.filter(entry=verdict).first()
    if body is not None:
        try:
            return read_decision(body.content.encode())
        except ValueError:
            pass  # not the home-CSP's own words: the session says the same
    return Decision(
        decision="ACCEPTED",
        authorization_reference=session.authorization_reference,
        csp_session_id=session.csp_session_id,
    )

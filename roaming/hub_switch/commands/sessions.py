"""The session that a command of a home-CSP opens (UC3-2, UC3-8)."""

from __future__ import annotations

from dataclasses import dataclass

from roaming.domain.session import SessionState
from roaming.domain.uuid7 import period_of, uuid7_at
from roaming.hub_switch.deciding import Presented
from roaming.hub_switch.envelope import Envelope
from roaming.hub_switch.route import Route
from roaming.models import Evse, ServiceSession, ServiceSessionPersonalData


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDraft:
    """What a home-CSP says of the session that its command opens. None and empty are the same."""

    evse: Evse
    presented: Presented
    connector_id: str | None
    authorization_reference: str | None
    csp_session_id: str | None
    authorised: str = ""


def open_session(envelope: Envelope, route: Route, draft: SessionDraft) -> ServiceSession:
    """A requested session with its erasable personal data, in the caller's transaction."""
    assert route.visited_cso is not None
    assert route.home_csp is not None
    assert route.agreement is not None
    key = uuid7_at(envelope.now)
    session = ServiceSession.objects.create(
        id=key,
        environment=envelope.environment,
        period=period_of(key),
        pair=route.pair,
        agreement=route.agreement,
        visited_cso=route.visited_cso,
        home_csp=route.home_csp,
        evse=draft.evse,
        connector_id=draft.connector_id or "",
        state=SessionState.REQUESTED.value,
        opened_by=envelope.use_case.code,
        identification_method=draft.presented.method,
        authorised=draft.authorised,
        authorization_reference=draft.authorization_reference or "",
        csp_session_id=draft.csp_session_id or "",
        token_hmac=draft.presented.token_hmac,
        contract_hmac=draft.presented.contract_hmac,
        opened_at=envelope.now,
    )
    ServiceSessionPersonalData.objects.create(
        session=session,
        token_uid=draft.presented.token_uid,
        contract_id=draft.presented.contract_id,
    )
    return session

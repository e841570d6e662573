"""One clean SDR in one statement, which commits itself: its rows, its journal row, its delivery.

It is judged from memory; the statement writes only while the rights stand by which it was judged,
and asks under which agreement its session opened. Whatever is not clean and new, between parties
that are known in memory, writes nothing here and goes the general way (UC3-9, `receive_sdrs`).
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from roaming.domain.receiving import takes
from roaming.domain.refusals import Refusal
from roaming.domain.sdr import SdrMessage
from roaming.hub_switch.envelope import Envelope
from roaming.hub_switch.rights import KnownReceiver, Outdated, known_rights
from roaming.hub_switch.sdr_door import Door, Place
from roaming.hub_switch.sdr_forwarding import PATH, parcel_of
from roaming.hub_switch.sdr_knowledge import remembered_knowledge
from roaming.hub_switch.statements import Statement
from roaming.models.sdr_intake import PARAMETERS, WRITE, IntakeCall, IntakeRow
from roaming.outbox import COLUMNS, values_of

_GIVEN = {
    **PARAMETERS,
    # The agreement that a session opened under governs its SDR, whatever came later.
    "agreement_id": """coalesce((
        SELECT agreement_id FROM roaming_servicesession
        WHERE id = %(service_session_id)s::uuid AND environment = %(environment)s::text
          AND visited_cso_id = ANY(%(held)s::bigint[])), %(agreement_id)s::bigint)""",
}
_KINDS = {
    "receiver_id": "bigint", "message_id": "uuid", "attempts": "integer",
    "created_at": "timestamptz", "due_at": "timestamptz", "deadline": "timestamptz",
}  # fmt: skip
_DELIVERY = {name: f"%(delivery_{name})s::{_KINDS.get(name, 'text')}" for name in COLUMNS}
_SQL = f"""
WITH sdr_intake AS MATERIALIZED (
    SELECT {", ".join(f"{value} AS {name}" for name, value in _GIVEN.items())}
    WHERE (SELECT version FROM roaming_switchversion) = %(version)s::uuid
), {WRITE}, delivery AS (
    INSERT INTO roaming_delivery ({", ".join(_DELIVERY)})
    SELECT {", ".join(_DELIVERY.values())}
    FROM fresh WHERE {_DELIVERY["receiver_id"]} IS NOT NULL
)
SELECT (SELECT count(*) FROM sdr_intake), (SELECT count(*) FROM fresh)
"""  # noqa: S608  names only
_TAKE_IN_ONE = Statement("take_in_one_sdr", _SQL)


def take_in_one(envelope: Envelope, message: SdrMessage, raw: bytes) -> IntakeRow | None:
    """The row of a clean SDR that has been written and committed; None: nothing was written.

    Must be called outside a transaction of the caller's. Raises Outdated.
    """
    known = remembered_knowledge(envelope, message)
    if known is None:
        return None
    try:
        row, findings = Door(envelope, known).admit(Place(0), message, raw)
    except Refusal:
        return None
    if findings or row.home_csp_id is None or row.agreement_id is None:
        return None
    rights = known_rights()
    (home_csp,) = known.home_csps.values()
    receiver = rights.receiver(home_csp, envelope.environment)
    values = {
        **row._asdict(),
        **intake_call(envelope)._asdict(),
        **_delivery(envelope, row, receiver),
        "held": [party.pk for party in known.held.values()],
        "version": rights.version,
    }
    ((stands, fresh),) = _TAKE_IN_ONE.run(values)
    if stands == "0":
        raise Outdated
    if envelope.judgement is not None:
        envelope.judgement.stands = True
    return row if fresh == "1" else None


def _delivery(envelope: Envelope, row: IntakeRow, receiver: KnownReceiver) -> dict[str, Any]:
    """What goes to the home-CSP's platform; no receiver where there is none, or it takes none."""
    if receiver.platform is None or not takes(receiver.paths, PATH):
        return {f"delivery_{name}": None for name in COLUMNS}
    values = values_of(parcel_of(envelope, receiver.platform, row), timezone.now())
    return {f"delivery_{name}": value for name, value in values.items()}


def intake_call(envelope: Envelope) -> IntakeCall:
    """What the rows of a message's SDRs have in common."""
    return IntakeCall(
        environment=envelope.environment,
        sent_by_id=envelope.sender.pk,
        received_at=envelope.now,
        transaction_id=envelope.transaction_id,
        use_case=envelope.use_case.code,
        message_id=envelope.message_id,
        correlation_id=envelope.correlation_id,
        latency_us=envelope.elapsed_us(),
    )

"""What an operator sends for one session: one SDR, or more, at once or late."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from roaming.simulator.billing import Bill, bill
from roaming.simulator.drivers import unknown_identification
from roaming.simulator.mistakes import Mistake
from roaming.simulator.network import Network
from roaming.simulator.planned_session import PlannedSession
from roaming.simulator.sdr_writer import Evidence, write_sdr
from roaming.simulator.wrong_biller import Planted, moved

_INVENTED = uuid.UUID("6f1d9a52-7a4f-4a54-9d0e-0d6d3c1f7a11")
SECOND_TIME = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Submission:
    """An SDR and how long after the end of its session it is sent."""

    sdr: dict[str, Any]
    held_back: timedelta = timedelta(0)


def submissions(
    session: PlannedSession, network: Network, evidence: Evidence, planted: Planted | None = None
) -> list[Submission]:
    """The SDRs of a session, in the order in which they are sent; without `planted` the right one.

    `evidence` is what the switch answered at the start; it is not used for a session that was never
    announced.
    """
    if planted is None:
        return [Submission(_written(bill(session, network), network, evidence))]
    mistake = planted.mistake
    if not mistake.announced:
        return [Submission(_unannounced(session, network, mistake))]
    billed = bill(moved(session, planted.moved_by), network, planted.manner)
    sdr = _written(billed, network, evidence)
    if mistake is Mistake.BILLED_TWICE:
        return [Submission(sdr), Submission(sdr | {"id": f"{sdr['id']}-B"}, SECOND_TIME)]
    return [Submission(sdr, planted.held_back)]


def _written(billed: Bill, network: Network, evidence: Evidence) -> dict[str, Any]:
    operator = network.organisation_by_id[billed.session.cso]
    return write_sdr(billed, evidence, with_tariff=operator.sends_tariff_snapshot)


def _unannounced(session: PlannedSession, network: Network, mistake: Mistake) -> dict[str, Any]:
    """A claim for a session that was never asked for."""
    if mistake is Mistake.UNKNOWN_TOKEN:
        token_uid, contract_id = unknown_identification(session.csp, session.reference)
        session = replace(session, token_uid=token_uid, contract_id=contract_id)
        return _written(bill(session, network), network, Evidence(authorised="OFFLINE"))
    invented = Evidence(
        service_session_id=str(uuid.uuid5(_INVENTED, session.reference)),
        authorization_reference=f"A-{session.reference}",
    )
    return _written(bill(session, network), network, invented)

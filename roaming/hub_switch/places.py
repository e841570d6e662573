"""The EVSE that a home-CSP names, and whose it is now: portfolios are sold, ids stay."""

from __future__ import annotations

from roaming.domain.identifiers import EvseId, IdentifierError
from roaming.domain.refusals import Refusal
from roaming.hub_switch.envelope import Envelope
from roaming.models import Evse, EvseOwnership, OperatorIdentifier


def find_evse(
    envelope: Envelope, evse_id: str, *, removed_too: bool = False
) -> tuple[Evse, OperatorIdentifier]:
    """The EVSE with the visited-CSO that owns it now. Refuses invalid_identifier, unknown_evse.

    `removed_too`: also one that its CSO no longer publishes; a cable may be locked there.
    """
    try:
        key = EvseId.parse(evse_id).key
    except IdentifierError as error:
        raise Refusal("invalid_identifier", str(error), "evse_id") from error
    owners = EvseOwnership.objects.filter(
        evse__environment=envelope.environment, evse__key=key, during__contains=envelope.now
    ).select_related("evse", "visited_cso__operator")
    if not removed_too:
        owners = owners.filter(evse__removed_at=None)
    owner = owners.first()
    if owner is None:
        raise Refusal("unknown_evse", f"No visited-CSO publishes {evse_id}.", "evse_id")
    return owner.evse, owner.visited_cso

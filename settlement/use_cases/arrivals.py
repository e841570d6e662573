"""Which SDRs arrived (6.4.2): gaps in a party's own sequence are told to it.

Accepts: ids of SDRs of a visited-CSO, asked by its platform, or by that of the home-CSP.
Refuses: invalid_identifier, party_not_held.
Leaves behind: nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import NamedTuple

from roaming.domain.identifiers import IdentifierError, OperatorId, ProviderId
from roaming.domain.refusals import Refusal
from roaming.models import OperatorIdentifier, Platform, Sdr, SdrRegistry


class Arrived(NamedTuple):
    """An SDR that arrived."""

    reference: str
    sdr_id: uuid.UUID
    arrival: int
    state: str


def which_arrived(
    platform: Platform, parties: tuple[str, str | None], references: Sequence[str]
) -> tuple[list[Arrived], list[str]]:
    """Those that arrived and those that are missing, in the order of the question.

    `parties`: the visited-CSO; the home-CSP that asks, or None where the visited-CSO does.
    """
    cso, csp = _asking(platform, *parties)
    # A handful of parameters, however many ids there are.
    known = SdrRegistry.objects.filter(
        environment=platform.environment, visited_cso__key=cso, reference__in=list(references)
    ).values("sdr_id")
    rows = Sdr.objects.filter(id__in=known, environment=platform.environment)
    if csp is not None:
        rows = rows.filter(home_csp__key=csp, home_csp__role="CSP")
    found = {
        row[0]: Arrived(*row)
        for row in rows.values_list("reference", "id", "arrival", "standing__state")
    }
    asked = list(dict.fromkeys(references))
    return (
        [found[reference] for reference in asked if reference in found],
        [reference for reference in asked if reference not in found],
    )


def _asking(platform: Platform, visited_cso: str, home_csp: str | None) -> tuple[str, str | None]:
    """The keys of the visited-CSO, and of the home-CSP where it asks."""
    try:
        cso = OperatorId.parse(visited_cso).key
    except IdentifierError as error:
        raise Refusal("invalid_identifier", error.detail, "visited_cso") from error
    try:
        csp = ProviderId.parse(home_csp).key if home_csp else None
    except IdentifierError as error:
        raise Refusal("invalid_identifier", error.detail, "home_csp") from error
    role, key = ("CSP", csp) if csp is not None else ("CSO", cso)
    held = OperatorIdentifier.objects.filter(
        role=role, key=key, held_by__platform=platform, held_by__environment=platform.environment
    )
    if not held.exists():
        name = "home_csp" if csp is not None else "visited_cso"
        raise Refusal("party_not_held", "This platform does not speak for it.", name)
    return cso, csp

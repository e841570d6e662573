"""What the door for SDRs has to know of the parties of a call.

Read for a whole call in a handful of queries, so that ten thousand records cost as many; or, for a
single SDR, taken from what the process keeps in memory (`rights`).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.types.range import Range

from roaming.domain.agreement import Service
from roaming.domain.identifiers import IdentifierError, ProviderId
from roaming.domain.sdr import SdrMessage
from roaming.domain.sdr.reading import key_of, provider_prefix, says_its_zone, session_id_of
from roaming.hub_switch.envelope import Envelope
from roaming.hub_switch.rights import Rights, known_rights
from roaming.models import (
    Agreement,
    OperatorIdentifier,
    OperatorPair,
    Platform,
    PlatformIdentifier,
    Role,
    Site,
)
from roaming.models.sessions import agreements_of_sessions


@dataclass(frozen=True, slots=True)
class Knowledge:
    """The parties by their keys, the pairs of operators and what they agreed, sessions and sites.

    `agreements` of a pair, the one that covers a local start first.
    """

    held: Mapping[str, OperatorIdentifier]
    home_csps: Mapping[str, OperatorIdentifier]
    pairs: Mapping[tuple[int, int], int]
    agreements: Mapping[int, Sequence[tuple[int, Range[datetime]]]]
    session_ids: Mapping[str, uuid.UUID | None]
    session_agreements: Mapping[uuid.UUID, int]
    site_zones: Mapping[str, str]


def read_knowledge(envelope: Envelope, messages: Sequence[SdrMessage]) -> Knowledge:
    """From the database, for a call of any size."""
    rows = PlatformIdentifier.objects.filter(
        platform=envelope.sender, identifier__role="CSO"
    ).select_related("identifier")
    held = {row.identifier.key: row.identifier for row in rows}
    home_csps = _read_home_csps(messages)
    pairs = _read_pairs(held.values(), home_csps.values())
    session_ids = _session_ids(messages)
    return Knowledge(
        held=held,
        home_csps=home_csps,
        pairs=pairs,
        agreements=_read_agreements(envelope.environment, pairs),
        session_ids=session_ids,
        # The agreement that a session opened under governs its SDR, whatever came later.
        session_agreements=agreements_of_sessions(
            [session_id for session_id in session_ids.values() if session_id],
            envelope.environment,
            [identifier.pk for identifier in held.values()],
        ),
        site_zones=_read_site_zones(envelope.environment, messages),
    )


def remembered_knowledge(envelope: Envelope, message: SdrMessage) -> Knowledge | None:
    """From memory, for one SDR; None where that is not enough.

    It does not know under which agreement the session opened: `one_sdr` asks as it writes.
    """
    if message.evse_id and not says_its_zone(message):
        return None  # its site's zone would have to be read
    rights, sender, name = known_rights(), envelope.sender, message.home_csp
    known = rights.derived(
        ("SDRs", sender.pk, name), lambda: _remembered_parties(rights, sender, name)
    )
    if known is None:
        return None
    return Knowledge(
        known.held, known.home_csps, known.pairs, known.agreements, _session_ids([message]), {}, {}
    )


def _remembered_parties(rights: Rights, sender: Platform, home_csp_name: str) -> Knowledge | None:
    try:
        key = ProviderId.parse(home_csp_name).key
    except IdentifierError:
        return None
    held = rights.parties_of(sender, Role.CSO.value)
    home_csp = rights.party(Role.CSP.value, key)
    if home_csp is None:
        return None
    pairs, agreements = {}, {}
    for operator in {identifier.operator_id for identifier in held.values()}:
        known = rights.pair(operator, home_csp.operator_id, sender.environment)
        if known.pair is not None:
            pairs[operator, home_csp.operator_id] = known.pair.pk
            agreements[known.pair.pk] = _in_order(agreement.row for agreement in known.agreements)
    return Knowledge(held, {key: home_csp}, pairs, agreements, {}, {}, {})


def _session_ids(messages: Sequence[SdrMessage]) -> dict[str, uuid.UUID | None]:
    texts = {message.service_session_id for message in messages if message.service_session_id}
    return {text: session_id_of(text) for text in texts}


def _in_order(agreements: Iterable[Agreement]) -> list[tuple[int, Range[datetime]]]:
    """Where several cover a moment, the one that covers a local start comes first."""
    rows = sorted(agreements, key=lambda row: (Service.LOCAL_START not in row.services, row.pk))
    return [(row.pk, row.validity) for row in rows]


def _read_home_csps(messages: Sequence[SdrMessage]) -> dict[str, OperatorIdentifier]:
    keys = set()
    for text in {message.home_csp for message in messages}:
        try:
            keys.add(ProviderId.parse(text).key)
        except IdentifierError:
            continue  # refused with its record
    # Contract ids may name other providers: are they of the same operator?
    keys |= {provider_prefix(m.identification.contract_id) for m in messages}
    rows = OperatorIdentifier.objects.filter(role="CSP", key__in=keys)
    return {row.key: row for row in rows}


def _read_pairs(
    held: Iterable[OperatorIdentifier], home_csps: Iterable[OperatorIdentifier]
) -> dict[tuple[int, int], int]:
    rows = OperatorPair.objects.filter(
        visited_cso__in={identifier.operator_id for identifier in held},
        home_csp__in={identifier.operator_id for identifier in home_csps},
    )
    return {(row.visited_cso_id, row.home_csp_id): row.pk for row in rows}


def _read_agreements(
    environment: str, pairs: Mapping[tuple[int, int], int]
) -> dict[int, list[tuple[int, Range[datetime]]]]:
    found: dict[int, list[Agreement]] = {}
    rows = Agreement.objects.filter(
        environment=environment,
        status__in=Agreement.EVER_IN_FORCE,
        visited_cso__in={cso for cso, _ in pairs},
        home_csp__in={csp for _, csp in pairs},
    ).only("pk", "visited_cso_id", "home_csp_id", "validity", "services")
    for row in rows:
        pair = pairs.get((row.visited_cso_id, row.home_csp_id))
        if pair is not None:
            found.setdefault(pair, []).append(row)
    return {pair: _in_order(agreements) for pair, agreements in found.items()}


def _read_site_zones(environment: str, messages: Sequence[SdrMessage]) -> dict[str, str]:
    """Zones of the sites of those SDRs that name none of their own."""
    keys = {key_of(m.evse_id) for m in messages if m.evse_id and not says_its_zone(m)}
    if not keys:
        return {}
    rows = Site.objects.filter(environment=environment, evses__key__in=keys).values_list(
        "evses__key", "time_zone"
    )
    return dict(rows)

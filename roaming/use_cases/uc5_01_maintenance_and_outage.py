"""UC5-1, maintenance and outage (IEC 63119-2, 8.5): which EVSEs are out of service, from - to.

Accepts: a planned window or an outage, of EVSEs or whole sites; its change, end or cancellation by
the same id with a newer `last_updated`.
Refuses: party_not_held, unknown_evse, invalid_identifier, invalid_field, time_without_offset.
Passes under a suspended agreement, and under an ended one until its SDR window closes.
Leaves behind: the outage with the EVSEs that it affects, a delivery per entitled home-CSP platform
(they say who was told, and when), a journal row. While it is in force, statuses of its EVSEs show
it (UC1-3); no message is refused because of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from roaming.domain.identifiers import EvseId, IdentifierError
from roaming.domain.outage import OutageMessage, OutageState, check_outage
from roaming.domain.refusals import Refusal
from roaming.hub_switch import Envelope, Route, Verdict, held_party, write_verdict
from roaming.models import (
    Evse,
    EvseOwnership,
    JournalEntry,
    OperatorIdentifier,
    Outage,
    Role,
    Site,
)
from roaming.outbox import Parcel, enqueue, entitled_csp_platforms

PATH = "uc5-1/outages"


def receive_outage(envelope: Envelope, message: OutageMessage) -> tuple[Outage, bool]:
    """Stores the outage; returns it, and False where what is stored is as new or newer."""
    owner = held_party(envelope, message.visited_cso, Role.CSO)
    check_outage(message, envelope.now)
    evses = _find_evses(envelope, owner, message.evse_ids)
    evses |= _find_evses_of_sites(envelope, owner, message.site_ids)
    with transaction.atomic():
        outage, taken = _store(envelope, message, owner, evses)
        if taken:
            enqueue(
                Parcel(platform, envelope.use_case.code, PATH, outage.object_key,
                       envelope.body.decode(), envelope.correlation_id)
                for platform, _ in entitled_csp_platforms(
                    owner, envelope.environment, envelope.now, also_ended=True
                )
            )  # fmt: skip
        write_verdict(
            envelope,
            Route(visited_cso=owner),
            Verdict(JournalEntry.Outcome.ACCEPTED),
            object_key=outage.outage_id,
        )
    return outage, taken


def _find_evses(envelope: Envelope, owner: OperatorIdentifier, evse_ids: Sequence[str]) -> set[int]:
    """EVSEs that this CSO owns now, removed ones too: an outage of one may have to be ended."""
    keys = []
    for index, text in enumerate(evse_ids):
        try:
            keys.append(EvseId.parse(text).key)
        except IdentifierError as error:
            raise Refusal("invalid_identifier", str(error), f"evse_ids[{index}]") from error
    ownerships = EvseOwnership.objects.filter(
        evse__environment=envelope.environment,
        evse__key__in=keys,
        visited_cso=owner,
        during__contains=envelope.now,
    )
    owned = {row.evse.key: row.evse.pk for row in ownerships.select_related("evse")}
    for index, key in enumerate(keys):
        if key not in owned:
            raise Refusal(
                "unknown_evse", f"{evse_ids[index][:64]} is not an EVSE of {owner}.",
                f"evse_ids[{index}]",
            )  # fmt: skip
    return set(owned.values())


def _find_evses_of_sites(
    envelope: Envelope, owner: OperatorIdentifier, site_ids: Sequence[str]
) -> set[int]:
    """What stands at these sites at this moment."""
    keys = [text.upper() for text in site_ids]
    rows = Site.objects.filter(
        environment=envelope.environment, visited_cso=owner, key__in=keys, withdrawn_at=None
    )
    sites = {site.key: site.pk for site in rows.only("key")}
    for index, key in enumerate(keys):
        if key not in sites:
            raise Refusal(
                "invalid_field", f"No site {site_ids[index][:48]} of {owner} is known.",
                f"site_ids[{index}]",
            )  # fmt: skip
    here = Evse.objects.filter(site__in=list(sites.values()), removed_at=None)
    return set(here.values_list("pk", flat=True))


def _store(
    envelope: Envelope, message: OutageMessage, owner: OperatorIdentifier, evses: set[int]
) -> tuple[Outage, bool]:
    values = {
        "kind": message.kind.value,
        "state": message.state.value.lower(),
        "starts_at": message.starts_at,
        "ends_at": message.ends_at,
        "description": message.description,
        "body": envelope.body.decode(),
        "last_updated": message.last_updated,
        "received_at": envelope.now,
    }
    outage, created = Outage.objects.select_for_update(of=("self",)).get_or_create(
        environment=envelope.environment,
        visited_cso=owner,
        outage_id=message.id,
        defaults=values,
    )
    if not created and message.last_updated <= outage.last_updated:
        return outage, False
    if not evses and (created or message.state is OutageState.ANNOUNCED):
        raise Refusal("invalid_field", "Name EVSEs, or sites that have some.", "evse_ids")
    for name, value in values.items():
        setattr(outage, name, value)
    outage.save()
    if evses:
        outage.evses.set(evses)
    return outage, True

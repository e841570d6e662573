"""UC1-2, sites information (IEC 63119-2, 8.1): a visited-CSO publishes a site to its home-CSPs.

Accepts: a whole site with its EVSEs and connectors; the newest `last_updated` wins. A withdrawal.
Refuses: party_not_held, unknown_party, invalid_identifier, invalid_field, time_without_offset,
not_found, precondition_failed.
Leaves behind: the site's rows, dated ownership of its EVSEs, a delivery per entitled home-CSP
platform, a journal row.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from django.db import transaction
from psycopg.types.range import TimestamptzRange

from roaming.domain.identifiers import COUNTRIES, EvseId, IdentifierError
from roaming.domain.moments import CLOCK_TOLERANCE, check_moment
from roaming.domain.preconditions import NO_CONDITION, Precondition, entity_tag
from roaming.domain.refusals import Refusal
from roaming.domain.site import EvsePart, SiteMessage, SiteWithdrawal, check_opening_times
from roaming.domain.time_zones import find_zone
from roaming.hub_switch import Envelope, Route, Verdict, held_party, write_verdict
from roaming.hub_switch.individual_tariffs import (
    home_csps_named_in,
    keep_individual_tariffs,
    site_for_platforms,
)
from roaming.models import (
    Connector,
    Evse,
    EvseOwnership,
    JournalEntry,
    OperatorIdentifier,
    Role,
    Site,
)
from roaming.outbox import Parcel, enqueue, entitled_csp_platforms

PATH = "uc1-2/sites"
MOST_POWER_W = 100_000_000


def receive_site(
    envelope: Envelope, message: SiteMessage, precondition: Precondition = NO_CONDITION
) -> tuple[Site, bool]:
    """Stores the site; returns it, and False where what is stored is as new or newer."""
    owner = held_party(envelope, message.visited_cso, Role.CSO)
    _check(message, envelope.now)
    keys = [_evse_key(envelope, part, owner, index) for index, part in enumerate(message.evses)]
    if len(set(keys)) != len(keys):
        raise Refusal("invalid_field", "An EVSE-ID stands in the site twice.", "evses")
    home_csps = home_csps_named_in(message)
    with transaction.atomic():
        site, taken = _store_site(envelope, message, owner, precondition)
        if taken:
            evses = _store_evses(site, owner, message.evses, keys, envelope.now)
            for evse, part in zip(evses, message.evses, strict=True):
                _store_connectors(evse, part, home_csps)
            _deliver(envelope, site, envelope.body)
        _note(envelope, site)
    return site, taken


def withdraw_site(envelope: Envelope, site_id: str, visited_cso: str) -> tuple[Site, bool]:
    """Withdraws a site with its EVSEs; of one that is withdrawn already nothing changes.

    Refuses not_found where this CSO published no such site.
    """
    owner = held_party(envelope, visited_cso, Role.CSO)
    _check_id(site_id)
    with transaction.atomic():
        site = (
            Site.objects.select_for_update(of=("self",))
            .select_related("visited_cso")
            .filter(environment=envelope.environment, visited_cso=owner, key=site_id.upper())
            .first()
        )
        if site is None:
            raise Refusal("not_found", f"No site {site_id} of yours is known.", "site_id")
        taken = site.withdrawn_at is None
        if taken:
            site.withdrawn_at = envelope.now
            site.save(update_fields=["withdrawn_at"])
            site.evses.filter(removed_at=None).update(removed_at=envelope.now)
            notice = SiteWithdrawal(id=site.site_id, visited_cso=owner.identifier)
            _deliver(envelope, site, msgspec.json.encode(notice))
        _note(envelope, site)
    return site, taken


def _deliver(envelope: Envelope, site: Site, body: bytes) -> None:
    """Each home-CSP gets the site without what is for others alone."""
    owner = site.visited_cso
    entitled = entitled_csp_platforms(owner, envelope.environment, envelope.now)
    key = f"site:{owner.key}:{site.key}"
    enqueue(
        Parcel(platform, envelope.use_case.code, PATH, key, shown, envelope.correlation_id)
        for platform, shown in site_for_platforms(body.decode(), [row for row, _ in entitled])
    )


def _note(envelope: Envelope, site: Site) -> None:
    accepted = Verdict(JournalEntry.Outcome.ACCEPTED)
    write_verdict(envelope, Route(visited_cso=site.visited_cso), accepted, object_key=site.key)


def _check(message: SiteMessage, now: datetime) -> None:
    check_moment(message.last_updated, "last_updated")
    if message.last_updated > now + CLOCK_TOLERANCE:
        raise Refusal("invalid_field", "The time lies in the future.", "last_updated")
    if message.country.upper() not in COUNTRIES:
        raise Refusal("invalid_field", "Two letters, ISO 3166-1.", "country")
    if find_zone(message.time_zone) is None:
        raise Refusal("invalid_field", "Not a zone of the tz database.", "time_zone")
    latitude, longitude = message.coordinates.latitude, message.coordinates.longitude
    if not (latitude.is_finite() and -90 <= latitude <= 90):
        raise Refusal("invalid_field", "From -90 to 90 degrees.", "coordinates.latitude")
    if not (longitude.is_finite() and -180 <= longitude <= 180):
        raise Refusal("invalid_field", "From -180 to 180 degrees.", "coordinates.longitude")
    longest = {"name": 255, "address": 200, "city": 100, "postal_code": 20}
    for name, limit in longest.items():
        if len(getattr(message, name)) > limit:
            raise Refusal("invalid_field", f"At most {limit} characters.", name)
    _check_id(message.id)
    if len(message.access) > 60:
        raise Refusal("invalid_field", "At most 60 characters.", "access")
    if message.opening_times is not None:
        check_opening_times(message.opening_times)


def _check_id(site_id: str) -> None:
    if not 1 <= len(site_id) <= 36 or not site_id.isascii() or not site_id.isprintable():
        raise Refusal("invalid_field", "A site id has 1 to 36 printable ASCII characters.", "id")


def _evse_key(envelope: Envelope, part: EvsePart, owner: OperatorIdentifier, index: int) -> str:
    field = f"evses[{index}].evse_id"
    try:
        evse_id = EvseId.parse(part.evse_id)
    except IdentifierError as error:
        raise Refusal("invalid_identifier", str(error), field) from error
    owners = EvseOwnership.objects.filter(
        evse__environment=envelope.environment,
        evse__key=evse_id.key,
        during__contains=envelope.now,
    ).values_list("visited_cso", flat=True)
    # The id's operator counts for a new EVSE only: portfolios are sold, ids stay.
    belongs = owner.pk in owners if owners else evse_id.operator.key == owner.key
    if not belongs:
        raise Refusal("party_not_held", f"{part.evse_id} does not belong to {owner}.", field)
    _check_connectors(part, f"evses[{index}].connectors")
    return evse_id.key


def _check_connectors(part: EvsePart, field: str) -> None:
    ids = [connector.id for connector in part.connectors]
    if len(set(ids)) != len(ids):
        raise Refusal("invalid_field", "A connector id stands in the EVSE twice.", field)
    for connector in part.connectors:
        texts = [connector.id, *connector.tariff_ids]
        if not connector.id or any(len(text) > 36 for text in texts):
            raise Refusal("invalid_field", "Ids have 1 to 36 characters.", field)
        if len(connector.standard) > 40 or len(connector.power_type) > 16:
            raise Refusal("invalid_field", "Not a standard or power type of OCPI.", field)
        power = connector.max_electric_power
        if power is not None and not 0 <= power <= MOST_POWER_W:
            raise Refusal("invalid_field", "A power in W, 0 or more.", field)
    if any(len(method) > 12 for method in part.authentication_methods):
        raise Refusal("invalid_field", "At most 12 characters a method.", field)


def _store_site(
    envelope: Envelope,
    message: SiteMessage,
    owner: OperatorIdentifier,
    precondition: Precondition,
) -> tuple[Site, bool]:
    key = message.id.upper()
    values = {
        "site_id": message.id,
        "name": message.name,
        "address": message.address,
        "city": message.city,
        "postal_code": message.postal_code,
        "country": message.country.upper(),
        "latitude": round(message.coordinates.latitude, 6),
        "longitude": round(message.coordinates.longitude, 6),
        "time_zone": message.time_zone,
        "body": envelope.body.decode(),
        "last_updated": message.last_updated,
        "received_at": envelope.now,
    }
    site, created = Site.objects.select_for_update().get_or_create(
        environment=envelope.environment, visited_cso=owner, key=key, defaults=values
    )
    precondition.check(None if created or site.withdrawn_at else entity_tag(site.body))
    if not created:
        if message.last_updated <= site.last_updated:
            return site, False
        for name, value in values.items():
            setattr(site, name, value)
        site.withdrawn_at = None
        site.save()
    return site, True


def _store_evses(
    site: Site, owner: OperatorIdentifier, parts: list[EvsePart], keys: list[str], now: datetime
) -> list[Evse]:
    site.evses.exclude(key__in=keys).filter(removed_at=None).update(removed_at=now)
    evses = []
    for part, key in zip(parts, keys, strict=True):
        evse, created = Evse.objects.update_or_create(
            environment=site.environment,
            key=key,
            defaults={
                "site": site,
                "evse_id": part.evse_id,
                "authentication_methods": part.authentication_methods,
                "removed_at": None,
            },
        )
        if created:
            EvseOwnership.objects.create(
                evse=evse, visited_cso=owner, during=TimestamptzRange(now, None)
            )
        evses.append(evse)
    return evses


def _store_connectors(evse: Evse, part: EvsePart, home_csps: dict[str, OperatorIdentifier]) -> None:
    """Anew, as the message has them."""
    evse.connectors.all().delete()
    rows = Connector.objects.bulk_create(
        Connector(
            evse=evse,
            connector_id=connector.id,
            standard=connector.standard,
            power_type=connector.power_type,
            max_power_w=connector.max_electric_power,
            tariff_ids=connector.tariff_ids,
        )
        for connector in part.connectors
    )
    keep_individual_tariffs(zip(rows, part.connectors, strict=True), home_csps)

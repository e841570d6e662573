"""Tariffs of connectors for single home-CSPs: kept apart, and shown to nobody else (UC1-2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from roaming.domain.refusals import Refusal
from roaming.domain.site import ConnectorPart, SiteMessage
from roaming.domain.site_sharing import (
    check_individual_tariffs,
    home_csp_key,
    individual_tariffs,
    site_shown_to,
)
from roaming.models import (
    Connector,
    ConnectorTariffs,
    OperatorIdentifier,
    Platform,
    PlatformIdentifier,
    Role,
)


def home_csps_named_in(message: SiteMessage) -> dict[str, OperatorIdentifier]:
    """The home-CSPs that have tariffs of their own there, by key. Refuses unknown_party."""
    check_individual_tariffs(message)
    places = {home_csp_key(entry.home_csp): place for place, entry in individual_tariffs(message)}
    rows = OperatorIdentifier.objects.filter(role=Role.CSP, key__in=places) if places else ()
    known = {row.key: row for row in rows}
    for key, place in places.items():
        if key not in known:
            raise Refusal("unknown_party", f"No home-CSP is known as {key}.", f"{place}.home_csp")
    return known


def keep_individual_tariffs(
    connectors: Iterable[tuple[Connector, ConnectorPart]],
    home_csps: Mapping[str, OperatorIdentifier],
) -> None:
    """Leaves a row per connector and home-CSP; the connectors are new."""
    rows = [
        ConnectorTariffs(
            connector=connector,
            home_csp=home_csps[home_csp_key(entry.home_csp)],
            tariff_ids=entry.tariff_ids,
        )
        for connector, part in connectors
        for entry in part.tariffs_for
    ]
    if rows:
        ConnectorTariffs.objects.bulk_create(rows)


def site_for_platforms(body: str, platforms: Sequence[Platform]) -> list[tuple[Platform, str]]:
    """Each platform with the site as it may see it."""
    held: dict[int, set[str]] = {platform.pk: set() for platform in platforms}
    rows = PlatformIdentifier.objects.filter(platform__in=held, identifier__role=Role.CSP)
    for platform_id, key in rows.values_list("platform_id", "identifier__key"):
        held[platform_id].add(key)
    return [(platform, site_shown_to(body, held[platform.pk])) for platform in platforms]

"""Named queries: which tariff versions are in force at a moment, and what a connector carries.

The rule itself is `roaming.domain.tariff.versions`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Prefetch, Q

from roaming.domain.tariff import Asked, Version, in_force
from roaming.models.network import Connector, ConnectorTariffs, Evse
from roaming.models.operators import OperatorIdentifier
from roaming.models.tariffs import TariffVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose tariffs, for which home-CSP (None: for all), at which moment, as known at another."""

    environment: str
    visited_cso: OperatorIdentifier
    home_csp: OperatorIdentifier | None
    at: datetime
    known_at: datetime
    notice: timedelta


@dataclass(frozen=True, slots=True)
class ConnectorInForce:
    """A connector with its tariff ids for one home-CSP."""

    connector_id: str
    tariff_ids: list[str]


def versions_in_force(scope: Scope, names: Collection[str] | None = None) -> list[TariffVersion]:
    """The version in force of each tariff (of these ids only), in the order of the ids.

    Bodies are read of those that are in force alone.
    """
    rows = (
        TariffVersion.objects.filter(
            Q(home_csp=None) | Q(home_csp=scope.home_csp),
            environment=scope.environment,
            visited_cso=scope.visited_cso,
            valid_from__lte=scope.at,
            received_at__lte=min(scope.at, scope.known_at),
        )
        .defer("body")
        .iterator(chunk_size=2_000)
    )
    keys = None if names is None else {name.casefold() for name in names}
    by_tariff: dict[str, list[Version]] = {}
    for row in rows:
        key = row.tariff_id.casefold()
        if keys is None or key in keys:
            by_tariff.setdefault(key, []).append(_version(row))
    csp = scope.home_csp.pk if scope.home_csp is not None else None
    asked = Asked(scope.visited_cso.pk, csp, scope.at, scope.notice)
    chosen = (in_force(versions, asked) for versions in by_tariff.values())
    found = TariffVersion.objects.filter(pk__in=[v.version_id for v in chosen if v is not None])
    return list(found.select_related("visited_cso", "home_csp").order_by("tariff_id"))


def connectors_of(
    evse: Evse, home_csp: OperatorIdentifier | None, connector_id: str | None = None
) -> list[ConnectorInForce]:
    """The EVSE's connectors (or one of them), each with the tariff ids for this home-CSP."""
    individual = Prefetch("individual_tariffs", ConnectorTariffs.objects.filter(home_csp=home_csp))
    rows = Connector.objects.filter(evse=evse).order_by("connector_id")
    if connector_id:
        rows = rows.filter(connector_id=connector_id)
    found = []
    for row in rows.prefetch_related(individual):
        own = list(row.individual_tariffs.all())
        found.append(ConnectorInForce(row.connector_id, (own[0] if own else row).tariff_ids))
    return found


def _version(row: TariffVersion) -> Version:
    return Version(
        version_id=row.pk,
        visited_cso_id=row.visited_cso_id,
        home_csp_id=row.home_csp_id,
        tariff_id=row.tariff_id,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        received_at=row.received_at,
        withdrawn=row.withdrawn,
        body="",
        on_request=row.on_request,
    )

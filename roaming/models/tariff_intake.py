"""Keeping tariff versions: one announcement of a CSO after the other, none twice (UC2-1, UC2-2)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from roaming.domain.tariff.announcement import TariffAnnouncement
from roaming.models.operators import OperatorIdentifier
from roaming.models.tariffs import TariffVersion

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """Whose tariffs, for whom, in which environment, and when we were told."""

    visited_cso: OperatorIdentifier
    home_csp: OperatorIdentifier | None
    environment: str
    received_at: datetime
    on_request: bool = False


def lock_announcements(visited_cso: OperatorIdentifier) -> None:
    """One announcement of a CSO after the other, so that "the latest" means something."""
    OperatorIdentifier.objects.select_for_update().get(pk=visited_cso.pk)


def latest_version(source: Announced, tariff_id: str) -> TariffVersion | None:
    """What was told last of this tariff, in the same way and for the same home-CSPs."""
    same_way = _of_tariff(source, tariff_id).filter(on_request=source.on_request)
    return same_way.order_by("-received_at", "-id").first()


def keep_version(source: Announced, announced: TariffAnnouncement) -> tuple[TariffVersion, bool]:
    """Keeps a version; returns it, and False where it is the one that was told last.

    The caller holds `lock_announcements`.
    """
    digest = hashlib.sha256(announced.body.encode()).digest()
    latest = latest_version(source, announced.tariff_id)
    if latest is not None and _same(latest, announced, digest):
        return latest, False
    # Two versions at one instant of the clock still come one after the other.
    newest = _of_tariff(source, announced.tariff_id).order_by("-received_at").first()
    received_at = source.received_at
    if newest is not None:
        received_at = max(received_at, newest.received_at + _TICK)
    version = TariffVersion.objects.create(
        environment=source.environment,
        visited_cso=source.visited_cso,
        home_csp=source.home_csp,
        tariff_id=announced.tariff_id,
        currency=announced.currency,
        valid_from=announced.valid_from,
        valid_to=announced.valid_to,
        received_at=received_at,
        withdrawn=not announced.body,
        on_request=source.on_request,
        body=announced.body,
        body_sha256=digest,
    )
    return version, True


def _of_tariff(source: Announced, tariff_id: str) -> QuerySet[TariffVersion]:
    return TariffVersion.objects.filter(
        environment=source.environment,
        visited_cso=source.visited_cso,
        home_csp=source.home_csp,
        tariff_id=tariff_id,
    )


def _same(latest: TariffVersion, announced: TariffAnnouncement, digest: bytes) -> bool:
    return (
        bytes(latest.body_sha256) == digest
        and latest.withdrawn == (not announced.body)
        and latest.valid_from == announced.valid_from
        and latest.valid_to == announced.valid_to
    )

"""UC2-1, inform home-CSP on tariff (IEC 63119-2, 8.2): for all, or for one home-CSP.

Accepts: a tariff in OCPI's vocabulary with `valid_from`, now or later; a withdrawal.
Refuses: party_not_held, unknown_party, invalid_identifier, invalid_field, time_without_offset,
precondition_failed.
Leaves behind: an immutable version with the moment we were told, a delivery per entitled home-CSP
platform (or for the one it is for), a journal row. The same version again changes nothing.
"""

from __future__ import annotations

import msgspec
from django.db import transaction

from roaming.domain.preconditions import NO_CONDITION, Precondition, entity_tag
from roaming.domain.refusals import Refusal
from roaming.domain.tariff.announcement import (
    TariffAnnouncement,
    check_announcement,
    check_tariff_id,
)
from roaming.hub_switch import Envelope, Route, Verdict, held_party, known_party, write_verdict
from roaming.models import JournalEntry, OperatorIdentifier, Platform, Role, TariffVersion
from roaming.models.tariff_intake import (
    Announced,
    keep_version,
    latest_version,
    lock_announcements,
)
from roaming.outbox import Parcel, enqueue, entitled_csp_platforms, platform_of

PATH = "uc2-1/tariffs"


def receive_tariff(
    envelope: Envelope, announced: TariffAnnouncement, precondition: Precondition = NO_CONDITION
) -> tuple[TariffVersion, bool]:
    """Stores the version; returns it, and False where it is the one that is already stored."""
    source = _source(envelope, announced.visited_cso, announced.home_csp)
    check_announcement(announced)
    with transaction.atomic():
        lock_announcements(source.visited_cso)
        latest = latest_version(source, announced.tariff_id)
        stands = latest is not None and not latest.withdrawn
        precondition.check(entity_tag(latest.body) if latest and stands else None)
        return _keep(envelope, source, announced)


def withdraw_tariff(
    envelope: Envelope, tariff_id: str, visited_cso: str, home_csp: str | None
) -> tuple[TariffVersion, bool]:
    """Withdraws a tariff from now on, with what was announced of it for later.

    Of one that is withdrawn already nothing changes. Refuses not_found where this CSO announced no
    such tariff (for this home-CSP, or for all).
    """
    check_tariff_id(tariff_id)
    source = _source(envelope, visited_cso, home_csp)
    with transaction.atomic():
        lock_announcements(source.visited_cso)
        latest = latest_version(source, tariff_id)
        if latest is None:
            raise Refusal("not_found", f"No tariff {tariff_id} of yours is known.", "tariff_id")
        announced = TariffAnnouncement(
            tariff_id=tariff_id,
            visited_cso=visited_cso,
            home_csp=home_csp,
            currency=latest.currency,
            valid_from=latest.valid_from if latest.withdrawn else envelope.now,
            valid_to=None,
            body="",
        )
        return _keep(envelope, source, announced)


def _source(envelope: Envelope, visited_cso: str, home_csp: str | None) -> Announced:
    return Announced(
        visited_cso=held_party(envelope, visited_cso, Role.CSO),
        home_csp=known_party(home_csp, Role.CSP) if home_csp else None,
        environment=envelope.environment,
        received_at=envelope.now,
    )


def _keep(
    envelope: Envelope, source: Announced, announced: TariffAnnouncement
) -> tuple[TariffVersion, bool]:
    version, new = keep_version(source, announced)
    if new:
        key = f"tariff:{source.visited_cso.key}:{announced.tariff_id}"
        body = envelope.body.decode() or _withdrawal(announced)
        enqueue(
            Parcel(platform, envelope.use_case.code, PATH, key, body, envelope.correlation_id)
            for platform in _receivers(envelope, source.visited_cso, source.home_csp)
        )
    write_verdict(
        envelope,
        Route(visited_cso=source.visited_cso, home_csp=source.home_csp),
        Verdict(JournalEntry.Outcome.ACCEPTED),
        object_key=announced.tariff_id,
    )
    return version, new


def _receivers(
    envelope: Envelope, owner: OperatorIdentifier, home_csp: OperatorIdentifier | None
) -> list[Platform]:
    entitled = [
        platform
        for platform, _ in entitled_csp_platforms(owner, envelope.environment, envelope.now)
    ]
    if home_csp is None:
        return entitled
    only = platform_of(home_csp, envelope.environment)
    return [only] if only in entitled else []


def _withdrawal(announced: TariffAnnouncement) -> str:
    content = {
        "id": announced.tariff_id,
        "visited_cso": announced.visited_cso,
        "home_csp": announced.home_csp,
        "valid_from": announced.valid_from.isoformat(),
        "withdrawn": True,
    }
    return msgspec.json.encode(content).decode()

"""UC2-1, inform home-CSP on tariff (IEC 63119-2, 8.2): for all, or for one home-CSP.

Accepts: a tariff in OCPI's vocabulary with `valid_from`; a withdrawal.
Refuses: party_not_held, unknown_party, invalid_identifier, invalid_field, time_without_offset.
Leaves behind: an immutable version with the moment we were told, a delivery per entitled home-CSP
platform (or for the one it is for), a journal row. The same version again changes nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from django.db import transaction

from roaming.domain.moments import check_moment
from roaming.domain.refusals import Refusal
from roaming.hub_switch import Envelope, Route, Verdict, held_party, known_party, write_verdict
from roaming.models import JournalEntry, OperatorIdentifier, Platform, Role, TariffVersion
from roaming.outbox import Parcel, enqueue, entitled_csp_platforms, platform_of

PATH = "uc2-1/tariffs"
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class TariffAnnouncement:
    """What surrounds the tariff itself. `body` is the message as received; empty: withdrawn."""

    tariff_id: str
    visited_cso: str
    home_csp: str | None
    currency: str
    valid_from: datetime
    valid_to: datetime | None
    body: str


def receive_tariff(envelope: Envelope, announced: TariffAnnouncement) -> tuple[TariffVersion, bool]:
    """Stores the version; returns it, and False where it is the one that is already stored."""
    owner = held_party(envelope, announced.visited_cso, Role.CSO)
    home_csp = known_party(announced.home_csp, Role.CSP) if announced.home_csp else None
    _check(announced)
    digest = hashlib.sha256(announced.body.encode()).digest()
    with transaction.atomic():
        # One announcement of a CSO after the other, so that "the latest" means something.
        OperatorIdentifier.objects.select_for_update().get(pk=owner.pk)
        latest = (
            TariffVersion.objects.filter(
                environment=envelope.environment,
                visited_cso=owner,
                home_csp=home_csp,
                tariff_id=announced.tariff_id,
            )
            .order_by("-received_at", "-id")
            .first()
        )
        stored = latest is not None and _same(latest, announced, digest)
        version = latest
        if not stored or version is None:
            # Two versions at one instant of the clock still come one after the other.
            received_at = envelope.now
            if latest is not None:
                received_at = max(received_at, latest.received_at + _TICK)
            version = _store(envelope, announced, (owner, home_csp), digest, received_at)
        if not stored:
            enqueue(
                Parcel(platform, envelope.use_case.code, PATH,
                       f"tariff:{owner.key}:{announced.tariff_id}",
                       envelope.body.decode() or _withdrawal(announced), envelope.correlation_id)
                for platform in _receivers(envelope, owner, home_csp)
            )  # fmt: skip
        write_verdict(
            envelope,
            Route(visited_cso=owner, home_csp=home_csp),
            Verdict(JournalEntry.Outcome.ACCEPTED),
            object_key=announced.tariff_id,
        )
    return version, not stored


def _check(announced: TariffAnnouncement) -> None:
    check_tariff_id(announced.tariff_id)
    if len(announced.currency) != 3 or not announced.currency.isupper():
        raise Refusal("invalid_field", "Three capital letters, ISO 4217.", "currency")
    for name in ("valid_from", "valid_to"):
        moment: datetime | None = getattr(announced, name)
        if moment is not None:
            check_moment(moment, name)
    if announced.valid_to is not None and announced.valid_to <= announced.valid_from:
        raise Refusal("invalid_field", "valid_to must lie after valid_from.", "valid_to")


def _same(latest: TariffVersion, announced: TariffAnnouncement, digest: bytes) -> bool:
    return (
        bytes(latest.body_sha256) == digest
        and latest.withdrawn == (not announced.body)
        and latest.valid_from == announced.valid_from
        and latest.valid_to == announced.valid_to
    )


def _store(
    envelope: Envelope,
    announced: TariffAnnouncement,
    parties: tuple[OperatorIdentifier, OperatorIdentifier | None],
    digest: bytes,
    received_at: datetime,
) -> TariffVersion:
    return TariffVersion.objects.create(
        environment=envelope.environment,
        visited_cso=parties[0],
        home_csp=parties[1],
        tariff_id=announced.tariff_id,
        currency=announced.currency,
        valid_from=announced.valid_from,
        valid_to=announced.valid_to,
        received_at=received_at,
        withdrawn=not announced.body,
        body=announced.body,
        body_sha256=digest,
    )


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
        "withdrawn": True,
    }
    return msgspec.json.encode(content).decode()


def check_tariff_id(tariff_id: str) -> None:
    """Refuses what is no id: 1 to 36 printable characters of ASCII."""
    fine = tariff_id.isascii() and tariff_id.isprintable()
    if not fine or not 1 <= len(tariff_id) <= 36:
        raise Refusal("invalid_field", "A tariff id has 1 to 36 printable characters.", "id")


def withdraw_tariff(
    envelope: Envelope, tariff_id: str, visited_cso: str, home_csp: str | None
) -> tuple[TariffVersion, bool]:
    """Withdraws a tariff from now on; of one that is withdrawn already nothing changes.

    Refuses not_found where this CSO announced no such tariff (for this home-CSP, or for all).
    """
    check_tariff_id(tariff_id)
    owner = held_party(envelope, visited_cso, Role.CSO)
    only_for = known_party(home_csp, Role.CSP) if home_csp else None
    latest = (
        TariffVersion.objects.filter(
            environment=envelope.environment,
            visited_cso=owner,
            home_csp=only_for,
            tariff_id=tariff_id,
        )
        .order_by("-received_at", "-id")
        .first()
    )
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
    return receive_tariff(envelope, announced)

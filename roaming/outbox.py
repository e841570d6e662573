"""Handing over outgoing messages: a use case leaves rows here, the worker carries them (6.4.1)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from roaming.domain.receiving import takes
from roaming.models import (
    Agreement,
    Delivery,
    Environment,
    OperatorIdentifier,
    Platform,
    RoamingEndpoint,
)


@dataclass(frozen=True, slots=True)
class Parcel:
    """One stored message for one platform. `object_key` names what is kept in order."""

    receiver: Platform
    use_case: str
    path: str
    object_key: str
    body: str
    correlation_id: str


_COLUMNS = (
    "receiver_id", "environment", "use_case", "path", "object_key", "message_id",
    "correlation_id", "body", "state", "attempts", "created_at", "due_at", "deadline",
    "last_error", "answer",
)  # fmt: skip
_COPY = f"COPY roaming_delivery ({', '.join(_COLUMNS)}) FROM STDIN"


def enqueue(parcels: Iterable[Parcel]) -> None:
    """Leaves the parcels as rows, in the caller's transaction. COPY: bodies may be megabytes.

    A platform that said at its registration what it takes is sent nothing else.
    """
    drafts = [_draft(parcel, timezone.now()) for parcel in _taken(list(parcels))]
    if not drafts:
        return
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for draft in drafts:
            copy.write_row([getattr(draft, name) for name in _COLUMNS])


def enqueue_leased(parcel: Parcel, lease_s: float) -> Delivery | None:
    """Leaves a parcel that the caller means to carry itself at once; None: it is not taken there.

    Until the lease ends no worker takes it; if the caller dies, a worker does.
    """
    if not _taken([parcel]):
        return None
    now = timezone.now()
    delivery = _draft(parcel, now)
    delivery.leased_until = now + timedelta(seconds=lease_s)
    delivery.save(force_insert=True)
    return delivery


def _taken(parcels: list[Parcel]) -> list[Parcel]:
    """Without those whose receiver said that it does not take their path."""
    said = dict(
        RoamingEndpoint.objects.filter(platform__in={parcel.receiver.pk for parcel in parcels})
        .exclude(paths=[])
        .values_list("platform_id", "paths")
    )
    return [parcel for parcel in parcels if takes(said.get(parcel.receiver.pk, ()), parcel.path)]


def _draft(parcel: Parcel, now: datetime) -> Delivery:
    return Delivery(
        receiver=parcel.receiver,
        environment=parcel.receiver.environment,
        use_case=parcel.use_case,
        path=parcel.path,
        object_key=parcel.object_key,
        message_id=uuid.uuid4(),
        correlation_id=parcel.correlation_id,
        body=parcel.body,
        state=Delivery.State.WAITING.value,
        created_at=now,
        due_at=now,
        deadline=now + timedelta(hours=settings.DELIVERY_DEADLINE_HOURS),
    )


def platform_of(identifier: OperatorIdentifier, environment: str) -> Platform | None:
    """The platform that speaks for a party in an environment, or None where none does."""
    return Platform.objects.filter(
        held_identifiers__identifier=identifier, environment=environment
    ).first()


def entitled_csp_platforms(
    visited_cso: OperatorIdentifier, environment: str, now: datetime
) -> list[tuple[Platform, str]]:
    """Platforms of the home-CSPs that have an agreement with this CSO now, each with one party.

    A suspended agreement still informs: running sessions need sites and tariffs.
    """
    rows = (
        Platform.objects.filter(
            environment=environment,
            held_identifiers__identifier__role="CSP",
            held_identifiers__identifier__operator__agreements_as_csp__in=Agreement.objects.filter(
                visited_cso=visited_cso.operator_id,
                environment=Environment(environment),
                validity__contains=now,
                status__in=[Agreement.Status.ACTIVE, Agreement.Status.SUSPENDED],
            ),
        )
        .order_by("id", "held_identifiers__identifier__identifier")
        .distinct("id")
        .values_list("id", "held_identifiers__identifier__identifier")
    )
    found = dict(rows)
    platforms = Platform.objects.in_bulk(list(found))
    return [(platforms[pk], found[pk]) for pk in sorted(found)]

"""Handing over outgoing messages: a use case leaves rows here, the worker carries them (6.4.1)."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

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


@dataclass(slots=True)
class Waited:
    """What waited about an object until it was taken back: bodies, oldest first, and tries."""

    bodies: list[str] = field(default_factory=list)
    attempts: int = 0
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Parcel:
    """One stored message for one platform. `object_key` names what is kept in order.

    `waited` is what it replaces: it is tried no earlier than that would have been, so that a
    receiver that is away is not tried at each new message.
    """

    receiver: Platform
    use_case: str
    path: str
    object_key: str
    body: str
    correlation_id: str
    waited: Waited | None = None


COLUMNS = (
    "receiver_id", "environment", "use_case", "path", "object_key", "message_id",
    "correlation_id", "body", "state", "attempts", "created_at", "due_at", "deadline",
    "last_error", "answer",
)  # fmt: skip
_COPY = f"COPY roaming_delivery ({', '.join(COLUMNS)}) FROM STDIN"


def enqueue(parcels: Iterable[Parcel]) -> None:
    """Leaves the parcels as rows, in the caller's transaction. COPY: bodies may be megabytes.

    A platform that said at its registration what it takes is sent nothing else.
    """
    rows = [values_of(parcel, timezone.now()) for parcel in _taken(list(parcels))]
    if not rows:
        return
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for row in rows:
            copy.write_row(list(row.values()))


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


# What is on its way at this moment is left alone; a newer message follows it.
_TAKE_BACK = """
    WITH old AS MATERIALIZED (
        SELECT id, receiver_id, object_key, body, attempts, due_at
        FROM roaming_delivery
        JOIN unnest(%s::bigint[], %s::text[]) AS wanted (receiver, key)
          ON receiver_id = wanted.receiver AND object_key = wanted.key
        WHERE state = 'waiting' AND (leased_until IS NULL OR leased_until < %s)
          AND (%s::text IS NULL OR path = %s)
        FOR UPDATE OF roaming_delivery SKIP LOCKED
    ), replaced AS (
        UPDATE roaming_delivery SET state = 'replaced', leased_until = NULL, body = ''
        FROM old WHERE roaming_delivery.id = old.id
    )
    SELECT receiver_id, object_key, body, attempts, due_at FROM old ORDER BY id
"""


def take_back(
    objects: Collection[tuple[int, str]], path: str | None = None
) -> dict[tuple[int, str], Waited]:
    """Takes back what waits for (receiver, object key), so that something newer can replace it.

    With `path` only what goes there: other news of the object are not told by it.

    In the caller's transaction, and under a lock of the object: two that do this at once would
    enqueue what they took in the wrong order.
    """
    receivers, keys = [pk for pk, _ in objects], [key for _, key in objects]
    found: defaultdict[tuple[int, str], Waited] = defaultdict(Waited)
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_BACK, [receivers, keys, timezone.now(), path, path])
        for receiver, key, body, attempts, due_at in cursor.fetchall():
            waited = found[receiver, key]
            waited.bodies.append(body)
            if attempts:
                waited.attempts = max(waited.attempts, attempts)
                waited.due_at = max(waited.due_at or due_at, due_at)
    return dict(found)


def _taken(parcels: list[Parcel]) -> list[Parcel]:
    """Without those whose receiver said that it does not take their path."""
    said = dict(
        RoamingEndpoint.objects.filter(platform__in={parcel.receiver.pk for parcel in parcels})
        .exclude(paths=[])
        .values_list("platform_id", "paths")
    )
    return [parcel for parcel in parcels if takes(said.get(parcel.receiver.pk, ()), parcel.path)]


def enqueue_newest(parcel: Parcel, lease_s: float = 0) -> Delivery | None:
    """Leaves a parcel in the place of older ones about the same object and path that still wait.

    For what is news only until something newer comes. The newest has a row of its own, which
    nothing but a newer one ever touches: it is handed over at least once. It waits as long as the
    one that it replaces would have: a receiver that is away is not tried at each message.

    With `lease_s` the caller means to carry it itself at once, and may where `leased_until` is set;
    where an older one is on its way the new one waits its turn. The caller holds the object's lock.
    None: it is not taken there.
    """
    if not _taken([parcel]):
        return None
    now = timezone.now()
    place = (parcel.receiver.pk, parcel.object_key)
    waited = take_back([place], parcel.path).get(place)
    delivery = _draft(replace(parcel, waited=None if lease_s else waited), now)
    under_way = Delivery.objects.filter(
        receiver=parcel.receiver, object_key=parcel.object_key, state=Delivery.State.WAITING
    )
    if lease_s and not under_way.exists():
        delivery.leased_until = now + timedelta(seconds=lease_s)
    delivery.save(force_insert=True)
    return delivery


def _draft(parcel: Parcel, now: datetime) -> Delivery:
    return Delivery(**values_of(parcel, now))


def values_of(parcel: Parcel, now: datetime) -> dict[str, Any]:
    """The row that a parcel becomes, by the names of COLUMNS and in their order."""
    waited = parcel.waited or Waited()
    return {
        "receiver_id": parcel.receiver.pk,
        "environment": parcel.receiver.environment,
        "use_case": parcel.use_case,
        "path": parcel.path,
        "object_key": parcel.object_key,
        "message_id": uuid.uuid4(),
        "correlation_id": parcel.correlation_id,
        "body": parcel.body,
        "state": Delivery.State.WAITING.value,
        "attempts": waited.attempts,
        "created_at": now,
        "due_at": max(now, waited.due_at or now),
        "deadline": now + timedelta(hours=settings.DELIVERY_DEADLINE_HOURS),
        "last_error": "",
        "answer": "",
    }


def has_arrived(object_key: str) -> bool:
    """Whether the newest message about an object has been taken by its receiver."""
    newest = Delivery.objects.filter(object_key=object_key).order_by("-id").first()
    return newest is not None and newest.state == Delivery.State.DELIVERED


def platform_of(identifier: OperatorIdentifier, environment: str) -> Platform | None:
    """The platform that speaks for a party in an environment, or None where none does."""
    return Platform.objects.filter(
        held_identifiers__identifier=identifier, environment=environment
    ).first()


def entitled_csp_platforms(
    visited_cso: OperatorIdentifier, environment: str, now: datetime, *, also_ended: bool = False
) -> list[tuple[Platform, str]]:
    """Platforms of the home-CSPs that have an agreement with this CSO now, each with one party.

    A suspended agreement still informs: running sessions need sites and tariffs. With `also_ended`
    those of agreements that ended count too, until their SDR window closes.
    """
    agreements = Agreement.objects.filter(
        visited_cso=visited_cso.operator_id, environment=Environment(environment)
    )
    agreements = agreements.still_settling(now) if also_ended else agreements.informing(now)
    rows = (
        Platform.objects.filter(
            environment=environment,
            held_identifiers__identifier__role="CSP",
            held_identifiers__identifier__operator__agreements_as_csp__in=agreements,
        )
        .order_by("id", "held_identifiers__identifier__identifier")
        .distinct("id")
        .values_list("id", "held_identifiers__identifier__identifier")
    )
    found = dict(rows)
    platforms = Platform.objects.in_bulk(list(found))
    return [(platforms[pk], found[pk]) for pk in sorted(found)]

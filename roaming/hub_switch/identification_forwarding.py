"""Passing distributed identifications on to the visited-CSOs that may rely on them (UC4-2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec
from django.db.models import QuerySet

from roaming.domain.agreement import SERVICE_NEEDED
from roaming.domain.use_case import UseCase
from roaming.hub_switch.envelope import Envelope
from roaming.models import (
    Agreement,
    AgreementSuspension,
    Operator,
    OperatorIdentifier,
    Platform,
    Role,
)
from roaming.outbox import Parcel, enqueue

PATH = "uc4-2/identifications"
PER_MESSAGE, BYTES_PER_MESSAGE = 1_000, 500_000
_STOPPED = (Operator.Status.SUSPENDED, Operator.Status.ENDED)


def forward_identifications(
    envelope: Envelope,
    home_csp: OperatorIdentifier,
    scope: Literal["full", "delta"],
    entries: Iterable[str],
) -> None:
    """Leaves deliveries in order, up to 1,000 entries in each, for every entitled platform."""
    platforms = list(entitled_cso_platforms(envelope, home_csp))
    if not platforms:
        return
    lots = list(_lots(entries)) or [[]]  # an empty list is news too: nothing is left
    parcels = []
    for part, lot in enumerate(lots, start=1):
        message = {
            "home_csp": home_csp.identifier,
            "scope": scope,
            "list_id": envelope.transaction_id,
            "part": part,
            "parts": len(lots),
            "identifications": [msgspec.Raw(entry.encode()) for entry in lot],
        }
        body = msgspec.json.encode(message).decode()
        parcels += [
            Parcel(
                platform,
                envelope.use_case.code,
                PATH,
                f"identifications:{home_csp.key}",
                body,
                envelope.correlation_id,
            )
            for platform in platforms
        ]
    enqueue(parcels)


def _lots(entries: Iterable[str]) -> Iterator[list[str]]:
    """At most 1,000 entries and about half a megabyte each."""
    lot: list[str] = []
    size = 0
    for entry in entries:
        if lot and (len(lot) == PER_MESSAGE or size + len(entry) > BYTES_PER_MESSAGE):
            yield lot
            lot, size = [], 0
        lot.append(entry)
        size += len(entry)
    if lot:
        yield lot


def entitled_cso_platforms(envelope: Envelope, home_csp: OperatorIdentifier) -> QuerySet[Platform]:
    """Platforms of the CSOs whose agreement with this home-CSP covers offline identification now.

    A suspended agreement brings no data: it is for starts to come. Who is entitled again reads what
    it missed (GET identifications).
    """
    agreements = Agreement.objects.filter(
        home_csp=home_csp.operator_id,
        environment=envelope.environment,
        status=Agreement.Status.ACTIVE,
        validity__contains=envelope.now,
        services__contains=[SERVICE_NEEDED[UseCase.UC4_2].value],
    ).exclude(suspensions__in=AgreementSuspension.objects.filter(during__contains=envelope.now))
    # One platform may speak for many companies: that one of them is stopped is not the others'.
    agreements = agreements.exclude(visited_cso__status__in=_STOPPED)
    return (
        Platform.objects.filter(
            environment=envelope.environment,
            held_identifiers__identifier__role=Role.CSO,
            held_identifiers__identifier__operator__in=agreements.values("visited_cso"),
        )
        .exclude(status__in=_STOPPED)
        .order_by("id")
        .distinct()
    )

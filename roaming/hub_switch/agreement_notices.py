"""Telling both parties how their agreement stands (IEC 63119-2, 5.4.6): nobody else hears of it."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

import msgspec
from django.db.models import Q

from roaming.domain.use_case import Supporting
from roaming.models import (
    Agreement,
    Operator,
    OperatorIdentifier,
    Platform,
    PlatformIdentifier,
    Role,
)
from roaming.outbox import Parcel, enqueue

PATH = "agreements/notice"


class AgreementEvent(StrEnum):
    """What happened to it."""

    PROPOSED = "proposed"
    ACTIVATED = "activated"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    ENDED = "ended"


class AgreementNotice(msgspec.Struct, kw_only=True, frozen=True):
    """What both parties receive on `agreements/notice`. `GET /api/v1/agreements` has all terms.

    Why it was suspended is between the clearing house and the party concerned.
    """

    agreement_id: int
    event: AgreementEvent
    at: datetime
    environment: str
    visited_cso: list[str]
    home_csp: list[str]
    services: list[str]
    valid_from: datetime
    valid_to: datetime | None


def tell_parties(
    agreement: Agreement, event: AgreementEvent, now: datetime, correlation_id: str = ""
) -> None:
    """Leaves a delivery for each platform that speaks for one of the two in that role."""
    correlation_id = correlation_id or str(uuid.uuid4())
    body = msgspec.json.encode(_notice(agreement, event, now)).decode()
    enqueue(
        Parcel(
            platform,
            Supporting.AGREEMENT_SHARING.code,
            PATH,
            f"agreement:{agreement.pk}",
            body,
            correlation_id,
        )
        for platform in _platforms(agreement)
    )


def _platforms(agreement: Agreement) -> list[Platform]:
    """Those that have registered; who has not reads the agreements when it does."""
    cso = Q(identifier__role=Role.CSO, identifier__operator=agreement.visited_cso_id)
    csp = Q(identifier__role=Role.CSP, identifier__operator=agreement.home_csp_id)
    speaking = PlatformIdentifier.objects.filter(cso | csp, environment=agreement.environment)
    return list(
        Platform.objects.filter(
            pk__in=speaking.values("platform"),
            status__in=[Platform.Status.CONNECTED, Platform.Status.SUSPENDED],
        ).order_by("pk")
    )


def _notice(agreement: Agreement, event: AgreementEvent, now: datetime) -> AgreementNotice:
    return AgreementNotice(
        agreement_id=agreement.pk,
        event=event,
        at=now,
        environment=agreement.environment,
        visited_cso=_identifiers(agreement.visited_cso, Role.CSO),
        home_csp=_identifiers(agreement.home_csp, Role.CSP),
        services=list(agreement.services),
        valid_from=agreement.validity.lower,
        valid_to=agreement.validity.upper,
    )


def _identifiers(operator: Operator, role: Role) -> list[str]:
    rows = OperatorIdentifier.objects.filter(operator=operator, role=role).order_by("identifier")
    return list(rows.values_list("identifier", flat=True))

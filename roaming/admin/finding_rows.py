"""One search box for any id: correlation, session, EVSE, SDR, tariff, operator, token."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from roaming.admin.identification_search import contract_fingerprint_of, fingerprints_of
from roaming.models import (
    Command,
    Delivery,
    Evse,
    Identification,
    JournalEntry,
    Operator,
    OperatorIdentifier,
    Outage,
    Reservation,
    Sdr,
    ServiceSession,
    Site,
    TariffVersion,
)
from roaming.staff_pages.cells import link_to

EACH = 10


def find_view(request: HttpRequest) -> HttpResponse:
    """The page behind the box: everything that carries the id, as far as the person may see it."""
    if not request.user.is_staff:
        raise PermissionDenied
    asked = request.GET.get("q", "").strip().replace("\x00", "")[:200]
    groups: dict[str, list[Any]] = {}
    for rows in _searches(asked) if asked else ():
        opts = rows.model._meta
        if request.user.has_perm(f"{opts.app_label}.view_{opts.model_name}"):
            for row in rows[:EACH]:
                links = groups.setdefault(str(opts.verbose_name_plural), [])
                if (link := link_to(row, words(row))) not in links:
                    links.append(link)
    context = {
        **admin.site.each_context(request),
        "title": "Find by any id",
        "asked": asked,
        "groups": groups.items(),
    }
    return render(request, "admin/staff/find.html", context)


def words(row: Model) -> str:
    """A row in a list of hits."""
    if isinstance(row, JournalEntry):
        return f"{row.at:%Y-%m-%d %H:%M:%S} UTC {row.use_case} {row.get_outcome_display()}"
    if isinstance(row, ServiceSession):
        return f"{row.opened_at:%Y-%m-%d %H:%M:%S} UTC {row.get_state_display()} {row.pk}"
    return str(row)


def _searches(asked: str) -> Iterator[QuerySet[Any]]:
    """One query for each kind of row, each on an index."""
    key = asked.upper().replace("*", "").replace("-", "").replace(" ", "")
    yield JournalEntry.objects.filter(correlation_id=asked).order_by("-id")
    yield JournalEntry.objects.filter(message_id=asked).order_by("-id")
    yield Command.objects.filter(correlation_id=asked).order_by("-id")
    yield Delivery.objects.filter(correlation_id=asked).order_by("-id")
    for name in {asked, key}:
        yield JournalEntry.objects.filter(object_key=name).order_by("object_key", "-id")
    try:
        identity: uuid.UUID | None = uuid.UUID(asked)
    except ValueError:
        identity = None
    if identity is not None:
        yield ServiceSession.objects.filter(pk=identity)
        yield Command.objects.filter(pk=identity)
        yield Command.objects.filter(session=identity).order_by("-id")
        yield Reservation.objects.filter(pk=identity)
        yield Delivery.objects.filter(message_id=identity)
        yield Sdr.objects.filter(pk=identity)
        yield Sdr.objects.filter(service_session_id=identity)
        yield JournalEntry.objects.filter(service_session_id=identity).order_by("-id")
        yield JournalEntry.objects.filter(transaction_id=identity).order_by("-id")
    yield Sdr.objects.filter(reference=asked)
    yield ServiceSession.objects.filter(authorization_reference=asked)
    yield Reservation.objects.filter(reference=asked)
    yield Outage.objects.filter(outage_id=asked)
    yield Evse.objects.filter(key=key)
    yield Site.objects.filter(key=key)
    yield TariffVersion.objects.filter(tariff_id=asked)
    yield OperatorIdentifier.objects.filter(key=key)
    yield Operator.objects.filter(name__icontains=asked)
    for token in fingerprints_of(asked):
        yield Identification.objects.filter(token_hmac=token)
        yield ServiceSession.objects.filter(token_hmac=token).order_by("-id")
        yield Sdr.objects.filter(token_hmac=token).order_by("-id")
    contract = contract_fingerprint_of(asked)
    if contract is not None:
        yield Identification.objects.filter(contract_hmac=contract)
        yield ServiceSession.objects.filter(contract_hmac=contract).order_by("-id")

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
from roaming.staff_pages.cells import link_to, moment
from roaming.staff_pages.refusal_words import plain_words, refusal_panel, title_of, was_not_accepted

EACH = 10
REFUSALS = 3


def find_view(request: HttpRequest) -> HttpResponse:
    """The page behind the box: everything that carries the id, as far as the person may see it.

    Where messages with it were refused, the newest reasons stand first.
    """
    if not request.user.is_staff:
        raise PermissionDenied
    asked = request.GET.get("q", "").strip().replace("\x00", "")[:200]
    found = list(_found(request, asked)) if asked else []
    entries = [row for row in found if isinstance(row, JournalEntry)]
    refused = sorted(filter(was_not_accepted, entries), key=lambda entry: -entry.pk)
    groups: dict[str, list[Any]] = {}
    for row in [*found, *_their_sessions(request, found)]:
        if isinstance(row, JournalEntry) and _was_answered(row, entries):
            continue
        links = groups.setdefault(str(row._meta.verbose_name_plural), [])
        if (link := link_to(row, words(row))) not in links:
            links.append(link)
    context = {
        **admin.site.each_context(request),
        "title": "Find by any id",
        "asked": asked,
        "panels": [refusal_panel(entry, with_message=True) for entry in refused[:REFUSALS]],
        "more_refused": max(0, len(refused) - REFUSALS),
        "panels_first": True,
        "groups": groups.items(),
    }
    return render(request, "admin/staff/find.html", context)


def _found(request: HttpRequest, asked: str) -> Iterator[Model]:
    """The rows that carry the id, each once."""
    seen = set()
    for rows in _searches(asked):
        opts = rows.model._meta
        if not request.user.has_perm(f"{opts.app_label}.view_{opts.model_name}"):
            continue
        for row in rows[:EACH]:
            if (key := (opts.model_name, row.pk)) not in seen:
                seen.add(key)
                yield row


def _their_sessions(request: HttpRequest, found: list[Model]) -> QuerySet[ServiceSession]:
    """The sessions that the messages and commands found belong to."""
    if not request.user.has_perm("roaming.view_servicesession"):
        return ServiceSession.objects.none()
    named = [row.service_session_id for row in found if isinstance(row, (JournalEntry, Sdr))]
    named += [row.session_id for row in found if isinstance(row, (Command, Reservation))]
    keys = {key for key in named if key is not None}
    return ServiceSession.objects.filter(pk__in=keys).order_by("-pk")[:EACH]


def _was_answered(row: JournalEntry, entries: list[JournalEntry]) -> bool:
    """Whether this is the row before an answer that is listed too."""
    return row.phase == JournalEntry.Phase.ADMITTED and any(
        other.transaction_id == row.transaction_id and other.phase == JournalEntry.Phase.VERDICT
        for other in entries
    )


def words(row: Model) -> str:
    """A row in a list of hits."""
    if isinstance(row, JournalEntry):
        answered = row.phase == JournalEntry.Phase.VERDICT
        outcome = plain_words(row.refusal_code) or row.get_outcome_display().lower()
        told = outcome if answered else "taken in, no answer yet"
        return f"{moment(row.at)}, {title_of(row.use_case)}, {row.sender.name}: {told}"
    if isinstance(row, ServiceSession):
        return f"{moment(row.opened_at)}, {row.get_state_display().lower()}, {row.pk}"
    if isinstance(row, Command):
        state = row.get_state_display().lower()
        return f"{moment(row.asked_at)}, {title_of(row.use_case)}: {state}"
    if isinstance(row, Delivery):
        to = f"to {row.receiver.name}: {row.get_state_display().lower()}"
        return f"{moment(row.created_at)}, {title_of(row.use_case)} {to}"
    if isinstance(row, Reservation):
        state = row.get_state_display().lower()
        return f"{row.reference}, from {moment(row.starts_at)}: {state}"
    return str(row)


def _searches(asked: str) -> Iterator[QuerySet[Any]]:
    """One query for each kind of row, each on an index."""
    journal = JournalEntry.objects.select_related("sender")
    deliveries = Delivery.objects.select_related("receiver")
    key = asked.upper().replace("*", "").replace("-", "").replace(" ", "")
    yield journal.filter(correlation_id=asked).order_by("-id")
    yield journal.filter(message_id=asked).order_by("-id")
    yield Command.objects.filter(correlation_id=asked).order_by("-id")
    yield deliveries.filter(correlation_id=asked).order_by("-id")
    for name in {asked, key}:
        yield journal.filter(object_key=name).order_by("object_key", "-id")
    try:
        identity: uuid.UUID | None = uuid.UUID(asked)
    except ValueError:
        identity = None
    if identity is not None:
        yield ServiceSession.objects.filter(pk=identity)
        yield Command.objects.filter(pk=identity)
        yield Command.objects.filter(session=identity).order_by("-id")
        yield Reservation.objects.filter(pk=identity)
        yield deliveries.filter(message_id=identity)
        yield Sdr.objects.filter(pk=identity)
        yield Sdr.objects.filter(service_session_id=identity)
        yield journal.filter(service_session_id=identity).order_by("-id")
        yield journal.filter(transaction_id=identity).order_by("-id")
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

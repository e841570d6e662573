"""Signed documents that one member of staff has recorded and another one has yet to confirm.

A recorded document is an entry of the admin's log until it is confirmed; only then does the use
case take it as a party's acceptance, with both names (four eyes, checked in the database too).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType

from roaming.models import Agreement, AgreementAcceptance

_KIND = "acceptance_recorded"


@dataclass(frozen=True, slots=True)
class RecordedDocument:
    """Who saw which document with which party's yes, and when."""

    party: str
    reference: str
    recorded_by: Any
    at: datetime


def record_document(agreement: Agreement, party: str, reference: str, user: Any) -> None:
    """The first member of staff's part."""
    LogEntry.objects.create(
        user_id=user.pk,
        content_type=ContentType.objects.get_for_model(Agreement),
        object_id=str(agreement.pk),
        object_repr=str(agreement)[:200],
        action_flag=CHANGE,
        change_message=json.dumps([{_KIND: {"party": party, "reference": reference}}]),
    )


def waiting_documents(agreement: Agreement) -> dict[str, RecordedDocument]:
    """The latest document of each party that has not accepted yet, by party."""
    accepted = set(agreement.acceptances.values_list("party", flat=True))
    entries = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(Agreement),
        object_id=str(agreement.pk),
        change_message__startswith=f'[{{"{_KIND}"',
    ).select_related("user")
    found: dict[str, RecordedDocument] = {}
    for entry in entries.order_by("action_time", "pk"):
        said = json.loads(entry.change_message)[0][_KIND]
        if said["party"] not in accepted:
            found[said["party"]] = RecordedDocument(
                said["party"], said["reference"], entry.user, entry.action_time
            )
    return found


def parties_to_accept(agreement: Agreement) -> list[str]:
    """Who has not said yes yet, the visited-CSO first."""
    accepted = set(
        AgreementAcceptance.objects.filter(agreement=agreement).values_list("party", flat=True)
    )
    return [party for party in ("CSO", "CSP") if party not in accepted]

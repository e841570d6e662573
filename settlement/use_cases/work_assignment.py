"""Work of reconciliation in person: who takes care of which SDRs.

Accepts: SDRs that wait for a person, a colleague who may see them, a note.
Refuses: not_decidable for SDRs that wait for nobody, unknown_colleague.
Leaves behind: one assignment per SDR, the older ones in its history.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from roaming.models import SdrState
from settlement.domain.refusals import No, RefusedError
from settlement.models import SdrAssignment
from settlement.models.work_queues import QUEUED_STATES


@dataclass(frozen=True, slots=True)
class Handing:
    """Who hands SDRs to whom, and what to know about them."""

    to: Any
    by: Any
    note: str = ""


@transaction.atomic
def assign_sdrs(keys: Sequence[uuid.UUID], handing: Handing, now: datetime) -> int:
    """Hands the SDRs over; returns how many. Those that wait for nobody are left out."""
    if not (handing.to.is_active and handing.to.has_perm("roaming.view_sdr")):
        raise RefusedError(No.UNKNOWN_COLLEAGUE, f"{handing.to} may not see SDRs.")
    waiting = SdrState.objects.filter(
        sdr_id__in=keys, state__in=[state.value for state in QUEUED_STATES]
    )
    rows = [
        SdrAssignment(
            sdr_id=key,
            assigned_to=handing.to,
            assigned_by=handing.by,
            note=handing.note[:300],
            at=now,
        )
        for key in waiting.order_by("sdr_id").values_list("sdr_id", flat=True)
    ]
    if not rows:
        raise RefusedError(No.NOT_DECIDABLE, "None of these SDRs waits for a person.")
    SdrAssignment.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["sdr"],
        update_fields=["assigned_to", "assigned_by", "note", "at"],
    )
    return len(rows)

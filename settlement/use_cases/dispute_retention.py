"""What may name a person in disputes is kept as long as the settings say, and no longer (5.4.3).

Accepts: nothing but the time. Refuses: nothing.
Leaves behind: disputes and their log, and of each file its name, size and hash; the bytes of files
whose disputes ended long ago are gone, and so are e-mails that were sent or given up long ago.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from settlement.models import DisputeEvidence, OutgoingMail
from settlement.models.evidence_files import forget_file


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many files and e-mails are gone."""

    files: int
    mails: int


def forget_by_age(now: datetime, real_now: datetime) -> Forgotten:
    """`now` is business time, which disputes live by; e-mails live by real time."""
    before = now - timedelta(days=settings.RETENTION_PERSONAL_DATA_DAYS)
    needed = DisputeEvidence.objects.filter(
        Q(dispute__closed_at=None) | Q(dispute__closed_at__gte=before)
    )
    old = DisputeEvidence.objects.filter(dispute__closed_at__lt=before)
    digests = old.exclude(sha256__in=needed.values("sha256")).values_list("sha256", flat=True)
    files = sum(forget_file(digest) for digest in digests.distinct())
    mails, _ = (
        OutgoingMail.objects.exclude(state=OutgoingMail.State.WAITING)
        .filter(created_at__lt=real_now - timedelta(days=settings.RETENTION_MESSAGES_DAYS))
        .delete()
    )
    return Forgotten(files, mails)

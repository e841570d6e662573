"""Celery wakes these; each calls one step of the hub on rows that are due."""

from __future__ import annotations

import time
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from roaming.hub_switch import close_unanswered
from roaming.hub_switch import deliver_due as deliver_one_batch
from roaming.models.clock import business_now
from roaming.models.given_answers import forget_answers
from roaming.use_cases.erasure import erase_by_age

_LONGEST_RUN_S = 20


@shared_task
def deliver_due() -> int:
    """Carries what is due, batch after batch, for a while; the next tick goes on."""
    ends = time.monotonic() + _LONGEST_RUN_S
    carried = 0
    while time.monotonic() < ends:
        batch = deliver_one_batch()
        carried += batch
        if not batch:
            break
    return carried


@shared_task
def close_unanswered_questions() -> int:
    """Gives a verdict to live questions whose process died before it could."""
    return close_unanswered(business_now(), timezone.now())


@shared_task
def erase_personal_data() -> dict[str, int]:
    """Erases what is older than the retention settings allow."""
    return erase_by_age(business_now(), timezone.now())


@shared_task
def forget_given_answers() -> int:
    """Erases answers that are past their time to live: they may name a person."""
    return forget_answers(timezone.now() - timedelta(hours=settings.IDEMPOTENCY_HOURS))

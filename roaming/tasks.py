"""Celery wakes these; each calls one step of the hub on rows that are due."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from roaming.hub_switch import (
    close_unanswered,
    give_up_overdue,
    keep_delivering,
    probe_endpoints,
)
from roaming.hub_switch.commands import time_out_commands
from roaming.hub_switch.reservations import expire_reservations
from roaming.models import partitions
from roaming.models.clock import business_now
from roaming.models.given_answers import forget_answers
from roaming.use_cases.agreement_lifecycle import end_agreements_that_ran_out as end_run_out
from roaming.use_cases.erasure import erase_by_age
from roaming.use_cases.stuck_sessions import note_arrived_sdrs

_LONGEST_RUN_S = 20


@shared_task
def deliver_due() -> int:
    """Carries what is due, and what comes due meanwhile, for a while; the next tick goes on."""
    return keep_delivering(_LONGEST_RUN_S)


@shared_task
def give_up_overdue_deliveries() -> int:
    """Gives up what nobody could carry until its deadline."""
    return give_up_overdue(timezone.now())


@shared_task
def probe_roaming_endpoints() -> int:
    """Asks endpoints that are offline or silent for a sign of life."""
    return probe_endpoints(timezone.now())


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


@shared_task
def account_for_sdrs() -> int:
    """Takes sessions whose SDR has come off the list of those that wait for theirs."""
    return note_arrived_sdrs()


@shared_task
def keep_months_ahead() -> int:
    """Makes the months to come where the hot tables are partitioned (storage.md)."""
    return partitions.keep_months_ahead(max(business_now(), timezone.now()))


@shared_task
def time_out_overdue_commands() -> int:
    """Tells askers that no result came in time (UC3-2, 3-4, 3-8, 5-2, 5-3)."""
    return _until_nothing_is_due(lambda: time_out_commands(business_now(), timezone.now()))


@shared_task
def expire_due_reservations() -> int:
    """Ends reservations whose time has run out (UC3-8)."""
    return _until_nothing_is_due(lambda: expire_reservations(business_now()))


@shared_task
def end_agreements_that_ran_out() -> int:
    """Ends agreements whose validity is over, and tells their parties (5.4.6)."""
    return _until_nothing_is_due(lambda: end_run_out(business_now()))


def _until_nothing_is_due(sweep_batch: Callable[[], int]) -> int:
    """Batch after batch, for a while; the next tick goes on."""
    ends = time.monotonic() + _LONGEST_RUN_S
    swept = batch = sweep_batch()
    while batch and time.monotonic() < ends:
        batch = sweep_batch()
        swept += batch
    return swept

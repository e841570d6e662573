"""What the clock does in settlement: each task calls one use case with the business time.

A task that is lost loses nothing: what waits stands in rows, and the next beat finds it.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from roaming.models import Environment
from roaming.models.clock import business_now
from settlement import reports
from settlement.use_cases import (
    dispute,
    dispute_retention,
    mailing,
    sdr_decision,
    sdr_reconciliation,
    settlement,
)

logger = logging.getLogger(__name__)


@shared_task
def reconcile_due() -> None:
    """Judges the SDRs that came in since the last run."""
    for environment in Environment.values:
        sdr_reconciliation.reconcile(environment, business_now())


@shared_task
def reconcile_open() -> None:
    """Judges everything undecided once more: evidence may have come in meanwhile."""
    for environment in Environment.values:
        sdr_reconciliation.reconcile(
            environment, business_now(), scope=sdr_reconciliation.Scope.OPEN
        )


@shared_task
def accept_undecided() -> None:
    """Takes silence as the agreement says, for SDRs whose decision window has passed."""
    sdr_decision.accept_undecided(business_now())


@shared_task
def expire_due_disputes() -> int:
    """Lets silence count in disputes whose deadline has passed."""
    return dispute.expire_due(business_now())


@shared_task
def send_due_mails() -> int:
    """Hands waiting e-mails to the mail server, and those again that it did not take."""
    return mailing.send_due_mails(timezone.now())


@shared_task
def forget_old_evidence() -> None:
    """Removes files of disputes that ended long ago, and e-mails that went out long ago."""
    dispute_retention.forget_by_age(business_now(), timezone.now())


@shared_task
def open_due_periods() -> None:
    """Opens the running period of every calendar in use."""
    settlement.open_due_periods(business_now())


@shared_task
def remind_of_unconfirmed_days() -> None:
    """Says of which days of the last month a side has not confirmed the totals."""
    yesterday = business_now().date() - timedelta(days=1)
    for environment in Environment.values:
        report = reports.unconfirmed_days(environment, yesterday - timedelta(days=30), yesterday)
        found = list(reports.rows(report))
        if found:
            days = len({row[0] for row in found})
            logger.warning(
                "%s: totals of %s day%s are not confirmed (%s counterparties and currencies); "
                "manage.py unconfirmed_days lists them",
                environment, days, "s" if days > 1 else "", len(found),
            )  # fmt: skip


@shared_task
def remind_of_closes() -> None:
    """Says which periods wait for a person."""
    now = business_now()
    for period in settlement.periods_waiting(now):
        logger.warning("%s waits: it is %s and its next step is due", period, period.status)

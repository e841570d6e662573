"""E-mails to operators' people: rows first, sent by a task, at least once (house.md: rows queue).

Settlement enqueues in the transaction of what it tells of: what was not committed is never sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone

from roaming.models import Environment, Operator


class OutgoingMail(models.Model):
    """One e-mail on its way. Times are real ones: a mail server knows no business clock."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        DEAD = "dead", "Given up"

    environment = models.CharField(max_length=4, choices=Environment)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+")
    recipient = models.EmailField()
    subject = models.CharField(max_length=160)
    text = models.TextField()
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = "e-mail"
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="waiting"), name="mail_due"),
        ]

    def __str__(self) -> str:
        return self.subject


def recipient_of(operator: Operator) -> str:
    """Who reads about disputes there."""
    return operator.dispute_email or operator.finance_email or operator.contact_email


def enqueue_mails(
    environment: str, mails: Iterable[tuple[Operator, str, str]], now: datetime | None = None
) -> None:
    """Leaves (operator, subject, text) as rows, in the caller's transaction."""
    at = now or timezone.now()
    mark = "[test] " if environment == Environment.TEST else ""
    OutgoingMail.objects.bulk_create(
        OutgoingMail(
            environment=environment,
            operator=operator,
            recipient=recipient_of(operator),
            subject=f"{mark}{subject}"[:160],
            text=text,
            created_at=at,
            due_at=at,
        )
        for operator, subject, text in mails
        if recipient_of(operator)
    )

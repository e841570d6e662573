"""E-mails are rows first: sent at least once, tried again, given up at last, taken up again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from settlement.models import OutgoingMail
from settlement.models.mails import enqueue_mails
from settlement.use_cases import mailing
from settlement.use_cases.mailing import send_again, send_due_mails
from tests import factories


@pytest.fixture
def waiting(db):
    operator = factories.OperatorFactory(name="Nordstrom", dispute_email="d@nordstrom.example")
    enqueue_mails("live", [(operator, "Dispute D-1: opened", "It was opened.")])
    return OutgoingMail.objects.get()


class DeadServer(BaseEmailBackend):
    """A mail server that takes nothing."""

    def send_messages(self, messages):
        raise OSError("connection refused")


def test_a_waiting_mail_is_sent_once(waiting):
    assert send_due_mails(timezone.now()) == 1
    assert send_due_mails(timezone.now()) == 0
    [sent] = mail.outbox
    assert (sent.to, sent.subject) == (["d@nordstrom.example"], "Dispute D-1: opened")
    waiting.refresh_from_db()
    assert (waiting.state, waiting.attempts) == ("sent", 1)


def test_a_mail_of_the_test_environment_says_so(db):
    operator = factories.OperatorFactory(finance_email="f@x.example")
    enqueue_mails("test", [(operator, "Dispute", "It was opened.")])
    row = OutgoingMail.objects.get()
    assert (row.subject, row.recipient) == ("[test] Dispute", "f@x.example")


def test_what_no_server_takes_is_tried_again_and_given_up_at_last(waiting, settings):
    settings.EMAIL_BACKEND = f"{__name__}.DeadServer"
    settings.MAIL_ATTEMPTS = 2
    now = timezone.now()
    assert send_due_mails(now) == 0
    waiting.refresh_from_db()
    assert (waiting.state, waiting.last_error) == ("waiting", "OSError: connection refused")
    assert waiting.due_at == now + timedelta(minutes=1)
    assert send_due_mails(now) == 0
    waiting.refresh_from_db()
    assert waiting.attempts == 1  # it rests
    send_due_mails(waiting.due_at)
    waiting.refresh_from_db()
    assert waiting.state == "dead"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    send_again(waiting.pk, now)
    assert send_due_mails(now) == 1


def test_a_server_that_is_away_is_not_asked_for_each_mail(waiting, settings):
    settings.EMAIL_BACKEND = f"{__name__}.DeadServer"
    enqueue_mails("live", [(waiting.operator, "More", "x")] * 10)
    send_due_mails(timezone.now())
    tried = OutgoingMail.objects.filter(attempts=1).count()
    assert tried == mailing._FAILURES_A_RUN

"""Sending the e-mails that wait as rows: at least once, again after a failure, given up at last.

Accepts: whatever is due. Refuses: nothing; an address that no server takes is tried again, longer
apart each time.
Leaves behind: each mail sent, waiting with what went wrong, or given up, which staff see.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction

from settlement.models import OutgoingMail

logger = logging.getLogger(__name__)
_LONGEST_PAUSE = timedelta(hours=12)
_FAILURES_A_RUN = 5  # a server that is away is not asked for each mail that waits


def send_due_mails(now: datetime, *, most: int = 200) -> int:
    """Sends what is due, each mail in a transaction of its own; returns how many were sent.

    The row is locked while its mail is handed over: two workers never send the same one at once. A
    worker that dies between the server's yes and the COMMIT leaves a mail that is sent again.
    """
    sent = failed = 0
    server = get_connection()
    try:
        while sent + failed < most and failed < _FAILURES_A_RUN:
            with transaction.atomic():
                mail = (
                    OutgoingMail.objects.select_for_update(skip_locked=True)
                    .filter(state=OutgoingMail.State.WAITING, due_at__lte=now)
                    .order_by("due_at", "pk")
                    .first()
                )
                if mail is None:
                    break
                if _send(mail, server, now):
                    sent += 1
                else:
                    failed += 1
    finally:
        server.close()
    return sent


def send_again(mail_id: int, now: datetime) -> OutgoingMail:
    """Takes up a mail that was given up."""
    with transaction.atomic():
        mail = OutgoingMail.objects.select_for_update().get(pk=mail_id)
        if mail.state == OutgoingMail.State.DEAD:
            mail.state, mail.attempts, mail.due_at = OutgoingMail.State.WAITING, 0, now
            mail.save()
    return mail


def pause_after(attempts: int) -> timedelta:
    """How long a mail rests after so many failures.

    >>> [str(pause_after(n)) for n in (1, 2, 12)]
    ['0:01:00', '0:02:00', '12:00:00']
    """
    return min(timedelta(minutes=2 ** min(attempts - 1, 20)), _LONGEST_PAUSE)


def _send(mail: OutgoingMail, server: Any, now: datetime) -> bool:
    mail.attempts += 1
    try:
        EmailMessage(
            mail.subject, mail.text, to=[mail.recipient], connection=server,
            headers={"Message-ID": _message_id(mail), "Auto-Submitted": "auto-generated"},
        ).send()  # fmt: skip
    except Exception as error:  # whatever a mail server or a backend raises
        mail.last_error = f"{type(error).__name__}: {error}"[:300]
        mail.due_at = now + pause_after(mail.attempts)
        if mail.attempts >= settings.MAIL_ATTEMPTS:
            mail.state = OutgoingMail.State.DEAD
            logger.error("e-mail %s was given up: %s", mail.pk, mail.last_error)
        mail.save()
        return False
    mail.state, mail.sent_at, mail.last_error = OutgoingMail.State.SENT, now, ""
    mail.save()
    return True


def _message_id(mail: OutgoingMail) -> str:
    """The same at each try, so that a mailbox may know a mail that came twice."""
    domain = settings.DEFAULT_FROM_EMAIL.rsplit("@", maxsplit=1)[-1].strip("> ")
    return f"<clearing-house-{mail.pk}-{int(mail.created_at.timestamp())}@{domain}>"

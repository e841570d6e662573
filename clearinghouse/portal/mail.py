"""What is sent to people by e-mail. A mail that no server takes loses nothing."""

from __future__ import annotations

import logging
from smtplib import SMTPException

from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from clearinghouse.models import Invitation

log = logging.getLogger(__name__)


def send_invitation(invitation: Invitation, link: str) -> bool:
    """The one-time link, to the invited address. False where no server took the mail.

    It goes at once and is kept nowhere: whoever has the link has the account.
    """
    text = render_to_string(
        "portal/mail/invitation.txt",
        {
            "invitation": invitation,
            "link": link,
            "until": f"{invitation.expires_at:%Y-%m-%d %H:%M} UTC",
        },
    )
    subject = _("Your access to the clearing house for %(operator)s") % {
        "operator": " ".join(invitation.operator.name.split())
    }
    try:
        EmailMessage(subject, text.strip() + "\n", to=[invitation.email]).send()
    except (SMTPException, OSError):
        log.exception("An invitation could not be handed to the mail server.")
        return False
    return True

"""People who log in: the clearing house's staff, and the operators' people with their memberships.

A person is one or the other. Staff (`is_staff`) work in the admin, without memberships; an
operator's person works in the portal, for every operator of which the membership is active.
"""

from __future__ import annotations

from datetime import timedelta

import pghistory
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from roaming.models import Operator

INVITATION_LIFE = timedelta(days=7)


class User(AbstractUser):
    """A person. Of an operator's person the user name is the e-mail address, in lower case."""

    time_zone = models.CharField(max_length=60, default="Europe/Berlin")
    locale = models.CharField(
        max_length=5, default="en-GB", help_text="How numbers and dates are written."
    )


class MemberRole(models.TextChoices):
    """What a person may do for an operator; each may do what those below may."""

    ADMINISTRATOR = "administrator", _("Administrator")
    CLERK = "clerk", _("Clerk")
    READER = "reader", _("Reader")


@pghistory.track()
class Membership(models.Model):
    """A person works for an operator. Never deleted: the name stands on what it decided."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        SUSPENDED = "suspended", _("Suspended")

    user = models.ForeignKey(User, models.PROTECT, related_name="memberships")
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=13, choices=MemberRole)
    status = models.CharField(max_length=9, choices=Status, default=Status.ACTIVE)
    since = models.DateTimeField()

    class Meta:
        ordering = ["operator__name", "user__username"]
        constraints = [
            models.UniqueConstraint(fields=["user", "operator"], name="one_membership_per_operator")
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.operator})"


class Invitation(models.Model):
    """A one-time link that was sent to an address. Only the hash of its token is kept."""

    operator = models.ForeignKey(Operator, models.PROTECT, related_name="invitations")
    email = models.EmailField(max_length=150)
    role = models.CharField(max_length=13, choices=MemberRole)
    token_sha256 = models.BinaryField(max_length=32, unique=True)
    invited_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    invited_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    accepted_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-invited_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                "operator",
                Lower("email"),
                condition=Q(accepted_at=None, withdrawn_at=None),
                name="one_open_invitation_per_address",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True) | Q(withdrawn_at__isnull=True),
                name="invitation_ends_once",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("invited_at")), name="invitation_lasts"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} ({self.operator})"

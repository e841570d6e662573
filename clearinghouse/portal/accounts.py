"""Accounts of the operators' people: invited, accepted, changed, suspended.

Accepts: an invitation by staff or by the operator's own administrator; its one-time link, by a new
person or by one who has an account already; another role; suspension and resumption.
Refuses (AccountError): staff as members, a member once more, a link that was used, withdrawn or has
expired, one's own role or suspension, and whatever would leave an operator that has an
administrator without one.
Leaves behind: memberships with their history. A suspension holds from the next page on.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from clearinghouse.models import (
    INVITATION_LIFE,
    Invitation,
    MemberRole,
    Membership,
    User,
)
from roaming.models import Operator


class AccountError(ValueError):
    """What cannot be done to an account; the text is for the person who tried."""


@dataclass(frozen=True, slots=True)
class NewPerson:
    """What an invited person types."""

    first_name: str
    last_name: str
    password: str
    time_zone: str
    locale: str


@transaction.atomic
def invite(
    operator: Operator, email: str, role: str, by: User, now: datetime
) -> tuple[Invitation, str]:
    """An open invitation and the token of its link, which nothing else ever tells.

    An earlier invitation of the same address by the same operator ends with it.
    """
    address = email.strip().lower()
    if operator.is_clearing_house:
        raise AccountError(_("The clearing house's own people are staff: they use the admin."))
    known = User.objects.filter(Q(username=address) | Q(email__iexact=address))
    if known.filter(is_staff=True).exists():
        raise AccountError(_("This address belongs to the clearing house's staff."))
    if Membership.objects.filter(operator=operator, user__username=address).exists():
        raise AccountError(_("This person belongs to the operator already."))
    _open_of(operator).filter(email__iexact=address).update(withdrawn_at=now)
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        operator=operator,
        email=address,
        role=MemberRole(role),
        token_sha256=_hash(token),
        invited_by=by,
        invited_at=now,
        expires_at=now + INVITATION_LIFE,
    )
    return invitation, token


def open_invitation(token: str, now: datetime) -> Invitation | None:
    """The invitation of a link, while it may be accepted."""
    return (
        Invitation.objects.select_related("operator", "invited_by")
        .filter(token_sha256=_hash(token), accepted_at=None, withdrawn_at=None, expires_at__gt=now)
        .first()
    )


def withdraw(invitation: Invitation, now: datetime) -> None:
    """The link opens nothing any more."""
    Invitation.objects.filter(pk=invitation.pk, accepted_at=None, withdrawn_at=None).update(
        withdrawn_at=now
    )


@transaction.atomic
def accept_as_new(invitation: Invitation, person: NewPerson, now: datetime) -> User:
    """The account of a person who had none, with its first membership."""
    locked = _locked(invitation, now)
    if User.objects.filter(username=locked.email).exists():
        raise AccountError(_("This address has an account: sign in with it to accept."))
    user = User.objects.create_user(
        locked.email,
        locked.email,
        person.password,
        first_name=person.first_name,
        last_name=person.last_name,
        time_zone=person.time_zone,
        locale=person.locale,
    )
    _join(locked, user, now)
    return user


@transaction.atomic
def accept_as_known(invitation: Invitation, user: User, now: datetime) -> Membership:
    """Another operator for a person who has an account. Only the invited one may accept."""
    locked = _locked(invitation, now)
    if user.username != locked.email or user.is_staff:
        raise AccountError(_("This invitation is for another person."))
    return _join(locked, user, now)


@transaction.atomic
def change_role(membership: Membership, role: str, by: User) -> Membership:
    """Gives a colleague another role."""
    locked = _colleague(membership, by)
    if locked.role == MemberRole.ADMINISTRATOR and role != MemberRole.ADMINISTRATOR:
        _needs_another_administrator(locked)
    locked.role = MemberRole(role)
    locked.save(update_fields=["role"])
    return locked


@transaction.atomic
def suspend(membership: Membership, by: User) -> Membership:
    """Ends a person's access to the operator: the next page of an open session is the sign-in."""
    locked = _colleague(membership, by)
    if locked.role == MemberRole.ADMINISTRATOR and not by.is_staff:
        _needs_another_administrator(locked)
    locked.status = Membership.Status.SUSPENDED
    locked.save(update_fields=["status"])
    return locked


@transaction.atomic
def resume(membership: Membership, by: User) -> Membership:
    """Lets a suspended person in again."""
    locked = _colleague(membership, by)
    locked.status = Membership.Status.ACTIVE
    locked.save(update_fields=["status"])
    return locked


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _open_of(operator: Operator) -> QuerySet[Invitation]:
    return Invitation.objects.filter(operator=operator, accepted_at=None, withdrawn_at=None)


def _locked(invitation: Invitation, now: datetime) -> Invitation:
    locked = Invitation.objects.select_for_update().get(pk=invitation.pk)
    if locked.accepted_at or locked.withdrawn_at or locked.expires_at <= now:
        raise AccountError(_("This invitation was used, withdrawn, or has expired."))
    return locked


def _join(invitation: Invitation, user: User, now: datetime) -> Membership:
    invitation.accepted_by, invitation.accepted_at = user, now
    invitation.save(update_fields=["accepted_by", "accepted_at"])
    membership, made = Membership.objects.get_or_create(
        user=user,
        operator=invitation.operator,
        defaults={"role": invitation.role, "since": now},
    )
    if not made:
        raise AccountError(_("This person belongs to the operator already."))
    return membership


def _colleague(membership: Membership, by: User) -> Membership:
    """The row, locked together with those of all administrators, in the order of their keys."""
    rows = Membership.objects.select_for_update().filter(operator=membership.operator_id)
    locked = {row.pk: row for row in rows.order_by("pk")}[membership.pk]
    if locked.user_id == by.pk:
        raise AccountError(_("Nobody changes or suspends the own account."))
    return locked


def _needs_another_administrator(membership: Membership) -> None:
    others = Membership.objects.filter(
        operator=membership.operator_id,
        role=MemberRole.ADMINISTRATOR,
        status=Membership.Status.ACTIVE,
    ).exclude(pk=membership.pk)
    if not others.exists():
        raise AccountError(_("The operator would have no administrator left."))

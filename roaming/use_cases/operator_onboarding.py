"""Bringing an operator on (IEC 63119-2, 5.2, 5.5, 6.2): legal entity, identifiers, platform.

Accepts: a legal entity with the identifiers it holds and, where it runs one, its platform; later
further identifiers, pinning, bank accounts, suspension of a platform.
Refuses (OnboardingError): an identifier that is wrong or taken, a party that another platform of
the environment speaks for, one person approving their own bank account, steps that a state forbids.
Leaves behind: the rows, each with its history. Nobody can register before a registration token is
issued (UC1-1), and a platform speaks for the identifiers that it is pinned to and no other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from psycopg.types.range import DateRange

from roaming.domain.identifiers import IdentifierError, OperatorId, ProviderId
from roaming.models import (
    BankAccount,
    Operator,
    OperatorIdentifier,
    Platform,
    PlatformIdentifier,
    Role,
)

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser as User


class OnboardingError(ValueError):
    """A step that cannot be taken; the text says why, for the person who tried."""


@dataclass(frozen=True, slots=True)
class NewIdentifier:
    """A role and its identifier as written, `DE*ABC` for a CSO, `DE-ABC` for a CSP."""

    role: str
    identifier: str


@dataclass(frozen=True, slots=True)
class NewPlatform:
    """A system that will speak for all identifiers of the operator, in one environment."""

    name: str
    environment: str


def read_identifier(role: str, text: str) -> OperatorIdentifier:
    """The identifier as a row that is not saved, with the form shown and the key looked up by."""
    kind = OperatorId if role == Role.CSO else ProviderId
    try:
        parsed = kind.parse(text.strip())
    except IdentifierError as error:
        raise OnboardingError(str(error)) from error
    return OperatorIdentifier(role=role, identifier=parsed.display, key=parsed.key)


def onboard_operator(
    operator: Operator, identifiers: Iterable[NewIdentifier], platform: NewPlatform | None = None
) -> Platform | None:
    """Saves a new operator with its identifiers and its platform, pinned to all of them."""
    with transaction.atomic():
        operator.save()
        held = [add_identifier(operator, new) for new in identifiers]
        if platform is None:
            return None
        if Platform.objects.filter(name=platform.name).exists():
            raise OnboardingError(f"There is a platform named {platform.name} already.")
        row = Platform.objects.create(
            name=platform.name, run_by=operator, environment=platform.environment
        )
        for identifier in held:
            pin_identifier(row, identifier)
    return row


def add_identifier(operator: Operator, new: NewIdentifier) -> OperatorIdentifier:
    """One more identifier of an operator."""
    row = free_identifier(new)
    row.operator = operator
    row.save()
    return row


def free_identifier(new: NewIdentifier) -> OperatorIdentifier:
    """The identifier as a row that is not saved. Refuses one that is wrong or held already."""
    row = read_identifier(new.role, new.identifier)
    taken = (
        OperatorIdentifier.objects.filter(role=row.role, key=row.key)
        .select_related("operator")
        .first()
    )
    if taken is not None:
        raise OnboardingError(
            f"{row.identifier} is held by {taken.operator} as {row.role} already."
        )
    return row


def pin_identifier(platform: Platform, identifier: OperatorIdentifier) -> PlatformIdentifier:
    """Lets the platform speak for a party in its environment. One platform speaks for a party."""
    with transaction.atomic():
        free_pin(platform, identifier)
        row, _ = PlatformIdentifier.objects.get_or_create(
            platform=platform, identifier=identifier, environment=platform.environment
        )
    return row


def free_pin(platform: Platform, identifier: OperatorIdentifier) -> None:
    """Refuses a party that another platform of the environment speaks for."""
    taken = (
        PlatformIdentifier.objects.filter(identifier=identifier, environment=platform.environment)
        .exclude(platform=platform.pk)
        .select_related("platform")
        .first()
    )
    if taken is not None:
        raise OnboardingError(f"{taken.platform} speaks for {identifier} already.")


def end_bank_account(account: BankAccount, last_day: date) -> BankAccount:
    """The account is used up to and with `last_day`; another one may follow it."""
    with transaction.atomic():
        locked = BankAccount.objects.select_for_update().get(pk=account.pk)
        begins = locked.validity.lower
        if begins is not None and last_day < begins:
            raise OnboardingError(f"The account is valid from {begins}: end it then or later.")
        locked.validity = DateRange(begins, last_day + timedelta(days=1))
        locked.save(update_fields=["validity"])
    return locked


def activate_operator(operator: Operator) -> Operator:
    """Ends the bringing on: its identifiers are known and it can do business."""
    with transaction.atomic():
        locked = Operator.objects.select_for_update().get(pk=operator.pk)
        if locked.status != Operator.Status.ONBOARDING:
            raise OnboardingError(f"The operator is {locked.get_status_display().lower()}.")
        if not locked.identifiers.exists():
            raise OnboardingError("An operator holds at least one identifier.")
        locked.status = Operator.Status.ACTIVE
        locked.save(update_fields=["status"])
    return locked


def suspend_platform(platform: Platform) -> Platform:
    """Stops new business of a platform from the next message on; what runs goes on."""
    with transaction.atomic():
        locked = Platform.objects.select_for_update().get(pk=platform.pk)
        if locked.status not in (Platform.Status.EXPECTED, Platform.Status.CONNECTED):
            raise OnboardingError(f"The platform is {locked.get_status_display().lower()}.")
        locked.status = Platform.Status.SUSPENDED
        locked.save(update_fields=["status"])
    return locked


def resume_platform(platform: Platform) -> Platform:
    """Ends a suspension: connected as before, or waiting where it never registered."""
    with transaction.atomic():
        locked = Platform.objects.select_for_update().get(pk=platform.pk)
        if locked.status != Platform.Status.SUSPENDED:
            raise OnboardingError(f"The platform is {locked.get_status_display().lower()}.")
        registered = hasattr(locked, "roaming_endpoint")
        locked.status = Platform.Status.CONNECTED if registered else Platform.Status.EXPECTED
        locked.save(update_fields=["status"])
    return locked


def approve_bank_account(account: BankAccount, approver: User) -> BankAccount:
    """The second person's yes; the database refuses the proposer's own, superusers too."""
    with transaction.atomic():
        locked = BankAccount.objects.select_for_update().get(pk=account.pk)
        if locked.approved_by_id is not None:
            raise OnboardingError("The bank account is approved already.")
        if locked.proposed_by_id is None or locked.proposed_by_id == approver.pk:
            raise OnboardingError("Whoever proposed a bank account cannot approve it.")
        locked.approved_by_id = approver.pk
        locked.save(update_fields=["approved_by"])
    return locked

"""People of the simulated operators who can sign in to the portal: what they type there."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import timezone
from django.utils.text import slugify

from clearinghouse.models import MemberRole, Membership, User
from roaming.models import Operator, Role


@dataclass(frozen=True, slots=True)
class PortalAccount:
    """An operator's administrator, with a password that is told once."""

    operator: str
    email: str
    password: str


def account_for(operator: Operator) -> PortalAccount:
    """The operator's administrator, with a fresh random password; again without harm."""
    address = f"portal@{slugify(operator.name)}.example"
    user, _ = User.objects.get_or_create(
        username=address,
        defaults={"email": address, "first_name": "Pat", "last_name": operator.name[:150]},
    )
    password = secrets.token_urlsafe(12)
    user.set_password(password)
    user.save(update_fields=["password"])
    Membership.objects.get_or_create(
        user=user,
        operator=operator,
        defaults={"role": MemberRole.ADMINISTRATOR, "since": timezone.now()},
    )
    return PortalAccount(operator.name, address, password)


def accounts_for_two() -> list[PortalAccount]:
    """One of a home-CSP and one of a visited-CSO, who see the same SDRs from both sides."""
    chosen: list[Operator] = []
    for role in (Role.CSP, Role.CSO):
        others = Operator.objects.filter(identifiers__role=role, is_clearing_house=False)
        found = others.exclude(pk__in=[o.pk for o in chosen]).order_by("name").first()
        if found is not None:
            chosen.append(found)
    return [account_for(operator) for operator in chosen]


def told(accounts: Iterable[PortalAccount], indent: str) -> list[str]:
    """A line for each."""
    return [f"{indent}{a.email}, password {a.password} ({a.operator})" for a in accounts]

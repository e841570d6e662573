"""People of the cast's operators, and their way into the portal."""

from __future__ import annotations

import re
from typing import Any

from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clearinghouse.models import Membership, User
from roaming.models import Operator

PASSWORD = "correct horse battery staple"


def member(operator: Operator, role: str = "clerk", email: str = "") -> User:
    """A person with an account and one membership; without a second factor."""
    address = email or f"{role}@{operator.name.lower().replace(' ', '-')}.example"
    user, made = User.objects.get_or_create(
        username=address, defaults={"email": address, "first_name": role.title(), "last_name": "P"}
    )
    if made:
        user.set_password(PASSWORD)
        user.save()
    Membership.objects.create(user=user, operator=operator, role=role, since=timezone.now())
    return user


def signed_in(user: User) -> Client:
    """A browser in which the person is signed in."""
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def link_in_last_mail() -> str:
    """The path of the link that the last mail carries."""
    found = re.search(r"http://testserver(/portal/\S+)", str(mail.outbox[-1].body))
    assert found, mail.outbox[-1].body
    return found[1]


def text(response: Any) -> str:
    """The page's source."""
    return str(response.content.decode())


def sign_in(client: Client, email: str, password: str = PASSWORD, **extra: Any) -> Any:
    """The sign-in form, filled in and sent."""
    return client.post(
        reverse("portal:sign-in"), {"username": email, "password": password, **extra}
    )

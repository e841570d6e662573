"""Fixtures and small words of the admin's tests: a clerk at work in the admin's world."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from tests.clearinghouse.admin.world import World, make_world


@pytest.fixture(autouse=True)
def look(settings: Any) -> None:
    """The menu and colours of the house."""
    from clearinghouse.admin_site import UNFOLD

    settings.UNFOLD = UNFOLD


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture
def clerk(client: Any, world: World) -> Any:
    """A member of staff who may do everything, logged in."""
    client.force_login(world.clerk)
    return client


@pytest.fixture
def colleague(world: World) -> Any:
    """Another one, logged in elsewhere."""
    from django.test import Client

    other = Client()
    other.force_login(world.colleague)
    return other


def page(row_or_model: Any, name: str, *args: Any) -> str:
    """The address of a page of a model, or of a row where `name` needs one."""
    opts = row_or_model._meta
    if name in {"change", "history", "step", "personal_data"}:
        args = (row_or_model.pk, *args)
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_{name}", args=args)


def take(client: Any, row: Any, step: str, **data: Any) -> Any:
    """Takes a step of a row; the page that the person then sees."""
    return client.post(page(row, "step", step), data, follow=True)


def told(response: Any) -> str:
    """What the page tells the person."""
    return " ".join(str(message) for message in response.context["messages"])


def text_of(response: Any) -> str:
    """The page's source."""
    text: str = response.content.decode()
    return text


def offered(response: Any) -> dict[str, str]:
    """The steps on a row's page: name -> what it waits for, empty where it can be taken."""
    return {offer.step.name: offer.waits_for for offer in response.context["offers"]}


def errors_of(response: Any) -> dict[str, Any]:
    """The errors of the form on the page."""
    errors: dict[str, Any] = dict(response.context["adminform"].form.errors)
    return errors

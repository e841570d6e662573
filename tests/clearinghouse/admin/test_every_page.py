"""Every page of every registered model: shown, cheap, and closed to whom it does not concern."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from roaming.staff_pages.staff_admin import FactAdmin, StaffAdmin
from tests import factories

REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)
OURS = [model for model in REGISTERED if isinstance(admin.site._registry[model], StaffAdmin)]
FACTS = [model for model in OURS if isinstance(admin.site._registry[model], FactAdmin)]
EDITED = [model for model in OURS if model not in FACTS]
# Log-in (session and user) takes two queries, the business clock in the header two.
MOST_QUERIES = 10


def label(model):
    return model._meta.label


def url(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def first(model):
    row = model._default_manager.order_by("-pk").first()
    assert row is not None, f"the world has no {label(model)}"
    return row


def assert_no_source_is_shown(response):
    """Links and inputs are links and inputs, never their source."""
    page = response.content.decode()
    for tag in ("a href", "span", "input", "div", "pre"):
        assert f"&lt;{tag}" not in page


def test_every_model_is_registered_in_the_look_of_the_house():
    assert set(REGISTERED) == set(OURS)


@pytest.mark.parametrize("model", REGISTERED, ids=label)
def test_a_list_shows_its_rows_with_few_queries(clerk, model):
    first(model)
    clerk.get(url(model, "changelist"))
    with CaptureQueriesContext(connection) as queries:
        response = clerk.get(url(model, "changelist"))
    assert response.status_code == 200
    assert response.context["cl"].result_list
    assert_no_source_is_shown(response)
    said = [query["sql"] for query in queries.captured_queries]
    assert len(said) <= MOST_QUERIES, "\n".join(said)


@pytest.mark.parametrize("model", FACTS, ids=label)
def test_a_list_of_facts_counts_nothing(clerk, model):
    with CaptureQueriesContext(connection) as queries:
        clerk.get(url(model, "changelist"))
        clerk.get(url(model, "changelist"), {"_facets": "True"})
    table = model._meta.db_table
    counting = [
        query["sql"]
        for query in queries.captured_queries
        if "COUNT(" in query["sql"].upper() and f'"{table}"' in query["sql"]
    ]
    allowed = model._meta.model_name in {
        "operatoridentifier", "bankaccount", "settlementperiod", "ledgeraccount",
        "membership", "invitation",
    }  # fmt: skip
    assert allowed or counting == []


@pytest.mark.parametrize("model", REGISTERED, ids=label)
def test_a_row_s_page_is_shown(clerk, model):
    response = clerk.get(url(model, "change", first(model).pk))
    assert response.status_code == 200
    assert_no_source_is_shown(response)
    assert clerk.get(url(model, "history", first(model).pk)).status_code == 200


@pytest.mark.parametrize("model", EDITED, ids=label)
def test_the_form_of_a_new_row_is_shown(clerk, model):
    response = clerk.get(url(model, "add"))
    assert response.status_code == 200
    assert_no_source_is_shown(response)


@pytest.mark.parametrize("model", FACTS, ids=label)
def test_facts_are_not_added_or_changed_by_anybody(clerk, model):
    row = first(model)
    before = model._default_manager.filter(pk=row.pk).values().get()
    assert clerk.get(url(model, "add")).status_code == 403
    assert clerk.post(url(model, "add"), {}).status_code == 403
    data = dict.fromkeys(before, "1")
    assert clerk.post(url(model, "change", row.pk), data).status_code == 403
    assert model._default_manager.filter(pk=row.pk).values().get() == before


@pytest.mark.parametrize("model", REGISTERED, ids=label)
def test_nothing_is_ever_deleted(clerk, model):
    row = first(model)
    assert clerk.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    answer = clerk.post(
        url(model, "changelist"),
        {"action": "delete_selected", "_selected_action": str(row.pk), "post": "yes"},
    )
    assert answer.status_code in (200, 302, 403)
    assert model._default_manager.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", REGISTERED, ids=label)
def test_who_may_do_nothing_sees_nothing(client, world, model):
    client.force_login(factories.UserFactory(is_superuser=False))
    row = first(model)
    for page, args in (("changelist", ()), ("change", (row.pk,)), ("history", (row.pk,))):
        assert client.get(url(model, page, *args)).status_code == 403


@pytest.mark.parametrize("model", REGISTERED, ids=label)
def test_who_is_no_staff_is_sent_to_the_log_in(client, world, model):
    client.force_login(factories.UserFactory(is_staff=False, is_superuser=False))
    response = client.get(url(model, "changelist"))
    assert response.status_code == 302
    assert "/login/" in response["Location"]


def test_secrets_stand_on_no_page(clerk, world):
    platform = world.cast.home_csp.platform
    endpoint, credential = platform.roaming_endpoint, platform.credentials.get()
    page = clerk.get(url(type(platform), "change", platform.pk)).content.decode()
    for secret in (bytes(endpoint.outbound_secret), bytes(credential.secret_sha256)):
        assert secret.hex() not in page
        assert secret.decode("latin-1") not in page
    assert credential.prefix in page

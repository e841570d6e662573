"""Every list of the API: filters of django-filter, pages by cursor; no filter is guessed at."""

from __future__ import annotations

import django_filters
import pytest
from rest_framework.generics import ListAPIView

from roaming.api import urls as roaming_urls
from roaming.api.filters import EvseIdFilter, HomeCspFilter, MomentFilter, VisitedCsoFilter
from roaming.api.pages import NewestFirst
from settlement.api import urls as settlement_urls
from tests.roaming.api.matrix_world import World

LISTS = {
    f"/api/v1/{pattern.pattern}": pattern.callback.view_class
    for pattern in (*roaming_urls.urlpatterns, *settlement_urls.urlpatterns)
    if issubclass(pattern.callback.view_class, ListAPIView)
}
PARTIES = (VisitedCsoFilter, HomeCspFilter, EvseIdFilter)


def wrong_values(kind: django_filters.Filter) -> list[tuple[str, str]]:
    """What this filter cannot be asked for, with the code of its refusal."""
    if isinstance(kind, PARTIES):
        return [("rubbish?", "invalid_identifier"), ("\x00", "invalid_identifier")]
    if isinstance(kind, MomentFilter):
        return [
            ("yesterday", "invalid_field"),
            ("2026-10-05T10:00:00", "time_without_offset"),
            ("9999-12-31T23:59:59-23:59", "invalid_field"),
        ]
    if isinstance(kind, django_filters.BooleanFilter):
        return []  # everything but true is taken for not asked
    if isinstance(kind, django_filters.CharFilter):
        return [("\x00", "invalid_field")]
    return [("nonsense", "invalid_field"), ("\x00", "invalid_field")]


CASES = [
    (url, name, value, code)
    for url, view in LISTS.items()
    for name, kind in view.filterset_class.base_filters.items()
    for value, code in wrong_values(kind)
]


def test_every_list_has_filters_and_pages():
    assert len(LISTS) >= 11
    for url, view in LISTS.items():
        assert issubclass(view.filterset_class, django_filters.FilterSet), url
        assert view.filterset_class.base_filters, url
        assert issubclass(view.pagination_class, NewestFirst), url


def test_the_same_name_asks_for_the_same_in_every_list():
    for url, view in LISTS.items():
        for name, kind in view.filterset_class.base_filters.items():
            wanted = {
                "visited_cso": VisitedCsoFilter,
                "home_csp": HomeCspFilter,
                "evse_id": EvseIdFilter,
            }.get(name)
            if wanted is not None:
                assert isinstance(kind, wanted), (url, name)
            if name.endswith(("_since", "_at")):
                assert isinstance(kind, MomentFilter), (url, name)


@pytest.mark.parametrize(("url", "name", "value", "code"), CASES)
def test_a_filter_that_cannot_be_used_is_refused_by_its_name(client, cast, url, name, value, code):
    response = client.get(url, {name: value}, headers=cast.visited_cso.headers)
    answer = response.json()
    assert (response.status_code, answer["code"], answer["field"]) == (422, code, name)


@pytest.fixture
def world(db, client, csp_platform, cso_platform, now):
    world = World(client, csp_platform, cso_platform, now)
    world.furnish()
    return world


@pytest.mark.parametrize("url", LISTS)
def test_a_party_is_found_in_any_of_its_forms(world, url):
    for name, forms in (
        ("visited_cso", ["DE*VIS", "DEVIS", "de*vis"]),
        ("home_csp", ["DE-HOM", "DEHOM", "de-hom"]),
        ("evse_id", ["DE*VIS*E001", "DEVISE001", "de*vis*e001"]),
    ):
        if name in LISTS[url].filterset_class.base_filters:
            rows = [
                world.client.get(url, {name: form}, headers=world.cast.home_csp.headers).json()[
                    "results"
                ]
                for form in forms
            ]
            assert rows[0] == rows[1] == rows[2] != []


@pytest.mark.parametrize("url", LISTS)
def test_a_list_is_read_page_by_page(world, url):
    of_the_csp = url.endswith(("csp-records", "totals"))
    party = world.cast.home_csp if of_the_csp else world.cast.visited_cso
    headers = party.headers
    whole = world.client.get(url, headers=headers).json()["results"]
    read, following = [], f"{url}?page_size=1"
    while following:
        page = world.client.get(following, headers=headers).json()
        assert len(page["results"]) <= 1
        read += page["results"]
        following = page["next"]
    assert read == whole

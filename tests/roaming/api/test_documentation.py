"""The API documents itself: schema, Swagger, ReDoc and the catalogue of refusals, without a CDN."""

import re

import pytest

from roaming.domain.refusals import CATALOGUE


@pytest.mark.parametrize("address", ["/api/docs", "/api/redoc", "/api/docs/refusals"])
def test_a_page_renders_and_asks_no_other_host(client, db, address):
    response = client.get(address)
    assert response.status_code == 200
    text = response.content.decode()
    loaded = re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=[\"'](https?:)?//", text)
    assert loaded == []


def test_every_code_stands_in_the_catalogue_page(client, db):
    text = client.get("/api/docs/refusals").content.decode()
    assert all(f'id="{code}"' in text for code in CATALOGUE)


def test_the_schema_names_each_use_case(client, db):
    text = client.get("/api/schema?format=json").content.decode()
    for code in ("UC1-1", "UC1-2", "UC2-1", "UC3-1", "UC3-5", "UC3-9", "UC4-1"):
        assert f'"{code} ' in text


def test_the_clock_is_readable_by_everybody(client, db):
    assert client.get("/api/v1/clock").json()["settable"] is True

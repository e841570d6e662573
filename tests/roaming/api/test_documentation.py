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


def test_every_reference_of_the_schema_leads_somewhere(client, db):
    schema = client.get("/api/schema?format=json").json()
    named = set(re.findall(r"#/components/schemas/(\w+)", str(schema)))
    assert named <= set(schema["components"]["schemas"])
    assert "SdrMessage" in named


def test_the_documentation_follows_the_order_of_the_standard(client, db):
    schema = client.get("/api/schema?format=json").json()
    tags = [tag["name"] for tag in schema["tags"] if tag["name"].startswith("UC")]
    numbers = [tuple(map(int, re.findall(r"\d+", tag.split()[0]))) for tag in tags]
    assert numbers == sorted(numbers)
    used = {tag for path in schema["paths"].values() for op in path.values() for tag in op["tags"]}
    assert used <= {tag["name"] for tag in schema["tags"]}

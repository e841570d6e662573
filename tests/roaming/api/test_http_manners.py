"""Manners of HTTP (RFC 9110, 9111): methods, content types, entity tags, caches, what next."""

import json

import pytest

from roaming import models
from tests.roaming.api.messages import SDR, SITE

LISTS = ["/api/v1/sites", "/api/v1/tariffs", "/api/v1/service-sessions", "/api/v1/sdrs"]


def send(client, method, url, party=None, body="{}", **headers):
    headers = {**(party.headers if party else {}), **headers}
    return client.generic(method, url, body, content_type="application/json", headers=headers)


@pytest.fixture
def published(client, cast):
    client.put(
        "/api/v1/sites/LOC1",
        data=SITE,
        content_type="application/json",
        headers=cast.visited_cso.headers,
    )
    return cast


def test_what_is_known_already_is_not_sent_again(client, published):
    headers = published.home_csp.headers
    first = client.get("/api/v1/sites", headers=headers)
    assert first.json()["results"]
    again = client.get("/api/v1/sites", headers={**headers, "If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again["ETag"] == first["ETag"]
    assert again["Cache-Control"] == first["Cache-Control"]
    assert "Content-Type" not in again
    assert client.get("/api/v1/sites", headers={**headers, "If-None-Match": '"other"'}).json()
    several = f'"a", W/{first["ETag"]}'
    assert (
        client.get("/api/v1/sites", headers={**headers, "If-None-Match": several}).status_code
        == 304
    )


def test_another_caller_s_answer_has_another_tag(client, published):
    tags = {
        client.get("/api/v1/sites", headers=party.headers)["ETag"]
        for party in (published.home_csp, published.outsider)
    }
    assert len(tags) == 2


def test_a_change_changes_the_tag(client, published):
    headers = published.home_csp.headers
    before = client.get("/api/v1/sites", headers=headers)["ETag"]
    models.Site.objects.update(body='{"changed": true}')
    after = client.get("/api/v1/sites", headers={**headers, "If-None-Match": before})
    assert after.status_code == 200


@pytest.mark.parametrize("url", ["/api/v1/service-sessions", "/api/v1/sdrs", "/api/v1/credentials"])
def test_what_may_name_a_person_is_kept_by_no_cache(client, cast, url):
    assert client.get(url, headers=cast.visited_cso.headers)["Cache-Control"] == "no-store"


def test_an_answer_to_a_message_is_kept_by_no_cache(client, cast):
    response = send(client, "POST", "/api/v1/sdrs", cast.visited_cso, json.dumps(SDR))
    assert (response.status_code, response["Cache-Control"]) == (201, "no-store")
    assert response["Location"].endswith(response.json()["sdr_id"])
    read = client.get(response["Location"], headers=cast.visited_cso.headers)
    assert read.json()["reference"] == "SDR-1"


@pytest.mark.parametrize("url", LISTS)
def test_head_says_what_get_would(client, cast, url):
    headers = cast.visited_cso.headers
    read, asked = client.get(url, headers=headers), client.head(url, headers=headers)
    assert (asked.status_code, asked.content) == (200, b"")
    assert asked["ETag"] == read["ETag"]


@pytest.mark.parametrize("url", LISTS)
def test_an_unknown_method_is_answered_with_those_that_are_known(client, cast, url):
    response = send(client, "DELETE", url, cast.visited_cso)
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert "GET" in response["Allow"]
    assert "DELETE" not in response["Allow"]


def test_options_needs_no_credentials_and_says_what_is_read(client, db):
    response = client.options("/api/v1/sdrs/bulk")
    assert (response.status_code, response.content) == (204, b"")
    assert response["Allow"] == "POST, OPTIONS"
    assert response["Accept-Post"] == "application/json, application/x-ndjson"
    put = client.options("/api/v1/sites/LOC1")
    assert "PUT" in put["Allow"]
    assert put["Accept"] == "application/json"


def test_a_content_type_that_is_not_read_is_answered_with_those_that_are(client, cast):
    response = client.post(
        "/api/v1/sdrs", data="a=b", content_type="text/csv", headers=cast.visited_cso.headers
    )
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")
    assert response["Accept-Post"] == "application/json"


def test_an_encoded_body_is_refused_and_not_taken_for_rubbish(client, cast):
    response = send(
        client, "POST", "/api/v1/sdrs", cast.visited_cso, "x", **{"Content-Encoding": "gzip"}
    )
    assert (response.status_code, response["Accept-Encoding"]) == (415, "identity")


@pytest.mark.parametrize("url", ["/api/v1/sdrs", "/api/v1/sites"])
def test_what_cannot_be_produced_is_said_before_anything_happens(client, cast, url):
    headers = {**cast.visited_cso.headers, "Accept": "text/html"}
    response = client.get(url, headers=headers)
    assert (response.status_code, response.json()["code"]) == (406, "not_acceptable")
    posted = send(client, "POST", "/api/v1/sdrs", cast.visited_cso, json.dumps(SDR), Accept="a/b")
    assert posted.status_code == 406
    assert not models.Sdr.objects.exists()


def test_every_answer_carries_the_correlation_id(client, cast):
    for url in (*LISTS, "/api/v1/nowhere", "/api/v1/clock"):
        response = client.get(
            url, headers={**cast.visited_cso.headers, "X-Correlation-ID": "corr-9"}
        )
        assert response["X-Correlation-ID"] == "corr-9"


def test_a_receiver_that_is_away_is_worth_another_try_later(client, cast):
    from tests.roaming.api.messages import LOCAL_START

    response = send(
        client, "POST", "/api/v1/service-sessions/local-start", cast.visited_cso,
        json.dumps(LOCAL_START),
    )  # fmt: skip
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0

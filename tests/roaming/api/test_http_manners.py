"""Manners of HTTP (RFC 9110, 9111): methods, content types, entity tags, caches, what next."""

import json

import pytest

from roaming import models
from tests.roaming.api.messages import SDR, SITE, TARIFF

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


# --- Changing just the version that one has seen --------------------------------------------------
SITE_URL, TARIFF_URL = "/api/v1/sites/LOC1", "/api/v1/tariffs/T1"
KINDS = {
    "site": (SITE_URL, SITE, {"last_updated": "2026-10-02T08:00:00+02:00"}),
    "tariff": (TARIFF_URL, TARIFF, {"valid_from": "2026-10-02T00:00:00+02:00"}),
}


def put(client, party, url, body, **headers):
    return send(client, "PUT", url, party, json.dumps(body), **headers)


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_version_that_was_seen_is_changed(client, cast, kind):
    url, message, change = KINDS[kind]
    first = put(client, cast.visited_cso, url, message, **{"If-None-Match": "*"})
    assert first.status_code == 200, first.content
    changed = {**message, **change}
    second = put(client, cast.visited_cso, url, changed, **{"If-Match": first["ETag"]})
    assert (second.status_code, second.json()["taken"]) == (200, True)
    assert second["ETag"] != first["ETag"]
    late = put(client, cast.visited_cso, url, {**changed, "x": 1}, **{"If-Match": first["ETag"]})
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    assert late.json()["field"] == "If-Match"
    (row,) = client.get(url.rpartition("/")[0], headers=cast.visited_cso.headers).json()["results"][
        :1
    ]
    assert row["etag"] == second["ETag"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-Match": "*"}, 412),
        ({"If-Match": '"x"'}, 412),
        ({"If-Match": "x"}, 422),
        ({"If-None-Match": '"x"'}, 200),
        ({"If-None-Match": "*"}, 200),
    ],
)
def test_what_is_not_there_matches_nothing(client, cast, kind, headers, status):
    url, message, _ = KINDS[kind]
    assert put(client, cast.visited_cso, url, message, **headers).status_code == status
    exists = (
        models.Site.objects.filter(key="LOC1").exists() or models.TariffVersion.objects.exists()
    )
    assert exists is (status == 200)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_there_already_is_not_made_anew(client, cast, kind):
    url, message, change = KINDS[kind]
    put(client, cast.visited_cso, url, message)
    again = put(client, cast.visited_cso, url, {**message, **change}, **{"If-None-Match": "*"})
    assert again.status_code == 412
    assert (
        put(
            client, cast.visited_cso, url, {**message, **change}, **{"If-Match": '"x", "y"'}
        ).status_code
        == 412
    )
    assert put(client, cast.visited_cso, url, {**message, **change}, **{"If-Match": "*"}).json()[
        "taken"
    ]


def test_a_withdrawn_site_counts_as_not_there(client, cast):
    put(client, cast.visited_cso, SITE_URL, SITE)
    client.delete(f"{SITE_URL}?visited_cso=DE*VIS", headers=cast.visited_cso.headers)
    later = {**SITE, "last_updated": "2026-10-02T08:00:00+02:00"}
    assert put(client, cast.visited_cso, SITE_URL, later, **{"If-Match": "*"}).status_code == 412
    assert put(client, cast.visited_cso, SITE_URL, later, **{"If-None-Match": "*"}).status_code == (
        200
    )


def test_others_are_not_told_the_tag_of_what_they_see_in_part(client, published):
    rows = client.get("/api/v1/sites", headers=published.home_csp.headers).json()["results"]
    assert [row["etag"] for row in rows] == [None] * len(rows)


def test_sites_and_tariffs_may_be_kept_for_the_caller_alone(client, cast):
    for url in ("/api/v1/sites", "/api/v1/tariffs"):
        response = client.get(url, headers=cast.home_csp.headers)
        assert response["Cache-Control"] == "private, no-cache"
        assert "Authorization" in response["Vary"]


@pytest.mark.parametrize("method", ["TRACE", "POST", "PATCH", "SCREAM"])
@pytest.mark.parametrize("url", ["/api/v1/messages", "/api/v1/agreements", "/api/v1/clock"])
def test_a_method_that_is_none_of_the_address_is_no_message(client, cast, url, method):
    """Not even one whose key belongs to another message."""
    first = send(client, "POST", "/api/v1/sdrs", cast.visited_cso, json.dumps(SDR), **{
        "X-Message-ID": "m-1"
    })  # fmt: skip
    assert first.status_code == 201
    response = send(client, method, url, cast.visited_cso, **{"X-Message-ID": "m-1"})
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert not models.JournalEntry.objects.filter(refusal_code="method_not_allowed").exists()

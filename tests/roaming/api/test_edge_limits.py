"""Limits at the edge: per platform, per failing address; the client certificate (5.4.1)."""

import base64
import hashlib
import ipaddress
from urllib.parse import quote

import pytest
from django.core.cache import cache
from django.utils import timezone

from roaming import models
from roaming.api import rates
from roaming.api.callers import read_certificate
from roaming.use_cases.uc1_01_platform_authentication import issue_registration_token
from tests.cast import make_party

CERTIFICATE = b"a certificate in DER"
DIGEST = hashlib.sha256(CERTIFICATE).hexdigest()
PROXY = "192.0.2.7"


@pytest.fixture(autouse=True)
def one_minute(monkeypatch):
    """No test runs into the next minute, nor inherits the counts of another."""
    cache.clear()
    monkeypatch.setattr(rates, "_now_s", lambda: 999_999_990)
    yield
    cache.clear()


def read(client, party, url="/api/v1/credentials", **headers):
    token = {"Authorization": f"Bearer {party}"} if isinstance(party, str) else party.headers
    address = headers.pop("REMOTE_ADDR", "127.0.0.1")
    return client.get(url, headers={**token, **headers}, REMOTE_ADDR=address)


# --- Per platform ---------------------------------------------------------------------------------
def test_beyond_its_limit_a_platform_waits_for_the_next_minute(client, cast, settings, monkeypatch):
    settings.MESSAGES_PER_MINUTE = 2
    first, second, third = (read(client, cast.visited_cso) for _ in range(3))
    assert (first.status_code, second.status_code) == (200, 200)
    assert first["RateLimit-Policy"] == '"platform";q=2;w=60'
    assert first["RateLimit"] == '"platform";r=1;t=30'
    assert (third.status_code, third.json()["code"]) == (429, "rate_limited")
    assert third["Retry-After"] == "30"
    assert third["RateLimit"] == '"platform";r=0;t=30'
    assert read(client, cast.home_csp).status_code == 200
    monkeypatch.setattr(rates, "_now_s", lambda: 1_000_000_020)
    assert read(client, cast.visited_cso).status_code == 200


def test_a_platform_s_own_limit_beats_the_setting(client, cast, settings):
    settings.MESSAGES_PER_MINUTE = 100
    models.Platform.objects.filter(pk=cast.visited_cso.platform.pk).update(messages_per_minute=1)
    assert [read(client, cast.visited_cso).status_code for _ in range(2)] == [200, 429]
    assert [read(client, cast.home_csp).status_code for _ in range(2)] == [200, 200]


def test_a_message_beyond_the_limit_does_nothing_and_stands_in_the_journal(client, cast, settings):
    from tests.roaming.api.messages import SDR

    settings.MESSAGES_PER_MINUTE = 1
    for _ in range(2):
        response = client.post(
            "/api/v1/sdrs", SDR, content_type="application/json", headers=cast.visited_cso.headers
        )
    assert response.status_code == 429
    assert list(
        models.JournalEntry.objects.order_by("id").values_list("refusal_code", flat=True)
    ) == ["", "rate_limited"]


def test_no_limit_counts_nothing(client, cast, settings):
    settings.MESSAGES_PER_MINUTE = 0
    assert "RateLimit" not in read(client, cast.visited_cso)


def test_a_cache_that_is_down_limits_nobody(client, cast, settings, monkeypatch):
    def down(*arguments, **options):
        raise ConnectionError("no cache")

    settings.MESSAGES_PER_MINUTE = 1
    monkeypatch.setattr(type(cache._connections["default"]), "incr", down)
    assert [read(client, cast.visited_cso).status_code for _ in range(3)] == [200] * 3


# --- Per failing address --------------------------------------------------------------------------
def test_whoever_fails_too_often_is_answered_no_more(client, cast, settings):
    settings.FAILED_AUTHENTICATIONS_PER_MINUTE = 3
    codes = [read(client, f"tst{n:09d}.wrong").status_code for n in range(5)]
    assert codes == [401, 401, 401, 429, 429]
    elsewhere = read(client, "tst000000000.wrong", REMOTE_ADDR="203.0.113.9")
    assert elsewhere.status_code == 401


def test_a_partner_is_not_locked_out_by_who_fails_behind_its_address(client, cast, settings):
    settings.FAILED_AUTHENTICATIONS_PER_MINUTE = 1
    for _ in range(3):
        read(client, "tst000000000.wrong")
    assert read(client, cast.visited_cso).status_code == 200


def register(client, token, address="127.0.0.1"):
    return client.post(
        "/api/v1/registration",
        {},
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
        REMOTE_ADDR=address,
    )


def test_guessing_a_registration_token_ends_after_a_few(client, db, settings):
    settings.FAILED_AUTHENTICATIONS_PER_MINUTE = 2
    newcomer = make_party("Newcomer", "CSO", "NL*NEW")
    token = issue_registration_token(newcomer.platform, timezone.now())
    prefix = token.partition(".")[0]
    codes = [register(client, f"{prefix}.guess{n}").status_code for n in range(4)]
    assert codes == [401, 401, 429, 429]
    blocked = register(client, token)
    assert (blocked.status_code, blocked["Retry-After"]) == (429, "30")
    assert register(client, token, "203.0.113.9").status_code == 201


def test_behind_a_trusted_proxy_the_caller_s_own_address_counts(client, cast, settings):
    settings.FAILED_AUTHENTICATIONS_PER_MINUTE = 1
    settings.TRUSTED_PROXIES = [ipaddress.ip_network(f"{PROXY}/32")]

    def fail(forwarded):
        return read(
            client, "tst000000000.wrong", REMOTE_ADDR=PROXY, **{"X-Forwarded-For": forwarded}
        ).status_code

    assert [fail("203.0.113.1"), fail("203.0.113.1"), fail("203.0.113.2")] == [401, 429, 401]
    # What the caller itself wrote in front of the proxy's line changes nothing.
    assert fail("198.51.100.1, 203.0.113.1") == 429


def test_an_untrusted_address_cannot_pass_for_another(client, cast, settings):
    settings.FAILED_AUTHENTICATIONS_PER_MINUTE = 1
    codes = [
        read(client, "tst000000000.wrong", **{"X-Forwarded-For": f"203.0.113.{n}"}).status_code
        for n in range(3)
    ]
    assert codes == [401, 429, 429]


# --- The client certificate -----------------------------------------------------------------------
@pytest.fixture
def bound(cast, settings):
    settings.TRUSTED_PROXIES = [ipaddress.ip_network(f"{PROXY}/32")]
    settings.CLIENT_CERTIFICATE_HEADER = "X-Client-Certificate"
    models.Platform.objects.filter(pk=cast.visited_cso.platform.pk).update(
        client_certificate_sha256=DIGEST
    )
    return cast


def present(client, party, text, address=PROXY):
    return read(client, party, REMOTE_ADDR=address, **{"X-Client-Certificate": text})


FORMS = [
    DIGEST,
    ":".join(DIGEST[i : i + 2] for i in range(0, 64, 2)).upper(),
    "SHA256 Fingerprint=" + ":".join(DIGEST[i : i + 2] for i in range(0, 64, 2)).upper(),
    f":{base64.b64encode(CERTIFICATE).decode()}:",
    quote(base64.b64encode(CERTIFICATE).decode(), safe=""),
    quote(
        "-----BEGIN CERTIFICATE-----\n"
        + base64.encodebytes(CERTIFICATE).decode()
        + "-----END CERTIFICATE-----\n"
    ),
    f'By=spiffe://hub;Hash={DIGEST};Subject="CN=platform.example"',
]


@pytest.mark.parametrize("text", FORMS)
def test_who_presents_the_bound_certificate_is_heard(client, bound, text):
    assert present(client, bound.visited_cso, text).status_code == 200


@pytest.mark.parametrize(
    "text", ["", "rubbish", hashlib.sha256(b"other").hexdigest(), ":b3RoZXI=:", DIGEST[:-1], "::"]
)
def test_who_presents_another_or_none_is_refused(client, bound, text):
    response = present(client, bound.visited_cso, text)
    assert (response.status_code, response.json()["code"]) == (403, "certificate_required")


@pytest.mark.parametrize("address", ["203.0.113.9", "127.0.0.1", "::1", ""])
def test_from_anywhere_but_the_proxy_the_header_is_ignored(client, bound, address):
    response = present(client, bound.visited_cso, DIGEST, address)
    assert (response.status_code, response.json()["code"]) == (403, "certificate_required")


def test_without_the_setting_no_header_is_believed(client, bound, settings):
    settings.CLIENT_CERTIFICATE_HEADER = ""
    assert present(client, bound.visited_cso, DIGEST).status_code == 403


def test_a_platform_that_is_bound_to_none_needs_none(client, bound):
    assert read(client, bound.home_csp).status_code == 200


def test_a_wrong_token_is_not_told_about_the_certificate(client, bound):
    prefix = bound.visited_cso.token.partition(".")[0]
    assert present(client, f"{prefix}.wrong", DIGEST).json()["code"] == "not_authenticated"


def test_a_bound_platform_presents_it_at_its_registration_too(client, bound):
    token = issue_registration_token(bound.visited_cso.platform, timezone.now())
    refused = register(client, token, PROXY)
    assert (refused.status_code, refused.json()["code"]) == (403, "certificate_required")
    assert models.RegistrationToken.objects.get().used_at is None


def test_rubbish_is_no_certificate():
    assert [read_certificate(text) for text in ("", ":", "%", "ü", "a" * 63)] == [""] * 5

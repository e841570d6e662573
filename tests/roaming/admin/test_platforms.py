"""Platforms: whom they speak for, their one-time token, and stopping them."""

from __future__ import annotations

import re

import pytest
from django.contrib.admin.models import LogEntry

from roaming import models
from roaming.domain.secrets import MachineToken
from tests import factories
from tests.clearinghouse.admin.fixtures import offered, page, take, text_of, told


@pytest.fixture
def platform(world):
    return world.cast.home_csp.platform


def test_the_registration_token_is_shown_once_and_kept_nowhere(clerk, platform):
    response = clerk.post(page(platform, "step", "registration-token"))
    (token,) = re.findall(r'value="([a-z0-9]{12}\.[^"]+)"', text_of(response))
    parsed = MachineToken.parse(token)
    row = platform.registration_tokens.get()
    assert bytes(row.secret_sha256) == parsed.digest()
    assert "no-store" in response["Cache-Control"]
    assert not response.cookies.get("messages")
    later = text_of(clerk.get(page(platform, "change")))
    assert parsed.secret not in later
    assert parsed.prefix in later
    logged = " ".join(LogEntry.objects.values_list("change_message", flat=True))
    assert "Issue registration token" in logged
    assert parsed.secret not in logged


def test_the_token_page_only_shows_on_get_what_will_happen(clerk, platform):
    response = clerk.get(page(platform, "step", "registration-token"))
    assert "speaks for DE-HOM" in text_of(response)
    assert not platform.registration_tokens.exists()


def test_a_platform_is_suspended_for_a_reason_and_resumed(clerk, platform):
    assert "This field is required" in text_of(take(clerk, platform, "suspend"))
    assert "suspended" in told(take(clerk, platform, "suspend", reason="unpaid"))
    platform.refresh_from_db()
    assert platform.status == "suspended"
    shown = offered(clerk.get(page(platform, "change")))
    assert "resume" in shown
    assert not {"suspend", "registration-token"} & set(shown)
    take(clerk, platform, "resume", reason="paid")
    platform.refresh_from_db()
    assert platform.status == "connected"
    changes = clerk.get(page(platform, "history")).context["changes"]
    assert "unpaid" in {change.why for change in changes}


def test_who_never_registered_waits_again_after_a_suspension(clerk, world):
    platform = factories.PlatformFactory(status="expected")
    take(clerk, platform, "suspend", reason="wait")
    take(clerk, platform, "resume", reason="go on")
    platform.refresh_from_db()
    assert platform.status == "expected"


def test_leaked_credentials_are_revoked(clerk, platform):
    take(clerk, platform, "revoke-credentials", reason="leaked")
    assert not platform.credentials.filter(revoked_at=None).exists()
    assert "revoke-credentials" not in offered(clerk.get(page(platform, "change")))


def pin(client, platform, identifier):
    return client.post(
        page(platform, "change"),
        {
            "name": platform.name,
            "run_by": platform.run_by.pk,
            "held_identifiers-TOTAL_FORMS": "1",
            "held_identifiers-INITIAL_FORMS": "0",
            "held_identifiers-0-identifier": identifier.pk,
        },
    )


def test_a_pin_is_of_the_platform_s_environment(clerk, world):
    platform = factories.PlatformFactory(environment="test")
    identifier = world.cast.home_csp.identifier
    assert pin(clerk, platform, identifier).status_code == 302
    assert platform.held_identifiers.get().environment == "test"


def test_one_platform_of_an_environment_speaks_for_a_party(clerk, world):
    platform = factories.PlatformFactory()
    response = pin(clerk, platform, world.cast.home_csp.identifier)
    assert "speaks for DE-HOM already" in text_of(response)
    assert not platform.held_identifiers.exists()


def test_a_party_is_unpinned_and_moves_to_another_platform(clerk, world, platform):
    held = platform.held_identifiers.get()
    clerk.post(
        page(platform, "change"),
        {
            "name": platform.name,
            "run_by": platform.run_by.pk,
            "held_identifiers-TOTAL_FORMS": "1",
            "held_identifiers-INITIAL_FORMS": "1",
            "held_identifiers-0-id": held.pk,
            "held_identifiers-0-platform": platform.pk,
            "held_identifiers-0-DELETE": "on",
        },
    )
    assert not models.PlatformIdentifier.objects.filter(platform=platform).exists()
    changes = clerk.get(page(platform, "history")).context["changes"]
    assert any(change.what.endswith("added") for change in changes)
    other = factories.PlatformFactory()
    pin(clerk, other, world.cast.home_csp.identifier)
    assert other.held_identifiers.exists()


def test_the_environment_of_a_platform_is_for_good(clerk, platform):
    pin_data = {
        "name": "renamed",
        "run_by": platform.run_by.pk,
        "environment": "test",
        "held_identifiers-TOTAL_FORMS": "0",
        "held_identifiers-INITIAL_FORMS": "0",
    }
    clerk.post(page(platform, "change"), pin_data)
    platform.refresh_from_db()
    assert (platform.name, platform.environment) == ("renamed", "live")


DIGEST = "0f" * 31 + "ab"
PAIRS = ":".join(DIGEST[i : i + 2] for i in range(0, 64, 2)).upper()


def bind(client, platform, text):
    return client.post(
        page(platform, "change"),
        {
            "name": platform.name,
            "run_by": platform.run_by.pk,
            "client_certificate_sha256": text,
            "held_identifiers-TOTAL_FORMS": "0",
            "held_identifiers-INITIAL_FORMS": "0",
        },
    )


@pytest.mark.parametrize(
    "text",
    [
        DIGEST,
        DIGEST.upper(),
        PAIRS,
        f"sha256 Fingerprint={PAIRS}",
        f"SHA256 Fingerprint={PAIRS}\n",
        f"SHA256: {PAIRS}",
        f"SHA2-256(platform.der)= {DIGEST}",
        f"  {PAIRS.replace(':', ' ')}  ",
        f"{DIGEST}  platform.der",
    ],
)
def test_a_certificate_s_digest_is_taken_as_tools_print_it(clerk, platform, text):
    assert bind(clerk, platform, text).status_code == 302
    platform.refresh_from_db()
    assert platform.client_certificate_sha256 == DIGEST


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (PAIRS[:59], "40 hex digits, as SHA-1 has"),
        (DIGEST[:-1], "63 hex digits"),
        (DIGEST[:-1] + "g", "Not a SHA-256 digest"),
        ("platform.pem", "Not a SHA-256 digest"),
    ],
)
def test_what_is_no_digest_is_named_and_not_kept(clerk, platform, text, why):
    assert why in text_of(bind(clerk, platform, text))
    platform.refresh_from_db()
    assert platform.client_certificate_sha256 == ""


def test_a_bound_platform_is_freed_by_an_empty_field(clerk, platform):
    bind(clerk, platform, DIGEST)
    bind(clerk, platform, "")
    platform.refresh_from_db()
    assert platform.client_certificate_sha256 == ""

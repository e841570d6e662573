"""`manage.py check --deploy` has nothing to say about the settings of real use."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from clearinghouse import environment
from clearinghouse.edge_checks import what_is_believed_of_callers_comes_from_proxies
from tests import databases

REAL = {
    "CELERY_BROKER_URL": "redis://127.0.0.1:6379/0",
    "CLEARINGHOUSE_SECRET_KEY": secrets.token_urlsafe(60),
    "CLEARINGHOUSE_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    "CLEARINGHOUSE_HMAC_KEY": secrets.token_hex(32),
    "CLEARINGHOUSE_ALLOWED_HOSTS": "hub.example",
    "CLEARINGHOUSE_BEHIND_TLS": "yes",
    "CLEARINGHOUSE_TRUSTED_PROXIES": "127.0.0.1",
}


def database_urls() -> dict[str, str]:
    """The test database as two roles of a server that is reached by its socket."""
    with databases.owner_connection() as owner:
        host, port = owner.info.host, owner.info.port
    name = connection.settings_dict["NAME"]
    socket = host.replace("/", "%2F")
    return {
        "DATABASE_URL": f"postgres://clearinghouse_app@{socket}:{port}/{name}",
        "CLEARINGHOUSE_DATABASE_OWNER_URL": f"postgres://clearinghouse_owner@{socket}:{port}/{name}",
    }


def check(**other: str) -> subprocess.CompletedProcess[str]:
    settings = {**REAL, **database_urls(), **other}
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=databases.ROOT,
        env={"PATH": os.environ["PATH"], **settings},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.usefixtures("committed_db")
def test_the_settings_of_real_use_are_clean():
    done = check()
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize(
    ("name", "value", "number"),
    [
        ("CLEARINGHOUSE_DEBUG", "yes", "E001"),
        ("CLEARINGHOUSE_BEHIND_TLS", "no", "E008"),
        ("CLEARINGHOUSE_SECOND_FACTOR", "no", "E011"),
        ("CLEARINGHOUSE_ALLOW_PLAIN_HTTP_ENDPOINTS", "yes", "E007"),
        ("CLEARINGHOUSE_BUSINESS_CLOCK_SETTABLE", "yes", "E006"),
        ("CLEARINGHOUSE_TRUSTED_PROXIES", "", "E025"),
    ],
)
def test_what_is_not_for_real_use_is_named(name, value, number):
    done = check(**{name: value})
    assert done.returncode != 0
    assert f"clearinghouse.{number}" in done.stderr


@pytest.mark.parametrize(
    ("proxies", "header", "behind_tls", "numbers"),
    [
        ("", "", False, []),
        ("192.0.2.7,2001:db8::/32", "X-Client-Certificate", True, []),
        ("", "X-Client-Certificate", False, ["E024"]),
        ("", "", True, ["E025"]),
        ("0.0.0.0/0", "", True, ["E026"]),
        ("::/0,0.0.0.0/1,192.0.2.7", "", True, ["E026", "E026"]),
        ("192.0.2.7", "X-Client: certificate", True, ["E027"]),
    ],
)
def test_headers_are_believed_of_named_proxies_only(
    settings, monkeypatch, proxies, header, behind_tls, numbers
):
    monkeypatch.setenv("CLEARINGHOUSE_TRUSTED_PROXIES", proxies)
    settings.TRUSTED_PROXIES = environment.networks("CLEARINGHOUSE_TRUSTED_PROXIES")
    settings.CLIENT_CERTIFICATE_HEADER = header
    settings.BEHIND_TLS = behind_tls
    found = what_is_believed_of_callers_comes_from_proxies()
    assert [error.id for error in found] == [f"clearinghouse.{number}" for number in numbers]


@pytest.mark.parametrize("text", ["proxy.example", "192.0.2.300", "192.0.2.7/24", "192.0.2.7 ::1"])
def test_trusted_proxies_that_are_no_networks_stop_the_start(monkeypatch, text):
    monkeypatch.setenv("CLEARINGHOUSE_TRUSTED_PROXIES", text)
    with pytest.raises(ImproperlyConfigured, match="CLEARINGHOUSE_TRUSTED_PROXIES must list"):
        environment.networks("CLEARINGHOUSE_TRUSTED_PROXIES")

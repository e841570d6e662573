"""A clearing house to measure: its own durable PostgreSQL, its own web server, one pair of parties.

Everything lives under `.data/benchmarks`, so that a run never touches anybody's data.
"""

from __future__ import annotations

import http.client
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from benchmarks.servers import ROOT, Server, granian

DATA_DIR = ROOT / ".data" / "benchmarks"


@dataclass(frozen=True)
class ClearingHouse:
    """Where it listens, and what the visited-CSO `DE*BMO` presents there."""

    port: int
    token: str

    def post(self, path: str, body: bytes, content_type: str) -> bytes:
        """One request over HTTP; anything but a 2xx fails the benchmark."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        connection.request(
            "POST",
            path,
            body,
            {"Authorization": f"Bearer {self.token}", "Content-Type": content_type},
        )
        response = connection.getresponse()
        content = response.read()
        connection.close()
        if not 200 <= response.status < 300:
            raise RuntimeError(f"HTTP {response.status}: {content[:500]!r}")
        return content


def configure() -> None:
    """Points Django at the benchmark's own data directory; call it before anything of Django."""
    import django

    os.environ["CLEARINGHOUSE_DATA_DIR"] = str(DATA_DIR)
    os.environ["CLEARINGHOUSE_ALLOW_PLAIN_HTTP_ENDPOINTS"] = "yes"
    os.environ["CLEARINGHOUSE_LOG_LEVEL"] = "ERROR"
    os.environ["DJANGO_SETTINGS_MODULE"] = "clearinghouse.settings"
    for name in ("DATABASE_URL", "CLEARINGHOUSE_DATABASE_OWNER_URL"):
        os.environ.pop(name, None)
    django.setup()


def fresh_database() -> None:
    """An empty, migrated database on the benchmark's server."""
    import psycopg
    from django.core.management import call_command
    from django.db import connection

    from clearinghouse.embedded_postgres import EmbeddedPostgres

    connection.close()
    server = EmbeddedPostgres(DATA_DIR / "postgres")
    server.start()
    with psycopg.connect(server.conninfo("postgres", "postgres"), autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS clearinghouse WITH (FORCE)")
        admin.execute("CREATE DATABASE clearinghouse OWNER clearinghouse_owner")
    with open(os.devnull, "w") as nowhere:
        call_command("prepare_database", verbosity=0, stdout=nowhere)
    connection.close()
    connection.settings_dict["USER"] = "clearinghouse_app"


def stop_postgres() -> None:
    """Stops the benchmark's own server, if it runs; its data stay for the next run."""
    from clearinghouse.embedded_postgres import EmbeddedPostgres

    if (DATA_DIR / "postgres").is_dir():
        EmbeddedPostgres(DATA_DIR / "postgres").stop()


def make_parties(endpoints: Mapping[str, str] = MappingProxyType({"DE-BMP": ""})) -> str:
    """The visited-CSO DE*BMO, and home-CSPs with an agreement each; returns the CSO's token.

    `endpoints` are the home-CSPs, each with the address of its platform; empty: it has none.
    """
    visited_cso, token = _add_party("CSO", "DE*BMO", "")
    for identifier, url in endpoints.items():
        home_csp, _ = _add_party("CSP", identifier, url)
        _add_agreement(visited_cso, home_csp)
    return token


def _add_party(role: str, identifier: str, url: str) -> tuple[Any, str]:
    """An operator with one identifier and its platform; returns it with the platform's token."""
    from django.utils import timezone

    from roaming import models
    from roaming.domain.use_case import UseCase
    from roaming.hub_switch import Envelope, encrypt_secret
    from roaming.use_cases.uc1_01_platform_authentication import (
        PlatformOffer,
        issue_registration_token,
        register_platform,
    )

    now = timezone.now()
    operator = models.Operator.objects.create(
        name=identifier, legal_name=identifier, street="-", postal_code="-", city="-",
        country="DE", contact_email="benchmark@operator.example", status="active",
    )  # fmt: skip
    held = models.OperatorIdentifier.objects.create(
        operator=operator, role=role, identifier=identifier,
        key=identifier.replace("*", "").replace("-", ""),
    )  # fmt: skip
    platform = models.Platform.objects.create(name=identifier, run_by=operator)
    models.PlatformIdentifier.objects.create(
        platform=platform, identifier=held, environment=platform.environment
    )
    envelope = Envelope(UseCase.UC1_1, platform, "benchmark", "benchmark", now)
    invitation = issue_registration_token(platform, now)
    token = register_platform(envelope, invitation, PlatformOffer(), now)
    if url:
        models.RoamingEndpoint.objects.create(
            platform=platform,
            url=url,
            outbound_secret=encrypt_secret("benchmark-secret-of-the-platform"),
            updated_at=now,
        )
    return operator, token


def _add_agreement(visited_cso: Any, home_csp: Any) -> None:
    from django.utils import timezone

    from roaming import models
    from roaming.use_cases.agreement_lifecycle import (
        AcceptanceRecord,
        accept_agreement,
        propose_agreement,
    )

    now = timezone.now()
    calendar, _ = models.SettlementCalendar.objects.get_or_create(name="Monthly")
    agreement = models.Agreement.objects.create(
        visited_cso=visited_cso,
        home_csp=home_csp,
        services=["local_start"],
        validity=(now.replace(year=2020), None),
        calendar=calendar,
    )
    propose_agreement(agreement, now)
    for party in ("CSO", "CSP"):
        accept_agreement(agreement, AcceptanceRecord(party, "api", "benchmark"), now)


def conninfo() -> str:
    """How to reach the benchmark's database as its owner."""
    from clearinghouse.embedded_postgres import EmbeddedPostgres

    server = EmbeddedPostgres(DATA_DIR / "postgres")
    return server.conninfo("clearinghouse", "clearinghouse_owner")


def database_pid() -> int:
    """The first process of the benchmark's PostgreSQL."""
    (pid_file,) = (DATA_DIR / "postgres").rglob("postmaster.pid")
    return int(pid_file.read_text().split()[0])


@contextmanager
def web_server(threads: int = 32) -> Iterator[Server]:
    """The product's web server, one worker, as `script/server` starts it; no limit of messages."""
    environment = {
        "CLEARINGHOUSE_WEB_THREADS": str(threads), "CLEARINGHOUSE_MESSAGES_PER_MINUTE": "0"
    }  # fmt: skip
    with granian("clearinghouse.wsgi:application", threads=threads, environment=environment) as hub:
        yield hub


@contextmanager
def running() -> Iterator[ClearingHouse]:
    """The web server on a free port, on a fresh database; stopped at the end."""
    fresh_database()
    token = make_parties()
    with web_server() as hub:
        yield ClearingHouse(hub.port, token)

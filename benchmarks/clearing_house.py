"""A clearing house to measure: its own durable PostgreSQL, its own web server, one pair of parties.

Everything lives under `.data/benchmarks`, so that a run never touches anybody's data.
"""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
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


def make_parties() -> str:
    """The visited-CSO DE*BMO and the home-CSP DE-BMP with an agreement; returns the CSO's token."""
    from django.utils import timezone

    from roaming import models
    from roaming.domain.use_case import UseCase
    from roaming.hub_switch import Envelope
    from roaming.use_cases.agreement_lifecycle import (
        AcceptanceRecord,
        accept_agreement,
        propose_agreement,
    )
    from roaming.use_cases.uc1_01_platform_authentication import (
        PlatformOffer,
        issue_registration_token,
        register_platform,
    )

    now = timezone.now()
    tokens = {}
    for role, identifier in (("CSO", "DE*BMO"), ("CSP", "DE-BMP")):
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
        tokens[role] = register_platform(envelope, invitation, PlatformOffer(), now)
    agreement = models.Agreement.objects.create(
        visited_cso=models.Operator.objects.get(name="DE*BMO"),
        home_csp=models.Operator.objects.get(name="DE-BMP"),
        services=["local_start"],
        validity=(now.replace(year=2020), None),
        calendar=models.SettlementCalendar.objects.create(name="Monthly"),
    )
    propose_agreement(agreement, now)
    for party in ("CSO", "CSP"):
        accept_agreement(agreement, AcceptanceRecord(party, "api", "benchmark"), now)
    return tokens["CSO"]


@contextmanager
def running() -> Iterator[ClearingHouse]:
    """The web server on a free port, on a fresh database; stopped at the end."""
    fresh_database()
    token = make_parties()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [
            sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1",
            "--port", str(port), "--workers", "1", "--log-level", "error",
            "clearinghouse.wsgi:application",
        ],
        cwd=ROOT,
    )  # fmt: skip
    try:
        _wait_for(port, server)
        yield ClearingHouse(port, token)
    finally:
        server.terminate()
        server.wait(30)


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if server.poll() is not None:
            raise RuntimeError("the web server ended at once")
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the web server does not listen")

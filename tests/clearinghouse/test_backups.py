"""A backup is only as good as its restore: rows, rules and grants come back, or nothing does."""

from __future__ import annotations

import io
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone
from psycopg import sql

from roaming import models
from roaming.outbox import Parcel, enqueue
from tests.cast import make_cast
from tests.databases import owner_connection
from tests.roaming.api.messages import LOCAL_START

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture(autouse=True)
def as_the_application() -> Iterator[None]:
    """The commands work as the owner; what follows them is the application again."""
    saved = dict(connection.settings_dict)
    yield
    connection.close()
    connection.settings_dict.update(saved)


@contextmanager
def as_before() -> Iterator[None]:
    saved = dict(connection.settings_dict)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(saved)


def back_up(path: Path) -> str:
    with as_before():
        out = io.StringIO()
        call_command("backup_database", str(path), stdout=out)
    return out.getvalue()


@contextmanager
def empty_database() -> Iterator[str]:
    """A new database of the same server, with the extensions that an administrator installs."""
    name = f"chtest_restored_{uuid.uuid4().hex[:8]}"
    before = connection.settings_dict["NAME"]
    with owner_connection() as owner:
        owner.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        connection.close()
        connection.settings_dict["NAME"] = name
        yield name
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before
        with owner_connection() as owner:
            owner.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )


def restore(path: Path) -> str:
    saved_name = connection.settings_dict["NAME"]
    with as_before():
        out = io.StringIO()
        call_command("restore_database", str(path), stdout=out)
    assert connection.settings_dict["NAME"] == saved_name
    return out.getvalue()


@pytest.fixture
def traffic(client: Any, csp_platform: Any) -> models.ServiceSession:
    cast = make_cast(csp_endpoint=csp_platform.url)
    response = client.post(
        "/api/v1/service-sessions/local-start", data=LOCAL_START,
        content_type="application/json", headers=cast.visited_cso.headers,
    )  # fmt: skip
    assert response.status_code == 200, response.content
    enqueue([Parcel(cast.home_csp.platform, "UC1-2", "uc1-2/sites", "site:1", "{}", "corr")])
    return models.ServiceSession.objects.get()


def test_what_was_backed_up_comes_back_with_its_rules_and_grants(traffic, client, tmp_path):
    path = tmp_path / "hub.backup"
    assert "Keep the keys" in back_up(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    rows = models.JournalEntry.objects.count()
    token = {"Authorization": f"Bearer {models.Credential.objects.first().prefix}.secret"}
    with empty_database():
        figures = restore(path)
        assert f"{rows:>12,} journal rows" in figures
        assert models.ServiceSession.objects.get().personal_data.token_uid == "04A2B3C4D5E6F7"
        # It works on: the platform's old token is taken, new messages are recorded.
        assert client.get("/api/v1/credentials", headers=token).status_code == 200
        # As the owner nobody can rewrite the journal, as the application nobody may.
        for forbidden in ("UPDATE", "DELETE"):
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT has_table_privilege('roaming_journalentry', %s)", [forbidden]
                )
                assert cursor.fetchone()[0] is False
        with owner_connection(connection.settings_dict["NAME"]) as owner, pytest.raises(
            psycopg.errors.RestrictViolation
        ):  # fmt: skip
            owner.execute("DELETE FROM roaming_journalentry")


def test_who_carried_deliveries_in_the_old_server_carries_none_here(traffic, tmp_path):
    path = tmp_path / "hub.backup"
    models.Delivery.objects.update(leased_until=timezone.now() + timedelta(days=1))
    back_up(path)
    with empty_database():
        restore(path)
        leases = models.Delivery.objects.filter(state="waiting").values_list("leased_until")
        assert set(leases) == {(None,)}


def test_a_database_in_use_is_never_overwritten(traffic, tmp_path):
    path = tmp_path / "hub.backup"
    back_up(path)
    with pytest.raises(CommandError, match="not empty"):
        restore(path)


def test_a_broken_file_leaves_the_database_empty(traffic, tmp_path):
    path = tmp_path / "hub.backup"
    back_up(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    with empty_database():
        with pytest.raises(CommandError, match="pg_restore ended"):
            restore(path)
        with transaction.atomic(), connection.cursor() as cursor:
            assert connection.introspection.table_names(cursor) == []


def test_other_keys_than_those_of_the_backup_are_noticed(traffic, tmp_path, settings):
    path = tmp_path / "hub.backup"
    back_up(path)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with empty_database(), pytest.raises(CommandError, match="keys that belong to this backup"):
        restore(path)


def test_a_backup_never_overwrites_another(traffic, tmp_path):
    path = tmp_path / "hub.backup"
    path.write_text("older")
    with pytest.raises(CommandError, match="exists already"):
        back_up(path)
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]

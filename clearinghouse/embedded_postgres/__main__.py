"""python -m clearinghouse.embedded_postgres start|stop|status|psql-args [--data-dir DIR]

`status` ends with 0 while the server runs and with 3 while it does not. `psql-args` starts it and
prints the command line of psql, quoted for a shell. Without --data-dir it is the settings' server.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

from clearinghouse.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError
from clearinghouse.embedded_postgres.cluster import DATABASE, OWNER_ROLE

_NOT_RUNNING = 3


def main(arguments: list[str]) -> int:
    """Do what the command line says; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m clearinghouse.embedded_postgres",
        description="Start, stop and find the embedded PostgreSQL server.",
    )
    parser.add_argument("action", choices=["start", "stop", "status", "psql-args"])
    parser.add_argument("--data-dir", type=Path, help="default: postgres below the data directory")
    parser.add_argument("--database", default=DATABASE, help="psql-args: default %(default)s")
    parser.add_argument("--user", default=OWNER_ROLE, help="psql-args: default %(default)s")
    given = parser.parse_args(arguments)
    server = EmbeddedPostgres(given.data_dir or _configured_data_dir())
    try:
        return _act(server, given)
    except EmbeddedPostgresError as error:
        print(error, file=sys.stderr)
        return 1


def _act(server: EmbeddedPostgres, given: argparse.Namespace) -> int:
    if given.action == "stop":
        server.stop()
        return 0
    if given.action == "status":
        running = server.is_running()
        where = f"runs; its socket is in {server.socket_dir}" if running else "does not run"
        print(f"PostgreSQL of {server.data_dir} {where}.")
        return 0 if running else _NOT_RUNNING
    server.start()
    if given.action == "psql-args":
        print(shlex.join(server.psql_arguments(given.database, given.user)))
    return 0


def _configured_data_dir() -> Path:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clearinghouse.settings")
    from django.conf import settings

    return Path(settings.EMBEDDED_POSTGRES_DATA_DIR)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

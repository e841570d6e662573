"""Two file locks: one starter at a time, and a sign of life that cannot be mistaken.

A process id in a file proves little: after a kill -9 or a container's restart it may belong to
anybody. The postmaster therefore inherits an open, locked file, and so do its children: while the
lock is taken something of this server lives, whatever the ids say; when it is free, nothing does.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clearinghouse.embedded_postgres.errors import EmbeddedPostgresError
from clearinghouse.embedded_postgres.files import open_private

_POLL_S = 0.02


def _taken(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise EmbeddedPostgresError(
            f"The file system of the data directory does not support file locks ({error.strerror});"
            " PostgreSQL needs a local one: set CLEARINGHOUSE_DATA_DIR."
        ) from error
    return True


@contextmanager
def exclusive(path: Path, timeout_s: float) -> Iterator[None]:
    """Hold the lock `path` for the block; wait `timeout_s` seconds at most for another holder."""
    descriptor = open_private(path, os.O_RDWR)
    try:
        deadline = time.monotonic() + timeout_s
        while not _taken(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"Another process has been starting or stopping PostgreSQL for {timeout_s:.0f} "
                    f"seconds (it holds {path})."
                )
            time.sleep(_POLL_S)
        try:
            yield
        finally:
            # Explicitly: a process forked meanwhile shares the lock, and closing would not end it.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


class SignOfLife:
    """The lock that a server and its children hold together from start to end."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def is_held(self) -> bool:
        """Whether a process of the server lives."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return False
        try:
            if not _taken(descriptor, fcntl.LOCK_SH):
                return True
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            return False
        finally:
            os.close(descriptor)

    def try_claim(self) -> int | None:
        """A locked descriptor for a new server to inherit; None while another server lives."""
        descriptor = open_private(self._path, os.O_RDWR)
        if _taken(descriptor, fcntl.LOCK_EX):
            return descriptor
        os.close(descriptor)
        return None

"""The data directory of one replay, or of the sandbox: one conductor at a time, or made anew."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from clearinghouse.embedded_postgres import EmbeddedPostgres

MARK = "demo.lock"
SUMMARY = "summary.json"
# The settings of this process made their keys there before anybody could look.
KEPT = (MARK, "secrets.json")


class PlaceError(Exception):
    """The directory cannot be used; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where everything of one replay lies."""

    directory: Path

    @property
    def postgres(self) -> EmbeddedPostgres:
        return EmbeddedPostgres(self.directory / "postgres")

    @property
    def logs(self) -> Path:
        return self.directory / "logs"

    @property
    def reports(self) -> Path:
        return self.directory / "reports"

    @property
    def summary(self) -> Path:
        """Written when a replay has been settled, and nothing else says so."""
        return self.directory / SUMMARY

    @property
    def is_settled(self) -> bool:
        return self.summary.is_file()

    @property
    def is_begun(self) -> bool:
        return any(entry.name not in KEPT for entry in self.directory.iterdir())

    def empty(self) -> None:
        """Removes everything but lock and keys; a server that still runs there is stopped first."""
        self.summary.unlink(missing_ok=True)
        if (self.directory / "postgres").is_dir():
            self.postgres.stop()
        for entry in self.directory.iterdir():
            if entry.name in KEPT:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()


@contextmanager
def claimed(directory: Path) -> Iterator[Place]:
    """The place, ours alone until the block is left. PlaceError where somebody else has it."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if Place(directory).is_begun and not (directory / MARK).is_file():
            raise PlaceError(f"{directory} holds something else.")
        descriptor = os.open(directory / MARK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise PlaceError(f"{directory} cannot be used: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
            raise PlaceError(
                f"It runs on {directory} already (process {owner or 'unknown'})."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield Place(directory)
    finally:
        os.close(descriptor)

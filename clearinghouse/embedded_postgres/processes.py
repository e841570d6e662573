"""Whose process id is that: what postmaster.pid says, held against what really runs.

A recorded id is believed only when the process of that id is a `postgres` that works in this data
directory. Where there is no /proc the caller's lock (locks.py) is the only evidence.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class Postmaster:
    """The content of postmaster.pid."""

    pid: int
    port: int
    socket_dir: Path
    ready: bool


def recorded(cluster: Path) -> Postmaster | None:
    """What postmaster.pid says, true or not; None while it is missing or not yet complete."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    # Line by line: pid, data directory, start time, port, socket directory, address, key, status.
    if len(lines) < 5 or not lines[0].isdecimal() or not lines[3].isdecimal():
        return None
    ready = len(lines) > 7 and lines[7].strip() == "ready"
    return Postmaster(int(lines[0]), int(lines[3]), Path(lines[4]), ready)


def works_in(pid: int, cluster: Path) -> bool:
    """Whether process `pid` is a living PostgreSQL process of this cluster."""
    if not (_PROC / "self").exists():
        return True
    try:
        program = os.readlink(_PROC / str(pid) / "exe").removesuffix(" (deleted)")
        place = (_PROC / str(pid) / "cwd").stat()
        return Path(program).name == "postgres" and os.path.samestat(place, cluster.stat())
    except OSError:  # gone, a zombie, or somebody else's
        return False


def of_cluster(cluster: Path) -> Iterator[int]:
    """Every living PostgreSQL process of this cluster, found without postmaster.pid."""
    if not (_PROC / "self").exists():
        return
    for entry in _PROC.iterdir():
        if entry.name.isdecimal() and works_in(int(entry.name), cluster):
            yield int(entry.name)


def end_orphans(cluster: Path) -> int:
    """Tell what a killed postmaster left behind to end at once; how many processes there were.

    A backend in the middle of a long query does not notice the postmaster's end, and no new server
    can start while it lives. Crash recovery settles what it was doing.
    """
    orphans = list(of_cluster(cluster))
    for pid in orphans:
        send(pid, signal.SIGQUIT)
    return len(orphans)


def send(pid: int, number: signal.Signals) -> None:
    """Signal a process that may end at any moment."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)

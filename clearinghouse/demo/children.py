"""Processes of the demo: started on a leash, watched, and ended one after the other.

Each is a process group of its own, so that a terminal's Ctrl-C reaches the conductor alone, which
then ends them in order. What they say goes into files.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

LEASH = Path(__file__).with_name("leash.py")
GRACE_S = 15.0
TAIL_LINES = 15
_POLL_S = 0.02


class ChildEndedError(Exception):
    """A process ended that nobody had asked to."""


@dataclass(eq=False)
class Child:
    """A running process; `log` is the file with what it says."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def tail(self) -> str:
        """The end of its log."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join(lines[-TAIL_LINES:])


@dataclass
class Children:
    """All processes of a run. `directory` is where commands run, `logs` where they write."""

    directory: Path
    logs: Path
    running: list[Child] = field(default_factory=list)

    def start(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        steered: bool = False,
    ) -> Child:
        """Starts `command`; with `steered` its input and output are pipes to us."""
        self.logs.mkdir(parents=True, exist_ok=True)
        log = self.logs / f"{name}.log"
        pipe = subprocess.PIPE if steered else None
        with log.open("ab") as said:
            process = subprocess.Popen(  # noqa: S603  commands of our own
                [sys.executable, "-S", "-E", str(LEASH), str(os.getpid()), *command],
                cwd=self.directory,
                env=dict(environment),
                stdin=pipe or subprocess.DEVNULL,
                stdout=pipe or said,
                stderr=said,
                process_group=0,
            )
        child = Child(name, process, log)
        self.running.append(child)
        return child

    def check(self) -> None:
        """Raises ChildEndedError, with the end of its log, if a process has ended."""
        for child in self.running:
            status = child.process.poll()
            if status is not None:
                raise ChildEndedError(
                    f"{child.name} ended with {_words(status)}. "
                    f"The end of {child.log}:\n{child.tail()}"
                )

    def stop(self, children: Sequence[Child] | None = None) -> None:
        """Ends these processes, or all, the youngest first; who does not end in time is killed."""
        leaving = list(reversed(self.running if children is None else children))
        for child in leaving:
            if child.process.stdin is not None:
                child.process.stdin.close()
            # Only the first of its processes: it ends the others in its own order.
            child.process.terminate()
        deadline = time.monotonic() + GRACE_S
        for child in leaving:
            while child.process.poll() is None and time.monotonic() < deadline:
                time.sleep(_POLL_S)
            # Whatever it started itself and left behind is in the same group.
            _kill_group(child)
            child.process.wait()
            if child.process.stdout is not None:
                child.process.stdout.close()
            self.running.remove(child)


@contextmanager
def children_in(directory: Path, logs: Path) -> Iterator[Children]:
    """Processes that are all gone when the block is left, whatever happened in it."""
    children = Children(directory, logs)
    try:
        yield children
    finally:
        children.stop()


def _kill_group(child: Child) -> None:
    try:
        os.killpg(child.process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _words(status: int) -> str:
    if status >= 0:
        return f"status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"

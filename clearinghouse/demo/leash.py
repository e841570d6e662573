"""Runs a command that ends when whoever started it is gone, however suddenly.

Called as a script, `python leash.py PARENT COMMAND...`, so that it loads nothing else; it turns
into the command. Linux tells a process of its parent's end (prctl, PR_SET_PDEATHSIG); elsewhere
the command just runs.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    """Never returns."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the conductor is gone")
    os.execv(command[0], command)  # noqa: S606  no shell is meant


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])

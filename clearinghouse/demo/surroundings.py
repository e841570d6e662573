"""The settings with which the processes of a replay work: its own, whatever the shell says."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path

DATA_DIR = "CLEARINGHOUSE_DATA_DIR"
HOST = "127.0.0.1"
USUAL_PORT = 8000
LAST_PORT = 65_535
# Whoever has set these means a real installation: none of it may reach the demo.
_FOREIGN = ("CLEARINGHOUSE_", "DATABASE_URL", "CELERY_", "GRANIAN_", "DJANGO_", "PYTHONWARNINGS")


def environment_of(directory: Path, shell: Mapping[str, str]) -> dict[str, str]:
    """The environment variables of everything that belongs to a replay in `directory`."""
    kept = {name: value for name, value in shell.items() if not name.startswith(_FOREIGN)}
    return {
        **kept,
        DATA_DIR: str(directory),
        "DJANGO_SETTINGS_MODULE": "clearinghouse.settings",
        "CLEARINGHOUSE_BUSINESS_CLOCK_SETTABLE": "yes",
        "CLEARINGHOUSE_ALLOW_PLAIN_HTTP_ENDPOINTS": "yes",
        # The whole world shares two cores here; nobody is to be given up for that.
        "CLEARINGHOUSE_LIVE_QUESTION_TIMEOUT_S": "10",
        "CLEARINGHOUSE_LOG_LEVEL": "WARNING",
        "PYTHONUNBUFFERED": "1",
    }


def is_surrounded(directory: Path) -> bool:
    """Whether this process works with the settings of that replay already."""
    return os.environ.get(DATA_DIR) == str(directory)


def free_port(wanted: int | None = None) -> int:
    """`wanted`, or the usual port, or any: the first that nobody listens on.

    OSError where `wanted` was named and is taken.
    """
    for port in [wanted] if wanted is not None else [USUAL_PORT, 0]:
        with socket.socket() as probe:
            # What a server that has just ended leaves behind does not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                if wanted is not None:
                    raise
                continue
            return int(probe.getsockname()[1])
    raise OSError("no port is free")

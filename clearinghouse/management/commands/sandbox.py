"""`manage.py sandbox`: a clearing house to try a platform against, with a simulated counterpart.

See clearinghouse/sandbox for what is in it. Stays up until it is told to end.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from clearinghouse.demo.surroundings import environment_of

PLACE = "CLEARINGHOUSE_SANDBOX_PLACE"
LAST_PORT = 65_535


class Command(BaseCommand):
    help = (
        "Starts a clearing house with a simulated operator that answers everything, and prints a "
        "registration token for yours. Everything lies in the folder sandbox of the data "
        "directory; DATABASE_URL and the like are not used. Started again it goes on from where "
        "it was, with a new token; --reset throws everything away."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reset", action="store_true", help="throw everything away first")
        parser.add_argument("--port", type=_port, help="of the web server (default 8000, or free)")

    def handle(self, *args: Any, **given: Any) -> None:
        place = os.environ.get(PLACE)
        if place is None or place != str(settings.DATA_DIR):
            self._begin_anew(settings.DATA_DIR / "sandbox")
            return
        from clearinghouse.sandbox.conductor import run_sandbox

        sys.exit(run_sandbox(Path(place), reset=given["reset"], port=given["port"]))

    def _begin_anew(self, directory: Path) -> None:
        """Settings are read once, when a process starts: the sandbox's own need a fresh one."""
        sys.stdout.flush()
        environment = {
            **environment_of(directory, os.environ),
            # Nothing of a replayed month here: time is real, and whoever asks does not wait long.
            "CLEARINGHOUSE_BUSINESS_CLOCK_SETTABLE": "no",
            "CLEARINGHOUSE_LIVE_QUESTION_TIMEOUT_S": "5",
            PLACE: str(directory),
        }
        # Becomes this process: same terminal, same process id, same arguments.
        os.execve(  # noqa: S606  no shell is meant
            sys.executable,
            [sys.executable, str(settings.BASE_DIR / "manage.py"), "sandbox", *sys.argv[2:]],
            environment,
        )


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= LAST_PORT:
        raise ValueError(text)
    return int(text)

"""`manage.py demo`: a clearing house with its operators, and a month that passes in two minutes.

Starts everything in processes of its own, replays a month of charging over HTTP, reconciles, closes
the month and shows what came of it. See clearinghouse/demo for what happens in which order.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from clearinghouse.demo.options import (
    DEFAULT_MONTH,
    DEFAULT_SIZE,
    MOST_SEED,
    MOST_SESSIONS,
    SMALL_SIZE,
    DemoOptions,
    UnusableOptionsError,
    name_of,
)
from clearinghouse.demo.surroundings import LAST_PORT, USUAL_PORT, environment_of

PLACE = "CLEARINGHOUSE_DEMO_PLACE"


class Command(BaseCommand):
    help = (
        "Starts the clearing house and simulated operators, replays one month of charging over "
        "HTTP, settles it and shows the result. Everything lies under the data directory, in a "
        "folder of its own for each replay; DATABASE_URL and the like are not used. The same "
        "replay again shows what came of it; --reset replays it anew."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="end after the table")
        parser.add_argument(
            "--reset", action="store_true", help="throw away this replay's data and start anew"
        )
        parser.add_argument(
            "--month", metavar="YYYY-MM", help=f"the month to replay (default {DEFAULT_MONTH})"
        )
        parser.add_argument(
            *("--size",),
            type=whole_number(1, MOST_SESSIONS),
            metavar="N",
            help=f"sessions (default {DEFAULT_SIZE})",
        )
        parser.add_argument(
            "--small", action="store_true", help=f"{SMALL_SIZE} sessions, for a first look"
        )
        parser.add_argument(
            *("--seed",),
            type=whole_number(0, MOST_SEED),
            default=1,
            help="another seed, another month",
        )
        parser.add_argument(
            *("--sessions",),
            nargs="+",
            type=Path,
            default=[],
            metavar="FILE",
            help="replay the sessions of files in the Perth & Kinross form (csv, csv.gz)",
        )
        parser.add_argument(
            *("--port",),
            type=whole_number(1, LAST_PORT),
            help=f"of the web server (default {USUAL_PORT}, or a free one)",
        )

    def handle(self, *args: Any, **given: Any) -> None:
        options = DemoOptions(
            month=given["month"],
            size=given["size"],
            small=given["small"],
            seed=given["seed"],
            sessions=tuple(given["sessions"]),
            once=given["once"],
            reset=given["reset"],
            port=given["port"],
        )
        try:
            world = options.world()
        except UnusableOptionsError as error:
            raise CommandError(str(error)) from error
        place = os.environ.get(PLACE)
        if place is None or place != str(settings.DATA_DIR):
            self._begin_anew(settings.DATA_DIR / "demo" / name_of(world))
            return
        from clearinghouse.demo.conductor import run_demo

        sys.exit(run_demo(options, world, Path(place)))

    def _begin_anew(self, directory: Path) -> None:
        """Settings are read once, when a process starts: the demo's own need a fresh one."""
        sys.stdout.flush()
        environment = {**environment_of(directory, os.environ), PLACE: str(directory)}
        # Becomes this process: same terminal, same process id, same arguments.
        os.execve(  # noqa: S606  no shell is meant
            sys.executable,
            [sys.executable, str(settings.BASE_DIR / "manage.py"), "demo", *sys.argv[2:]],
            environment,
        )


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """An argument's type; argparse prints the message behind the argument's name."""

    def read(text: str) -> int:
        digits = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
        if not digits or not least <= int(text) <= most:
            raise ArgumentTypeError(f"a whole number from {least} to {most}, not {text[:40]!r}.")
        return int(text)

    return read

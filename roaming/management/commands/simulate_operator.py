"""`manage.py simulate_operator`: a simulated CSO, CSP, or both, in a process of its own.

`--help` explains it; roaming/simulator/operator says how it works. With the configuration of one of
the demo's platforms it is that (roaming/simulator/platform.py).
"""

from __future__ import annotations

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    help = "Runs a simulated operator, CSO or CSP, that can be scripted; it speaks HTTP only."
    requires_system_checks: list[str] = []

    def run_from_argv(self, argv: list[str]) -> None:
        """Its command line is its own: Django's options would mean nothing to it."""
        self.become(argv[2:])

    def print_help(self, prog_name: str, subcommand: str) -> None:
        self.become(["--help"])

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("arguments", nargs="*")

    def handle(self, *args: Any, **options: Any) -> None:
        self.become(options["arguments"])

    def become(self, arguments: list[str]) -> None:
        """Becomes a process that knows nothing of the clearing house, not even its settings."""
        environment = {**os.environ, "PYTHONPATH": str(settings.BASE_DIR)}
        # -P: nothing of the directory that we were called from is taken for a module of ours.
        command = [sys.executable, "-P", "-m", "roaming.simulator", *arguments]
        sys.stdout.flush()
        os.execve(sys.executable, command, environment)  # noqa: S606  no shell is meant

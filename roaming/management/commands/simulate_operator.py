"""`manage.py simulate_operator CONFIG`: one simulated platform of an operator, as in the demo.

CONFIG is a JSON file, or - for the first line of standard input; roaming/simulator/platform.py says
what is in it and which lines steer the platform afterwards.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    help = "Runs the simulated platform of one operator; it speaks HTTP only."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("config", help="a JSON file, or - for the first line of the input")

    def handle(self, *args: Any, **options: Any) -> None:
        """Becomes a process that knows nothing of the clearing house, not even its settings."""
        config = options["config"]
        if config != "-":
            config = str(Path(config).resolve())
        os.chdir(settings.BASE_DIR)
        command = [sys.executable, "-m", "roaming.simulator", config]
        os.execv(sys.executable, command)  # noqa: S606  no shell is meant

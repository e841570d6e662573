"""`manage.py backup_database FILE`: one consistent backup of the running database (README)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from clearinghouse.backups import BackupError, make_backup


class Command(BaseCommand):
    help = "Writes a backup of the database, while it works; the keys are not in it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="a new file; it may be read by its owner only")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            written = make_backup(options["file"])
        except (BackupError, OSError) as error:
            raise CommandError(str(error)) from error
        size = written.stat().st_size
        self.stdout.write(f"{written} holds {size:,} bytes. Keep the keys too, elsewhere.")

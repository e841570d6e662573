"""`manage.py restore_database FILE`: fill an empty database from a backup, migrate, and look.

A backup of an older release is brought up to date by the migrations that follow.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from clearinghouse.backups import (
    BackupError,
    mend_after_restore,
    restore_backup,
    restored_figures,
)
from clearinghouse.database_roles import use_owner_role


class Command(BaseCommand):
    help = "Restores a backup into an empty database, migrates it and checks what came out."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="what backup_database wrote")

    def handle(self, *args: Any, **options: Any) -> None:
        use_owner_role(connection)
        try:
            restore_backup(options["file"])
            call_command("prepare_database", verbosity=0, stdout=self.stdout)
            mend_after_restore()
            figures = restored_figures()
        except (BackupError, OSError) as error:
            raise CommandError(str(error)) from error
        for name, count in figures.items():
            self.stdout.write(f"{count:>12,} {name}")
        self.stdout.write("The ledger balances, and the keys read the secrets.")

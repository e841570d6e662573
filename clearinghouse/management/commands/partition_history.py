"""`manage.py partition_history`: monthly partitions of the big tables, on a populated database.

Nothing else changes: same rows, same keys, same addresses (storage.md). Table by table, each in one
transaction; run again it goes on with those that are left and makes the months to come.
"""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection
from django.utils import timezone

from clearinghouse.database_roles import grant_to_application, use_owner_role
from roaming.models.clock import business_now
from roaming.models.partitions import hot_tables, keep_months_ahead, partition_table


class Command(BaseCommand):
    help = "Turns the tables of sessions, SDRs and what belongs to them into monthly partitions."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--at-once",
            action="store_true",
            help="leave the rows that exist in one part: milliseconds instead of writing them anew",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        use_owner_role(connection)
        now = max(business_now(), timezone.now())
        for table in hot_tables():
            started = time.monotonic()
            done = partition_table(table, now, at_once=options["at_once"])
            took = time.monotonic() - started
            words = f"{done.rows:,} rows in {done.parts} parts, {took:.1f} s"
            self.stdout.write(f"{table}: {words if done.parts else 'partitioned already'}")
        made = keep_months_ahead(now)
        self.stdout.write(f"{made} parts made for months to come.")
        grant_to_application(connection, settings.APPLICATION_ROLE)

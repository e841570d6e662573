"""`manage.py prepare_database`: migrate as the owner, then let the application role work.

Two roles (house.md): the owner holds the tables and migrates; the application's role owns nothing
and lacks UPDATE, DELETE and TRUNCATE on append-only tables. Runs again without harm.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection

from clearinghouse.database_roles import grant_to_application, use_owner_role


class Command(BaseCommand):
    help = "Migrates the database as its owner and grants the application's role what it needs."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        use_owner_role(connection)
        call_command("migrate", interactive=False, verbosity=options["verbosity"])
        grant_to_application(connection, settings.APPLICATION_ROLE)
        self.stdout.write("The database is ready.")

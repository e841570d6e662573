"""`manage.py erase_personal_data`: what is older than the retention, or is about one person."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from roaming.models.clock import business_now
from roaming.use_cases.erasure import ErasureError, erase_by_age, erase_holder_of


class Command(BaseCommand):
    help = (
        "Erases personal data that is older than the retention settings, or, with --holder, "
        "everything in clear about the holder of one token UID or contract id, which is read from "
        "standard input so that it stands in no shell history."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--holder", action="store_true", help="of one person; reads the id")

    def handle(self, *args: Any, **options: Any) -> None:
        real_now = timezone.now()
        if options["holder"]:
            try:
                done = erase_holder_of(sys.stdin.readline(), real_now)
            except ErasureError as error:
                raise CommandError(str(error)) from error
        else:
            done = erase_by_age(business_now(), real_now)
        for name, count in done.items():
            self.stdout.write(f"{count:>12,} {name}")

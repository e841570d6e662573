"""`manage.py unconfirmed_days`: the days whose totals a side has not confirmed, as CSV (6.4.2)."""

from __future__ import annotations

import io
from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from roaming.models import Environment
from roaming.models.clock import business_now
from settlement.reports import unconfirmed_days, write_csv


class Command(BaseCommand):
    help = "Days, counterparties and currencies whose totals one side or both have not confirmed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--environment", choices=Environment.values, default="live")
        parser.add_argument("--first", type=date.fromisoformat, help="default: 31 days ago")
        parser.add_argument("--last", type=date.fromisoformat, help="default: yesterday")

    def handle(self, *args: Any, **options: Any) -> None:
        today = business_now().date()
        first = options["first"] or today - timedelta(days=31)
        last = options["last"] or today - timedelta(days=1)
        file = io.BytesIO()
        write_csv(unconfirmed_days(options["environment"], first, last), file)
        self.stdout.write(file.getvalue().decode(), ending="")

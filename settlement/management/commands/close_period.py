"""`manage.py close_period`: one step of a period's close by hand (6.4.3).

Each step is a person's: who proposes and who finalises are two users, checked by the database.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from roaming.models import Environment
from roaming.models.clock import business_now
from settlement.domain.refusals import RefusedError
from settlement.models import SettlementPeriod
from settlement.reports import REPORTS, write_csv
from settlement.use_cases.settlement import (
    Closed,
    draft_period,
    finalise_period,
    publish_preliminary,
)


class Command(BaseCommand):
    help = "Drafts, publishes or finalises a settlement period, or writes its reports."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("step", choices=["draft", "publish", "finalise", "reports"])
        parser.add_argument("label", help="2026-10, 2026-W41 or 2026-10-05")
        parser.add_argument("--calendar", help="its name, where there is more than one")
        parser.add_argument("--environment", choices=Environment.values, default="live")
        parser.add_argument("--by", help="user name of the person who takes the step")
        parser.add_argument("--to", type=Path, default=Path(), help="folder for the reports")

    def handle(self, *args: Any, **options: Any) -> None:
        period = self._period(options)
        try:
            closed = self._take(options, period)
        except RefusedError as refused:
            raise CommandError(f"{refused.detail} ({refused.no.value})") from refused
        if closed is not None:
            changed = "" if closed.changed else "; nothing new"
            self.stdout.write(
                f"{closed.period} is {closed.period.status}, version "
                f"{closed.period.version}{changed}"
            )

    def _take(self, options: dict[str, Any], period: SettlementPeriod) -> Closed | None:
        now = business_now()
        if options["step"] == "draft":
            return draft_period(period.pk, now)
        if options["step"] == "publish":
            return publish_preliminary(period.pk, self._person(options), now)
        if options["step"] == "finalise":
            return finalise_period(period.pk, self._person(options), now)
        for report in (make(period) for make in REPORTS.values()):
            path = options["to"] / report.file_name
            with path.open("wb") as file:
                write_csv(report, file)
            self.stdout.write(str(path))
        return None

    def _period(self, options: dict[str, Any]) -> SettlementPeriod:
        found = SettlementPeriod.objects.select_related("calendar").filter(
            environment=options["environment"], label=options["label"]
        )
        if options["calendar"]:
            found = found.filter(calendar__name=options["calendar"])
        periods = list(found)
        if len(periods) == 1:
            return periods[0]
        if periods:
            names = ", ".join(period.calendar.name for period in periods)
            raise CommandError(f"Say which calendar: {names}")
        raise CommandError(f"There is no period {options['label']} of that kind.")

    def _person(self, options: dict[str, Any]) -> Any:
        users = get_user_model().objects
        person = users.filter(username=options["by"] or "", is_active=True).first()
        if person is None:
            raise CommandError("Say who takes this step: --by with the name of an active user.")
        return person

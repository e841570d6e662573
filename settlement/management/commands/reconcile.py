"""`manage.py reconcile`: SDR reconciliation by hand (6.4.2)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from roaming.models import Environment
from roaming.models.clock import business_now
from settlement.use_cases.sdr_decision import accept_undecided
from settlement.use_cases.sdr_reconciliation import Scope, reconcile


class Command(BaseCommand):
    help = "Reconciles SDRs against sessions, agreements and tariffs. Runs again without harm."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--environment", choices=Environment.values, default="live")
        parser.add_argument(
            "--open", action="store_true", help="judge everything undecided again, not only the new"
        )
        parser.add_argument(
            "--accept", action="store_true", help="then accept what nobody declined in time"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = business_now()
        scope = Scope.OPEN if options["open"] else Scope.NEW
        result = reconcile(options["environment"], now, scope=scope, by="by hand")
        self.stdout.write(
            f"{result.judged} SDRs judged, {result.changed} changed, {result.credits} credits taken"
        )
        for outcome, count in sorted(result.outcomes.items()):
            self.stdout.write(f"  {outcome.replace('_', ' ')}: {count}")
        if options["accept"]:
            silence = accept_undecided(now)
            self.stdout.write(
                f"{silence.accepted} accepted by silence, {silence.disputed} disputed by silence"
            )

"""After the month: what the worker still has to do is waited for, then two people close the period.

The clock goes on through the windows and the cut-off; reconciliation and silence are the worker's
business, told to it once more where it might be asleep between two ticks of the beat.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from clearinghouse.celery import app
from clearinghouse.demo.children import Children
from clearinghouse.demo.month import Tempo, live_through, stop_clock_at
from clearinghouse.demo.platforms import Platforms
from clearinghouse.demo.staff import ENVIRONMENT, Staff
from clearinghouse.demo.timeline import Timeline, quiet_days
from roaming.domain.sdr import SdrLifeState
from roaming.models import Delivery, SdrState, SettlementCalendar
from roaming.models.clock import business_now
from roaming.simulator.perth_kinross import RefusedRow
from roaming.simulator.perth_rows import REASON_TEXTS
from settlement.models import SettlementPeriod
from settlement.reports import REPORTS, write_csv
from settlement.use_cases.settlement import (
    draft_period,
    finalise_period,
    open_period,
    publish_preliminary,
)

PATIENCE_S = 300
REMIND_S = 2.0
_UNJUDGED = (SdrLifeState.RECEIVED, SdrLifeState.VALIDATED, SdrLifeState.MATCHED)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class WorkerBehindError(Exception):
    """The worker did not finish what waits."""


def work_left() -> dict[str, int]:
    """Task name -> how much waits for it now."""
    standing = SdrState.objects.filter(environment=ENVIRONMENT)
    waiting = Delivery.objects.filter(state=Delivery.State.WAITING)
    undecided = standing.filter(state=SdrLifeState.RATED, decide_by__lte=business_now())
    return {
        "roaming.tasks.deliver_due": waiting.count(),
        "settlement.tasks.reconcile_due": standing.filter(state__in=_UNJUDGED).count(),
        "settlement.tasks.accept_undecided": undecided.count(),
    }


def wait_for_worker(children: Children) -> None:
    """Returns when the worker has nothing left. Raises WorkerBehindError, ChildEndedError."""
    deadline = time.monotonic() + PATIENCE_S
    remind_at = time.monotonic()
    while any((left := work_left()).values()):
        children.check()
        if time.monotonic() > deadline:
            words = ", ".join(f"{count} for {task}" for task, count in left.items() if count)
            raise WorkerBehindError(f"The worker is behind: {words}.")
        if time.monotonic() >= remind_at:
            for task, count in left.items():
                if count:
                    app.send_task(task, expires=REMIND_S * 2)
            remind_at = time.monotonic() + REMIND_S
        time.sleep(0.1)


@dataclass(frozen=True)
class Closing:
    """Everything that the close of one month needs."""

    staff: Staff
    timeline: Timeline
    platforms: Platforms
    children: Children

    def let_windows_elapse(self) -> None:
        """Lets the clock run until the period may be closed, and the worker catch up."""
        cut_off = timedelta(hours=self._calendar().cut_off_hours)
        self._go_on_until(self.timeline.end_of_month + cut_off)
        wait_for_worker(self.children)

    def close(self) -> SettlementPeriod:
        """Draft, preliminary, objections, final by the second person. Returns the final period."""
        last_moment = self.timeline.end_of_month - timedelta(seconds=1)
        period = open_period(ENVIRONMENT, self._calendar(), last_moment)
        draft_period(period.pk, business_now())
        published = publish_preliminary(period.pk, self.staff.clerk, business_now()).period
        assert published.objections_until is not None
        self._go_on_until(published.objections_until)
        return finalise_period(period.pk, self.staff.controller, business_now()).period

    def _go_on_until(self, moment: datetime) -> None:
        days = quiet_days(business_now(), moment, self.timeline.zone)
        live_through(days, self.platforms, lambda step: None, Tempo())
        stop_clock_at(moment)

    def _calendar(self) -> SettlementCalendar:
        return SettlementCalendar.objects.get(time_zone=self.timeline.zone.key)


def write_reports(period: SettlementPeriod, folder: Path) -> list[Path]:
    """Every report of the period as CSV; the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for make in REPORTS.values():
        report = make(period)
        path = folder / report.file_name
        with path.open("wb") as file:
            write_csv(report, file)
        paths.append(path)
    return paths


def write_refused_rows(rows: Iterable[RefusedRow], path: Path) -> Path:
    """The rows of files that were not replayed, each with its reason."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["File", "Line", "Reason", "Explanation", "Detail"])
        for row in rows:
            text = REASON_TEXTS[row.reason]
            writer.writerow([_plain(row.file), row.row, row.reason.value, text, _plain(row.detail)])
    return path


def _plain(text: str) -> str:
    """A cell that a spreadsheet does not run."""
    return f"'{text}" if text.startswith(_FORMULA) else text

"""Settlement (IEC 63119-2, 6.4.3): a period goes open -> draft -> preliminary -> final.

Accepts: to open, draft, publish and finalise a period, each one atomic transaction.
Refuses: period_not_over, not_draft, not_preliminary, objections_run, same_person, input_changed,
period_final, no_clearing_house.
Leaves behind: statements with a line per SDR; when final, entries keyed by statement, fees,
netting, net positions and payments, and every SDR settled. A step done again changes nothing; a
step that was killed left nothing; two at once do it once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from psycopg.types.range import TimestamptzRange

from roaming.models import SettlementCalendar
from settlement.domain.fees import charge
from settlement.domain.input_hash import ChargedFee, input_hash
from settlement.domain.periods import Cycle, period_holding
from settlement.domain.refusals import No, RefusedError
from settlement.models import FeeCharge, SettlementPeriod, Statement, close_sql
from settlement.models.final_books import book_final_period

Status = SettlementPeriod.Status


@dataclass(frozen=True, slots=True)
class Closed:
    """A period after a step, and whether the step changed anything."""

    period: SettlementPeriod
    changed: bool


def open_period(environment: str, calendar: SettlementCalendar, at: datetime) -> SettlementPeriod:
    """The calendar's period that holds `at` (aware), opened where it is not yet."""
    cycle: Cycle = calendar.cycle  # type: ignore[assignment]  # a CHECK of its choices
    wanted = period_holding(cycle, calendar.time_zone, at)
    return SettlementPeriod.objects.get_or_create(
        environment=environment,
        calendar=calendar,
        during=TimestamptzRange(wanted.start, wanted.end),
        defaults={"label": wanted.label},
    )[0]


def open_due_periods(now: datetime) -> list[SettlementPeriod]:
    """Opens the running period of every calendar in use, and those of SDRs that have none."""
    calendars = {c.pk: c for c in SettlementCalendar.objects.filter(agreements__isnull=False)}
    in_use = SettlementCalendar.objects.filter(pk__in=calendars).values_list(
        "agreements__environment", "pk"
    )
    with connection.cursor() as cursor:
        wanted = {(environment, pk, now) for environment, pk in in_use}
        wanted |= set(close_sql.moments_without_period(cursor))
    opened = {}
    for environment, pk, at in sorted(wanted, key=lambda row: (row[2], row[0], row[1])):
        period = open_period(environment, calendars[pk], at)
        opened[period.pk] = period
    return list(opened.values())


@transaction.atomic
def draft_period(period_id: int, now: datetime) -> Closed:
    """Freezes what was accepted into statements; a draft that is there already is replaced.

    The same input again changes nothing. A final period is verified instead, and refused where its
    SDRs no longer say what was settled.
    """
    with connection.cursor() as cursor:
        period = _locked(cursor, period_id)
        if period.status == Status.FINAL:
            return _verified(cursor, period)
        earliest = period.during.upper + timedelta(hours=period.calendar.cut_off_hours)
        if now < earliest:
            raise RefusedError(
                No.PERIOD_NOT_OVER,
                f"{period.label} may be closed from {earliest:%Y-%m-%d %H:%M} UTC.",
            )
        lines = close_sql.freeze(cursor, period.pk)
        charges = _charges(cursor, period)
        frozen = input_hash(lines, _charged(charges))
        if period.input_hash == frozen and close_sql.same_statements(cursor, period.pk):
            return Closed(period, changed=False)
        _remove_previous(cursor, period)
        period.status, period.version = Status.DRAFT, period.version + 1
        period.input_hash, period.drafted_at = frozen, now
        period.preliminary_at = period.objections_until = period.proposed_by = None
        period.save()
        close_sql.write_statements(cursor, period.pk, period.version)
        FeeCharge.objects.bulk_create(charges)
    return Closed(period, changed=True)


@transaction.atomic
def publish_preliminary(period_id: int, by: Any, now: datetime) -> Closed:
    """Publishes the draft's statements; `by`, a user, proposes them. Objections run from `now`."""
    with connection.cursor() as cursor:
        period = _locked(cursor, period_id)
        if period.status in (Status.PRELIMINARY, Status.FINAL):
            return Closed(period, changed=False)
        if period.status != Status.DRAFT:
            raise RefusedError(No.NOT_DRAFT, f"{period.label} has no draft to publish.")
        _refuse_stale(cursor, period)
    Statement.objects.filter(period=period, status=Statement.Status.DRAFT).update(
        status=Statement.Status.PRELIMINARY
    )
    period.status, period.proposed_by, period.preliminary_at = Status.PRELIMINARY, by, now
    period.objections_until = now + timedelta(hours=period.calendar.objection_hours)
    period.save()
    return Closed(period, changed=True)


@transaction.atomic
def finalise_period(period_id: int, by: Any, now: datetime) -> Closed:
    """Settles what was published: `by` is another person than the one who proposed it."""
    with connection.cursor() as cursor:
        period = _locked(cursor, period_id)
        if period.status == Status.FINAL:
            return _verified(cursor, period)
        if period.status != Status.PRELIMINARY:
            raise RefusedError(No.NOT_PRELIMINARY, f"{period.label} is not published yet.")
        if by.pk == period.proposed_by_id:
            raise RefusedError(No.SAME_PERSON, "A second person has to finalise a period.")
        if period.objections_until is not None and now < period.objections_until:
            raise RefusedError(
                No.OBJECTIONS_RUN,
                f"Objections are possible until {period.objections_until:%Y-%m-%d %H:%M} UTC.",
            )
        stored = close_sql.stored_hash(cursor, period.pk)
        if input_hash(stored, _charged(period.fee_charges.all())) != period.input_hash:
            raise RefusedError(No.INPUT_CHANGED, "The statements are not what was published.")
        if not close_sql.settle(cursor, period.pk, by.get_username(), now):
            raise RefusedError(No.INPUT_CHANGED, _STALE)
    Statement.objects.filter(period=period, status=Statement.Status.PRELIMINARY).update(
        status=Statement.Status.FINAL
    )
    book_final_period(period, now)
    period.status, period.finalised_by, period.final_at = Status.FINAL, by, now
    period.save()  # last: from here on, nothing of the period changes
    return Closed(period, changed=True)


def periods_waiting(now: datetime) -> list[SettlementPeriod]:
    """Periods whose next step is due: past their cut-off, or past their objections."""
    waiting = SettlementPeriod.objects.exclude(status=Status.FINAL).select_related("calendar")
    return [period for period in waiting.order_by("during") if _due(period, now)]


_STALE = "An SDR was credited or disputed since the draft: draft the period again."


def _due(period: SettlementPeriod, now: datetime) -> bool:
    if period.status == Status.PRELIMINARY:
        return period.objections_until is not None and period.objections_until <= now
    return bool(period.during.upper + timedelta(hours=period.calendar.cut_off_hours) <= now)


def _locked(cursor: Any, period_id: int) -> SettlementPeriod:
    close_sql.lock_period(cursor, period_id)
    return (
        SettlementPeriod.objects.select_for_update(of=("self",))
        .select_related("calendar")
        .get(pk=period_id)
    )


def _verified(cursor: Any, period: SettlementPeriod) -> Closed:
    lines = close_sql.hash_of_settled(cursor, period.pk)
    if input_hash(lines, _charged(period.fee_charges.all())) != period.input_hash:
        raise RefusedError(
            No.PERIOD_FINAL,
            f"{period.label} is final, and its SDRs no longer say what was settled.",
        )
    return Closed(period, changed=False)


def _refuse_stale(cursor: Any, period: SettlementPeriod) -> None:
    if close_sql.stale_lines(cursor, period.pk):
        raise RefusedError(No.INPUT_CHANGED, _STALE)


def _charges(cursor: Any, period: SettlementPeriod) -> list[FeeCharge]:
    return [
        FeeCharge(
            environment=period.environment,
            period=period,
            rule_id=row.rule_id,
            operator_id=row.operator_id,
            currency=row.currency,
            sdr_count=row.sdr_count,
            unit_amount=row.unit_amount,
            amount=charge(row.sdr_count, row.unit_amount, row.currency),
        )
        for row in close_sql.fees_of_frozen(cursor, period.environment)
    ]


def _charged(charges: Iterable[FeeCharge]) -> Iterator[ChargedFee]:
    for fee in charges:
        yield ChargedFee(fee.rule_id, fee.operator_id, fee.sdr_count, fee.unit_amount, fee.amount)


def _remove_previous(cursor: Any, period: SettlementPeriod) -> None:
    """A draft leaves nothing; what was published stays, superseded, without its lines."""
    close_sql.remove_lines(cursor, period.pk)
    statements = Statement.objects.filter(period=period)
    statements.filter(status=Statement.Status.DRAFT).delete()
    statements.filter(status=Statement.Status.PRELIMINARY).update(
        status=Statement.Status.SUPERSEDED
    )
    FeeCharge.objects.filter(period=period).delete()

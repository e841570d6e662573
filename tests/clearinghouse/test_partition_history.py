"""The big tables by month: same rows, same rules, and a question about one month reads one part."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from roaming import models
from roaming.domain.uuid7 import uuid7_at
from roaming.models import partitions
from settlement.use_cases.sdr_reconciliation import Scope, reconcile
from tests import databases
from tests.cast import make_cast
from tests.databases import owner_connection
from tests.settlement.sdrs import OCTOBER_5, Trade, announce, rules_of, standing_of

pytestmark = [
    pytest.mark.usefixtures("committed_db", "as_the_application"),
    pytest.mark.skipif(databases.PARTITIONED, reason="its tables are partitioned from the start"),
]
NOW = OCTOBER_5 + timedelta(hours=3)


@pytest.fixture
def as_the_application(committed_db: str) -> Any:
    """The command works as the owner; what follows it is the application again."""
    saved = dict(connection.settings_dict)
    yield
    connection.close()
    connection.settings_dict.update(saved)


@pytest.fixture
def trade(committed_db: str) -> Trade:
    cast = make_cast()
    announce(cast.visited_cso.identifier)
    return Trade.of(cast)


def partition(*arguments: str) -> str:
    said = io.StringIO()
    saved = dict(connection.settings_dict)
    try:
        call_command("partition_history", *arguments, stdout=said)
    finally:
        connection.close()
        connection.settings_dict.update(saved)
    return said.getvalue()


def rows_of(table: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT to_jsonb(t) FROM {table} t ORDER BY id")
        return [row for (row,) in cursor.fetchall()]


def traffic(trade: Trade) -> list[models.Sdr]:
    """Agreed, deviating, and of several months; judged, with events and findings."""
    made = [
        trade.sdr(trade.session(opened_at=OCTOBER_5 - timedelta(days=days)), claim=claim)
        for days, claim in ((0, "10"), (0, "12"), (40, "10"), (90, "11"))
    ]
    reconcile("live", NOW)
    return made


@pytest.mark.parametrize("arguments", [(), ("--at-once",)])
def test_every_row_is_there_as_before_and_all_goes_on(trade, arguments):
    sdrs = traffic(trade)
    before = {table: rows_of(table) for table in partitions.hot_tables()}
    found = rules_of(sdrs[1])
    assert "PRC-01" in found
    said = partition(*arguments)
    assert "roaming_sdr: 4 rows" in said
    assert {table: rows_of(table) for table in before} == before
    assert all(partitions.is_partitioned(table) for table in before)
    # What the old rows say can still be changed where it may be, and new ones come in.
    late = trade.sdr(trade.session(opened_at=OCTOBER_5 + timedelta(minutes=90)), claim="12")
    reconcile("live", NOW, scope=Scope.OPEN)
    assert rules_of(late) == ["PRC-01"]
    assert rules_of(sdrs[1]) == found
    assert standing_of(late).state == "deviating"
    assert "partitioned already" in partition(*arguments)
    assert models.Sdr.objects.count() == 5


def test_what_was_forbidden_stays_forbidden_also_to_who_names_a_part(trade, committed_db):
    traffic(trade)
    partition()
    for statement in (
        "DELETE FROM roaming_sdr", "UPDATE roaming_sdrevent SET note = 'x'",
        "DELETE FROM roaming_sdr_2026_10", "SELECT FROM roaming_sdr_2026_10",
    ):  # fmt: skip
        with pytest.raises(Exception, match="permission denied"), transaction.atomic():
            connection.cursor().execute(statement)
    with owner_connection(committed_db) as owner:
        for table in ("roaming_sdr", "roaming_sdr_2026_10", "roaming_sdrevent_2026_10"):
            for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
                with pytest.raises(psycopg.errors.RestrictViolation):
                    owner.execute(statement)
    event = models.SdrEvent.objects.first()
    lost = uuid7_at(OCTOBER_5)
    event.pk, event.sdr_id = uuid7_at(OCTOBER_5), lost
    with pytest.raises(IntegrityError), transaction.atomic():
        event.save(force_insert=True)
    # Without its entry in the registry no SDR comes in, by whatever way.
    sdr = models.Sdr.objects.first()
    sdr.pk = uuid7_at(OCTOBER_5)
    with pytest.raises(IntegrityError, match="registry"), transaction.atomic():
        sdr.save(force_insert=True)


def test_the_same_reference_of_another_month_is_still_the_same(trade):
    first = trade.sdr(trade.session())
    partition()
    with pytest.raises(IntegrityError), transaction.atomic():
        trade.sdr(
            trade.session(opened_at=OCTOBER_5 - timedelta(days=40)), reference=first.reference
        )


def plan_of(query: str, *parameters: Any) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {query}", parameters)
        return "\n".join(line for (line,) in cursor.fetchall())


def test_a_question_about_one_month_reads_one_part(trade):
    traffic(trade)
    partition()
    bounds = (uuid7_at(datetime(2026, 10, 1, tzinfo=UTC), 0), uuid7_at(NOW, 0))
    for table in ("roaming_sdr", "roaming_finding", "roaming_sdrevent", "roaming_servicesession"):
        plan = plan_of(f"SELECT * FROM {table} WHERE id >= %s AND id < %s", *bounds)
        assert f"{table}_2026_10" in plan
        assert plan.count(f"on {table}_") == 1, plan


def test_months_are_made_ahead_by_the_application(trade):
    partition()
    later = datetime.now(UTC) + timedelta(days=200)
    assert partitions.tables_without_a_month(later) == partitions.hot_tables()
    assert partitions.keep_months_ahead(later) > 0
    assert partitions.keep_months_ahead(later) == 0
    assert partitions.tables_without_a_month(later) == []
    # The database's checks are silent while next month has its place, and tell where it has none.
    assert [c for c in run_checks(databases=["default"]) if c.id == "clearinghouse.E014"] == []
    with owner_connection(connection.settings_dict["NAME"]) as owner:
        month = datetime.now(UTC) + timedelta(days=31)
        owner.execute(f"DROP TABLE roaming_finding_{month:%Y_%m}")
    (found,) = [c for c in run_checks(databases=["default"]) if c.id == "clearinghouse.E014"]
    assert "roaming_finding" in found.msg

"""A step that is killed in the middle left nothing, and two at once do it once."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import timedelta
from threading import Barrier, Thread

import psycopg
import pytest
from django.db import connection

from roaming import models
from settlement.models import (
    LedgerEntry,
    NetPayment,
    NetPosition,
    Posting,
    ReconciliationRun,
    SettlementPeriod,
    Statement,
    StatementLine,
)
from settlement.use_cases.books import trial_balance
from settlement.use_cases.sdr_reconciliation import reconcile
from settlement.use_cases.settlement import draft_period, finalise_period
from tests import databases, factories
from tests.cast import make_cast
from tests.settlement.closing import Closing, fee
from tests.settlement.sdrs import OCTOBER_5, Trade, announce

NOW = OCTOBER_5 + timedelta(hours=9)
STEP = """
import sys
from datetime import datetime
import django
django.setup()
from django.contrib.auth import get_user_model
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[1]
step, period, user = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
now = datetime.fromisoformat(sys.argv[5])
from settlement.use_cases import sdr_reconciliation, settlement
if step == "reconcile":
    sdr_reconciliation.reconcile("live", now)
elif step == "draft":
    settlement.draft_period(period, now)
else:
    settlement.finalise_period(period, get_user_model().objects.get(pk=user), now)
"""


def world():
    """Two accepted SDRs, one to be judged, a fee; and the closing of their month."""
    cast = make_cast()
    announce(cast.visited_cso.identifier)
    trade = Trade.of(cast)
    for hours, claim in ((0, "10.00"), (2, "2.50")):
        session = trade.session(OCTOBER_5 - timedelta(hours=hours))
        trade.accepted(session=session, claim=claim, reference=f"SDR-{claim}")
    trade.sdr(trade.session(OCTOBER_5 + timedelta(hours=3)), claim="12", reference="SDR-12")
    fee("CSO", "0.10")
    return Closing(
        trade, Closing.of(trade).period, factories.UserFactory(), factories.UserFactory()
    )


def books():
    """Everything of a close that does not depend on keys."""
    return {
        "period": list(SettlementPeriod.objects.values_list("label", "status", "version")),
        "statements": sorted(Statement.objects.values_list("status", "sdr_count", "payable")),
        "lines": sorted(StatementLine.objects.values_list("sdr__reference", "kind", "amount")),
        "postings": sorted(
            Posting.objects.values_list("account__operator__name", "account__kind", "amount")
        ),
        "entries": sorted(LedgerEntry.objects.values_list("kind", "description")),
        "positions": sorted(NetPosition.objects.values_list("operator__name", "net")),
        "payments": sorted(NetPayment.objects.values_list("payer__name", "amount")),
        "states": sorted(models.SdrState.objects.values_list("sdr__reference", "state", "outcome")),
        "events": sorted(models.SdrEvent.objects.values_list("sdr__reference", "to_state")),
        "findings": sorted(models.Finding.objects.values_list("sdr__reference", "rule")),
    }


@contextmanager
def other_connection():
    parameters = connection.get_connection_params()
    plain = {k: parameters[k] for k in ("dbname", "user", "host", "port") if parameters.get(k)}
    with psycopg.connect(**plain) as other:
        yield other


def kill_while_it_waits_for(table, step, closing, now):
    """Runs a step in a process of its own and kills it once it waits for `table`."""
    name = connection.settings_dict["NAME"]
    with other_connection() as holder:
        holder.execute(f"LOCK TABLE {table} IN SHARE MODE")
        worker = subprocess.Popen(
            [sys.executable, "-c", STEP, name, step, str(closing.period.pk),
             str(closing.finaliser.pk), now.isoformat()],
            cwd=databases.ROOT,
        )  # fmt: skip
        waiting = (
            "SELECT pid FROM pg_locks WHERE NOT granted AND relation = %s::regclass"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        deadline = time.monotonic() + 60
        while not (backend := holder.execute(waiting, [table]).fetchone()):
            assert worker.poll() is None, "the step ended before it could be killed"
            assert time.monotonic() < deadline, "the step never came to the locked table"
            time.sleep(0.05)
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
        holder.rollback()
        while holder.execute(
            "SELECT FROM pg_stat_activity WHERE pid = %s", [backend[0]]
        ).fetchone():
            holder.rollback()
            assert time.monotonic() < deadline, "the killed step's backend lives on"
            time.sleep(0.05)


@pytest.mark.parametrize(
    ("step", "table"),
    [
        ("finalise", "settlement_netpayment"),
        ("draft", "settlement_feecharge"),
        ("reconcile", "roaming_finding"),
    ],
)
def test_a_killed_step_left_nothing_and_done_again_gives_the_same(committed_db, step, table):
    def before(closing):
        if step == "finalise":
            closing.publish()

    def do(closing):
        if step == "reconcile":
            reconcile("live", NOW)
        elif step == "draft":
            closing.draft()
        else:
            closing.finalise()

    moments = {"reconcile": lambda c: NOW, "draft": lambda c: c.closes_at}
    closing = world()
    before(closing)
    untouched = books()
    now = moments.get(step, lambda c: c.closes_at + timedelta(hours=48))(closing)
    kill_while_it_waits_for(table, step, closing, now)
    assert books() == untouched
    do(closing)
    assert trial_balance("live").balanced
    after_a_kill = books()
    with databases.cloned_database():
        twin = world()
        before(twin)
        do(twin)
        assert books() == after_a_kill
    assert after_a_kill != untouched


def at_once(do):
    """Runs `do` in two threads that start together; returns what each returned."""
    results, barrier = [], Barrier(2)

    def run():
        try:
            barrier.wait()
            results.append(do())
        finally:
            connection.close()

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_two_closers_at_once_close_once(committed_db):
    closing = world()
    drafted = at_once(lambda: draft_period(closing.period.pk, closing.closes_at).changed)
    assert sorted(drafted) == [False, True]
    closing.publish()
    late = closing.closes_at + timedelta(hours=48)
    final = at_once(lambda: finalise_period(closing.period.pk, closing.finaliser, late).changed)
    assert sorted(final) == [False, True]
    assert Statement.objects.count() == 1
    assert trial_balance("live").balanced
    assert LedgerEntry.objects.count() == 2


def test_two_runs_at_once_judge_each_sdr_once(committed_db):
    closing = world()
    for n in range(40):
        closing.trade.sdr(closing.trade.session(OCTOBER_5 + timedelta(hours=6 + 2 * n)))
    runs = at_once(lambda: reconcile("live", NOW + timedelta(days=9), batch_size=5))
    assert sum(run.judged for run in runs) == 41
    assert sum(run.judged for run in ReconciliationRun.objects.all()) == 41
    judged = models.SdrEvent.objects.filter(to_state__in=["rated", "deviating"])
    assert judged.count() == 41
    assert not models.SdrState.objects.filter(state="validated").exists()

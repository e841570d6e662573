"""The money rules hold against raw SQL of the application's own role (settlement.md, 4 and 5)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from psycopg.types.range import TimestamptzRange

from settlement.models import (
    FeeRule,
    LedgerAccount,
    LedgerEntry,
    NetPosition,
    Posting,
    SettlementPeriod,
    Statement,
)
from tests import factories
from tests.settlement.closing import Closing

NOW = datetime(2026, 11, 10, tzinfo=UTC)


@pytest.fixture
def accounts(cast):
    return [
        LedgerAccount.objects.create(
            environment=environment, operator=cast.home_csp.operator, currency=currency, kind=kind
        )
        for environment, currency, kind in (
            ("live", "EUR", "receivable"), ("live", "EUR", "payable"),
            ("live", "CHF", "payable"), ("test", "EUR", "payable"),
        )
    ]  # fmt: skip


def sql(statement, *parameters):
    """Runs a statement and every deferred check, as COMMIT would."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows = cursor.fetchall() if cursor.description else []
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    return rows


def book(*postings, key="k", environment="live"):
    """An entry with postings of (account, amount[, currency[, environment]]), in one statement."""
    values = []
    for account, amount, *rest in postings:
        currency, posted_in = [*rest, *(account.currency, environment)[len(rest) :]]
        values.append(
            f"((SELECT id FROM entry), {account.pk}, '{currency}', '{posted_in}', {amount})"
        )
    return sql(
        "WITH entry AS (INSERT INTO settlement_ledgerentry (environment, idempotency_key, kind,"
        " description, effective_on, booked_at) VALUES (%s, %s, 'fee', '', '2026-10-31', now())"
        f" RETURNING id) INSERT INTO settlement_posting (entry_id, account_id, currency,"
        f" environment, amount) VALUES {', '.join(values)}",
        environment,
        key,
    )


def test_the_tests_work_as_a_role_that_owns_nothing(db):
    [(role, owner)] = sql(
        "SELECT current_user, tableowner FROM pg_tables WHERE tablename = 'settlement_posting'"
    )
    assert role != owner


def test_a_balanced_entry_is_booked(accounts):
    book((accounts[0], 5), (accounts[1], -5))
    assert Posting.objects.count() == 2


def test_an_entry_that_does_not_balance_is_refused(accounts):
    with pytest.raises(IntegrityError, match="sum to zero"):
        book((accounts[0], 5), (accounts[1], "-4.999999999999"))


def test_an_entry_balances_in_each_currency_by_itself(accounts):
    with pytest.raises(IntegrityError, match="sum to zero"):
        book((accounts[0], 5), (accounts[2], -5))


def test_an_entry_has_two_postings_or_more(accounts):
    with pytest.raises(IntegrityError, match="fewer than two"):
        sql(
            "INSERT INTO settlement_ledgerentry (environment, idempotency_key, kind, description,"
            " effective_on, booked_at) VALUES ('live', 'alone', 'fee', '', '2026-10-31', now())"
        )


def test_a_posting_moves_money(accounts):
    with pytest.raises(IntegrityError, match="posting_moves_money"):
        book((accounts[0], 0), (accounts[1], 0))


def test_a_posting_is_in_its_accounts_currency(accounts):
    with pytest.raises(IntegrityError, match="account_id_composite"):
        book((accounts[0], 5, "CHF"), (accounts[2], -5))


def test_test_money_never_meets_live_money(accounts):
    with pytest.raises(IntegrityError, match="composite"):
        book((accounts[0], 5), (accounts[3], -5))
    with pytest.raises(IntegrityError, match="composite"):
        book((accounts[0], 5), (accounts[3], -5, "EUR", "test"))


def test_one_event_is_booked_once(accounts):
    book((accounts[0], 5), (accounts[1], -5), key="once")
    with pytest.raises(IntegrityError, match="idempotency_key"):
        book((accounts[0], 5), (accounts[1], -5), key="once")


@pytest.mark.parametrize("table", ["settlement_ledgerentry", "settlement_posting"])
@pytest.mark.parametrize(
    "statement",
    ["UPDATE {} SET environment = environment", "DELETE FROM {}", "TRUNCATE {} CASCADE"],
)
def test_nothing_in_the_ledger_is_changed_or_removed(accounts, table, statement):
    book((accounts[0], 5), (accounts[1], -5))
    with pytest.raises(DatabaseError, match=r"permission denied|append-only"):
        sql(statement.format(table))


def test_the_owner_of_the_tables_cannot_either(committed_db):
    import psycopg

    from tests.databases import owner_connection

    with owner_connection(committed_db) as owner:
        for table in ("settlement_ledgerentry", "settlement_posting"):
            for statement in (
                "UPDATE {} SET environment = environment", "DELETE FROM {}", "TRUNCATE {} CASCADE"
            ):  # fmt: skip
                with pytest.raises(psycopg.Error, match="append-only"):
                    owner.execute(statement.format(table))


def test_an_entry_gets_no_postings_after_it_was_booked(committed_db):
    from tests.cast import make_cast

    operator = make_cast().home_csp.operator
    first, second = (
        LedgerAccount.objects.create(
            environment="live", operator=operator, currency="EUR", kind=kind
        )
        for kind in ("receivable", "payable")
    )
    book((first, 5), (second, -5))
    entry = LedgerEntry.objects.get()
    with pytest.raises(IntegrityError, match="no postings after it was booked"):
        sql(
            "INSERT INTO settlement_posting (entry_id, account_id, currency, environment, amount)"
            " VALUES (%s, %s, 'EUR', 'live', 1), (%s, %s, 'EUR', 'live', -1)",
            entry.pk, first.pk, entry.pk, second.pk,
        )  # fmt: skip
    with pytest.raises(IntegrityError, match="no postings after it was booked"):
        sql(  # not even under a false claim of when the entry was booked
            "WITH entry AS (INSERT INTO settlement_ledgerentry (environment, idempotency_key, kind,"
            " description, effective_on, booked_at, booked_in) VALUES ('live', 'other', 'fee', '',"
            " '2026-10-31', now(), '1') RETURNING id)"
            " INSERT INTO settlement_posting (entry_id, account_id, currency, environment, amount)"
            " SELECT %s, a, 'EUR', 'live', m FROM (VALUES (%s, 1), (%s, -1)) v (a, m)",
            entry.pk, first.pk, second.pk,
        )  # fmt: skip


def test_an_entry_is_reversed_once(accounts):
    book((accounts[0], 5), (accounts[1], -5))
    wrong = LedgerEntry.objects.get()

    def reverse(key):
        sql(
            "WITH entry AS (INSERT INTO settlement_ledgerentry (environment, idempotency_key, kind,"
            " description, effective_on, booked_at, reverses_id) VALUES ('live', %s, 'fee', '',"
            " '2026-10-31', now(), %s) RETURNING id)"
            " INSERT INTO settlement_posting (entry_id, account_id, currency, environment, amount)"
            " SELECT entry.id, a, 'EUR', 'live', m FROM entry, (VALUES (%s, -5), (%s, 5)) v (a, m)",
            key, wrong.pk, accounts[0].pk, accounts[1].pk,
        )  # fmt: skip

    reverse("first")
    with pytest.raises(IntegrityError, match="reverses"):
        reverse("second")


def test_periods_of_a_calendar_do_not_overlap(db):
    calendar = factories.CalendarFactory()
    october = TimestamptzRange(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
    overlapping = TimestamptzRange(
        datetime(2026, 10, 31, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
    )
    SettlementPeriod.objects.create(
        environment="live", calendar=calendar, label="2026-10", during=october
    )
    SettlementPeriod.objects.create(
        environment="test", calendar=calendar, label="2026-10", during=overlapping
    )
    with pytest.raises(IntegrityError, match="do_not_overlap"), transaction.atomic():
        SettlementPeriod.objects.create(
            environment="live", calendar=calendar, label="2026-11", during=overlapping
        )


def test_a_period_goes_step_by_step_with_two_people(cast):
    period = Closing.of_two(cast).period
    one, _ = factories.UserFactory(), factories.UserFactory()
    for values, match in (
        ({"status": "preliminary"}, "does not go to preliminary"),
        ({"status": "final"}, "does not go to final"),
        ({"status": "draft", "label": "2026-11"}, "keeps its calendar and its time"),
    ):
        with pytest.raises(IntegrityError, match=match), transaction.atomic():
            SettlementPeriod.objects.filter(pk=period.pk).update(**values)
    SettlementPeriod.objects.filter(pk=period.pk).update(status="draft", version=1)
    with pytest.raises(IntegrityError, match="preliminary_period_says"), transaction.atomic():
        SettlementPeriod.objects.filter(pk=period.pk).update(status="preliminary")
    SettlementPeriod.objects.filter(pk=period.pk).update(
        status="preliminary", preliminary_at=NOW, objections_until=NOW, proposed_by=one
    )
    with pytest.raises(IntegrityError, match="four_eyes"), transaction.atomic():
        SettlementPeriod.objects.filter(pk=period.pk).update(
            status="final", final_at=NOW, finalised_by=one
        )
    with pytest.raises(IntegrityError, match="never removed"), transaction.atomic():
        sql("DELETE FROM settlement_settlementperiod WHERE id = %s", period.pk)


def test_a_period_is_not_born_final(db):
    with pytest.raises(IntegrityError, match="does not go to final"), transaction.atomic():
        SettlementPeriod.objects.create(
            environment="live", calendar=factories.CalendarFactory(), label="2026-10",
            during=TimestamptzRange(NOW - timedelta(days=31), NOW), status="final",
        )  # fmt: skip


def test_what_is_final_stays_as_it_is(cast):
    closing = Closing.of_two(cast)
    closing.finalise()
    period = closing.period.pk
    for statement in (
        "UPDATE settlement_settlementperiod SET version = 9 WHERE id = %s",
        "UPDATE settlement_settlementperiod SET status = 'draft' WHERE id = %s",
        "DELETE FROM settlement_settlementperiod WHERE id = %s",
        "UPDATE settlement_statement SET before_tax = 1, payable = 1 WHERE period_id = %s",
        "DELETE FROM settlement_statement WHERE period_id = %s",
        "UPDATE settlement_netposition SET net = net WHERE period_id = %s",
        "DELETE FROM settlement_netposition WHERE period_id = %s",
        "UPDATE settlement_netpayment SET amount = amount WHERE period_id = %s",
        "DELETE FROM settlement_netpayment WHERE period_id = %s",
        "UPDATE settlement_feecharge SET amount = 0 WHERE period_id = %s",
        "DELETE FROM settlement_feecharge WHERE period_id = %s",
        "UPDATE settlement_statementline SET amount = 0 WHERE statement_id IN"
        " (SELECT id FROM settlement_statement WHERE period_id = %s)",
        "DELETE FROM settlement_statementline WHERE statement_id IN"
        " (SELECT id FROM settlement_statement WHERE period_id = %s)",
        "INSERT INTO settlement_netposition (environment, period_id, operator_id, currency,"
        " gross_receivable, gross_payable, net) SELECT 'live', %s, max(id), 'CHF', 0, 0, 0"
        " FROM roaming_operator",
    ):
        with pytest.raises(IntegrityError, match=r"is final|does not go to|never removed"):
            sql(statement, period)


def test_a_line_is_not_moved_to_or_added_to_a_final_statement(cast):
    closing = Closing.of_two(cast)
    closing.finalise()
    final = Statement.objects.filter(period=closing.period).first()
    late = closing.trade.accepted(
        session=closing.trade.session(closing.period.during.upper + timedelta(hours=1)),
        claim="1",
    )
    following = closing.following()
    following.draft()
    [line] = following.lines()
    assert line.sdr_id == late.id
    with pytest.raises(IntegrityError, match="is final"):
        sql(
            "UPDATE settlement_statementline SET statement_id = %s WHERE id = %s",
            final.pk, line.pk,
        )  # fmt: skip
    with pytest.raises(IntegrityError, match="is final"):
        sql(
            "WITH gone AS (DELETE FROM settlement_statementline WHERE id = %s RETURNING *)"
            " INSERT INTO settlement_statementline (statement_id, sdr_id, kind, amount,"
            " energy_kwh, ended_at) SELECT %s, sdr_id, kind, amount, energy_kwh, ended_at"
            " FROM gone",
            line.pk, final.pk,
        )  # fmt: skip


def test_an_sdr_stands_on_one_line(cast):
    closing = Closing.of_two(cast)
    closing.draft()
    with pytest.raises(IntegrityError, match="sdr_id"):
        sql(
            "INSERT INTO settlement_statementline (statement_id, sdr_id, kind, amount, energy_kwh,"
            " ended_at) SELECT statement_id, sdr_id, kind, amount, energy_kwh, ended_at"
            " FROM settlement_statementline"
        )


def test_net_positions_of_a_period_sum_to_zero(cast):
    period = Closing.of_two(cast).period
    insert = (
        "INSERT INTO settlement_netposition (environment, period_id, operator_id, currency,"
        " gross_receivable, gross_payable, net) VALUES ('live', %s, %s, 'EUR', 0, 5, -5)"
    )
    with pytest.raises(IntegrityError, match="sum to zero"):
        sql(insert, period.pk, cast.home_csp.operator.pk)
    sql(
        insert + ", ('live', %s, %s, 'EUR', 5, 0, 5)",
        period.pk, cast.home_csp.operator.pk, period.pk, cast.visited_cso.operator.pk,
    )  # fmt: skip
    with pytest.raises(IntegrityError, match="sum to zero"):
        sql("DELETE FROM settlement_netposition WHERE net > 0")
    assert NetPosition.objects.count() == 2


def test_a_statement_adds_up_and_is_of_the_periods_environment(cast):
    closing = Closing.of_two(cast)
    closing.draft()
    with pytest.raises(IntegrityError, match="statement_adds_up"):
        sql("UPDATE settlement_statement SET payable = payable + 1")
    with pytest.raises(IntegrityError, match="composite"):
        sql("UPDATE settlement_statement SET environment = 'test'")


def test_one_fee_rule_per_payer_currency_and_time(cast):
    always = TimestamptzRange(datetime(2026, 1, 1, tzinfo=UTC), None)
    values = {"name": "SDR fee", "payer_role": "CSO", "amount": "0.05", "validity": always}
    rule = FeeRule.objects.create(**values)
    FeeRule.objects.create(operator=cast.visited_cso.operator, **values)
    with pytest.raises(IntegrityError, match="one_fee_per_payer"), transaction.atomic():
        FeeRule.objects.create(**values)
    rule.amount = "0.06"
    rule.save()
    [(events,)] = sql("SELECT count(*) FROM settlement_feeruleevent WHERE pgh_obj_id = %s", rule.pk)
    assert events == 2

"""The set-based rules come to what the pure functions say of the same rows (house.md, layers)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from roaming import models
from roaming.domain.money import Rounding, currency_digits, round_money
from settlement.domain.reconciliation.outcome import judge_body
from settlement.domain.reconciliation.rules import CREDIT_RULES, RULES
from settlement.models.reconciliation_sql.selects import SELECTS
from settlement.models.reconciliation_sql.standing import ROUNDED_CLAIM
from settlement.use_cases.sdr_reconciliation import reconcile
from tests.settlement.cases import body_of, credit_case, judged, rulings_of
from tests.settlement.own_records import records
from tests.settlement.sdrs import OCTOBER_5, standing_of
from tests.settlement.triples import (
    distribute,
    distributed,
    rows_of,
    sdrs,
    sessions,
    set_rules,
    setting_plans,
    two_trades,
)

NOW = OCTOBER_5 + timedelta(days=30)
# An example is half a dozen rows; making it smaller over a database takes minutes.
NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)


@pytest.fixture
def trades(cast):
    return two_trades(cast)


TRIPLES = (
    st.lists(sessions, min_size=3, max_size=3),
    st.lists(sdrs, min_size=2, max_size=6),
    st.lists(distributed, max_size=5),
    st.lists(setting_plans, max_size=6),
    st.lists(records, max_size=4),
)
OVER_A_DATABASE = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture],
    "phases": NO_SHRINKING,
}


@given(st.tuples(*TRIPLES))
@settings(max_examples=70, **OVER_A_DATABASE)
def test_every_rule_in_sql_finds_what_its_function_finds(trades, plans):
    compare(trades, *plans)


@pytest.mark.slow
@given(st.tuples(*TRIPLES))
@settings(max_examples=500, **OVER_A_DATABASE)
def test_every_rule_in_sql_finds_what_its_function_finds_over_thousands(trades, plans):
    compare(trades, *plans)


def compare(trades, session_plans, sdr_plans, *around):
    """Lays the plans as rows, judges them both ways, compares; leaves nothing behind."""
    with transaction.atomic():
        version_plans, rule_plans, record_plans = around
        distribute(trades, version_plans)
        set_rules(trades, rule_plans)
        rows = rows_of(trades, session_plans, sdr_plans, record_plans)
        due = [row for row in rows if standing_of(row).state == "validated"]
        cases = {row.id: body_of(row) for row in due}
        bodies = {row.id: list(judge_body(cases[row.id], rulings_of(row))) for row in due}
        expected = {
            row.id: judged(row, rows, bodies[row.id], cases[row.id].reserved, NOW) for row in due
        }
        reconcile("live", NOW)
        for row in due:
            judgement = expected[row.id]
            standing = standing_of(row)
            assert (standing.outcome, standing.state) == (
                judgement.outcome.value,
                judgement.state.value,
            )
            assert _found(row) == sorted(
                (
                    rule.id,
                    (verdict.severity or rule.severity).value,
                    rule.explanation,
                    verdict.claimed,
                    verdict.expected,
                    verdict.money_at_stake,
                    list(verdict.causes),
                )
                for rule, verdict in (*judgement.failed, *bodies[row.id])
            )
        transaction.set_rollback(True)


def test_every_rule_has_its_sql_and_no_sql_is_without_a_rule():
    assert set(SELECTS) == {rule.id for rule in RULES}


credits = st.builds(
    dict,
    names=st.sampled_from(["first", "first", "unknown", "credit"]),
    claim=st.sampled_from(["-10", "-10.00", "-9.99", "10"]),
    after_tax=st.sampled_from([None, "-11.90", "-11"]),
    currency=st.sampled_from(["EUR", "EUR", "CHF"]),
    agreement=st.sampled_from([True, True, False]),
)


@given(
    st.sampled_from(["validated", "accepted", "settled", "credited", "deviating"]),
    st.sampled_from([None, "11.90"]),
    st.lists(credits, min_size=1, max_size=3),
)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=NO_SHRINKING,
)
def test_every_rule_of_credits_in_sql_finds_what_its_function_finds(
    trades, state, after_tax, credit_plans
):
    trade = trades[0]
    with transaction.atomic():
        make = trade.accepted if state in ("accepted", "settled") else trade.sdr
        original = make(
            session=trade.session(),
            claim="10",
            claim_after_tax=Decimal(after_tax) if after_tax else None,
        )
        models.SdrState.objects.filter(sdr=original).update(state=state)
        rows = []
        for plan in credit_plans:
            named = {"first": original.reference, "unknown": "?"}
            rows.append(
                trade.sdr(
                    claim=plan["claim"],
                    credit=True,
                    credit_reference=named.get(plan["names"], rows[0].reference if rows else "?"),
                    currency=plan["currency"],
                    claim_after_tax=Decimal(plan["after_tax"]) if plan["after_tax"] else None,
                    agreement=trade.agreement if plan["agreement"] else None,
                )
            )
        reconcile("live", NOW)
        taken = state == "credited"
        for row in rows:
            case = credit_case(row, original, taken)
            verdicts = [(rule, rule.check(case)) for rule in CREDIT_RULES]
            assert _found(row) == sorted(
                (
                    rule.id, rule.severity.value, rule.explanation, verdict.claimed,
                    verdict.expected, verdict.money_at_stake, [],
                )
                for rule, verdict in verdicts if verdict is not None
            )  # fmt: skip
            accepted = all(verdict is None for _, verdict in verdicts)
            assert standing_of(row).state == ("accepted" if accepted else "deviating")
            taken = taken or accepted
        transaction.set_rollback(True)


@given(
    st.decimals(-10_000, 10_000, places=5),
    st.sampled_from(["EUR", "JPY", "KWD"]),
    st.sampled_from(list(Rounding)),
)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sql_rounds_money_as_the_domain_does(db, amount, currency, rounding):
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {ROUNDED_CLAIM} FROM (SELECT %s::numeric AS claim_before_tax) sdr,"
            " (SELECT %s AS rounding) agreement, (SELECT %s::int AS digits) digits",
            [amount, rounding.value, currency_digits(currency)],
        )
        (rounded,) = cursor.fetchone()
    assert str(rounded) == str(round_money(amount, currency, rounding))


def _found(sdr):
    columns = (
        "rule", "severity", "explanation", "claimed", "expected", "money_at_stake", "causes"
    )  # fmt: skip
    rows = models.Finding.objects.filter(sdr=sdr, superseded_at=None).exclude(rule="TIM-03")
    return sorted(rows.values_list(*columns))

"""The set-based count of a close charges what the rules say, SDR by SDR."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg.types.range import TimestamptzRange

from settlement.domain.fees import Charged, FeeTerms, fee_for
from settlement.models import FeeCharge, FeeRule
from tests.settlement.closing import Closing
from tests.settlement.sdrs import OCTOBER_5, Trade

DAYS = [OCTOBER_5 + timedelta(days=n) for n in range(4)]

rules = st.lists(
    st.tuples(
        st.sampled_from(["CSO", "CSP"]), st.sampled_from([None, "cso", "csp"]),
        st.integers(0, 2), st.sampled_from([None, 1, 2]),
    ),
    max_size=4,
)  # fmt: skip


@pytest.fixture
def trade(cast):
    return Trade.of(cast)


@given(rules, st.lists(st.integers(0, 3), min_size=1, max_size=4))
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
def test_the_close_charges_what_the_rules_say_sdr_by_sdr(trade, drawn, ends):
    operators = {"cso": trade.visited_cso.operator, "csp": trade.home_csp.operator, None: None}
    with transaction.atomic():
        terms = []
        for number, (role, operator, start, lasts) in enumerate(drawn):
            valid_to = DAYS[start] + timedelta(days=lasts) if lasts else None
            try:
                with transaction.atomic():
                    rule = FeeRule.objects.create(
                        name=f"rule {number}", payer_role=role, operator=operators[operator],
                        amount=Decimal("0.01") * (number + 1), currency="EUR",
                        validity=TimestamptzRange(DAYS[start], valid_to),
                    )  # fmt: skip
            except IntegrityError:
                continue  # it overlaps with one that is there
            terms.append(
                FeeTerms(rule.pk, role, rule.operator_id, rule.amount, "EUR", DAYS[start], valid_to)
            )
        for end in ends:
            trade.accepted(claim="1", started_at=DAYS[end] - timedelta(hours=1), ended_at=DAYS[end])
        Closing.of(trade).draft()
        expected = {}
        for end in ends:
            for role, operator in (("CSO", operators["cso"]), ("CSP", operators["csp"])):
                rule = fee_for(Charged(operator.pk, role, "EUR", DAYS[end]), terms)
                if rule is not None:
                    key = (rule.rule_id, operator.pk)
                    expected[key] = expected.get(key, 0) + 1
        counted = FeeCharge.objects.values_list("rule_id", "operator_id", "sdr_count")
        assert {(rule, operator): count for rule, operator, count in counted} == expected
        transaction.set_rollback(True)

"""Netting changes what is paid, never what is owed."""

from collections import defaultdict
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from settlement.domain.netting import Obligation, offsets, payments, positions

AMOUNTS = st.decimals(-1_000, 1_000, places=2)


@st.composite
def obligations(draw):
    debtor, creditor = draw(st.lists(st.integers(1, 4), min_size=2, max_size=2, unique=True))
    return Obligation(
        debtor,
        creditor,
        draw(st.sampled_from(["EUR", "CHF"])),
        draw(AMOUNTS),
        direct=draw(st.booleans()),
        netted=draw(st.booleans()),
    )


many = st.lists(obligations(), max_size=12)


def nets_of(owed):
    return {(p.operator_id, p.currency): p.net for p in positions(owed)}


@given(many)
def test_positions_of_a_currency_sum_to_zero(owed):
    sums = defaultdict(Decimal)
    for position in positions(owed):
        sums[position.currency] += position.net
    assert not any(sums.values())


@given(many)
def test_payments_settle_exactly_every_partys_net(owed):
    paid = defaultdict(Decimal)
    for payment in payments(owed):
        assert payment.amount > 0
        assert payment.payer != payment.payee
        paid[payment.payee, payment.currency] += payment.amount
        paid[payment.payer, payment.currency] -= payment.amount
    assert {k: v for k, v in paid.items() if v} == {k: v for k, v in nets_of(owed).items() if v}


@given(many)
def test_a_pair_that_nets_makes_one_payment_at_most_and_others_two(owed):
    count = defaultdict(int)
    for payment in payments(owed):
        pair = frozenset((payment.payer, payment.payee))
        count[pair, payment.currency, payment.direct, payment.netted] += 1
    assert all(n <= (1 if key[3] else 2) for key, n in count.items())


@given(many)
def test_a_payment_is_unique_for_payer_payee_currency_and_terms(owed):
    keys = [(p.payer, p.payee, p.currency, p.direct, p.netted) for p in payments(owed)]
    assert len(keys) == len(set(keys))


@given(many)
def test_without_negative_debts_netting_never_raises_what_is_paid(owed):
    owed = [o for o in owed if o.amount > 0]
    gross = sum((o.amount for o in owed), Decimal(0))
    paid = sum((p.amount for p in payments(owed)), Decimal(0))
    saved = 2 * sum((abs(o.amount) for o in offsets(owed)), Decimal(0))
    assert paid == gross - saved <= gross


@given(many)
def test_the_order_of_obligations_does_not_matter(owed):
    assert payments(owed) == payments(reversed(owed))
    assert positions(owed) == positions(reversed(owed))


def test_two_that_owe_each_other_the_same_pay_nothing():
    owed = [Obligation(1, 2, "EUR", Decimal("5.00")), Obligation(2, 1, "EUR", Decimal(5))]
    assert payments(owed) == []
    assert [o.amount for o in offsets(owed)] == [5]


def test_currencies_modes_and_those_who_do_not_net_stay_apart():
    owed = [
        Obligation(1, 2, "EUR", Decimal(5)),
        Obligation(2, 1, "CHF", Decimal(5)),
        Obligation(2, 1, "EUR", Decimal(3), direct=False),
        Obligation(2, 1, "EUR", Decimal(2), netted=False),
    ]
    assert offsets(owed) == []
    assert len(payments(owed)) == 4

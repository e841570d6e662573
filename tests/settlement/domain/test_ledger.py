"""Entries balance before they reach the database, and netting moves no one's balance."""

from collections import defaultdict
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.domain.ledger import (
    AccountKey,
    AccountKind,
    EntryDraft,
    EntryKind,
    FeeClaim,
    PostingDraft,
    StatementClaim,
    UnbalancedError,
    fee_entry,
    netting_entry,
    statement_entry,
)
from settlement.domain.netting import Obligation, offsets, payments

DAY = date(2026, 10, 31)
AMOUNT = st.decimals(-1_000, 1_000, places=2).filter(bool)


@given(AMOUNT, st.booleans())
def test_a_statement_debits_who_owes_and_credits_who_is_owed(payable, direct):
    claim = StatementClaim(
        7, visited_cso=1, home_csp=2, currency="EUR", direct=direct, payable=payable
    )
    entry = statement_entry(claim, "x", DAY)
    debit, credit = entry.postings
    assert (debit.account.operator_id, debit.amount) == (2, payable)
    assert (credit.account.operator_id, credit.amount) == (1, -payable)
    assert debit.account.kind.value.startswith("memo") is direct


def test_a_fee_is_a_claim_of_the_clearing_house_and_never_memo():
    entry = fee_entry(FeeClaim(3, 1, 9, "EUR", Decimal("0.10")), "x", DAY)
    assert [(p.account.operator_id, p.account.kind) for p in entry.postings] == [
        (1, AccountKind.RECEIVABLE),
        (9, AccountKind.FEE_INCOME),
    ]


@given(st.lists(st.tuples(st.booleans(), AMOUNT), max_size=8), st.booleans())
def test_after_netting_the_accounts_say_what_the_payments_say(debts, direct):
    owed = [
        Obligation(1 if first else 2, 2 if first else 1, "EUR", amount, direct=direct)
        for first, amount in debts
    ]
    balances = defaultdict(Decimal)
    entries = [
        statement_entry(StatementClaim(n, o.creditor, o.debtor, "EUR", direct, o.amount), "x", DAY)
        for n, o in enumerate(owed)
    ]
    before = defaultdict(Decimal)
    for entry in entries:
        for posting in entry.postings:
            before[posting.account.operator_id] += posting.amount
    entries += [netting_entry(1, offset, DAY) for offset in offsets(owed)]
    for entry in entries:
        for posting in entry.postings:
            balances[posting.account.operator_id] += posting.amount
    assert balances == before  # an operator's balance: what it owes less what it is owed
    paid = {p.payer: p.amount for p in payments(owed)}
    assert max(balances.values(), default=Decimal(0)) == sum(paid.values())


@pytest.mark.parametrize(
    "amounts", [[("EUR", "1")], [("EUR", "1"), ("EUR", "-0.99")], [("EUR", "1"), ("CHF", "-1")]]
)
def test_what_does_not_balance_is_no_entry(amounts):
    postings = tuple(
        PostingDraft(AccountKey(1, AccountKind.PAYABLE, currency), Decimal(amount))
        for currency, amount in amounts
    )
    with pytest.raises(UnbalancedError):
        EntryDraft("k", EntryKind.FEE, "x", DAY, postings)

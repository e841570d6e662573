"""Writing entries into the ledger, and reading what stands in it (settlement.md, section 4).

The one named place where postings are made; the database holds their rules.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from settlement.domain.ledger import AccountKey, AccountKind, EntryDraft
from settlement.models.ledger import LedgerAccount, LedgerEntry, Posting
from settlement.models.periods import SettlementPeriod


def book(period: SettlementPeriod, drafts: Sequence[EntryDraft], booked_at: datetime) -> None:
    """Writes the entries of a period, opening the accounts that they need.

    In the caller's transaction. An entry whose key is booked already raises IntegrityError.
    """
    accounts = _accounts(period.environment, {p.account for d in drafts for p in d.postings})
    entries = LedgerEntry.objects.bulk_create(
        [
            LedgerEntry(
                environment=period.environment,
                idempotency_key=draft.key,
                kind=draft.kind.value,
                description=draft.description,
                effective_on=draft.effective_on,
                booked_at=booked_at,
                settlement_period=period,
            )
            for draft in drafts
        ],
        batch_size=2_000,
    )
    Posting.objects.bulk_create(
        [
            Posting(
                entry=entry,
                account_id=accounts[posting.account],
                environment=period.environment,
                currency=posting.account.currency,
                amount=posting.amount,
                statement_id=posting.statement_id,
                fee_charge_id=posting.fee_charge_id,
            )
            for entry, draft in zip(entries, drafts, strict=True)
            for posting in draft.postings
        ],
        batch_size=5_000,
    )


def _accounts(environment: str, keys: set[AccountKey]) -> dict[AccountKey, int]:
    LedgerAccount.objects.bulk_create(
        [
            LedgerAccount(
                environment=environment,
                operator_id=key.operator_id,
                currency=key.currency,
                kind=key.kind.value,
            )
            # In one order, so that two closes at once cannot wait for each other.
            for key in sorted(keys, key=lambda k: (k.operator_id, k.currency, k.kind))
        ],
        ignore_conflicts=True,
        batch_size=5_000,
    )
    rows = LedgerAccount.objects.filter(
        environment=environment, operator__in={key.operator_id for key in keys}
    ).values_list("operator_id", "kind", "currency", "pk")
    return {
        AccountKey(owner, AccountKind(kind), currency): pk for owner, kind, currency, pk in rows
    }


class AccountBalance(NamedTuple):
    """One line of the trial balance; debit and credit are sums of postings, both positive."""

    account_id: int
    operator: str
    kind: str
    currency: str
    debit: Decimal
    credit: Decimal

    @property
    def balance(self) -> Decimal:
        return self.debit - self.credit


class AccountLine(NamedTuple):
    """One posting of an account, with the balance after it and what it comes from."""

    posting_id: int
    entry_id: int
    booked_at: datetime
    effective_on: date
    kind: str
    description: str
    amount: Decimal
    balance: Decimal
    statement_id: int | None
    fee_charge_id: int | None


class SdrBehind(NamedTuple):
    """An SDR behind a posting: what it adds to the statement, or one SDR's part of a fee."""

    sdr_id: uuid.UUID
    reference: str
    service_session_id: uuid.UUID | None
    ended_at: datetime
    energy_kwh: Decimal
    amount: Decimal


_BALANCES = """
SELECT account.id, operator.name, account.kind, account.currency,
    coalesce(sum(posting.amount) FILTER (WHERE posting.amount > 0), 0),
    coalesce(-sum(posting.amount) FILTER (WHERE posting.amount < 0), 0)
FROM settlement_ledgeraccount account
JOIN roaming_operator operator ON operator.id = account.operator_id
LEFT JOIN settlement_posting posting ON posting.account_id = account.id
WHERE account.environment = %(environment)s
GROUP BY account.id, operator.name ORDER BY account.currency, operator.name, account.kind
"""

_ACCOUNT_LINES = """
SELECT posting.id, entry.id, entry.booked_at, entry.effective_on, entry.kind, entry.description,
    posting.amount, sum(posting.amount) OVER (ORDER BY posting.id), posting.statement_id,
    posting.fee_charge_id
FROM settlement_posting posting JOIN settlement_ledgerentry entry ON entry.id = posting.entry_id
WHERE posting.account_id = %(account)s ORDER BY posting.id
"""

# A fee's SDRs are those on the operator's statements in its role, in the rule's currency and time;
# a rule of one operator replaces the general one, as when it was charged.
_SDRS_BEHIND = """
SELECT sdr.id, sdr.reference, sdr.service_session_id, line.ended_at, line.energy_kwh, line.amount
FROM settlement_posting posting
JOIN settlement_statementline line ON line.statement_id = posting.statement_id
JOIN roaming_sdr sdr ON sdr.id = line.sdr_id
WHERE posting.id = %(posting)s
UNION ALL
SELECT sdr.id, sdr.reference, sdr.service_session_id, line.ended_at, line.energy_kwh,
    charge.unit_amount
FROM settlement_posting posting
JOIN settlement_feecharge charge ON charge.id = posting.fee_charge_id
JOIN settlement_feerule rule ON rule.id = charge.rule_id
JOIN settlement_statement statement ON statement.period_id = charge.period_id
    AND statement.currency = charge.currency
    AND charge.operator_id = CASE rule.payer_role
        WHEN 'CSO' THEN statement.visited_cso_id ELSE statement.home_csp_id END
JOIN settlement_statementline line ON line.statement_id = statement.id
    AND rule.validity @> line.ended_at
JOIN roaming_sdr sdr ON sdr.id = line.sdr_id AND NOT sdr.credit
WHERE posting.id = %(posting)s AND (rule.operator_id IS NOT NULL OR NOT EXISTS (
    SELECT FROM settlement_feerule own
    WHERE own.environment = rule.environment AND own.payer_role = rule.payer_role
        AND own.currency = rule.currency AND own.operator_id = charge.operator_id
        AND own.validity @> line.ended_at
))
ORDER BY 4, 1 LIMIT %(limit)s OFFSET %(offset)s
"""


def read_balances(cursor: Any, environment: str) -> list[AccountBalance]:
    cursor.execute(_BALANCES, {"environment": environment})
    return [AccountBalance(*row) for row in cursor.fetchall()]


def read_account(cursor: Any, account_id: int) -> list[AccountLine]:
    cursor.execute(_ACCOUNT_LINES, {"account": account_id})
    return [AccountLine(*row) for row in cursor.fetchall()]


def read_sdrs_behind(cursor: Any, posting_id: int, limit: int, offset: int) -> list[SdrBehind]:
    cursor.execute(_SDRS_BEHIND, {"posting": posting_id, "limit": limit, "offset": offset})
    return [SdrBehind(*row) for row in cursor.fetchall()]

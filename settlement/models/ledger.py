"""The ledger: accounts, entries and their postings (settlement.md, section 4).

Debit is positive. PostgreSQL holds the rules (migration 0002): the postings of an entry sum to zero
per currency, an entry has at least two and gets none later, and nothing is changed or removed.
A correction is a new entry.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from roaming.models import Environment, Operator
from roaming.models.fields import ExactDecimalField
from settlement.domain.ledger import AccountKind, EntryKind
from settlement.models.fees import FeeCharge
from settlement.models.periods import SettlementPeriod
from settlement.models.statements import Statement


class LedgerAccount(models.Model):
    """One account of one operator in one currency; the clearing house is an operator too."""

    environment = models.CharField(max_length=4, choices=Environment)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="ledger_accounts")
    currency = models.CharField(max_length=3)
    kind = models.CharField(max_length=16, choices=[(k.value, k.label) for k in AccountKind])

    class Meta:
        ordering = ["environment", "operator__name", "currency", "kind"]
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "operator", "currency", "kind"], name="ledger_account_once"
            ),
            models.UniqueConstraint(
                fields=["id", "currency", "environment"], name="ledger_account_currency"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operator} {self.get_kind_display()} {self.currency}"


class LedgerEntry(models.Model):
    """One event in the books. The key says what it books, so that nothing is booked twice."""

    environment = models.CharField(max_length=4, choices=Environment)
    idempotency_key = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=12, choices=[(k.value, k.label) for k in EntryKind])
    description = models.CharField(max_length=200)
    effective_on = models.DateField(help_text="The day that it belongs to.")
    booked_at = models.DateTimeField(help_text="When it was written down.")
    settlement_period = models.ForeignKey(
        SettlementPeriod, models.PROTECT, null=True, related_name="entries"
    )
    reverses = models.OneToOneField("self", models.PROTECT, null=True, related_name="reversed_by")

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "ledger entries"
        constraints = [
            models.UniqueConstraint(fields=["id", "environment"], name="ledger_entry_environment"),
            models.CheckConstraint(
                condition=~Q(reverses=F("id")), name="entry_does_not_reverse_itself"
            ),
        ]

    def __str__(self) -> str:
        return self.description


class Posting(models.Model):
    """An amount on an account: debit positive, credit negative.

    The two foreign keys are composite in the database (migration 0002): the posting is in its
    account's currency, and account, entry and posting are of one environment.
    """

    entry = models.ForeignKey(
        LedgerEntry, models.PROTECT, related_name="postings", db_constraint=False
    )
    account = models.ForeignKey(
        LedgerAccount, models.PROTECT, related_name="postings", db_constraint=False
    )
    environment = models.CharField(max_length=4, choices=Environment)
    currency = models.CharField(max_length=3)
    amount = ExactDecimalField(help_text="Debit positive, credit negative.")
    statement = models.ForeignKey(
        Statement, models.PROTECT, null=True, related_name="postings", db_index=False
    )
    fee_charge = models.ForeignKey(
        FeeCharge, models.PROTECT, null=True, related_name="postings", db_index=False
    )

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=~Q(amount=0), name="posting_moves_money")]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

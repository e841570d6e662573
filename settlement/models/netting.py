"""What a period's close says of money between operators: net positions and net payments."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from roaming.models import Environment, Operator
from roaming.models.fields import ExactDecimalField
from settlement.models.periods import SettlementPeriod


class NetPosition(models.Model):
    """Where an operator stands after a period.

    The nets of a period and currency sum to zero (trigger, checked at COMMIT).
    """

    environment = models.CharField(max_length=4, choices=Environment)
    period = models.ForeignKey(
        SettlementPeriod, models.PROTECT, related_name="net_positions", db_constraint=False
    )
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="net_positions")
    currency = models.CharField(max_length=3)
    gross_receivable = ExactDecimalField()
    gross_payable = ExactDecimalField()
    net = ExactDecimalField(help_text="Positive: is owed; negative: owes.")

    class Meta:
        ordering = ["period", "currency", "operator__name"]
        constraints = [
            models.UniqueConstraint(
                fields=["period", "operator", "currency"], name="net_position_once"
            ),
            models.CheckConstraint(
                condition=Q(net=F("gross_receivable") - F("gross_payable")),
                name="net_is_receivable_less_payable",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operator}: {self.net} {self.currency}"


class NetPayment(models.Model):
    """One payment that a period asks for, with what each side owed before netting."""

    class Mode(models.TextChoices):
        DIRECT = "direct", "Between the parties"
        AGENT = "agent", "Through the clearing house"
        FEE = "fee", "Fee of the clearing house"

    environment = models.CharField(max_length=4, choices=Environment)
    period = models.ForeignKey(
        SettlementPeriod, models.PROTECT, related_name="net_payments", db_constraint=False
    )
    payer = models.ForeignKey(Operator, models.PROTECT, related_name="payments_to_make")
    payee = models.ForeignKey(Operator, models.PROTECT, related_name="payments_to_receive")
    currency = models.CharField(max_length=3)
    mode = models.CharField(max_length=6, choices=Mode)
    netted = models.BooleanField(help_text="Both directions in one payment.")
    amount = ExactDecimalField()
    payer_owes = ExactDecimalField(help_text="Gross, before netting.")
    payee_owes = ExactDecimalField(help_text="Gross, before netting.")

    class Meta:
        ordering = ["period", "payer__name", "payee__name"]
        constraints = [
            models.UniqueConstraint(
                fields=["period", "payer", "payee", "currency", "mode", "netted"],
                name="net_payment_once",
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0, amount=F("payer_owes") - F("payee_owes")),
                name="net_payment_is_the_difference",
            ),
            models.CheckConstraint(
                condition=~Q(payer=F("payee")), name="net_payment_of_two_parties"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.payer} → {self.payee}: {self.amount} {self.currency}"

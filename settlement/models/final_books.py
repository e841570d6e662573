"""What a final period leaves in the books: entries, net positions, net payments.

Statements, fees and offsets become values, the domain works them out, rows are written.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from roaming.models import Agreement, Operator
from settlement.domain.ledger import (
    EntryDraft,
    FeeClaim,
    StatementClaim,
    fee_entry,
    netting_entry,
    statement_entry,
)
from settlement.domain.netting import Obligation, Payment, offsets, payments, positions
from settlement.domain.refusals import No, RefusedError
from settlement.models.books import book
from settlement.models.fees import FeeCharge
from settlement.models.netting import NetPayment, NetPosition
from settlement.models.periods import SettlementPeriod
from settlement.models.statements import Statement

Mode = NetPayment.Mode


def book_final_period(period: SettlementPeriod, now: datetime) -> None:
    """Books the final statements and fees of a period. In the caller's transaction.

    Raises RefusedError (no_clearing_house) where fees are due and nobody is there to earn them.
    """
    last_day = _last_day(period)
    statements = list(
        Statement.objects.filter(period=period, status=Statement.Status.FINAL)
        .exclude(payable=0)
        .select_related("visited_cso", "home_csp")
    )
    due = FeeCharge.objects.filter(period=period).exclude(amount=0)
    charges = list(due.exclude(operator__is_clearing_house=True))
    clearing_house = _clearing_house() if charges else 0
    owed = [_obligation(statement) for statement in statements]
    fees = [
        Obligation(fee.operator_id, clearing_house, fee.currency, fee.amount, netted=False)
        for fee in charges
    ]
    entries: list[EntryDraft] = [
        *_statement_entries(statements, period, last_day),
        *(netting_entry(period.pk, offset, last_day) for offset in offsets(owed)),
        *_fee_entries(charges, period, last_day, clearing_house),
    ]
    book(period, entries, now)
    NetPosition.objects.bulk_create(
        NetPosition(
            environment=period.environment,
            period=period,
            operator_id=position.operator_id,
            currency=position.currency,
            gross_receivable=position.gross_receivable,
            gross_payable=position.gross_payable,
            net=position.net,
        )
        for position in positions([*owed, *fees])
    )
    NetPayment.objects.bulk_create(
        [
            *(_payment(period, p, Mode.DIRECT if p.direct else Mode.AGENT) for p in payments(owed)),
            *(_payment(period, p, Mode.FEE) for p in payments(fees)),
        ]
    )


def _obligation(statement: Statement) -> Obligation:
    return Obligation(
        debtor=statement.home_csp_id,
        creditor=statement.visited_cso_id,
        currency=statement.currency,
        amount=statement.payable,
        direct=statement.collection_mode == Agreement.CollectionMode.DIRECT,
        netted=statement.netting == Agreement.Netting.BILATERAL,
    )


def _statement_entries(
    statements: list[Statement], period: SettlementPeriod, last_day: date
) -> Iterator[EntryDraft]:
    for statement in statements:
        claim = StatementClaim(
            statement.pk,
            visited_cso=statement.visited_cso_id,
            home_csp=statement.home_csp_id,
            currency=statement.currency,
            direct=statement.collection_mode == Agreement.CollectionMode.DIRECT,
            payable=statement.payable,
        )
        parties = f"{statement.home_csp.name} to {statement.visited_cso.name}"
        yield statement_entry(claim, f"{period.label} {parties}"[:200], last_day)


def _fee_entries(
    charges: list[FeeCharge], period: SettlementPeriod, last_day: date, clearing_house: int
) -> Iterator[EntryDraft]:
    for fee in charges:
        claim = FeeClaim(fee.pk, fee.operator_id, clearing_house, fee.currency, fee.amount)
        yield fee_entry(claim, f"{period.label} fee for {fee.sdr_count} SDRs", last_day)


def _payment(period: SettlementPeriod, payment: Payment, mode: Mode) -> NetPayment:
    return NetPayment(
        environment=period.environment,
        period=period,
        payer_id=payment.payer,
        payee_id=payment.payee,
        currency=payment.currency,
        mode=mode,
        netted=payment.netted,
        amount=payment.amount,
        payer_owes=payment.payer_owes,
        payee_owes=payment.payee_owes,
    )


def _clearing_house() -> int:
    pk: int | None = (
        Operator.objects.filter(is_clearing_house=True).values_list("pk", flat=True).first()
    )
    if pk is None:
        raise RefusedError(
            No.NO_CLEARING_HOUSE, "Fees are due, but no operator is the clearing house itself."
        )
    return pk


def _last_day(period: SettlementPeriod) -> date:
    """The period's last day in its calendar's zone: when its entries take effect."""
    last_moment: datetime = period.during.upper - timedelta(microseconds=1)
    return last_moment.astimezone(ZoneInfo(period.calendar.time_zone)).date()

"""Closing a period in tests: October of a monthly calendar in Berlin, with two people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg.types.range import TimestamptzRange

from roaming import models
from settlement.models import FeeRule, SettlementPeriod, Statement, StatementLine
from settlement.use_cases.settlement import (
    Closed,
    draft_period,
    finalise_period,
    open_period,
    publish_preliminary,
)
from tests import factories
from tests.settlement.sdrs import OCTOBER_5, Trade, announce

AFTER_CUT_OFF = timedelta(hours=120)


def clearing_house() -> models.Operator:
    return models.Operator.objects.filter(
        is_clearing_house=True
    ).first() or factories.OperatorFactory(name="Clearing House", is_clearing_house=True)


def fee(role: str, amount: str, operator: models.Operator | None = None) -> FeeRule:
    """A fee per SDR in EUR, from the beginning of 2026 on."""
    clearing_house()
    return FeeRule.objects.create(
        name=f"{role} fee",
        payer_role=role,
        amount=amount,
        operator=operator,
        validity=TimestamptzRange(datetime(2026, 1, 1, tzinfo=UTC), None),
    )


@dataclass
class Closing:
    """A period, the trade whose SDRs it settles, and the two people who close it."""

    trade: Trade
    period: SettlementPeriod
    proposer: Any
    finaliser: Any

    @classmethod
    def of(cls, trade: Trade, at: datetime = OCTOBER_5) -> Closing:
        period = open_period(trade.agreement.environment, trade.agreement.calendar, at)
        return cls(trade, period, factories.UserFactory(), factories.UserFactory())

    @classmethod
    def of_two(cls, cast: Any) -> Closing:
        """One accepted SDR of 10.00, and a fee of 0.10 per SDR for the CSO."""
        announce(cast.visited_cso.identifier)
        trade = Trade.of(cast)
        trade.accepted(session=trade.session(), claim="10.00")
        fee("CSO", "0.10")
        return cls.of(trade)

    @property
    def closes_at(self) -> datetime:
        upper: datetime = self.period.during.upper
        return upper + AFTER_CUT_OFF

    def following(self) -> Closing:
        """The next period of the calendar, with the same people."""
        period = open_period(
            self.period.environment, self.period.calendar, self.period.during.upper
        )
        return Closing(self.trade, period, self.proposer, self.finaliser)

    def draft(self) -> Closed:
        return self._after(draft_period(self.period.pk, self.closes_at))

    def publish(self) -> Closed:
        self.draft()
        return self._after(publish_preliminary(self.period.pk, self.proposer, self.closes_at))

    def finalise(self) -> Closed:
        self.publish()
        return self._after(
            finalise_period(self.period.pk, self.finaliser, self.closes_at + timedelta(hours=48))
        )

    def statements(self) -> list[Statement]:
        rows = Statement.objects.filter(period=self.period)
        return list(rows.exclude(status=Statement.Status.SUPERSEDED))

    def lines(self) -> list[StatementLine]:
        return list(StatementLine.objects.filter(statement__period=self.period))

    def _after(self, closed: Closed) -> Closed:
        self.period = closed.period
        return closed

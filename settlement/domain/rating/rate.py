"""`rate`: the price of an SDR (settlement.md, section 2). Pure; every line explained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

import msgspec

from roaming.domain.money import Rounding, UnknownCurrencyError, currency_digits
from roaming.domain.tariff import Tariff
from settlement.domain.rating.findings import RatingFinding, price_warning, unknown_rates
from settlement.domain.rating.not_ratable import Cause, NotRatable
from settlement.domain.rating.period_order import odd_periods
from settlement.domain.rating.plan import TariffPlan
from settlement.domain.rating.priced import PricedSdr
from settlement.domain.rating.pricing import Pricing, price_session
from settlement.domain.rating.sdr_to_rate import SdrToRate
from settlement.domain.rating.splitting import findings_inside_periods
from settlement.domain.rating.stretches import session_of
from settlement.domain.rating.tariff_choice import PlanCache, plans_of
from settlement.domain.rating.taxation import Taxability


def rate(
    sdr: SdrToRate,
    tariffs: Sequence[Tariff | TariffPlan],
    time_zone: ZoneInfo,
    rounding: Rounding = Rounding.HALF_UP,
    cache: PlanCache | None = None,
) -> PricedSdr:
    """The price of an SDR at a site in `time_zone`, unrounded inside.

    `tariffs` are those in the store; the SDR's own tariff ids and snapshot come first. Plans made
    with `compile_tariff` for the same zone save compiling; `cache` saves it for snapshots.
    Raises NotRatable where no price follows, InvalidSdrError where the snapshot cannot be read.

    >>> from roaming.domain.tariff import parse_tariff
    >>> from settlement.domain.rating.sdr_to_rate import parse_sdr
    >>> tariff = parse_tariff(
    ...     '{"id": "16", "currency": "EUR", "elements": [{"price_components":'
    ...     ' [{"type": "ENERGY", "price": 0.25, "vat": 10.0, "step_size": 1}]}]}'
    ... )
    >>> sdr = parse_sdr(
    ...     '{"start_date_time": "2019-02-04T10:00:00Z", "end_date_time": "2019-02-04T11:00:00Z",'
    ...     ' "currency": "EUR", "charging_periods": [{"start_date_time": "2019-02-04T10:00:00Z",'
    ...     ' "dimensions": [{"type": "ENERGY", "volume": 20}]}]}'
    ... )
    >>> rate(sdr, [tariff], ZoneInfo("Europe/Brussels")).rounded()
    Amount(before_tax=Decimal('5.00'), after_tax=Decimal('5.50'))
    """
    given = sdr
    try:
        currency_digits(sdr.currency)
    except UnknownCurrencyError:
        sdr = _in_capitals(sdr)
    if not sdr.charging_periods:
        raise NotRatable(Cause.NO_PERIODS, "charging_periods", "there is no charging period")
    plans, odd = plans_of(sdr, tariffs, time_zone, cache)
    if sdr is not given:
        detail = f"the SDR writes its currency {given.currency}; it was read as {sdr.currency}"
        odd.append(price_warning("currency_in_small_letters", detail))
    session = session_of(sdr, plans)
    if session.odd:
        odd += odd_periods(sdr)
    priced = price_session(session)
    odd += findings_inside_periods(session, priced)
    for plan in plans:
        if plan.is_odd:
            odd += _findings_of_tariffs(plans, priced)
            break
    return PricedSdr(
        currency=sdr.currency,
        rounding=rounding,
        lines=priced.lines,
        total_before_tax=priced.total.before_tax,
        total_after_tax=priced.total.after_tax,
        bounds=priced.bounds,
        findings=tuple(odd),
    )


def _in_capitals(sdr: SdrToRate) -> SdrToRate:
    """The SDR with its currency as ISO 4217 writes it. Raises NotRatable where it is none of it."""
    capitals = sdr.currency.upper() if sdr.currency.isascii() else sdr.currency
    try:
        currency_digits(capitals)
    except UnknownCurrencyError as unknown:
        raise NotRatable(Cause.UNKNOWN_CURRENCY, "currency", str(unknown)) from None
    return msgspec.structs.replace(sdr, currency=capitals)


def _findings_of_tariffs(plans: Sequence[TariffPlan], priced: Pricing) -> Iterator[RatingFinding]:
    for plan in {id(plan): plan for plan in plans}.values():
        yield from plan.oddities
    unknown = {
        line.component.taxation.kind
        for line in priced.lines
        if line.component is not None and line.amount_before_tax
    }
    if Taxability.UNKNOWN_CONTAINED in unknown:
        yield unknown_rates(contained=True)
    if Taxability.UNKNOWN_ADDED in unknown:
        yield unknown_rates(contained=False)

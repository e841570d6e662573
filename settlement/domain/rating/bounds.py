"""min_price and max_price: bounds on the total, before and after tax each on its own."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from roaming.domain.tariff import Price, Tariff
from settlement.domain.rating.priced import Amount, Bound

Part = tuple[Tariff, Amount]


def bounded(total: Amount, parts: Sequence[Part]) -> tuple[Amount, tuple[Bound, ...]]:
    """The total within the bounds of the tariffs that made its parts, and what they changed.

    Under one tariff that is OCPI's rule, and a max_price below the min_price wins. Of several OCPI
    is silent: each max_price limits what its tariff made, the highest min_price lifts the whole.

    >>> price = Price(excl_vat=Decimal(10), incl_vat=Decimal(11))
    >>> tariff = Tariff(id="16", currency="EUR", elements=(), max_price=price)
    >>> made = Amount(Decimal("13.00"), Decimal("14.35"))
    >>> bounded(made, [(tariff, made)])[0]
    Amount(before_tax=Decimal('10.00'), after_tax=Decimal('11.00'))
    """
    bounds: list[Bound] = []
    for tariff, part in parts:
        if tariff.max_price is not None:
            cut = _lower(part, _limit(tariff.max_price, part))
            total = _apply(_change(part, cut), total, "max_price", tariff, bounds)
    lifting = [tariff for tariff, _ in parts if tariff.min_price is not None]
    if lifting:
        tariff = max(lifting, key=_min_before_tax)
        total = _apply(_change(total, _lifted(total, tariff)), total, "min_price", tariff, bounds)
    return total, tuple(bounds)


def _min_before_tax(tariff: Tariff) -> Decimal:
    assert tariff.min_price is not None, "asked only of tariffs with a min_price"
    return tariff.min_price.before_tax


def _lifted(total: Amount, tariff: Tariff) -> Amount:
    assert tariff.min_price is not None, "asked only of tariffs with a min_price"
    least = _limit(tariff.min_price, total)
    if tariff.max_price is not None:
        least = _lower(least, _limit(tariff.max_price, total))
    return _higher(total, least)


def _limit(price: Price, amount: Amount) -> Amount:
    """A bound before and after tax.

    OCPI has each bound hold for itself, and the one after tax optional (2.2.1 Price.incl_vat, 2.3.0
    PriceLimit.after_taxes). What follows from its absence OCPI leaves open. Left alone, a total
    lifted to a minimum of 0.50 could be 0.28 after tax, and what is cut to 10 would be taxed as if
    it were 13: so the amount's own tax carries over to the bound, in proportion.
    """
    if price.after_tax is not None or amount.after_tax is None:
        return Amount(price.before_tax, price.after_tax)
    if not amount.before_tax:
        return Amount(price.before_tax, price.before_tax)
    return Amount(price.before_tax, price.before_tax * amount.after_tax / amount.before_tax)


def _lower(amount: Amount, limit: Amount) -> Amount:
    before = min(amount.before_tax, limit.before_tax)
    if amount.after_tax is None or limit.after_tax is None:
        return Amount(before, amount.after_tax)
    return Amount(before, min(amount.after_tax, limit.after_tax))


def _higher(amount: Amount, limit: Amount) -> Amount:
    before = max(amount.before_tax, limit.before_tax)
    if amount.after_tax is None or limit.after_tax is None:
        return Amount(before, amount.after_tax)
    return Amount(before, max(amount.after_tax, limit.after_tax))


def _change(before: Amount, after: Amount) -> Amount:
    if before.after_tax is None or after.after_tax is None:
        return Amount(after.before_tax - before.before_tax, None)
    return Amount(after.before_tax - before.before_tax, after.after_tax - before.after_tax)


def _apply(change: Amount, total: Amount, kind: str, tariff: Tariff, bounds: list[Bound]) -> Amount:
    if not change.before_tax and not change.after_tax:
        return total
    bounds.append(Bound(kind, tariff.id, *change))
    after = total.after_tax
    if after is not None and change.after_tax is not None:
        after += change.after_tax
    return Amount(total.before_tax + change.before_tax, after)

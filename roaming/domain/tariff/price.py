"""OCPI's Price: `excl_vat`/`incl_vat` in 2.2.1, `before_taxes`/`taxes` in 2.3.0.

2.3.0's PriceLimit (`before_taxes`/`after_taxes`), used for min_price and max_price, is read too.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from roaming.domain.tariff.decoding import check_number


class TaxAmount(msgspec.Struct, frozen=True, kw_only=True):
    """One tax of a price, in money; 2.3.0's TaxAmount."""

    name: str
    amount: Decimal
    percentage: Decimal | None = None
    account_number: str | None = None

    def __post_init__(self) -> None:
        check_number("amount", self.amount)
        check_number("percentage", self.percentage)


class Price(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An amount before and, where it is said, after tax; read `before_tax` and `after_tax`.

    >>> Price(before_taxes=Decimal("4"), taxes=(TaxAmount(name="VAT", amount=Decimal("0.4")),)
    ... ).after_tax
    Decimal('4.4')
    """

    excl_vat: Decimal | None = None
    incl_vat: Decimal | None = None
    before_taxes: Decimal | None = None
    after_taxes: Decimal | None = None
    taxes: tuple[TaxAmount, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("excl_vat", "incl_vat", "before_taxes", "after_taxes"):
            check_number(name, getattr(self, name))
        if self.excl_vat is None and self.before_taxes is None:
            raise ValueError("needs excl_vat (2.2.1) or before_taxes (2.3.0)")
        if None not in (self.excl_vat, self.before_taxes) and self.excl_vat != self.before_taxes:
            raise ValueError("excl_vat and before_taxes contradict each other")

    @property
    def before_tax(self) -> Decimal:
        amount = self.before_taxes if self.excl_vat is None else self.excl_vat
        assert amount is not None, "one of them is there, see __post_init__"
        return amount

    @property
    def after_tax(self) -> Decimal | None:
        """None where the price does not say; an empty list of taxes says nothing."""
        if self.incl_vat is not None or self.after_taxes is not None:
            return self.after_taxes if self.incl_vat is None else self.incl_vat
        if not self.taxes:
            return None
        return self.before_tax + sum((tax.amount for tax in self.taxes), Decimal(0))

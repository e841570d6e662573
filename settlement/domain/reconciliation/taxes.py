"""TAX: what a claim says of its taxes is compared, never summed into a document."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from roaming.domain.sdr import Cost
from settlement.domain.reconciliation.body import BodyCase
from settlement.domain.reconciliation.case import Verdict, number_text
from settlement.domain.reconciliation.sums import allowed_of_parts
from settlement.domain.reconciliation.tolerances import ZERO


def inclusive_below_exclusive(case: BodyCase) -> Verdict | None:
    """TAX-04: an amount that includes tax is smaller than the same without."""
    for name, cost in _costs(case):
        before, after = cost.before_tax, cost.after_tax
        if before is None or after is None or abs(after) >= abs(before):
            continue
        return Verdict(
            f"{name}: {number_text(after)} with tax",
            f"at least {number_text(before)}, as without",
            abs(before - after),
            (name,),
        )
    return None


def taxes_do_not_add_up(case: BodyCase) -> Verdict | None:
    """TAX-05: before tax and taxes do not make what is stated with tax; of one cost, or of all."""
    for name, cost in _costs(case):
        before, stated = cost.before_taxes, [tax.amount for tax in cost.taxes or ()]
        amounts = [amount for amount in stated if amount is not None]
        if before is None or cost.incl_vat is None or not amounts or len(amounts) < len(stated):
            continue
        made = before + sum(amounts, ZERO)
        if abs(made - cost.incl_vat) > allowed_of_parts("TAX-05", case, len(amounts)):
            return _differs(name, cost.incl_vat, made)
    return _parts_differ(case)


def _parts_differ(case: BodyCase) -> Verdict | None:
    total = case.stated.total_cost
    parts = [cost.after_tax for _, cost in case.stated.sub_totals()]
    known = [after for after in parts if after is not None]
    if total is None or total.after_tax is None or not known or len(known) < len(parts):
        return None
    if case.priced is not None and case.priced.bounds:
        return None
    made = sum(known, ZERO)
    if abs(made - total.after_tax) <= allowed_of_parts("TAX-05", case, len(known)):
        return None
    return _differs("total", total.after_tax, made)


def tax_omitted(case: BodyCase) -> Verdict | None:
    """TAX-06: the total states its tax and a part that costs something does not, or the other way.

    An omitted tax is "no tax applicable", which is not the same as a tax of 0.
    """
    costs = [(name, cost) for name, cost in _costs(case) if cost.before_tax]
    silent = [name for name, cost in costs if cost.after_tax is None]
    if not silent or len(silent) == len(costs):
        return None
    return Verdict(
        f"no tax stated: {', '.join(silent)}", "a tax for each amount, 0 where it is 0", None
    )


def total_with_tax_differs(case: BodyCase) -> Verdict | None:
    """TAX-07: the total with tax is not what the tariff's rates give, though the one before is."""
    total = case.stated.total_cost
    if case.priced is None or total is None or total.after_tax is None:
        return None
    rated = case.priced.rounded()
    if rated.after_tax is None:
        return None
    if abs(case.before_tax - rated.before_tax) > case.tolerances.money.of(rated.before_tax):
        return None  # PRC-01 says so
    difference = abs(total.after_tax - rated.after_tax)
    if difference <= allowed_of_parts("TAX-07", case, 1) or not case.priced.taxes():
        return None  # or the tariff states no rate that could be held against the claim
    return Verdict(
        f"{number_text(total.after_tax)} {case.currency} with tax",
        f"{number_text(rated.after_tax)} {case.currency} with tax",
        difference,
    )


def _costs(case: BodyCase) -> Iterator[tuple[str, Cost]]:
    if case.stated.total_cost is not None:
        yield "total", case.stated.total_cost
    yield from case.stated.sub_totals()


def _differs(name: str, stated: Decimal, made: Decimal) -> Verdict:
    return Verdict(
        f"{name}: {number_text(stated)} with tax",
        f"{number_text(made)}, the sum",
        abs(stated - made),
        (name,),
    )

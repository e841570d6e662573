"""PRC of the body: what the SDR states of its parts agrees with its total, and with the tariff."""

from __future__ import annotations

from decimal import Decimal

from roaming.domain.money import UnknownCurrencyError, minor_unit, round_money
from settlement.domain.reconciliation.body import BodyCase
from settlement.domain.reconciliation.case import Verdict, number_text
from settlement.domain.reconciliation.tolerances import ZERO


def sub_totals_do_not_add_up(case: BodyCase) -> Verdict | None:
    """PRC-03: the sub-totals, each rounded by itself, do not make the total; silent where a minimum
    or maximum price changed it."""
    stated = [cost.before_tax for _, cost in case.stated.sub_totals()]
    amounts = [amount for amount in stated if amount is not None]
    if not amounts or (case.priced is not None and case.priced.bounds):
        return None
    made = sum(amounts, ZERO)
    difference = abs(case.before_tax - made)
    if difference <= allowed_of_parts("PRC-03", case, len(amounts)):
        return None
    return Verdict(
        f"{number_text(case.before_tax)} {case.currency}",
        f"{number_text(made)} {case.currency}, the sum of its parts",
        difference,
    )


def sub_total_differs(case: BodyCase) -> Verdict | None:
    """PRC-11: a sub-total is not what the tariff gives for that part; names each."""
    stated = {kind: cost.before_tax for kind, cost in case.stated.sub_totals()}
    if case.priced is None or not stated:
        return None
    allowed = case.tolerances.for_rule("PRC-11", case.tolerances.money)
    rated = case.priced.sub_totals()._asdict()
    differing: list[tuple[str, Decimal, Decimal]] = []
    for kind, claimed in stated.items():
        if claimed is None:
            continue
        amount = rated[kind]
        expected = ZERO if amount is None else amount.before_tax
        rounded = round_money(expected, case.priced.currency, case.priced.rounding)
        if abs(claimed - rounded) > max(allowed.of(rounded), _unit(case.currency)):
            differing.append((kind, claimed, rounded))
    if not differing:
        return None
    return Verdict(
        ", ".join(f"{kind} {number_text(claimed)}" for kind, claimed, _ in differing)[:200],
        ", ".join(f"{kind} {number_text(expected)}" for kind, _, expected in differing)[:200],
        max(abs(claimed - expected) for _, claimed, expected in differing),
        tuple(kind for kind, _, _ in differing),
    )


def allowed_of_parts(rule: str, case: BodyCase, parts: int) -> Decimal:
    """What a sum may be off: the tolerance, and for each part that was rounded one unit."""
    money = case.tolerances.for_rule(rule, case.tolerances.money)
    return max(money.of(case.before_tax), parts * _unit(case.currency))


def _unit(currency: str) -> Decimal:
    try:
        return minor_unit(currency)
    except UnknownCurrencyError:
        return ZERO

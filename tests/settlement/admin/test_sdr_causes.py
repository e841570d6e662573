"""Why a total differs stands on the SDR's page in words."""

from __future__ import annotations

from datetime import timedelta

from roaming import models
from settlement.use_cases.sdr_reconciliation import reconcile
from tests.clearinghouse.admin.fixtures import page, text_of
from tests.clearinghouse.admin.world import NOVEMBER
from tests.settlement.sdrs import OCTOBER_5, announce

# 20 kWh at 0.50 and 20 % VAT: 10.00 before tax, 12.00 with it.
WITH_TAX = (
    '{"id": "VAT", "currency": "EUR", "elements": [{"price_components": '
    '[{"type": "ENERGY", "price": 0.50, "vat": 20, "step_size": 1}]}]}'
)


def why(shown):
    return next(p for p in shown.context["panels"] if p.title == "Why the total differs")


def claimed(world, amount):
    later = OCTOBER_5 + timedelta(days=1)
    if not models.TariffVersion.objects.filter(tariff_id="VAT").exists():
        announce(world.cast.visited_cso.identifier, "VAT", body=WITH_TAX)
    session = world.trade.session(later)
    sdr = world.trade.sdr(session, claim=amount, tariff_id="VAT")
    reconcile("live", NOVEMBER)
    return sdr


def test_the_page_names_the_mistake_what_it_gives_and_what_to_do(clerk, world):
    shown = clerk.get(page(claimed(world, "12.00"), "change"))
    ((mistake, meaning, gives, advice),) = why(shown).rows
    assert mistake == "Amount with tax claimed as before tax"
    assert "total with tax is claimed" in meaning
    assert "12.00 EUR" in gives
    assert advice == "What is settled is the total before tax."
    text = text_of(shown)
    assert mistake in text
    assert "No known mistake" not in text
    finding = models.Finding.objects.get(rule="PRC-01", causes=["tax_left_in"])
    assert mistake in text_of(clerk.get(page(finding, "change")))


def test_the_page_says_where_nothing_explains_the_total(clerk, world):
    shown = clerk.get(page(claimed(world, "11.37"), "change"))
    assert why(shown).rows == []
    assert "No known mistake gives this total" in text_of(shown)


def test_a_right_total_needs_no_explanation(clerk, world):
    shown = clerk.get(page(claimed(world, "10.00"), "change"))
    assert "Why the total differs" not in text_of(shown)

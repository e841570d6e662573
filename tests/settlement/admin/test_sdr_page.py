"""The SDR's page: three records, the price line by line, one time line; amounts lead to tariffs."""

from __future__ import annotations

import html
import re
from decimal import Decimal

import pytest

from roaming import models
from roaming.domain.uuid7 import uuid7_at
from settlement.models import CspRecord, CspRecordRegistry
from settlement.models.disputes import Dispute
from settlement.use_cases.sdr_decision import Decision, decline_sdr
from tests.clearinghouse.admin.fixtures import page, text_of
from tests.clearinghouse.admin.world import NOVEMBER
from tests.settlement.sdrs import announce, tariff_body


def panel(response, title):
    (found,) = [one for one in response.context["panels"] if one.title == title]
    return found


def rows_of(response, title):
    """The panel's rows as people read them."""
    return [[read(cell) for cell in row] for row in panel(response, title).rows]


def read(cell):
    return html.unescape(re.sub(r"<[^>]+>", "", str(cell).replace("<br>", " and ")))


def side_by_side(response):
    return {row[0]: row[1:] for row in rows_of(response, "Side by side")}


@pytest.fixture
def record(world):
    """The home-CSP knows of 19 kWh for 9.50 EUR."""
    sdr = world.wrong_sdr
    return add_record(
        sdr,
        sent_by=world.cast.home_csp.platform,
        evse_key=sdr.evse_key,
        token_hmac=sdr.token_hmac,
        currency="EUR",
    )


def add_record(sdr, **fields):
    key = uuid7_at(sdr.started_at)
    CspRecordRegistry.objects.create(
        environment="live", home_csp=sdr.home_csp, reference="R-77", record_id=key,
        content_hmac=b"x" * 32,
    )  # fmt: skip
    made = CspRecord.objects.create(
        id=key, environment="live", period=sdr.period, pair_id=sdr.pair_id,
        arrival=1, home_csp=sdr.home_csp, visited_cso=sdr.visited_cso, reference="R-77",
        evse_id=sdr.evse_id, started_at=sdr.started_at, ended_at=sdr.ended_at,
        energy_kwh=Decimal(19), before_tax=Decimal("9.50"), received_at=sdr.received_at, **fields,
    )  # fmt: skip
    models.SdrState.objects.filter(sdr=sdr).update(csp_record_id=made.pk)
    return made


def test_three_records_stand_side_by_side_and_differences_are_said_in_words(clerk, world, record):
    shown = side_by_side(clerk.get(page(world.wrong_sdr, "change")))
    assert shown["Known as"][1] == "R-77"
    assert shown["Energy"] == ["20 kWh", "≠ 19 kWh", "20 kWh", "+1 kWh to the CSP"]
    assert shown["Before tax"] == [
        "12.00 EUR", "≠ 9.50 EUR", "≠ 10.00 EUR",
        "+2.5 EUR to the CSP and +2 EUR to the evidence",
    ]  # fmt: skip
    assert shown["EVSE"][3] == ""
    assert shown["Token"][3] == ""


def test_another_evse_token_or_currency_is_marked(clerk, world):
    platform = world.cast.home_csp.platform
    other = {"evse_key": "DEVISE999", "token_hmac": b"x" * 32, "currency": "CHF"}
    add_record(world.wrong_sdr, sent_by=platform, **other)
    shown = side_by_side(clerk.get(page(world.wrong_sdr, "change")))
    assert shown["EVSE"][3] == "not the same"
    assert shown["Token"][3] == "not the same token"
    assert shown["Before tax"][3] == "CHF, not EUR"
    assert b"x" * 32 not in clerk.get(page(world.wrong_sdr, "change")).content


def test_where_it_stands_is_said_first(clerk, world):
    shown = clerk.get(page(world.wrong_sdr, "change"))
    assert shown.context["panels"][0].title == "Standing"
    assert rows_of(shown, "Standing") == [
        ["Deviating", "Deviating", "12.00 EUR", "2.00 EUR", "–", "–", "–", "by session id"]
    ]


def test_an_sdr_without_session_or_record_says_what_is_missing(clerk, world):
    alone = world.trade.sdr(claim="1.00", token_hmac=None)
    shown = panel(clerk.get(page(alone, "change")), "Side by side")
    assert "No session was found" in shown.note
    assert "no record of its own" in shown.note


def test_every_amount_leads_to_its_tariff_element(clerk, world):
    shown = clerk.get(page(world.wrong_sdr, "change"))
    lines = rows_of(shown, "How the price comes about")
    assert lines[0] == [
        "1, from 05 Nov 11:00:00", "Energy", "20 kWh", "–", "0.50 EUR/kWh", "10.00 EUR", "–",
        "AC, element 1",
    ]  # fmt: skip
    amounts = {row[1]: row[5] for row in lines[1:]}
    assert amounts["Total, rounded half up"] == "10.00 EUR"
    assert amounts["The visited-CSO claims"] == "12.00 EUR"
    version = models.TariffVersion.objects.get(tariff_id="AC")
    address = f"{page(version, 'change')}#element-1"
    assert address in text_of(shown)
    tariff = clerk.get(page(version, "change"))
    assert 'id="element-1"' in text_of(tariff)
    assert rows_of(tariff, "Price elements") == [["1", "0.5 EUR per kWh", "always"]]


def test_periods_steps_and_taxes_are_explained(clerk, world):
    body = (
        '{"id": "STEP", "currency": "EUR", "elements": ['
        '{"price_components": [{"type": "ENERGY", "price": 0.40, "vat": 20, "step_size": 1000}],'
        ' "restrictions": {"start_time": "08:00", "end_time": "20:00", "day_of_week": ["MONDAY"]}},'
        '{"price_components": [{"type": "FLAT", "price": 1, "vat": 20}]}]}'
    )
    announce(world.cast.visited_cso.identifier, "STEP", body=body)
    sdr = world.trade.sdr(kwh="10.2", claim="5.40", tariff_id="STEP")
    shown = clerk.get(page(sdr, "change"))
    lines = rows_of(shown, "How the price comes about")
    energy = next(row for row in lines if row[1] == "Energy")
    assert energy[2:] == [
        "10.2 kWh", "0.8 kWh", "0.40 EUR/kWh", "4.40 EUR", "VAT 20 %: 0.88", "STEP, element 1",
    ]  # fmt: skip
    flat = next(row for row in lines if row[1] == "Flat")
    assert flat[5:] == ["1.00 EUR", "VAT 20 %: 0.20", "STEP, element 2"]
    version = models.TariffVersion.objects.get(tariff_id="STEP")
    assert rows_of(clerk.get(page(version, "change")), "Price elements") == [
        ["1", "0.4 EUR per kWh, 20 % tax, in steps of 1,000 Wh", "from 08:00 to 20:00; Monday"],
        ["2", "1 EUR flat, 20 % tax", "always"],
    ]


def test_a_finding_says_its_cause_in_words(clerk, world):
    models.Finding.objects.filter(sdr=world.wrong_sdr).update(causes=["step_ignored"])
    (line,) = rows_of(clerk.get(page(world.wrong_sdr, "change")), "Findings")
    assert line[2].endswith("(Step size ignored)")


def test_an_sdr_s_own_snapshot_is_named_as_such(clerk, world):
    import json

    part = {"tariff_id": "OWN", "tariffs": [json.loads(tariff_body("OWN"))]}
    sdr = world.trade.sdr(claim="10.00", tariff_id="OWN", part=part)
    lines = rows_of(clerk.get(page(sdr, "change")), "How the price comes about")
    assert lines[0][-1] == "OWN, element 1 (the SDR's own snapshot)"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"tariff_id": "NONE"}, "unknown tariff id"),
        ({"time_zone": "Nowhere/At-all"}, "zone"),
        ({"rated_part": "{}"}, "invalid sdr"),
        ({"rated_part": "no JSON"}, "invalid sdr"),
    ],
)
def test_what_cannot_be_rated_says_why(clerk, world, fields, why):
    sdr = world.trade.sdr(claim="1.00", **fields)
    shown = panel(clerk.get(page(sdr, "change")), "How the price comes about")
    assert shown.rows == []
    assert why in shown.empty.lower()


def test_one_time_line_tells_the_session_s_messages_and_what_became_of_the_sdr(clerk, world):
    lines = rows_of(clerk.get(page(world.sdr, "change")), "Time line")
    words = [row[1] for row in lines]
    assert "Session opened" in words
    assert any("UC3-1" in line and "answered" in line for line in words)
    assert f"SDR {world.sdr}" in words
    assert "12 ms" in {row[4] for row in lines}
    assert any("settlement" in row for row in lines)
    assert [row[0] for row in lines] == sorted(row[0] for row in lines)


def test_the_steps_of_a_dispute_stand_on_the_time_line(clerk, world):
    decline_sdr(world.wrong_sdr.pk, Decision(by="clerk", reason="PRC", note="dear"), NOVEMBER)
    lines = rows_of(clerk.get(page(world.wrong_sdr, "change")), "Time line")
    dispute = Dispute.objects.get(sdr=world.wrong_sdr)
    (line,) = [row for row in lines if row[1].startswith(f"{dispute}: ")]
    assert line[0] == "2026-11-20 09:00:00 UTC"
    assert line[2] == "clerk"


def test_an_sdr_without_session_tells_its_own_story(clerk, world):
    alone = world.trade.sdr(claim="1.00")
    shown = panel(clerk.get(page(alone, "change")), "Time line")
    assert "No session" in shown.note
    assert [read(row[1]) for row in shown.rows] == [f"SDR {alone}"]


def test_the_page_takes_few_queries(clerk, world, record, django_assert_max_num_queries):
    clerk.get(page(world.wrong_sdr, "change"))
    with django_assert_max_num_queries(45):
        clerk.get(page(world.wrong_sdr, "change"))

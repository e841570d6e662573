"""The operators' SDRs in the portal: found, filtered, paged, explained, counted on the start."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from clearinghouse.portal import sdr_list
from roaming import models
from roaming.domain.uuid7 import uuid7_at
from settlement.models import CspRecord
from settlement.models.csp_records import CspRecordRegistry
from tests.clearinghouse.portal.people import member, signed_in, text
from tests.clearinghouse.portal.stage import journal
from tests.settlement.sdrs import OCTOBER_5

SDRS = "/portal/sdrs/"


def listed(response) -> list[str]:
    """The SDRs on a page, from the top."""
    return [row.name for row in response.context["table"].rows]


def page_of(sdr) -> str:
    return reverse("portal:sdr", args=[sdr.pk])


# --- The list -------------------------------------------------------------------------------------


def test_both_parties_see_their_sdrs_newest_first_and_outsiders_none(stage, csp, cso, outsider):
    names = [stage.deviating.reference, stage.agreeing.reference]
    assert listed(csp.get(SDRS)) == names
    assert listed(cso.get(SDRS)) == names
    assert listed(outsider.get(SDRS)) == []
    assert "other environment" in text(outsider.get(SDRS))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state=deviating", "deviating"),
        ("state=rated", "agreeing"),
        ("outcome=agreed", "agreeing"),
        ("rule={rule}", "deviating"),
        ("rule=TIM-05", ""),
        ("since=2026-10-06", ""),
        ("until=2026-10-04", ""),
        ("q={stage.deviating.reference}", "deviating"),
        ("q={stage.deviating.pk}", "deviating"),
        ("q={stage.session.pk}", "deviating"),
        ("q=nothing", ""),
        ("state=nonsense", ""),
        ("pair=999999", ""),
    ],
)
def test_the_list_is_narrowed(stage, csp, query, found):
    rule = models.Finding.objects.filter(sdr=stage.deviating, severity="severe")[0].rule
    expected = [getattr(stage, found).reference] if found else []
    assert listed(csp.get(f"{SDRS}?{query.format(stage=stage, rule=rule)}")) == expected


@pytest.mark.parametrize(
    "query", ["q=DE*VIS*E001", "q=devise001", "since=2026-10-05", "until=2026-10-05"]
)
def test_an_evse_in_any_form_and_the_very_day_find_both(stage, csp, query):
    assert len(listed(csp.get(f"{SDRS}?{query}"))) == 2


def test_a_day_is_one_of_the_viewers_zone(stage, csp):
    late = stage.trade.sdr(started_at=OCTOBER_5.replace(hour=22, minute=30))  # the 6th in Berlin
    assert listed(csp.get(f"{SDRS}?since=2026-10-06")) == [late.reference]


def test_a_search_finds_nothing_of_others(stage, outsider):
    for term in (stage.deviating.reference, stage.deviating.pk, stage.session.pk, "DE*VIS*E001"):
        assert listed(outsider.get(f"{SDRS}?q={term}")) == []


def test_pages_follow_each_other_along_the_key(stage, csp, monkeypatch):
    monkeypatch.setattr(sdr_list, "PER_PAGE", 2)
    for hour in range(3):
        stage.trade.sdr(started_at=OCTOBER_5 - timedelta(days=1, hours=hour))
    page = csp.get(SDRS)
    first = seen = listed(page)
    while page.context["leaf"].older:
        page = csp.get(SDRS + page.context["leaf"].older)
        seen = seen + listed(page)
    assert len(seen) == len(set(seen)) == 5
    back = csp.get(SDRS + page.context["leaf"].newer)
    back = csp.get(SDRS + back.context["leaf"].newer)
    assert listed(back) == first
    assert back.context["leaf"].newer == ""


def test_test_and_live_are_never_mixed(stage, csp):
    csp.post(reverse("portal:switch"), {"environment": "test"})
    page = csp.get(SDRS)
    assert listed(page) == []
    assert "nothing here is real money" in text(page)
    assert csp.get(page_of(stage.deviating)).status_code == 404


def test_the_list_costs_few_queries(stage, csp, django_assert_max_num_queries):
    csp.get(SDRS)
    with django_assert_max_num_queries(12):
        csp.get(SDRS)


# --- One SDR --------------------------------------------------------------------------------------


def test_the_page_shows_both_values_and_the_money(stage, csp):
    page = text(csp.get(page_of(stage.deviating)))
    for shown in ("12.00\u00a0EUR", "10.00\u00a0EUR", "+<span", "Approve…", "Decline…"):
        assert shown in page


def test_numbers_and_times_are_written_as_the_viewer_reads_them(stage):
    person = member(stage.cast.home_csp.operator, "clerk")
    person.locale, person.time_zone = "de-DE", "Asia/Tokyo"
    person.save()
    page = text(signed_in(person).get(page_of(stage.deviating)))
    assert "12,00\u00a0EUR" in page
    assert "21:00\u00a0JST" in page  # 12:00 UTC


def test_messages_of_the_session_are_shown_to_its_parties(stage, csp):
    journal(stage, stage.session)
    assert "correlation-1" in text(csp.get(page_of(stage.deviating)))


def test_the_home_csps_own_record_is_shown_to_it_alone(stage, csp, cso):
    record = own_record(stage)
    models.SdrState.objects.filter(sdr=stage.deviating).update(csp_record_id=record.pk)
    assert "Your own record" in text(csp.get(page_of(stage.deviating)))
    assert "19.5\u00a0kWh" in text(csp.get(page_of(stage.deviating)))
    page = text(cso.get(page_of(stage.deviating)))
    assert "own record" not in page.lower()
    assert "19.5" not in page


def own_record(stage):
    sdr, key = stage.deviating, uuid7_at(stage.deviating.started_at)
    CspRecordRegistry.objects.create(
        environment="live", home_csp=sdr.home_csp, reference="OWN-1", record_id=key,
        content_hmac=b"content",
    )  # fmt: skip
    return CspRecord.objects.create(
        id=key, environment="live", period=sdr.period, pair=sdr.pair,
        arrival=1, sent_by=stage.cast.home_csp.platform, home_csp=sdr.home_csp,
        visited_cso=sdr.visited_cso, reference="OWN-1", evse_id=sdr.evse_id,
        evse_key=sdr.evse_key, started_at=sdr.started_at, ended_at=sdr.ended_at,
        energy_kwh="19.5", currency="EUR", before_tax="9.75", received_at=sdr.received_at,
    )  # fmt: skip


def test_the_price_is_explained_line_by_line_to_both_parties(stage, csp, cso):
    for client in (csp, cso):
        response = client.get(page_of(stage.deviating))
        first, *_, total = response.context["price"].rows
        assert [str(cell) for cell in first.cells[:2]] == ["1, from 14:00:00", "Energy"]
        for shown in ("20\u00a0kWh", "0.50\u00a0EUR/kWh", "10.00\u00a0EUR", "AC, element 1"):
            assert any(shown in str(cell) for cell in first.cells)
        assert total.cells[0] == "Total, rounded"
        assert "10.00\u00a0EUR" in total.cells[5]


def test_a_known_mistake_is_named_in_words_with_what_to_do(stage, csp):
    models.Finding.objects.filter(sdr=stage.deviating).update(causes=["step_ignored+flat_twice"])
    page = text(csp.get(page_of(stage.deviating)))
    assert "flat fee twice" in page.lower()
    assert "The flat fee is due once per session." in page


def test_what_cannot_be_rated_says_why(stage, csp):
    sdr = stage.trade.sdr(started_at=OCTOBER_5, rated_part="{}")
    assert "No price follows" in text(csp.get(page_of(sdr)))


def test_an_sdr_of_others_is_not_found(stage, outsider):
    assert outsider.get(page_of(stage.deviating)).status_code == 404


# --- Start ----------------------------------------------------------------------------------------


def figures_of(client):
    groups = client.get("/portal/").context["groups"]
    return {figure.address: figure for _title, group in groups for figure in group}


def test_the_first_page_counts_what_waits_with_its_money_and_age(stage, csp):
    figure = figures_of(csp)["/portal/sdrs/?state=deviating"]
    assert (figure.calls, "1" in figure.value) == (True, True)
    assert figure.notes[0] == "12.00\u00a0EUR"
    assert figure.notes[1].startswith("oldest for")
    assert listed(csp.get("/portal/sdrs/?state=deviating")) == [stage.deviating.reference]


def test_a_claim_that_is_disputed_calls_for_the_visited_cso(stage, cso):
    models.SdrState.objects.filter(sdr=stage.deviating).update(state="disputed")
    calling = [address for address, figure in figures_of(cso).items() if figure.calls]
    assert calling == ["/portal/sdrs/?state=disputed"]

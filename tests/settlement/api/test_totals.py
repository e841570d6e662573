"""The totals hand-shake: agreement, or the SDRs that explain the difference (6.4.2)."""

import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command

from roaming import models as hub
from settlement.models import TotalsOfDay
from settlement.reports import rows, unconfirmed_days
from settlement.tasks import remind_of_unconfirmed_days
from tests import factories
from tests.settlement.sdrs import Trade

URL = "/api/v1/reconciliation/totals"
DAY = datetime(2026, 10, 3, tzinfo=UTC)


@pytest.fixture
def trade(cast, now):
    from roaming.models.clock import set_business_clock

    set_business_clock(now, speed=0, ceiling=now)
    trade = Trade.of(cast)
    for number, (kwh, claim) in enumerate([("20", "10"), ("12.5", "6.25"), ("7", "3.5")]):
        start = DAY + timedelta(hours=2 * number)
        trade.sdr(started_at=start, kwh=kwh, claim=claim, reference=f"S{number}")
    return trade


def said(count=3, kwh="39.5", money="19.75", **fields):
    return {
        "visited_cso": "DE*VIS",
        "home_csp": "DE-HOM",
        "days": [
            {
                "day": "2026-10-03", "currency": "EUR", "count": count, "total_energy": kwh,
                "before_tax": money, **fields,
            }
        ],
    }  # fmt: skip


def send(client, party, body):
    return client.post(URL, data=body, content_type="application/json", headers=party.headers)


def day_of(answer):
    assert answer.status_code == 200, answer.content
    (day,) = answer.json()["days"]
    return day


@pytest.mark.usefixtures("trade")
def test_both_sides_confirm_a_day(client, cast):
    for side in ("visited_cso", "home_csp"):
        answer = send(client, getattr(cast, side), said())
        assert answer.json()["agreed"]
    kept = TotalsOfDay.objects.order_by("side").values_list("side", "state", "count_here")
    assert list(kept) == [("CSO", "confirmed", 3), ("CSP", "confirmed", 3)]
    assert list(rows(unconfirmed_days("live", DAY.date(), DAY.date()))) == []
    assert hub.JournalEntry.objects.filter(use_case="6.4.2", outcome="accepted").count() == 2


@pytest.mark.usefixtures("trade")
def test_one_sdr_that_explains_the_difference_is_named(client, cast):
    day = day_of(send(client, cast.home_csp, said(2, "27", "13.5")))
    assert (day["agreed"], day["exact"], day["missing_with_you"]) == (False, True, ["S1"])
    assert day["difference"] == {"count": 1, "total_energy": "12.5", "before_tax": "6.25"}


def test_several_sets_that_could_be_it_are_candidates(client, cast, trade):
    trade.sdr(started_at=DAY + timedelta(hours=9), kwh="7", claim="3.5", reference="S3")
    day = day_of(send(client, cast.home_csp, said()))
    assert (day["exact"], day["missing_with_you"]) == (False, [])
    assert sorted(day["candidates"]) == [["S2"], ["S3"]]


def test_what_they_have_more_is_looked_for_among_the_rejected_and_the_days_around(
    client, cast, trade
):
    trade.sdr(
        started_at=DAY + timedelta(hours=23, minutes=30), kwh="1", claim="0.5", reference="NEXT"
    )
    trade.sdr(started_at=DAY, kwh="2", claim="1", reference="BAD", state="rejected")
    assert day_of(send(client, cast.visited_cso, said(4, "40.5", "20.25")))["missing_here"] == [
        "NEXT"
    ]
    assert day_of(send(client, cast.visited_cso, said(4, "41.5", "20.75")))["missing_here"] == [
        "BAD"
    ]


@pytest.mark.usefixtures("trade")
def test_a_party_that_lists_its_sdrs_is_told_exactly(client, cast):
    listed = [
        {"id": "S0", "total_energy": "20", "before_tax": "11"},
        {"id": "S2"},
        {"id": "UNKNOWN", "total_energy": "12.5", "before_tax": "6.25"},
    ]
    day = day_of(send(client, cast.home_csp, said(sdrs=listed)))
    assert not day["agreed"]  # the figures are the same by chance
    assert (day["missing_with_you"], day["missing_here"], day["differing"]) == (
        ["S1"], ["UNKNOWN"], ["S0"],
    )  # fmt: skip


def test_a_credit_counts_with_its_negative_amount(client, cast, trade):
    sdr = hub.Sdr.objects.get(reference="S2")
    trade.credit_of(sdr, kwh="-7", reference="C2")
    assert send(client, cast.home_csp, said(4, "32.5", "16.25")).json()["agreed"]


def test_a_later_sdr_puts_a_confirmed_day_in_doubt_again(client, cast, trade):
    for side in (cast.visited_cso, cast.home_csp):
        send(client, side, said())
    trade.sdr(started_at=DAY + timedelta(hours=9), kwh="1", claim="0.5")
    (row,) = rows(unconfirmed_days("live", DAY.date(), DAY.date()))
    assert (row[0], row[1:5], row[7], row[10]) == (
        DAY.date(), ("DE*VIS", "DE-HOM", "EUR", 4), "outdated", "outdated",
    )  # fmt: skip
    send(client, cast.visited_cso, said(4, "40.5", "20.25"))
    send(client, cast.home_csp, said(1, "1", "1"))
    (row,) = rows(unconfirmed_days("live", DAY.date(), DAY.date()))
    assert (row[7], row[10]) == ("confirmed", "differs")
    assert TotalsOfDay.objects.count() == 2  # the newest word of each
    assert TotalsOfDay.pgh_event_model.objects.count() == 4  # and what was said before


@pytest.mark.usefixtures("trade")
def test_unconfirmed_days_are_noted_and_listed(cast, caplog):
    remind_of_unconfirmed_days()
    assert "1 day" in caplog.text
    file = io.StringIO()
    call_command("unconfirmed_days", stdout=file)
    assert "2026-10-03,DE*VIS,DE-HOM,EUR,3,39.5,19.75,not told" in file.getvalue()


@pytest.mark.usefixtures("trade")
def test_nobody_counts_for_others_or_sees_their_words(client, cast):
    assert send(client, cast.outsider, said()).json()["code"] == "party_not_held"
    send(client, cast.home_csp, said())
    assert len(client.get(URL, headers=cast.home_csp.headers).json()["results"]) == 1
    assert client.get(URL, headers=cast.visited_cso.headers).json()["results"] == []


@pytest.mark.usefixtures("trade")
def test_who_speaks_for_both_says_as_whom_it_counts(client, cast):
    hub.PlatformIdentifier.objects.filter(identifier=cast.home_csp.identifier).update(
        platform=cast.visited_cso.platform
    )
    answer = send(client, cast.visited_cso, said()).json()
    assert (answer["code"], answer["field"]) == ("invalid_field", "side")
    assert send(client, cast.visited_cso, {**said(), "side": "CSP"}).json()["agreed"]
    assert TotalsOfDay.objects.get().side == "CSP"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"visited_cso": "?"}, "invalid_identifier"),
        ({"visited_cso": "DE*XXX"}, "unknown_party"),
        ({"days": []}, "invalid_field"),
        ({"days": [*said()["days"], *said()["days"]]}, "invalid_field"),
        (said(kwh="1e900"), "invalid_field"),
        (said(sdrs=[{"id": "A"}, {"id": "A"}]), "invalid_field"),
        (said(sdrs=[{"id": "A", "before_tax": "1e900"}]), "invalid_field"),
        (said(day="0001-01-01"), "invalid_field"),
    ],
)
def test_what_cannot_be_compared_is_refused(client, cast, changes, code):
    assert send(client, cast.home_csp, {**said(), **changes}).json()["code"] == code


def test_days_of_others_are_not_counted(client, cast, trade):
    factories.make_agreement(cast.visited_cso.operator, cast.outsider.operator)
    other = Trade(
        trade.agreement, trade.visited_cso, cast.outsider.identifier, trade.platform, trade.evse
    )
    other.sdr(started_at=DAY, claim="99")
    assert send(client, cast.home_csp, said()).json()["agreed"]
    assert date(2026, 10, 3) == TotalsOfDay.objects.get().day
    assert TotalsOfDay.objects.get().before_tax_here == Decimal("19.75")

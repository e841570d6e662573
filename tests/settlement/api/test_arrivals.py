"""A party asks which of its SDRs arrived, and is told what is missing (6.4.2)."""

import pytest
from django.test.utils import CaptureQueriesContext

from roaming import models as hub
from tests import factories
from tests.settlement.sdrs import Trade

URL = "/api/v1/reconciliation/arrivals"


@pytest.fixture
def trade(cast):
    trade = Trade.of(cast)
    for number in (1, 2, 4):
        trade.sdr(reference=f"S-{number:03}", state="rejected" if number == 4 else "validated")
    return trade


def ask(client, party, **question):
    body = {"visited_cso": "DE*VIS", **question}
    return client.post(URL, data=body, content_type="application/json", headers=party.headers)


@pytest.mark.usefixtures("trade")
def test_what_arrived_is_told_with_its_state_and_what_is_missing(client, cast):
    answer = ask(client, cast.visited_cso, sdr_ids=["S-004", "S-003", "S-001", "S-003"]).json()
    assert [(row["id"], row["state"]) for row in answer["arrived"]] == [
        ("S-004", "rejected"), ("S-001", "validated"),
    ]  # fmt: skip
    assert answer["missing"] == ["S-003"]
    sdr = hub.Sdr.objects.get(reference="S-004")
    assert (answer["arrived"][0]["sdr_id"], answer["arrived"][0]["arrival"]) == (
        str(sdr.id), sdr.arrival,
    )  # fmt: skip


@pytest.mark.usefixtures("trade")
def test_a_range_of_its_own_numbers(client, cast):
    said = {"prefix": "S-", "first": 1, "last": 5, "digits": 3}
    answer = ask(client, cast.visited_cso, range=said).json()
    assert answer["missing"] == ["S-003", "S-005"]


@pytest.mark.usefixtures("trade")
def test_ten_thousand_cost_as_many_queries_as_one(client, cast):
    from django.db import connection

    counts = []
    for last in (1, 10_000):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            said = {"prefix": "S-", "first": 1, "last": last, "digits": 3}
            assert ask(client, cast.visited_cso, range=said).status_code == 200
        counts.append(len(queries))
    assert counts[1] <= counts[0]


def test_a_home_csp_learns_of_its_own_alone(client, cast, trade):
    factories.make_agreement(cast.visited_cso.operator, cast.outsider.operator)
    other = Trade(
        trade.agreement, trade.visited_cso, cast.outsider.identifier, trade.platform, trade.evse
    )
    other.sdr(reference="THEIRS")
    answer = ask(client, cast.home_csp, home_csp="DE-HOM", sdr_ids=["S-001", "THEIRS"]).json()
    assert [row["id"] for row in answer["arrived"]] == ["S-001"]
    assert answer["missing"] == ["THEIRS"]
    assert ask(client, cast.visited_cso, sdr_ids=["THEIRS"]).json()["missing"] == []


@pytest.mark.usefixtures("trade")
@pytest.mark.parametrize(
    ("question", "code"),
    [
        ({"sdr_ids": ["S-001"]}, "party_not_held"),
        ({"home_csp": "DE-HOM", "sdr_ids": ["S-001"]}, "party_not_held"),
        ({"visited_cso": "?", "sdr_ids": []}, "invalid_identifier"),
        ({"home_csp": "?", "sdr_ids": []}, "invalid_identifier"),
        ({}, "invalid_field"),
        ({"sdr_ids": [], "range": {"first": 1, "last": 2}}, "invalid_field"),
        ({"range": {"first": 2, "last": 1}}, "invalid_field"),
        ({"range": {"first": 1, "last": 10_001}}, "too_many_records"),
    ],
)
def test_others_learn_nothing_and_rubbish_is_refused(client, cast, question, code):
    assert ask(client, cast.outsider, **question).json()["code"] == code


@pytest.mark.usefixtures("trade")
def test_the_list_of_arrivals_pages_by_their_numbers(client, cast):
    page = client.get(URL, {"page_size": 2}, headers=cast.home_csp.headers).json()
    assert [row["id"] for row in page["results"]] == ["S-004", "S-002"]
    found = client.get(URL, {"state": "rejected"}, headers=cast.visited_cso.headers).json()
    assert [row["id"] for row in found["results"]] == ["S-004"]
    assert client.get(URL, headers=cast.outsider.headers).json()["results"] == []

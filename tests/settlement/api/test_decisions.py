"""Decisions and SDRs over the API: what a party sees of its SDRs, and what it may decide."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from roaming.models import JournalEntry
from roaming.models.clock import set_business_clock
from settlement.use_cases.sdr_reconciliation import reconcile
from tests.settlement.sdrs import OCTOBER_5, Trade, announce, standing_of

NOW = OCTOBER_5 + timedelta(hours=3)
URL = "/api/v1/reconciliation/sdrs"


@pytest.fixture
def trade(cast):
    set_business_clock(NOW, speed=0, ceiling=NOW)
    announce(cast.visited_cso.identifier)
    return Trade.of(cast)


@pytest.fixture
def dear(trade):
    """Billed 14.40 where the tariff gives 12.00; beside it an SDR that is right."""
    sdr = trade.sdr(trade.session(), kwh="24", claim="14.40")
    trade.sdr(trade.session(OCTOBER_5 - timedelta(days=1)))
    reconcile("live", NOW)
    return sdr


def decide(client, party, sdr, body, **headers):
    return client.post(
        f"{URL}/{sdr.id}/decision",
        json.dumps(body),
        content_type="application/json",
        headers={**party.headers, **headers},
    )


def listed(client, party, **query):
    answer = client.get(URL, query, headers=party.headers)
    assert answer.status_code == 200, answer.content
    return [row["reference"] for row in answer.json()["results"]]


def test_the_home_csp_declines_and_both_read_why(client, cast, dear):
    body = {"decision": "decline", "reason": "PRC", "note": "0.48 not 0.40",
            "undisputed_amount": "12.00"}  # fmt: skip
    answer = decide(client, cast.home_csp, dear, body)
    assert answer.status_code == 200
    assert answer.json() == {
        "sdr_id": str(dear.id), "state": "disputed", "settled_amount": None
    }  # fmt: skip
    for party in (cast.home_csp, cast.visited_cso):
        told = client.get(f"{URL}/{dear.id}", headers=party.headers).json()
        assert told["state"] == "disputed"
        assert [finding["rule"] for finding in told["findings"]] == ["PRC-01"]
        assert told["events"][-1]["reason"] == "PRC"
        assert told["events"][-1]["note"] == "0.48 not 0.40"
    entry = JournalEntry.objects.latest("pk")
    assert (entry.use_case, entry.outcome) == ("6.4.2", "accepted")


def test_the_home_csp_approves_and_the_claim_is_settled(client, cast, dear):
    answer = decide(client, cast.home_csp, dear, {"decision": "approve"})
    assert answer.json()["settled_amount"] == "14.40"
    again = decide(client, cast.home_csp, dear, {"decision": "approve"})
    assert (again.status_code, again.json()["code"]) == (409, "not_decidable")


def test_the_same_message_again_gets_the_same_answer(client, cast, dear):
    key = {"Idempotency-Key": '"decision-1"'}
    first = decide(client, cast.home_csp, dear, {"decision": "approve"}, **key)
    again = decide(client, cast.home_csp, dear, {"decision": "approve"}, **key)
    assert again.content == first.content
    assert again["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"decision": "decline"}, 422, "invalid_field"),
        ({"decision": "decline", "reason": "OTH"}, 422, "invalid_field"),
        ({"decision": "perhaps"}, 422, "invalid_field"),
        (
            {"decision": "decline", "reason": "PRC", "undisputed_amount": 14.41},
            422,
            "amount_not_possible",
        ),
    ],
)
def test_a_decision_that_cannot_be_taken_is_refused_with_its_field(
    client, cast, dear, body, status, code
):
    answer = decide(client, cast.home_csp, dear, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["field"]
    assert standing_of(dear).state == "deviating"


def test_after_its_window_the_home_csp_decides_no_more(client, cast, trade):
    sdr = trade.sdr(trade.session())
    reconcile("live", NOW)
    late = OCTOBER_5 + timedelta(hours=2 + 72, seconds=1)
    set_business_clock(late, speed=0, ceiling=late)
    answer = decide(client, cast.home_csp, sdr, {"decision": "decline", "reason": "AUT"})
    assert (answer.status_code, answer.json()["code"]) == (409, "window_over")


@pytest.mark.parametrize("media_type", ["application/json", "application/x-ndjson"])
def test_many_decisions_are_answered_line_by_line(client, cast, trade, dear, media_type):
    others = [trade.sdr(trade.session(OCTOBER_5 - timedelta(hours=2 * n))) for n in (2, 3)]
    reconcile("live", NOW)
    lines = [
        {"sdr_id": str(dear.id), "decision": "decline", "reason": "PRC"},
        {"sdr_id": "no id", "decision": "approve"},
        {"sdr_id": str(others[0].id), "decision": "approve"},
        {"sdr_id": str(others[1].id), "decision": "decline", "reason": "?"},
    ]
    body = json.dumps(lines)
    if media_type != "application/json":
        body = "\n".join(json.dumps(line) for line in lines)
    answer = client.post(
        f"{URL}/decisions", body, content_type=media_type, headers=cast.home_csp.headers
    )
    content = answer.json()
    assert (answer.status_code, content["done"], content["refused"]) == (200, 2, 2)
    assert [line["refusal"] and line["refusal"]["code"] for line in content["results"]] == [
        None, "invalid_field", None, "invalid_field"
    ]  # fmt: skip
    assert [line["state"] for line in content["results"]] == ["disputed", "", "accepted", ""]


def test_the_list_is_narrowed_by_state_outcome_rule_day_and_counterparty(client, cast, trade, dear):
    right = trade.sdr(trade.session(OCTOBER_5 - timedelta(days=4)))
    for party in (cast.home_csp, cast.visited_cso):
        assert len(listed(client, party)) == 3
        assert listed(client, party, state="deviating") == [dear.reference]
        assert listed(client, party, outcome="deviating") == [dear.reference]
        assert listed(client, party, rule="prc-01") == [dear.reference]
        assert listed(client, party, rule="DUP-01") == []
        assert listed(client, party, day="2026-10-01") == [right.reference]
        assert len(listed(client, party, counterparty="DE*VIS")) == 3
        assert listed(client, party, counterparty="DE-VIS") == []
        assert len(listed(client, party, counterparty="dehom")) == 3
    assert listed(client, cast.outsider) == []


def test_what_is_known_is_not_sent_again(client, cast, dear):
    url = f"{URL}/{dear.id}"
    first = client.get(url, headers=cast.home_csp.headers)
    again = client.get(url, headers={**cast.home_csp.headers, "If-None-Match": first["ETag"]})
    assert again.status_code == 304
    decide(client, cast.home_csp, dear, {"decision": "approve"})
    news = client.get(url, headers={**cast.home_csp.headers, "If-None-Match": first["ETag"]})
    assert news.json()["state"] == "accepted"

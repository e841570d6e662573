"""SDRs of offline starts: held against what their home-CSP had distributed at that time (UC4-2)."""

from datetime import timedelta

import pytest
from django.db import transaction

from roaming import models
from roaming.domain.agreement import Service
from roaming.models.clock import set_business_clock
from settlement.use_cases.sdr_reconciliation import Scope, reconcile
from tests import factories
from tests.cast import make_party
from tests.roaming.api.distributing import entry, send
from tests.roaming.api.identifying import post
from tests.roaming.api.messages import SDR, TARIFF, changed
from tests.settlement.sdrs import OCTOBER_5, TOKEN, Trade, announce, rules_of, standing_of

NOW = OCTOBER_5 + timedelta(hours=3)


@pytest.fixture
def trade(cast):
    announce(cast.visited_cso.identifier)
    return Trade.of(cast)


def distribute(trade, received_at=OCTOBER_5 - timedelta(days=1), **fields):
    values = {
        "environment": "live",
        "home_csp": trade.home_csp,
        "token_hmac": TOKEN,
        "valid": True,
        "whitelist": "ALLOWED",
        "received_at": received_at,
        **fields,
    }
    return models.IdentificationVersion.objects.create(**values)


def outcome(sdr):
    """State, outcome, and the causes of its findings by rule."""
    standing = standing_of(sdr)
    found = models.Finding.objects.filter(sdr=sdr, superseded_at=None)
    return standing.state, standing.outcome, {row.rule: row.causes for row in found}


@pytest.mark.parametrize("policy", ["ALWAYS", "ALLOWED", "ALLOWED_OFFLINE"])
def test_what_was_distributed_and_good_needs_no_session(trade, policy):
    distribute(trade, whitelist=policy)
    sdr = trade.sdr(authorised="OFFLINE")
    reconcile("live", NOW)
    assert outcome(sdr) == ("rated", "agreed", {})
    standing = standing_of(sdr)
    assert standing.matched_by == "distributed_data"
    assert standing.decide_by is not None
    steps = [(e.from_state, e.to_state, e.reason) for e in sdr.events.all()]
    assert steps == [("validated", "matched", "distributed_data"), ("matched", "rated", "agreed")]


def test_its_price_is_judged_like_any_other(trade):
    distribute(trade)
    sdr = trade.sdr(authorised="OFFLINE", claim="12.30")
    reconcile("live", NOW)
    assert outcome(sdr)[:2] == ("deviating", "deviating")
    assert rules_of(sdr) == ["PRC-01"]


@pytest.mark.parametrize(
    ("version", "rule", "cause"),
    [
        (None, "AUT-03", "never_distributed"),
        ({"received_at": OCTOBER_5 + timedelta(seconds=1)}, "AUT-03", "never_distributed"),
        ({"token_hmac": b"o" * 32}, "AUT-03", "never_distributed"),
        ({"environment": "test"}, "AUT-03", "never_distributed"),
        ({"removed": True}, "AUT-03", "removed"),
        ({"valid": False}, "AUT-04", "blocked"),
        ({"expires_at": OCTOBER_5}, "AUT-04", "expired"),
        ({"whitelist": "NEVER"}, "AUT-05", "policy_never"),
    ],
)
def test_what_was_not_good_then_is_found_with_its_cause(trade, version, rule, cause):
    if version is not None:
        distribute(trade, **version)
    sdr = trade.sdr(authorised="OFFLINE")
    reconcile("live", NOW)
    assert outcome(sdr) == ("unmatched", "one_sided", {rule: [cause]})
    finding = sdr.findings.get()
    assert finding.severity == "severe"
    assert finding.claimed == "OFFLINE at 2026-10-05T10:00:00Z"
    assert finding.money_at_stake == sdr.claim_before_tax


def test_another_home_csp_s_data_bears_nothing_out(trade):
    other = make_party("Other CSP", "CSP", "NL-OTH")
    distribute(trade, home_csp=other.identifier)
    sdr = trade.sdr(authorised="OFFLINE")
    reconcile("live", NOW)
    assert outcome(sdr)[2] == {"AUT-03": ["never_distributed"]}


def test_the_version_in_force_at_the_start_counts_not_the_newest(trade):
    distribute(trade)
    distribute(trade, received_at=OCTOBER_5 + timedelta(hours=1), valid=False)
    good = trade.sdr(authorised="OFFLINE")
    blocked = trade.sdr(
        authorised="OFFLINE", started_at=OCTOBER_5 + timedelta(hours=1), evse_key=trade.evse.key
    )
    reconcile("live", NOW)
    assert outcome(good)[:2] == ("rated", "agreed")
    assert outcome(blocked)[2] == {"AUT-04": ["blocked"]}


def test_of_two_versions_of_one_moment_the_later_written_counts(trade):
    distribute(trade, valid=False)
    distribute(trade)
    sdr = trade.sdr(authorised="OFFLINE")
    reconcile("live", NOW)
    assert outcome(sdr)[1] == "agreed"


def test_without_a_token_nothing_can_be_looked_up(trade):
    distribute(trade)
    sdr = trade.sdr(authorised="OFFLINE", token_hmac=None)
    reconcile("live", NOW)
    assert outcome(sdr)[2] == {"AUT-03": ["no_token"]}


def test_offline_identification_has_to_be_agreed_on(trade):
    other = make_party("Online CSP", "CSP", "NL-ONL")
    services = tuple(s for s in Service if s is not Service.OFFLINE)
    agreement = factories.make_agreement(
        trade.visited_cso.operator, other.operator, services=services
    )
    online = Trade(agreement, trade.visited_cso, other.identifier, trade.platform, trade.evse)
    distribute(online)
    sdr = online.sdr(authorised="OFFLINE")
    reconcile("live", NOW)
    assert outcome(sdr)[2] == {"AUT-03": ["not_covered"]}


@pytest.mark.parametrize("authorised", ["ONLINE", "", "COMMAND"])
def test_only_an_offline_start_may_lack_a_session(trade, authorised):
    distribute(trade)
    sdr = trade.sdr(authorised=authorised)
    reconcile("live", NOW)
    assert outcome(sdr) == ("unmatched", "one_sided", {"AUT-01": ["no_session_id"]})


def test_an_offline_start_that_names_a_session_is_judged_by_it(trade):
    sdr = trade.sdr(trade.session(), authorised="OFFLINE")
    reconcile("live", NOW)
    assert outcome(sdr) == ("rated", "agreed", {})
    assert standing_of(sdr).matched_by == "session_id"


def test_judged_once_more_it_comes_to_the_same(trade):
    distribute(trade)
    sdr = trade.sdr(authorised="OFFLINE")
    reconcile("live", NOW)
    with transaction.atomic():
        result = reconcile("live", NOW + timedelta(hours=1), scope=Scope.OPEN)
    assert (result.judged, result.changed) == (1, 0)
    assert sdr.events.count() == 2


def test_from_the_list_to_the_sdr_that_it_bears_out(client, cast, now):
    """A home-CSP distributes, a visited-CSO starts without asking anybody, the SDR agrees."""
    set_business_clock(now, speed=0, ceiling=now)
    tariff = changed(TARIFF, valid_from="2026-10-01T00:00:00+02:00")
    client.put(
        "/api/v1/tariffs/T1", data=tariff, content_type="application/json",
        headers=cast.visited_cso.headers,
    )  # fmt: skip
    sent = entry(last_updated="2026-10-01T09:00:00+02:00", whitelist="ALLOWED_OFFLINE")
    assert send(client, cast.home_csp, [sent]).json()["taken"] == 1
    ended = now + timedelta(hours=4)
    set_business_clock(ended, speed=0, ceiling=ended)
    sdr = changed(
        SDR,
        identification={"method": "RFID", "token_uid": "04:A2:B3:C4:D5:E6:F7",
                        "authorised": "OFFLINE"},
        start_date_time="2026-10-05T11:00:00+02:00",
        end_date_time="2026-10-05T12:00:00+02:00",
        charging_periods=[{"start_date_time": "2026-10-05T11:00:00+02:00",
                           "dimensions": [{"type": "ENERGY", "volume": 20}]}],
    )  # fmt: skip
    answer = post(client, cast.visited_cso, "/api/v1/sdrs", sdr)
    assert answer.status_code == 201, answer.content
    reconcile("live", ended)
    assert outcome(models.Sdr.objects.get()) == ("rated", "agreed", {})

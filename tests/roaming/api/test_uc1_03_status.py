"""UC1-3: a status with stamp and time to live. Many at once: test_uc1_03_statuses.py."""

from datetime import datetime, timedelta

import pytest
from psycopg.types.range import TimestamptzRange

from roaming import models
from roaming.hub_switch import deliver_due
from tests import factories
from tests.roaming.api.statuses import (
    NOW,
    PATH,
    STAMP,
    later,
    listed,
    many_evses,
    put,
    states,
    turn_clock,
)


@pytest.fixture(autouse=True)
def clock(db):
    """It stands still at the moment of the story."""
    turn_clock(NOW)


def test_a_status_is_stored_shown_and_delivered_as_it_came(client, connected_cast, csp_platform):
    response = put(client, connected_cast.visited_cso, time_to_live_s=900, bay="left")
    assert response.status_code == 200, response.content
    assert response.json() == {"evse_id": "DE*VIS*E001", "taken": True}
    (row,) = listed(client, connected_cast.home_csp)
    assert row == {
        "evse_id": "DE*VIS*E001",
        "visited_cso": "DE*VIS",
        "site_id": "S-DE*VIS*E001",
        "state": "AVAILABLE",
        "stamped_at": "2026-10-05T08:00:00Z",
        "expires_at": "2026-10-05T08:15:00Z",
        "received_at": "2026-10-05T08:00:00Z",
        "outage_id": None,
    }
    assert deliver_due() == 1
    (message,) = csp_platform.messages(PATH)
    assert message.body["visited_cso"] == "DE*VIS"
    (status,) = message.body["statuses"]
    assert datetime.fromisoformat(status.pop("expires_at")) == NOW + timedelta(minutes=15)
    assert status == {
        "evse_id": "DE*VIS*E001",
        "state": "AVAILABLE",
        "stamped_at": STAMP,
        "time_to_live_s": 900,
        "bay": "left",
    }
    entry = models.JournalEntry.objects.get()
    assert (entry.use_case, entry.outcome, entry.object_key) == ("UC1-3", "accepted", "DEVISE001")
    assert entry.visited_cso == connected_cast.visited_cso.identifier


@pytest.mark.parametrize("spelling", ["DEVISE001", "de*vis*e001", "DE*VIS*E0*01"])
def test_an_evse_is_found_whatever_its_separators(client, connected_cast, spelling):
    assert put(client, connected_cast.visited_cso, spelling).json()["taken"] is True
    assert models.EvseStatus.objects.get().evse == connected_cast.evse


def test_an_older_status_changes_nothing_and_says_so(client, connected_cast):
    cso = connected_cast.visited_cso
    put(client, cso, state="CHARGING")
    older = put(client, cso, state="AVAILABLE", stamped_at=later(-1))
    assert (older.status_code, older.json()["taken"]) == (200, False)
    again = put(client, cso, state="CHARGING")
    assert again.json()["taken"] is False
    assert states(client, cso) == {"DE*VIS*E001": "CHARGING"}
    assert models.Delivery.objects.count() == 1


def test_of_two_with_one_stamp_the_later_arrival_counts(client, connected_cast):
    cso = connected_cast.visited_cso
    put(client, cso, state="AVAILABLE")
    assert put(client, cso, state="CHARGING").json()["taken"] is True
    assert states(client, cso) == {"DE*VIS*E001": "CHARGING"}


def test_past_its_time_to_live_a_status_is_unknown_everywhere(client, connected_cast):
    cso, csp = connected_cast.visited_cso, connected_cast.home_csp
    put(client, cso, state="CHARGING", time_to_live_s=60)
    turn_clock(NOW + timedelta(seconds=59))
    assert states(client, csp) == {"DE*VIS*E001": "CHARGING"}
    assert states(client, csp, state="CHARGING") == {"DE*VIS*E001": "CHARGING"}
    turn_clock(NOW + timedelta(seconds=60))
    assert states(client, csp) == {"DE*VIS*E001": "UNKNOWN"}
    assert states(client, csp, state="UNKNOWN") == {"DE*VIS*E001": "UNKNOWN"}
    assert states(client, csp, state="CHARGING") == {}


def test_without_a_time_to_live_the_default_counts(client, connected_cast, settings):
    settings.EVSE_STATUS_LIFE_S = 100
    put(client, connected_cast.visited_cso)
    assert models.EvseStatus.objects.get().expires_at == NOW + timedelta(seconds=100)


def test_an_evse_that_never_reported_is_unknown(client, connected_cast):
    (row,) = listed(client, connected_cast.home_csp)
    assert (row["state"], row["stamped_at"], row["received_at"]) == ("UNKNOWN", None, None)


@pytest.mark.parametrize(
    ("evse_id", "fields", "code", "field"),
    [
        ("DE*VIS*E001", {"state": "DREAMING"}, "invalid_field", "state"),
        ("DE*VIS*E001", {"state": None}, "invalid_field", "state"),
        ("DE*VIS*E001", {"stamped_at": "2026-10-05T10:00:00"}, "time_without_offset", "stamped_at"),
        ("DE*VIS*E001", {"stamped_at": "1999-10-05T10:00:00Z"}, "invalid_field", "stamped_at"),
        ("DE*VIS*E001", {"stamped_at": later(301)}, "invalid_field", "stamped_at"),
        ("DE*VIS*E001", {"stamped_at": 5}, "invalid_field", "stamped_at"),
        ("DE*VIS*E001", {"time_to_live_s": 0}, "invalid_field", "time_to_live_s"),
        ("DE*VIS*E001", {"time_to_live_s": -1}, "invalid_field", "time_to_live_s"),
        ("DE*VIS*E001", {"time_to_live_s": 604_801}, "invalid_field", "time_to_live_s"),
        ("DE*VIS*E001", {"time_to_live_s": 1.5}, "invalid_field", "time_to_live_s"),
        ("DE*VIS*E001", {"time_to_live_s": 10**30}, "invalid_field", "time_to_live_s"),
        ("DE*VIS*E001", {"evse_id": "DE*VIS*E002"}, "invalid_field", "evse_id"),
        ("DE*VIS*E001", {"remark": "x" * 2_000}, "invalid_field", None),
        ("DE*VIS*E999", {}, "unknown_evse", "evse_id"),
        ("rubbish", {}, "invalid_identifier", "evse_id"),
        ("DE*VIS*E" + "1" * 40, {}, "invalid_identifier", "evse_id"),
        ("%00", {}, "invalid_identifier", "evse_id"),
    ],
)  # fmt: skip
def test_a_bad_status_is_refused_with_its_field(
    client, connected_cast, evse_id, fields, code, field
):
    response = put(client, connected_cast.visited_cso, evse_id, **fields)
    problem = response.json()
    assert (problem["code"], problem.get("field")) == (code, field), problem
    assert not models.EvseStatus.objects.exists()
    (row,) = models.JournalEntry.objects.all()
    assert (row.outcome, row.refusal_code) == ("refused_by_hub", code)


def test_a_clock_that_runs_ahead_a_little_is_a_fact_of_the_field(client, connected_cast):
    assert put(client, connected_cast.visited_cso, stamped_at=later(299)).json()["taken"] is True


def test_nobody_reports_the_evse_of_another(client, connected_cast):
    stranger = factories.IdentifierFactory(identifier="DE*ABC")
    factories.make_site(stranger, "DE*ABC*E001")
    for party in (connected_cast.home_csp, connected_cast.outsider):
        assert put(client, party).json()["code"] == "unknown_evse"
    foreign = put(client, connected_cast.visited_cso, "DE*ABC*E001")
    assert foreign.json()["code"] == "unknown_evse"
    assert not models.EvseStatus.objects.exists()


def test_a_sold_evse_is_reported_by_who_owns_it_now(client, connected_cast):
    models.EvseOwnership.objects.update(during=TimestamptzRange(factories.EPOCH, NOW))
    buyer = factories.IdentifierFactory(identifier="DE*ABC")
    models.EvseOwnership.objects.create(
        evse=connected_cast.evse, visited_cso=buyer, during=TimestamptzRange(NOW, None)
    )
    assert put(client, connected_cast.visited_cso).json()["code"] == "unknown_evse"
    models.PlatformIdentifier.objects.create(
        platform=connected_cast.visited_cso.platform, identifier=buyer, environment="live"
    )
    assert put(client, connected_cast.visited_cso).json()["taken"] is True


def test_a_removed_evse_has_no_status(client, connected_cast):
    put(client, connected_cast.visited_cso)
    models.Evse.objects.update(removed_at=NOW)
    assert put(client, connected_cast.visited_cso).json()["code"] == "unknown_evse"
    assert listed(client, connected_cast.home_csp) == []


def test_outsiders_see_and_get_nothing(client, connected_cast):
    put(client, connected_cast.visited_cso)
    assert listed(client, connected_cast.outsider) == []
    receivers = models.Delivery.objects.values_list("receiver", flat=True)
    assert list(receivers) == [connected_cast.home_csp.platform.pk]
    assert client.get("/api/v1/evse-statuses").status_code == 401


@pytest.mark.parametrize("table", ["Agreement", "Platform", "Operator"])
def test_statuses_pass_under_any_suspension(client, connected_cast, table):
    getattr(models, table).objects.update(status="suspended")
    assert put(client, connected_cast.visited_cso).json()["taken"] is True
    assert models.Delivery.objects.count() == 1
    assert states(client, connected_cast.home_csp) == {"DE*VIS*E001": "AVAILABLE"}


def test_after_the_agreement_s_end_nothing_more_is_told(client, connected_cast):
    models.Agreement.objects.update(status="ended")
    assert put(client, connected_cast.visited_cso).json()["taken"] is True
    assert models.Delivery.objects.count() == 0
    assert listed(client, connected_cast.home_csp) == []


# --- The list -------------------------------------------------------------------------------------


def test_the_list_is_filtered(client, connected_cast):
    cso = connected_cast.visited_cso
    many_evses(connected_cast, 2)
    put(client, cso, state="CHARGING", time_to_live_s=60)
    turn_clock(NOW + timedelta(hours=1))
    put(client, cso, "DE*VIS*E100000", state="BLOCKED")

    def found(**query):
        return set(states(client, connected_cast.home_csp, **query))

    assert found(evse_id="devise100000") == {"DE*VIS*E100000"}
    assert found(state="BLOCKED") == {"DE*VIS*E100000"}
    assert found(state="UNKNOWN") == {"DE*VIS*E001", "DE*VIS*E100001"}
    assert found(visited_cso="DE*VIS") == {"DE*VIS*E001", "DE*VIS*E100000", "DE*VIS*E100001"}
    assert found(visited_cso="DE*ABC") == set()
    assert found(site="S-DE*VIS*E001") == found()
    assert found(site="elsewhere") == set()
    assert found(updated_since=later(3600)) == {"DE*VIS*E100000"}
    # What ran out since then became UNKNOWN since then.
    assert found(updated_since=later(59)) == {"DE*VIS*E001", "DE*VIS*E100000"}
    assert found(updated_since=later(60)) == {"DE*VIS*E100000"}


@pytest.mark.parametrize(
    "query",
    [{"state": "DREAMING"}, {"updated_since": "yesterday"}, {"evse_id": "rubbish"}],
)
def test_a_filter_that_is_none_is_refused(client, connected_cast, query):
    response = client.get("/api/v1/evse-statuses", query, headers=connected_cast.home_csp.headers)
    assert response.status_code == 422, response.content


def test_a_long_list_comes_in_pages(client, connected_cast):
    many_evses(connected_cast, 5)
    seen, query = [], {"page_size": 4}
    url = "/api/v1/evse-statuses"
    while url:
        page = client.get(url, query, headers=connected_cast.home_csp.headers).json()
        seen += [row["evse_id"] for row in page["results"]]
        url, query = page["next"], {}
    assert len(seen) == len(set(seen)) == 6

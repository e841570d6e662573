"""UC5-1: maintenance and outages, what they affect, how they end, who was told."""

from datetime import timedelta

import pytest
from psycopg.types.range import TimestamptzRange

from roaming import models
from roaming.hub_switch import deliver_due
from tests import factories
from tests.cast import make_party
from tests.roaming.api.messages import LOCAL_START, changed
from tests.roaming.api.statuses import NOW, many_evses, turn_clock
from tests.roaming.api.statuses import listed as statuses_of

PATH = "/uc5-1/outages"
OUTAGE = {
    "id": "MAINT-7",
    "visited_cso": "DE*VIS",
    "kind": "PLANNED",
    "starts_at": "2026-10-05T10:30:00+02:00",
    "ends_at": "2026-10-05T12:00:00+02:00",
    "description": "Firmware",
    "evse_ids": ["DE*VIS*E001"],
    "last_updated": "2026-10-05T09:00:00+02:00",
    "contractor": "kept",
}


@pytest.fixture(autouse=True)
def clock(db):
    """Half an hour before it begins."""
    turn_clock(NOW)


def put(client, party, **fields):
    body = changed(OUTAGE, **fields)
    return client.put(
        f"/api/v1/outages/{body.get('id', 'MAINT-7')}",
        data=body,
        content_type="application/json",
        headers=party.headers,
    )


def read(client, party, outage_id="MAINT-7", **query):
    return client.get(f"/api/v1/outages/{outage_id}", query, headers=party.headers)


def listed(client, party, **query):
    response = client.get("/api/v1/outages", query, headers=party.headers)
    assert response.status_code == 200, response.content
    return [row["outage_id"] for row in response.json()["results"]]


def outage_at(client, party):
    """Which outage the list of statuses shows at the EVSE of the cast."""
    rows = statuses_of(client, party, evse_id="DE*VIS*E001")
    return rows[0]["outage_id"]


def at(minutes):
    return (NOW + timedelta(minutes=minutes)).isoformat()


def test_a_planned_window_is_stored_and_delivered_as_it_came(client, connected_cast, csp_platform):
    response = put(client, connected_cast.visited_cso)
    assert response.status_code == 200, response.content
    assert (response.json()["id"], response.json()["taken"]) == ("MAINT-7", True)
    deliver_due()
    (message,) = csp_platform.messages(PATH)
    assert message.body == OUTAGE
    shown = read(client, connected_cast.home_csp).json()
    assert shown["outage"] == OUTAGE
    assert shown["evse_ids"] == ["DE*VIS*E001"]
    assert (shown["state"], shown["in_force"], shown["kind"]) == ("ANNOUNCED", False, "PLANNED")
    row = models.JournalEntry.objects.latest("id")
    assert (row.use_case, row.outcome, row.object_key) == ("UC5-1", "accepted", "MAINT-7")


def test_while_it_is_in_force_the_status_list_shows_it(client, connected_cast):
    csp = connected_cast.home_csp
    put(client, connected_cast.visited_cso)
    expected = {29: None, 30: "MAINT-7", 119: "MAINT-7", 120: None}
    for minutes, outage_id in expected.items():
        turn_clock(NOW + timedelta(minutes=minutes))
        assert outage_at(client, csp) == outage_id
        assert read(client, csp).json()["in_force"] is (outage_id is not None)


def test_no_message_is_refused_because_of_it(client, connected_cast):
    put(client, connected_cast.visited_cso, starts_at=at(-1))
    assert outage_at(client, connected_cast.home_csp) == "MAINT-7"
    response = client.post(
        "/api/v1/service-sessions/local-start",
        data=LOCAL_START,
        content_type="application/json",
        headers=connected_cast.visited_cso.headers,
    )
    assert response.json()["decision"] == "ACCEPTED"


def test_an_open_outage_lasts_until_its_end_is_told(client, connected_cast, csp_platform):
    cso, csp = connected_cast.visited_cso, connected_cast.home_csp
    put(client, cso, kind="UNPLANNED", starts_at=at(-5), ends_at=...)
    turn_clock(NOW + timedelta(days=3))
    assert outage_at(client, csp) == "MAINT-7"
    ended = put(
        client, cso, kind="UNPLANNED", starts_at=at(-5), state="ENDED", ends_at=at(60),
        evse_ids=..., last_updated=at(61),
    )  # fmt: skip
    assert ended.json()["taken"] is True
    assert outage_at(client, csp) is None
    shown = read(client, csp).json()
    assert (shown["state"], shown["evse_ids"]) == ("ENDED", ["DE*VIS*E001"])
    while deliver_due():
        pass
    assert [m.body.get("state") for m in csp_platform.messages(PATH)] == [None, "ENDED"]


def test_what_is_called_off_is_in_force_no_more(client, connected_cast):
    cso = connected_cast.visited_cso
    put(client, cso)
    put(client, cso, state="CANCELLED", last_updated=at(-10))
    turn_clock(NOW + timedelta(minutes=45))
    assert outage_at(client, connected_cast.home_csp) is None
    assert read(client, cso).json()["state"] == "CANCELLED"


def test_a_change_moves_the_window_and_the_evses(client, connected_cast):
    many_evses(connected_cast, 1)
    cso = connected_cast.visited_cso
    put(client, cso)
    put(client, cso, evse_ids=["DE*VIS*E100000"], starts_at=at(-1), last_updated=at(-10))
    assert outage_at(client, connected_cast.home_csp) is None
    assert read(client, cso).json()["evse_ids"] == ["DE*VIS*E100000"]


@pytest.mark.parametrize("last_updated", [OUTAGE["last_updated"], "2026-10-05T08:00:00+02:00"])
def test_what_is_not_newer_changes_nothing(client, connected_cast, last_updated):
    cso = connected_cast.visited_cso
    put(client, cso)
    again = put(client, cso, state="CANCELLED", last_updated=last_updated)
    assert (again.status_code, again.json()["taken"]) == (200, False)
    assert read(client, cso).json()["state"] == "ANNOUNCED"
    assert models.Delivery.objects.count() == 1


def test_a_whole_site_is_all_evses_that_stand_there(client, connected_cast):
    many_evses(connected_cast, 3)
    removed = models.Evse.objects.get(key="DEVISE100002")
    models.Evse.objects.filter(pk=removed.pk).update(removed_at=NOW)
    cso = connected_cast.visited_cso
    answer = put(client, cso, evse_ids=["DE*VIS*E001"], site_ids=["devise001"])
    assert answer.status_code == 200, answer.content
    assert read(client, cso).json()["evse_ids"] == [
        "DE*VIS*E001", "DE*VIS*E100000", "DE*VIS*E100001",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"visited_cso": "DE*XXX"}, "party_not_held", "visited_cso"),
        ({"visited_cso": "?"}, "invalid_identifier", "visited_cso"),
        ({"kind": "MOOD"}, "invalid_field", "kind"),
        ({"state": "ASLEEP"}, "invalid_field", "state"),
        ({"starts_at": "2026-10-05T10:30:00"}, "time_without_offset", "starts_at"),
        ({"ends_at": "2026-10-05T10:30:00+02:00"}, "invalid_field", "ends_at"),
        ({"ends_at": "9999-12-31T23:59:59-14:00"}, "invalid_field", "ends_at"),
        ({"last_updated": "2026-10-05T10:05:01+02:00"}, "invalid_field", "last_updated"),
        ({"state": "ENDED", "ends_at": None}, "invalid_field", "ends_at"),
        ({"state": "ENDED"}, "invalid_field", "ends_at"),
        ({"description": "x" * 501}, "invalid_field", "description"),
        ({"evse_ids": []}, "invalid_field", "evse_ids"),
        ({"evse_ids": [], "state": "CANCELLED"}, "invalid_field", "evse_ids"),
        ({"evse_ids": ["DE*VIS*E001", "DE*VIS*E999"]}, "unknown_evse", "evse_ids[1]"),
        ({"evse_ids": ["rubbish"]}, "invalid_identifier", "evse_ids[0]"),
        ({"evse_ids": ["DE*VIS*E001"] * 5_001}, "invalid_field", "evse_ids"),
        ({"evse_ids": "DE*VIS*E001"}, "invalid_field", "evse_ids"),
        ({"site_ids": ["NONE"]}, "invalid_field", "site_ids[0]"),
        ({"site_ids": ["S"] * 1_001}, "invalid_field", "site_ids"),
        ({"id": ""}, "invalid_field", "id"),
    ],
)
def test_a_bad_outage_is_refused_with_its_field(client, connected_cast, fields, code, field):
    body = changed(OUTAGE, **fields)
    response = client.put(
        "/api/v1/outages/MAINT-7", data=body, content_type="application/json",
        headers=connected_cast.visited_cso.headers,
    )  # fmt: skip
    problem = response.json()
    assert (problem["code"], problem.get("field")) == (code, field), problem
    assert not models.Outage.objects.exists()
    assert models.JournalEntry.objects.latest("id").refusal_code == code


def test_the_evse_of_another_cso_is_unknown(client, connected_cast):
    stranger = factories.IdentifierFactory(identifier="DE*ABC")
    factories.make_site(stranger, "DE*ABC*E001")
    problem = put(client, connected_cast.visited_cso, evse_ids=["DE*ABC*E001"]).json()
    assert problem["code"] == "unknown_evse"
    problem = put(client, connected_cast.visited_cso, site_ids=["DEABCE001"]).json()
    assert problem["field"] == "site_ids[0]"


def test_a_csp_announces_nothing(client, connected_cast):
    assert put(client, connected_cast.home_csp).json()["code"] == "party_not_held"


# --- Who is told, and who sees it -----------------------------------------------------------------


def test_the_cso_sees_who_was_told_and_nobody_else_does(client, connected_cast, csp_platform):
    cso = connected_cast.visited_cso
    csp_platform.answers[PATH] = (500, {})
    put(client, cso)
    deliver_due()
    (told,) = read(client, cso).json()["told"]
    assert (told["home_csps"], told["state"], told["delivered_at"]) == (["DE-HOM"], "waiting", None)
    csp_platform.answers[PATH] = (200, {})
    deliver_due(models.Delivery.objects.get().due_at)
    (told,) = read(client, cso).json()["told"]
    assert told["state"] == "delivered"
    assert told["delivered_at"] is not None
    assert read(client, connected_cast.home_csp).json()["told"] is None


def test_of_a_shared_platform_only_the_partners_are_named(client, connected_cast):
    other = factories.IdentifierFactory(role="CSP", identifier="DE-OTH")
    models.PlatformIdentifier.objects.create(
        platform=connected_cast.home_csp.platform, identifier=other, environment="live"
    )
    put(client, connected_cast.visited_cso)
    (told,) = read(client, connected_cast.visited_cso).json()["told"]
    assert told["home_csps"] == ["DE-HOM"]


def test_outsiders_are_told_nothing_and_see_nothing(client, connected_cast):
    put(client, connected_cast.visited_cso)
    receivers = models.Delivery.objects.values_list("receiver", flat=True)
    assert list(receivers) == [connected_cast.home_csp.platform.pk]
    assert listed(client, connected_cast.outsider) == []
    assert read(client, connected_cast.outsider).status_code == 404
    assert client.get("/api/v1/outages/MAINT-7").status_code == 401


@pytest.mark.parametrize("table", ["Agreement", "Platform", "Operator"])
def test_outages_pass_under_any_suspension(client, connected_cast, table):
    getattr(models, table).objects.update(status="suspended")
    assert put(client, connected_cast.visited_cso).json()["taken"] is True
    assert models.Delivery.objects.count() == 1
    assert listed(client, connected_cast.home_csp) == ["MAINT-7"]


@pytest.mark.parametrize(("hours_ago", "told"), [(167, True), (169, False)])
def test_after_an_agreement_s_end_they_pass_until_the_sdr_window_closes(
    client, connected_cast, hours_ago, told
):
    validity = TimestamptzRange(factories.EPOCH, NOW - timedelta(hours=hours_ago))
    models.Agreement.objects.update(status="ended", validity=validity)
    put(client, connected_cast.visited_cso)
    assert models.Delivery.objects.count() == int(told)
    assert listed(client, connected_cast.home_csp) == (["MAINT-7"] if told else [])


def test_an_agreement_that_has_not_begun_tells_nothing(client, connected_cast):
    later = TimestamptzRange(NOW + timedelta(hours=1), None)
    factories.make_agreement(
        connected_cast.visited_cso.operator, connected_cast.outsider.operator,
        valid_from=later.lower,
    )  # fmt: skip
    put(client, connected_cast.visited_cso)
    assert listed(client, connected_cast.outsider) == []
    assert models.Delivery.objects.count() == 1


def test_two_csos_may_give_the_same_id(client, connected_cast):
    other = make_party("Other CSO", "CSO", "DE*ABC")
    factories.make_site(other.identifier, "DE*ABC*E001")
    factories.make_agreement(other.operator, connected_cast.home_csp.operator)
    put(client, connected_cast.visited_cso)
    put(client, other, visited_cso="DE*ABC", evse_ids=["DE*ABC*E001"])
    csp = connected_cast.home_csp
    problem = read(client, csp).json()
    assert (problem["code"], problem["field"]) == ("invalid_field", "visited_cso")
    assert read(client, csp, visited_cso="DE*ABC").json()["evse_ids"] == ["DE*ABC*E001"]
    assert read(client, other).json()["visited_cso"] == "DE*ABC"


@pytest.mark.parametrize("outage_id", ["NONE", "%00", "x" * 200])
def test_an_outage_that_is_none_is_not_found(client, connected_cast, outage_id):
    assert read(client, connected_cast.visited_cso, outage_id).status_code == 404


def test_the_list_is_filtered(client, connected_cast):
    cso, csp = connected_cast.visited_cso, connected_cast.home_csp
    put(client, cso)
    put(client, cso, id="OUT-1", kind="UNPLANNED", starts_at=at(-5), ends_at=...)
    turn_clock(NOW + timedelta(hours=1))
    put(client, cso, id="OLD-1", state="ENDED", starts_at=at(-60), ends_at=at(-30))
    assert listed(client, csp) == ["OLD-1", "OUT-1", "MAINT-7"]
    assert listed(client, csp, state="ENDED") == ["OLD-1"]
    assert listed(client, csp, kind="UNPLANNED") == ["OUT-1"]
    assert listed(client, csp, in_force_at=at(0)) == ["OUT-1"]
    assert listed(client, csp, in_force_at=at(30)) == ["OUT-1", "MAINT-7"]
    assert listed(client, csp, evse_id="devise001", state="ANNOUNCED") == ["OUT-1", "MAINT-7"]
    assert listed(client, csp, evse_id="DE*VIS*E999") == []
    assert listed(client, csp, updated_since=at(30)) == ["OLD-1"]
    assert listed(client, csp, visited_cso="DE*ABC") == []
    assert client.get("/api/v1/outages?evse_id=x", headers=csp.headers).status_code == 422

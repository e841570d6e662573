"""UC1-3: many statuses, stored in one statement, delivered in lots and the newest only."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from roaming import models
from roaming.hub_switch import deliver_due
from tests.roaming.api.statuses import (
    NOW,
    PATH,
    later,
    line,
    many_evses,
    post,
    put,
    states,
    turn_clock,
)


@pytest.fixture(autouse=True)
def clock(db):
    """It stands still at the moment of the story."""
    turn_clock(NOW)


def test_each_of_many_is_judged_by_itself(client, connected_cast):
    many_evses(connected_cast, 2)
    statuses = [
        line("DE*VIS*E100000", "CHARGING"),
        line("DE*VIS*E100001", "DREAMING"),
        line("DE*ABC*E1"),
        5,
        line("DE*VIS*E100001", stamped_at="yesterday"),
        line("DE*VIS*E100001", "RESERVED"),
        line("DE*VIS*E100001", "AVAILABLE", stamped_at=later(-60)),
        {"evse_id": "DE*VIS*E100001"},
    ]
    response = post(client, connected_cast.visited_cso, statuses)
    assert response.status_code == 200, response.content
    answer = response.json()
    assert (answer["accepted"], answer["refused"]) == (3, 5)
    results = answer["results"]
    assert [row["index"] for row in results] == list(range(8))
    assert [row["taken"] for row in results] == [True, *[False] * 4, True, False, False]
    codes = [row["refusal"] and row["refusal"]["code"] for row in results]
    assert codes == [
        None, "invalid_field", "unknown_evse", "invalid_field", "invalid_field", None, None,
        "invalid_field",
    ]  # fmt: skip
    assert results[1]["refusal"]["field"] == "state"
    assert results[2]["evse_id"] == "DE*ABC*E1"
    shown = states(client, connected_cast.home_csp)
    assert shown["DE*VIS*E100000"], shown["DE*VIS*E100001"] == ("CHARGING", "RESERVED")
    verdicts = models.JournalEntry.objects.filter(outcome="refused_by_hub")
    assert (models.JournalEntry.objects.count(), verdicts.count()) == (8, 5)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("{}", 422, "invalid_field"),
        ("[", 400, "malformed_body"),
        ("null", 422, "invalid_field"),
        ("[" * 100_000, 400, "malformed_body"),
        (json.dumps([{}] * 5_001), 413, "too_many_records"),
    ],
)
def test_a_call_that_is_none_is_refused_whole(client, connected_cast, body, status, code):
    response = client.post(
        "/api/v1/evse-statuses", data=body, content_type="application/json",
        headers=connected_cast.visited_cso.headers,
    )  # fmt: skip
    assert (response.status_code, response.json()["code"]) == (status, code)


def test_an_empty_call_is_answered_with_nothing(client, connected_cast):
    answer = post(client, connected_cast.visited_cso, []).json()
    assert answer == {"accepted": 0, "refused": 0, "results": []}


def test_many_cost_as_many_statements_as_few(client, connected_cast):
    evses = many_evses(connected_cast, 600)

    def statements(count, stamped_at):
        with CaptureQueriesContext(
            connection,
        ) as captured:
            statuses = [line(evse.evse_id, stamped_at=stamped_at) for evse in evses[:count]]
            answer = post(client, connected_cast.visited_cso, statuses).json()
            assert answer["accepted"] == sum(row["taken"] for row in answer["results"]) == count
        return len(captured)

    few = statements(3, later(1))
    assert statements(600, later(2)) <= few + 2
    stores = models.EvseStatus.objects.count()
    assert stores == 600


def test_many_are_delivered_in_lots(client, connected_cast, csp_platform):
    evses = many_evses(connected_cast, 450)
    post(client, connected_cast.visited_cso, [line(evse.evse_id) for evse in evses])
    assert 3 <= models.Delivery.objects.count() <= 4
    while deliver_due():
        pass
    messages = csp_platform.messages(PATH)
    told = [status["evse_id"] for message in messages for status in message.body["statuses"]]
    assert sorted(told) == [evse.evse_id for evse in evses]
    assert max(len(message.body["statuses"]) for message in messages) <= 200


# --- Newest only ----------------------------------------------------------------------------------


def told(csp_platform):
    """What the home-CSP was told, in order."""
    return [
        (status["evse_id"], status["state"])
        for message in csp_platform.messages(PATH)
        for status in message.body["statuses"]
    ]


def test_what_waits_is_replaced_by_what_is_newer(client, connected_cast, csp_platform):
    many_evses(connected_cast, 1)
    cso = connected_cast.visited_cso
    for second, state in enumerate(["AVAILABLE", "RESERVED", "CHARGING"]):
        put(client, cso, state=state, stamped_at=later(second))
    put(client, cso, "DE*VIS*E100000", state="BLOCKED")
    kept = models.Delivery.objects.order_by("id").values_list("state", flat=True)
    assert list(kept) == ["replaced", "replaced", "replaced", "waiting"]
    assert set(models.Delivery.objects.filter(state="replaced").values_list("body")) == {("",)}
    while deliver_due():
        pass
    assert told(csp_platform) == [("DE*VIS*E001", "CHARGING"), ("DE*VIS*E100000", "BLOCKED")]
    assert models.Delivery.objects.filter(state="delivered").count() == 1


def test_what_is_under_way_is_left_alone_and_followed(client, connected_cast, csp_platform):
    cso = connected_cast.visited_cso
    put(client, cso, state="AVAILABLE")

    first = models.Delivery.objects.get()
    lease = datetime.now(UTC) + timedelta(seconds=60)
    models.Delivery.objects.update(leased_until=lease)
    put(client, cso, state="CHARGING", stamped_at=later(1))
    put(client, cso, state="BLOCKED", stamped_at=later(2))
    kept = models.Delivery.objects.order_by("id").values_list("state", flat=True)
    assert list(kept) == ["waiting", "replaced", "waiting"]
    assert deliver_due() == 0  # its turn comes after the one under way
    models.Delivery.objects.filter(pk=first.pk).update(leased_until=None)
    while deliver_due(datetime.now(UTC) + timedelta(seconds=5)):
        pass
    assert told(csp_platform) == [("DE*VIS*E001", "AVAILABLE"), ("DE*VIS*E001", "BLOCKED")]


def test_a_receiver_that_is_away_is_not_tried_at_each_new_status(
    client, connected_cast, csp_platform
):
    cso = connected_cast.visited_cso
    csp_platform.answers[PATH] = (500, {})
    put(client, cso, state="AVAILABLE")
    assert deliver_due() == 1
    failed = models.Delivery.objects.get()
    put(client, cso, state="CHARGING", stamped_at=later(1))
    fresh = models.Delivery.objects.get(state="waiting")
    assert (fresh.attempts, fresh.due_at) == (1, failed.due_at)
    assert fresh.message_id != failed.message_id
    assert fresh.deadline > failed.deadline
    assert deliver_due() == 0
    csp_platform.answers[PATH] = (200, {})
    assert deliver_due(fresh.due_at) == 1
    assert told(csp_platform)[-1] == ("DE*VIS*E001", "CHARGING")


def test_who_does_not_take_statuses_has_none_waiting(client, connected_cast):
    models.RoamingEndpoint.objects.update(paths=["uc3-9/sdrs"])
    put(client, connected_cast.visited_cso)
    assert not models.Delivery.objects.exists()

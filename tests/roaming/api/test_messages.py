"""Messages to fetch: by arrival, only one's own, only what nothing can overtake any more."""

import json
import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.db.models import F, Max
from django.test import Client
from django.utils import timezone

from roaming import models
from roaming.hub_switch import deliver_due, give_up_overdue
from roaming.hub_switch.claiming import Carried, End, claim, record
from roaming.outbox import Parcel, enqueue
from tests.cast import make_cast

URL = "/api/v1/messages"
ACKNOWLEDGEMENT = "/api/v1/messages/acknowledgement"


@pytest.fixture
def parties(committed_db):
    """Rows have to be committed: what a running transaction wrote has not arrived yet."""
    return make_cast()


def put_down(party, *bodies, use_case="UC2-1"):
    enqueue(
        Parcel(party.platform, use_case, "uc2-1/tariffs", f"tariff:{n}", body, "corr-1")
        for n, body in enumerate(bodies)
    )


def read(client, party, **query):
    return client.get(URL, query, headers=party.headers)


def acknowledge(client, party, ids, **headers):
    return client.post(
        ACKNOWLEDGEMENT, data={"message_ids": ids}, content_type="application/json",
        headers={**party.headers, **headers},
    )  # fmt: skip


def test_messages_come_by_arrival_with_their_body_unchanged(client, parties):
    body = '{"b": 1.50, "a":  [1e3, "\\u00e9"]}'
    put_down(parties.home_csp, body, '{"n": 2}')
    response = read(client, parties.home_csp)
    assert response.status_code == 200
    assert body in response.content.decode()
    page = response.json()
    first, second = page["messages"]
    row = models.Delivery.objects.order_by("id")[0]
    assert first == {
        "arrival": row.arrival, "message_id": str(row.message_id), "correlation_id": "corr-1",
        "use_case": "UC2-1", "path": "uc2-1/tariffs", "state": "waiting",
        "created_at": row.created_at.isoformat().replace("+00:00", "Z"),
        "body": json.loads(body),
    }  # fmt: skip
    assert first["arrival"] < second["arrival"] == page["next_after"]
    assert page["more"] is False


def test_one_reads_on_from_the_last_arrival(client, parties):
    put_down(parties.home_csp, *['{"n": 1}'] * 5)
    seen, after = [], 0
    while True:
        page = read(client, parties.home_csp, after=after, limit=2).json()
        seen += [message["arrival"] for message in page["messages"]]
        after = page["next_after"]
        if not page["more"]:
            break
    assert seen == list(models.Delivery.objects.order_by("id").values_list("arrival", flat=True))
    assert seen == sorted(set(seen))
    assert len(seen) == 5
    empty = read(client, parties.home_csp, after=after).json()
    assert empty == {"messages": [], "next_after": after, "more": False}


def test_what_commits_late_arrives_late_and_is_never_passed(client, parties):
    """Its id is lower, its COMMIT later: who pages by ids would never see it."""
    written, may_commit = threading.Event(), threading.Event()

    def slow_writer():
        with transaction.atomic():
            put_down(parties.home_csp, '{"n": "slow"}')
            written.set()
            may_commit.wait(10)
        connections.close_all()

    writer = threading.Thread(target=slow_writer)
    writer.start()
    written.wait(10)
    put_down(parties.home_csp, '{"n": "quick"}')
    page = read(client, parties.home_csp).json()
    may_commit.set()
    writer.join()
    assert [message["body"]["n"] for message in page["messages"]] == ["quick"]
    later = read(client, parties.home_csp, after=page["next_after"]).json()
    assert [message["body"]["n"] for message in later["messages"]] == ["slow"]
    again = read(client, parties.home_csp).json()
    assert [message["body"]["n"] for message in again["messages"]] == ["quick", "slow"]


def test_a_long_transaction_of_somebody_else_holds_nothing_back(client, parties):
    begun, may_end = threading.Event(), threading.Event()

    def long_transaction():
        with transaction.atomic():
            models.Operator.objects.update(name=F("name"))
            begun.set()
            may_end.wait(10)
        connections.close_all()

    other = threading.Thread(target=long_transaction)
    other.start()
    begun.wait(10)
    put_down(parties.home_csp, '{"n": 1}')
    found = len(read(client, parties.home_csp).json()["messages"])
    may_end.set()
    other.join()
    assert found == 1


def test_readers_at_once_and_writers_at_once_agree_on_one_order(client, parties):
    """Whoever reads while others write and deliver ends with every message, once, in one order."""
    seen, failed, written = [[], []], [], threading.Event()

    def write():
        for _ in range(20):
            put_down(parties.home_csp, '{"n": 1}', '{"n": 2}')
        connections.close_all()

    def deliver():
        for _ in range(20):
            record([Carried(each, End.TAKEN) for each in claim(timezone.now())])
        connections.close_all()

    def follow(found):
        after = 0
        while not written.is_set() or after < newest():
            page = read(Client(), parties.home_csp, after=after, limit=7)
            if page.status_code != 200:
                failed.append(page.content)
                break
            found += [message["message_id"] for message in page.json()["messages"]]
            after = page.json()["next_after"]
        connections.close_all()

    def newest():
        rows = models.Delivery.objects.order_by("-id")
        unnumbered = rows.filter(arrival=None).exists()
        last = models.Delivery.objects.aggregate(last=Max("arrival"))["last"] or 0
        return 2**62 if unnumbered else last

    threads = [threading.Thread(target=write) for _ in range(3)]
    threads += [threading.Thread(target=deliver)]
    readers = [threading.Thread(target=follow, args=(found,)) for found in seen]
    for thread in [*threads, *readers]:
        thread.start()
    for thread in threads:
        thread.join(60)
    written.set()
    for thread in readers:
        thread.join(60)
    assert not failed
    assert seen[0] == seen[1]
    assert len(seen[0]) == len(set(seen[0])) == 120


def test_many_that_were_never_fetched_are_numbered_page_by_page(client, parties, monkeypatch):
    monkeypatch.setattr("roaming.use_cases.pulled_messages.NUMBERED_AT_ONCE", 2)
    put_down(parties.home_csp, *['{"n": 1}'] * 4, use_case="UC1-2")
    put_down(parties.home_csp, '{"n": "last"}')
    found, after, more = [], 0, True
    while more:
        page = read(client, parties.home_csp, after=after, use_case="UC2-1").json()
        found += [message["body"]["n"] for message in page["messages"]]
        after, more = page["next_after"], page["more"]
    assert found == ["last"]


def test_filters_by_use_case_and_state(client, parties):
    put_down(parties.home_csp, '{"n": 1}', '{"n": 2}')
    put_down(parties.home_csp, '{"n": 3}', use_case="UC1-2")
    models.Delivery.objects.filter(use_case="UC1-2").update(state="delivered")

    def numbers(**query):
        page = read(client, parties.home_csp, **query).json()
        return [message["body"]["n"] for message in page["messages"]]

    assert numbers() == [1, 2, 3]
    assert numbers(use_case="UC1-2") == [3]
    assert numbers(state="waiting") == [1, 2]
    assert numbers(state="dead") == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("after", "-1"), ("after", "x"), ("after", "9" * 19), ("after", "１"), ("limit", "0"),
     ("limit", "1001"), ("limit", "1.5"), ("use_case", "UC9-9"), ("state", "lost")],
)  # fmt: skip
def test_what_cannot_be_asked_for_is_refused_by_name(client, cast, name, value):
    response = read(client, cast.home_csp, **{name: value})
    problem = response.json()
    assert (response.status_code, problem["code"], problem["field"]) == (422, "invalid_field", name)


def test_nobody_sees_anybody_else_s(client, parties):
    put_down(parties.home_csp, '{"n": 1}')
    for other in (parties.outsider, parties.visited_cso):
        assert read(client, other).json()["messages"] == []
        (row,) = models.Delivery.objects.all()
        answer = acknowledge(client, other, [str(row.message_id)]).json()
        assert answer == {"acknowledged": 0, "unknown": [str(row.message_id)]}
    assert models.Delivery.objects.get().state == "waiting"
    assert client.get(URL).status_code == 401
    assert client.post(ACKNOWLEDGEMENT).status_code == 401


def test_a_suspended_platform_still_catches_up(client, parties):
    put_down(parties.home_csp, '{"n": 1}')
    models.Platform.objects.update(status="suspended")
    assert len(read(client, parties.home_csp).json()["messages"]) == 1


def test_what_was_erased_is_null(client, parties):
    put_down(parties.home_csp, '{"n": 1}')
    models.Delivery.objects.update(state="delivered", body="", erased_at=timezone.now())
    (message,) = read(client, parties.home_csp).json()["messages"]
    assert message["body"] is None


def test_what_is_acknowledged_is_delivered_and_not_sent_again(client, connected_cast, csp_platform):
    party = connected_cast.home_csp
    put_down(party, '{"n": 1}', '{"n": 2}')
    first, second = models.Delivery.objects.order_by("id")
    unknown = str(uuid.uuid4())
    ids = [str(first.message_id), unknown, str(first.message_id)]
    answer = acknowledge(client, party, ids).json()
    assert answer == {"acknowledged": 1, "unknown": [unknown]}
    first.refresh_from_db()
    assert (first.state, first.attempts) == ("delivered", 0)
    assert first.delivered_at is not None
    deliver_due()
    assert [message.body["n"] for message in csp_platform.received] == [2]
    second.refresh_from_db()
    delivered_at = second.delivered_at
    assert acknowledge(client, party, [str(second.message_id)]).json()["acknowledged"] == 1
    second.refresh_from_db()
    assert second.delivered_at == delivered_at


def test_what_was_given_up_can_still_be_taken(client, cast):
    put_down(cast.home_csp, '{"n": 1}')
    assert give_up_overdue(timezone.now() + timedelta(days=30)) == 1
    row = models.Delivery.objects.get()
    acknowledge(client, cast.home_csp, [str(row.message_id)])
    assert models.Delivery.objects.get().state == "delivered"


@pytest.mark.parametrize("end", [End.TAKEN, End.SILENCE])
def test_who_carries_it_at_the_same_moment_changes_nothing_any_more(client, cast, end):
    put_down(cast.home_csp, '{"n": 1}')
    (carried,) = claim(timezone.now())
    acknowledge(client, cast.home_csp, [str(carried.message_id)])
    record([Carried(carried, end, "too late", pause_s=5)])
    row = models.Delivery.objects.get()
    assert (row.state, row.attempts, row.last_error) == ("delivered", 0, "")


def test_the_platform_without_endpoint_lives_by_pulling_alone(client, parties):
    models.RoamingEndpoint.objects.filter(platform=parties.home_csp.platform).delete()
    put_down(parties.home_csp, '{"n": 1}')
    assert deliver_due() == 0
    (message,) = read(client, parties.home_csp, state="waiting").json()["messages"]
    acknowledge(client, parties.home_csp, [message["message_id"]])
    assert read(client, parties.home_csp, state="waiting").json()["messages"] == []


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"{", "malformed_body"), (b"{}", "invalid_field"), (b'{"message_ids": []}', "invalid_field"),
     (b'{"message_ids": ["x"]}', "invalid_field"), (b'{"message_ids": [1]}', "invalid_field"),
     (json.dumps({"message_ids": [str(uuid.uuid4())] * 1001}).encode(), "invalid_field")],
)  # fmt: skip
def test_an_acknowledgement_that_cannot_be_read_is_refused(client, cast, body, code):
    response = client.post(
        ACKNOWLEDGEMENT, data=body, content_type="application/json", headers=cast.home_csp.headers
    )
    assert response.json()["code"] == code
    assert not models.JournalEntry.objects.exists()


def test_two_acknowledgements_of_the_same_do_not_wait_for_each_other(client, parties):
    put_down(parties.home_csp, *['{"n": 1}'] * 20)
    ids = [str(key) for key in models.Delivery.objects.values_list("message_id", flat=True)]
    codes = []

    def send(order):
        from django.test import Client

        codes.append(acknowledge(Client(), parties.home_csp, order).status_code)
        connection.close()

    threads = [
        threading.Thread(target=send, args=[order]) for order in (ids, ids[::-1]) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [200] * 6
    assert set(models.Delivery.objects.values_list("state", flat=True)) == {"delivered"}

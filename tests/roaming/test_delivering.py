"""Store and forward: in order per object, leased, never twice at once, one slow receiver alone."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from roaming import models
from roaming.hub_switch import deliver_due, give_up_overdue, keep_delivering, send_now
from roaming.hub_switch.claiming import Carried, End, claim, record
from roaming.outbox import Parcel, enqueue, enqueue_leased
from tests.cast import make_party
from tests.fake_party import fake_party


def parcel(party, object_key="site:1", body="{}"):
    return Parcel(party.platform, "UC1-2", "uc1-2/sites", object_key, body, "corr")


@pytest.fixture
def receiver(db):
    with fake_party() as platform:
        yield make_party("Receiver", "CSP", "NL-REC", endpoint=platform.url), platform


def test_what_is_claimed_is_not_claimed_again_until_the_lease_ends(receiver):
    party, _ = receiver
    enqueue([parcel(party)])
    now = timezone.now()
    assert len(claim(now)) == 1
    assert claim(now) == []
    assert len(claim(now + timedelta(minutes=5))) == 1


def test_a_leased_parcel_is_the_callers_and_a_workers_after_the_lease(receiver):
    party, platform = receiver
    enqueue_leased(parcel(party), lease_s=30)
    assert deliver_due() == 0
    assert deliver_due(timezone.now() + timedelta(seconds=31)) == 1
    assert len(platform.received) == 1


def test_versions_of_one_object_keep_their_order_and_others_do_not_wait(receiver):
    party, platform = receiver
    enqueue([parcel(party, "site:1", f'{{"n": {n}}}') for n in (1, 2)])
    enqueue([parcel(party, "site:2", '{"n": 3}')])
    assert deliver_due() == 3
    assert [m.body["n"] for m in platform.received] == [1, 2, 3]


def test_after_a_failure_the_receivers_other_messages_wait_untried(receiver):
    party, platform = receiver
    platform.answers["/uc1-2/sites"] = (503, {})
    enqueue([parcel(party, f"site:{n}") for n in range(3)])
    assert deliver_due() == 3
    assert len(platform.received) == 1
    attempts = list(models.Delivery.objects.order_by("id").values_list("attempts", flat=True))
    assert attempts == [1, 0, 0]


def test_the_pause_grows_with_each_attempt(receiver):
    party, platform = receiver
    platform.answers["/uc1-2/sites"] = (503, {})
    enqueue([parcel(party)])
    pauses = []
    for _ in range(6):
        delivery = models.Delivery.objects.get()
        before = timezone.now()
        deliver_due(delivery.due_at)
        delivery.refresh_from_db()
        pauses.append((delivery.due_at - before).total_seconds())
    assert 1 <= pauses[0] <= 2.5
    assert pauses[5] > 4 * pauses[0]


def test_a_receiver_without_an_endpoint_waits_untried_until_the_deadline(db):
    party = make_party("Silent", "CSP", "NL-SIL")
    models.RoamingEndpoint.objects.all().delete()
    enqueue([parcel(party)])
    assert deliver_due() == 0
    delivery = models.Delivery.objects.get()
    assert (delivery.state, delivery.attempts) == ("waiting", 0)
    assert give_up_overdue(delivery.deadline) == 0
    assert give_up_overdue(delivery.deadline + timedelta(seconds=1)) == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("dead", 0)
    assert "deadline" in delivery.last_error


def test_what_a_worker_carries_at_this_moment_is_not_given_up(receiver):
    party, _ = receiver
    enqueue([parcel(party)])
    (mine,) = claim(timezone.now())
    models.Delivery.objects.update(deadline=timezone.now() - timedelta(hours=1))
    assert give_up_overdue(timezone.now()) == 0
    record([Carried(mine, End.TAKEN)])
    assert models.Delivery.objects.get().state == "delivered"


def test_a_slow_receiver_holds_up_nobody_elses(receiver, settings):
    settings.DELIVERY_TIMEOUT_S = 1
    party, platform = receiver
    with fake_party() as slow_platform:
        slow_platform.delay_s = 3
        slow = make_party("Slow", "CSP", "NL-SLO", endpoint=slow_platform.url)
        enqueue([parcel(slow, f"site:{n}") for n in range(5)])
        enqueue([parcel(party, f"site:{n}") for n in range(5)])
        began = time.monotonic()
        assert deliver_due() == 10
        assert time.monotonic() - began < 2.5
        assert len(platform.received) == 5
    states = models.Delivery.objects.filter(receiver=slow.platform).values_list("state", flat=True)
    assert set(states) == {"waiting"}


def test_who_comes_late_does_not_overwrite_what_another_found_out(receiver):
    party, _ = receiver
    enqueue([parcel(party)])
    now = timezone.now()
    (mine,) = claim(now)
    (theirs,) = claim(now + timedelta(minutes=5))
    record([Carried(theirs, End.TAKEN, answer="ok")])
    record([Carried(mine, End.SILENCE, "timed out", pause_s=2)])
    assert models.Delivery.objects.get().state == "delivered"


def test_a_backlog_of_one_receiver_does_not_fill_the_batch(receiver):
    party, platform = receiver
    with fake_party() as other_platform:
        other = make_party("Other", "CSP", "NL-OTH", endpoint=other_platform.url)
        enqueue([parcel(party, f"site:{n}") for n in range(300)])
        enqueue([parcel(other)])
        deliver_due()
        assert len(other_platform.received) == 1
        assert len(platform.received) == 100


def test_after_a_failure_the_whole_lane_waits_as_long(receiver):
    party, platform = receiver
    platform.answers["/uc1-2/sites"] = (503, {})
    enqueue([parcel(party, f"site:{n}") for n in range(3)])
    deliver_due()
    assert len({delivery.due_at for delivery in models.Delivery.objects.all()}) == 1


def test_a_message_that_is_refused_holds_up_its_own_object_only(receiver):
    party, platform = receiver
    platform.answers["/uc1-2/sites"] = lambda message: (
        (422, {}) if message.body["n"] == 1 else (200, {})
    )
    enqueue([parcel(party, "site:1", f'{{"n": {n}}}') for n in (1, 2)])
    enqueue([parcel(party, f"site:{n}", f'{{"n": {n}}}') for n in range(3, 9)])
    deliver_due()
    assert [m.body["n"] for m in platform.received] == [1, *range(3, 9)]
    first, second = models.Delivery.objects.order_by("id")[:2]
    assert (first.attempts, second.attempts) == (1, 0)
    assert second.due_at == first.due_at > timezone.now()
    enqueue([parcel(party, "site:1", '{"n": 9}'), parcel(party, "site:7", '{"n": 10}')])
    deliver_due()
    assert [m.body["n"] for m in platform.received[7:]] == [10]


def test_versions_behind_one_that_waits_do_not_fill_the_receiver_s_share(receiver, monkeypatch):
    party, platform = receiver
    monkeypatch.setattr("roaming.hub_switch.claiming.PER_RECEIVER", 5)
    enqueue([parcel(party, "site:1")])
    later = timezone.now() + timedelta(minutes=10)
    models.Delivery.objects.update(due_at=later)
    enqueue([parcel(party, "site:1") for _ in range(12)])
    enqueue([parcel(party, "site:2", '{"n": 2}')])
    for _ in range(4):
        deliver_due()
    assert [m.body for m in platform.received] == [{"n": 2}]
    behind = models.Delivery.objects.filter(object_key="site:1")
    assert {delivery.due_at for delivery in behind} == {later}


def test_a_receiver_has_no_more_under_way_than_its_share_whatever_the_number_of_workers(
    receiver, monkeypatch
):
    party, _ = receiver
    monkeypatch.setattr("roaming.hub_switch.claiming.PER_RECEIVER", 5)
    enqueue([parcel(party, f"site:{n}") for n in range(20)])
    assert [len(claim(timezone.now())) for _ in range(3)] == [5, 0, 0]


def test_a_version_is_not_claimed_while_another_worker_has_an_earlier_one(receiver):
    party, _ = receiver
    enqueue([parcel(party)])
    (first,) = claim(timezone.now())
    enqueue([parcel(party)])
    assert claim(timezone.now()) == []
    record([Carried(first, End.TAKEN)])
    assert len(claim(timezone.now() + timedelta(seconds=2))) == 1


def test_a_good_receiver_is_served_in_lanes_and_each_object_stays_in_order(receiver):
    party, platform = receiver
    enqueue([parcel(party)])
    assert deliver_due() == 1
    platform.delay_s = 0.02
    enqueue([parcel(party, f"site:{n % 7}", f'{{"site": {n % 7}, "n": {n}}}') for n in range(70)])
    began = time.monotonic()
    assert deliver_due() == 70
    assert time.monotonic() - began < 70 * 0.02
    for site in range(7):
        numbers = [m.body["n"] for m in platform.received[1:] if m.body["site"] == site]
        assert numbers == list(range(site, 70, 7))


def test_work_that_comes_meanwhile_does_not_wait_for_a_slow_receiver(receiver, settings):
    """The slow one holds its own thread; what the good one gets during that time goes through."""
    party, platform = receiver
    settings.DELIVERY_TIMEOUT_S = 3
    with fake_party() as slow_platform:
        slow_platform.delay_s = 1.2
        slow = make_party("Slow", "CSP", "NL-SLO", endpoint=slow_platform.url)
        enqueue([parcel(slow, f"slow:{n}") for n in range(3)])
        moments = []

        def note(message):
            moments.append(time.monotonic())
            return 200, {}

        platform.answers["/uc1-2/sites"] = note
        enqueue([parcel(party, f"site:{n}") for n in range(300)])
        began = time.monotonic()
        keep_delivering(2)
        assert len(platform.received) == 300
        assert moments[-1] - began < 1.2
        assert 1 <= len(slow_platform.received) <= 3
    states = models.Delivery.objects.filter(receiver=slow.platform).values_list("state", flat=True)
    assert set(states) <= {"waiting", "delivered"}


def test_a_delivery_sent_at_once_never_overtakes_an_earlier_one(receiver):
    party, platform = receiver
    enqueue([parcel(party, "session:1", '{"n": 1}')])
    second = enqueue_leased(parcel(party, "session:1", '{"n": 2}'), lease_s=30)
    assert send_now(second) is False
    assert platform.received == []
    deliver_due()
    assert [m.body["n"] for m in platform.received] == [1, 2]


def test_a_delivery_sent_at_once_to_who_has_too_many_questions_is_left_to_the_worker(
    receiver, settings
):
    from roaming.hub_switch.live_questions import live_questions

    settings.LIVE_QUESTIONS_PER_RECEIVER = 1
    party, platform = receiver
    delivery = enqueue_leased(parcel(party), lease_s=30)
    with live_questions.place(party.platform.pk, "NL-REC"):
        assert send_now(delivery) is False
    assert platform.received == []
    delivery.refresh_from_db()
    assert (delivery.last_error, delivery.attempts) == ("receiver_overloaded", 0)
    assert deliver_due() == 1
    assert len(platform.received) == 1


def test_a_question_whose_process_died_gets_its_verdict(connected_cast, client, csp_platform):
    from roaming.hub_switch import close_unanswered
    from tests.roaming.api.messages import LOCAL_START

    client.post(
        "/api/v1/service-sessions/local-start", data=LOCAL_START,
        content_type="application/json", headers=connected_cast.visited_cso.headers,
    )  # fmt: skip
    admitted = models.JournalEntry.objects.get(phase="admitted")
    lost = models.JournalEntry.objects.get(pk=admitted.pk)
    lost.pk, lost.transaction_id = None, "00000000-0000-4000-8000-000000000001"
    lost.save(force_insert=True)
    models.ServiceSession.objects.update(state="requested")
    real_now = timezone.now()
    assert close_unanswered(admitted.at, real_now) == 0
    assert close_unanswered(admitted.at, real_now + timedelta(minutes=2)) == 1
    assert close_unanswered(admitted.at, real_now + timedelta(minutes=2)) == 0
    assert models.ServiceSession.objects.get().state == "refused"
    verdict = models.JournalEntry.objects.get(transaction_id=lost.transaction_id, phase="verdict")
    assert (verdict.outcome, verdict.refusal_code) == ("failed", "internal_error")

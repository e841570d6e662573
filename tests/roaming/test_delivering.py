"""Store and forward: in order per object, leased, never twice at once, one slow receiver alone."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from roaming import models
from roaming.hub_switch import deliver_due
from roaming.hub_switch.delivering import _claim
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
    assert len(_claim(now)) == 1
    assert _claim(now) == []
    assert len(_claim(now + timedelta(minutes=5))) == 1


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
    assert deliver_due() == 2
    assert [m.body["n"] for m in platform.received] == [1, 3]
    assert deliver_due() == 1
    assert platform.received[-1].body["n"] == 2


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


def test_a_receiver_without_an_endpoint_waits(db):
    party = make_party("Silent", "CSP", "NL-SIL")
    models.RoamingEndpoint.objects.all().delete()
    enqueue([parcel(party)])
    deliver_due()
    assert "receiver_not_connected" in models.Delivery.objects.get().last_error


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
    from roaming.hub_switch.delivering import Carried, record

    party, _ = receiver
    enqueue([parcel(party)])
    now = timezone.now()
    (mine,) = _claim(now)
    (theirs,) = _claim(now + timedelta(minutes=5))
    record([Carried(theirs, None, "ok")])
    record([Carried(mine, "timed out")])
    assert models.Delivery.objects.get().state == "delivered"


def test_a_backlog_of_one_receiver_does_not_fill_the_batch(receiver):
    party, platform = receiver
    with fake_party() as other_platform:
        other = make_party("Other", "CSP", "NL-OTH", endpoint=other_platform.url)
        enqueue([parcel(party, f"site:{n}") for n in range(300)])
        enqueue([parcel(other)])
        deliver_due()
        assert len(other_platform.received) == 1
        assert len(platform.received) == 20


def test_after_a_failure_the_whole_lane_waits_as_long(receiver):
    party, platform = receiver
    platform.answers["/uc1-2/sites"] = (503, {})
    enqueue([parcel(party, f"site:{n}") for n in range(3)])
    deliver_due()
    assert len({delivery.due_at for delivery in models.Delivery.objects.all()}) == 1


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

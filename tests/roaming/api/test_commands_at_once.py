"""Commands under contention: what happens at the same instant leaves one truth, told once.

Real threads, real commits, real HTTP. Whatever the order, the rows agree with what was told.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from roaming import models
from roaming.hub_switch import deliver_due
from roaming.hub_switch.commands import time_out_commands
from roaming.hub_switch.reservations import expire_reservations
from roaming.models.clock import set_business_clock
from tests.cast import make_cast
from tests.fake_party import fake_party
from tests.roaming.api.remote import Remote, command, reservation, session

NOW = datetime(2026, 10, 5, 8, 0, tzinfo=UTC)


@pytest.fixture
def story(committed_db):
    """The cast with both platforms, in a database in which commits are real."""
    with fake_party() as csp_platform, fake_party() as cso_platform:
        csp_platform.accept()
        cast = make_cast(csp_endpoint=csp_platform.url, cso_endpoint=cso_platform.url)
        set_business_clock(NOW, speed=0, ceiling=NOW)
        remote = Remote(Client(), cast, csp_platform, cso_platform)
        remote.accept()
        yield remote


def at_once(*steps: Callable[[], object]) -> list[object]:
    """Runs the steps in threads that start together; their results, in the order of the steps."""
    barrier = threading.Barrier(len(steps))
    results: list[object] = [None] * len(steps)

    def run(place: int, step: Callable[[], object]) -> None:
        try:
            barrier.wait()
            results[place] = step()
        except Exception as error:
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(steps)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results


def deliver_everything() -> None:
    while deliver_due():
        pass


def test_a_result_overtakes_the_answer(story):
    def at_work_already(message):
        reported = story.result(message.body["command_id"], "SUCCEEDED", cso_session_id="S-1")
        connection.close()
        assert reported.status_code == 200, reported.content
        return 200, {"response": "ACCEPTED", "timeout_s": 30, "note": "Under way"}

    story.cso.answers["/uc3-2/remote-start"] = at_work_already
    answer = story.start().json()
    assert (answer["response"], answer["state"]) == ("ACCEPTED", "succeeded")
    assert answer["result_within_s"] is None
    taken = command()
    assert taken.answered_at is not None
    assert taken.note == ""  # the result's words count
    assert session().state == "authorised"
    assert len(story.told("uc3-2/result")) == 1


@pytest.mark.parametrize("answer", [(500, {}), (200, {"response": "REJECTED"}), (200, b"rubbish")])
def test_a_result_counts_for_more_than_the_answer_that_contradicts_it(story, answer):
    def confused(message):
        story.result(message.body["command_id"], "SUCCEEDED")
        connection.close()
        return answer

    story.cso.answers["/uc3-2/remote-start"] = confused
    response = story.start()
    assert (response.status_code, response.json()["state"]) == (200, "succeeded")
    assert (command().state, session().state) == ("succeeded", "authorised")


def test_two_different_results_at_once_leave_one(story):
    for number in range(5):
        command_id = story.start(csp_session_id=f"S-{number}").json()["command_id"]
        first, second = at_once(
            lambda key=command_id: story.result(key, "SUCCEEDED"),
            lambda key=command_id: story.result(key, "FAILED", reason="NO_CABLE"),
        )
        assert sorted([first.status_code, second.status_code]) == [200, 409]
        row = models.Command.objects.select_related("session").get(pk=command_id)
        won = "succeeded" if first.status_code == 200 else "failed"
        assert row.state == won
        assert row.session.state == {"succeeded": "authorised", "failed": "refused"}[won]
        told = [n for n in story.told("uc3-2/result") if n["command_id"] == command_id]
        assert [notice["result"] for notice in told] == [won.upper()]


def test_the_same_result_twice_at_once_is_told_once(story):
    command_id = story.start().json()["command_id"]
    answers = at_once(*[lambda: story.result(command_id, "SUCCEEDED")] * 4)
    assert {answer.status_code for answer in answers} == {200}
    deliver_everything()
    assert len(story.told("uc3-2/result")) == 1


def test_a_result_and_the_sweep_at_once_agree_with_what_was_told(story):
    seen = set()
    for number in range(12):
        command_id = story.start(csp_session_id=f"S-{number}").json()["command_id"]
        pause = random.Random(command_id).random() / 200

        def sweep(pause=pause):
            time.sleep(pause)
            return time_out_commands(NOW, timezone.now() + timedelta(minutes=10))

        reported, swept = at_once(lambda key=command_id: story.result(key, "SUCCEEDED"), sweep)
        assert reported.status_code == 200
        row = models.Command.objects.get(pk=command_id)
        assert row.state == "succeeded"
        assert (row.timed_out_at is not None) == bool(swept) == reported.json()["late"]
        deliver_everything()
        told = [n for n in story.told("uc3-2/result") if n["command_id"] == command_id]
        expected = ["TIMED_OUT", "SUCCEEDED"] if swept else ["SUCCEEDED"]
        assert [notice["result"] for notice in told] == expected
        seen.add(bool(swept))
    assert seen  # whichever came first: both are right


def test_several_sweeps_at_once_tell_each_asker_once(story):
    ids = {story.start(csp_session_id=f"S-{n}").json()["command_id"] for n in range(6)}
    later = timezone.now() + timedelta(minutes=10)
    counts = at_once(*[lambda: time_out_commands(NOW, later)] * 3)
    assert sum(counts) == 6
    deliver_everything()
    told = [notice["command_id"] for notice in story.told("uc3-2/result")]
    assert sorted(told) == sorted(ids)


def test_a_sweep_leaves_alone_what_is_being_recorded(story):
    from django.db import transaction

    command_id = story.start().json()["command_id"]
    later = timezone.now() + timedelta(minutes=10)
    with transaction.atomic():
        models.Command.objects.select_for_update().get(pk=command_id)
        (swept,) = at_once(lambda: time_out_commands(NOW, later))
    assert swept == 0


def test_the_same_start_twice_at_once_is_asked_once(story):
    for number in range(5):
        name = f"S-{number}"
        answers = at_once(*[lambda key=name: story.start(csp_session_id=key)] * 3)
        taken = [answer for answer in answers if answer.status_code == 200]
        others = {answer.json()["code"] for answer in answers if answer.status_code != 200}
        assert taken
        assert others <= {"request_in_progress"}
        assert len({answer.json()["command_id"] for answer in taken}) == 1
    assert models.ServiceSession.objects.count() == models.Command.objects.count() == 5
    assert len(story.asked("uc3-2/remote-start")) == 5


def test_the_same_reservation_twice_at_once_is_asked_once(story):
    for number in range(5):
        reference = f"R-{number}"
        answers = at_once(*[lambda name=reference: story.reserve(reference=name)] * 3)
        taken = [answer for answer in answers if answer.status_code == 200]
        others = {answer.json()["code"] for answer in answers if answer.status_code != 200}
        assert taken
        assert others <= {"request_in_progress"}
        assert len({answer.json()["command_id"] for answer in taken}) == 1
    assert models.Reservation.objects.count() == models.Command.objects.count() == 5
    assert models.ServiceSession.objects.count() == 5
    assert len(story.asked("uc3-8/reservation")) == 5


def test_an_expiry_and_a_start_at_once_never_strand_the_user(story):
    late = NOW + timedelta(hours=1)
    for number in range(8):
        held = story.reserved(reference=f"R-{number}")
        reservation_id = held["reservation_id"]
        started, _ = at_once(
            lambda key=reservation_id: story.start(reservation_id=key),
            lambda: expire_reservations(late),
        )
        if started.status_code == 200:
            story.result(started.json()["command_id"], "SUCCEEDED")
            expected = ("fulfilled", "authorised")
        else:
            assert started.json()["code"] == "reservation_state"
            expected = ("expired", "cancelled")
        row = models.Reservation.objects.select_related("session").get(pk=reservation_id)
        assert (row.state, row.session.state) == expected


def test_a_cancellation_a_no_show_and_an_expiry_at_once_leave_one_end(story):
    late = NOW + timedelta(hours=1)
    for number in range(6):
        held = story.reserved(reference=f"R-{number}")
        reservation_id = held["reservation_id"]
        cancelling = story.cancel(reservation_id).json()["command_id"]
        set_business_clock(late, speed=0, ceiling=late)
        at_once(
            lambda key=cancelling: story.result(key, "SUCCEEDED"),
            lambda key=reservation_id: story.outcome(key, "NO_SHOW"),
            lambda: expire_reservations(late),
        )
        row = models.Reservation.objects.select_related("session").get(pk=reservation_id)
        assert (row.state, row.session.state) in {
            ("cancelled", "cancelled"), ("no_show", "completed"), ("expired", "cancelled")
        }  # fmt: skip
        deliver_everything()
        told = [
            notice["outcome"]
            for notice in story.told("uc3-8/outcome")
            if notice["reservation_id"] == reservation_id
        ]
        assert told == {"cancelled": [], "no_show": ["NO_SHOW"], "expired": ["EXPIRED"]}[
            row.state
        ] or told == ["EXPIRED", "NO_SHOW"]
        set_business_clock(NOW, speed=0, ceiling=NOW)


def test_an_asker_that_hangs_holds_no_row(story):
    """The notice is carried after COMMIT: nobody waits for the asker with a lock in hand."""
    held = story.reserved()
    holding = threading.Event()

    def look_meanwhile(message):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM (SELECT FROM roaming_reservation WHERE id = %s "
                "FOR UPDATE SKIP LOCKED) free", [held["reservation_id"]],
            )  # fmt: skip
            if cursor.fetchone()[0] == 0:
                holding.set()
        connection.close()
        return 200, {}

    story.csp.answers["/uc3-8/outcome"] = look_meanwhile
    story.outcome(held["reservation_id"], "CANCELLED", reason="EVSE_INOPERATIVE")
    assert reservation().state == "cancelled"
    assert len(story.told("uc3-8/outcome")) == 1
    assert not holding.is_set()


def test_a_reservation_that_ends_while_the_home_csp_is_asked_opens_nothing(story):
    card = {"method": "RFID", "token_uid": "04A2B3C4D5E6F7"}
    held = story.reserved(identification=card)

    def too_late(message):
        story.outcome(held["reservation_id"], "CANCELLED", reason="EVSE_INOPERATIVE")
        connection.close()
        return 200, {"decision": "ACCEPTED"}

    story.csp.answers["/uc3-1/local-start"] = too_late
    response = story.post(
        "service-sessions/local-start",
        {"visited_cso": "DE*VIS", "evse_id": "DE*VIS*E001", "identification": card},
        story.cast.visited_cso,
    )
    assert (response.status_code, response.json()["code"]) == (409, "reservation_state")
    assert (reservation().state, session().state) == ("cancelled", "cancelled")
    entries = models.JournalEntry.objects.filter(use_case="UC3-1").order_by("id")
    assert [entry.refusal_code for entry in entries] == ["", "reservation_state"]
    assert len({entry.transaction_id for entry in entries}) == 1

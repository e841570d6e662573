"""Bulkhead, cap and breaker: a receiver that is slow or dead takes nobody else with it."""

import threading
import time

import pytest

from roaming.domain.refusals import Refusal
from roaming.hub_switch import ask
from roaming.hub_switch.live_questions import LiveQuestions, live_questions
from roaming.ports import OutgoingMessage
from tests.cast import make_party
from tests.fake_party import fake_party

QUESTION = OutgoingMessage("UC4-1", "uc4-1/authorisation", b"{}", "m", "c")


@pytest.fixture
def limits(settings):
    settings.LIVE_QUESTIONS_PER_RECEIVER = 2
    settings.LIVE_QUESTIONS_AT_ONCE = 3
    settings.BREAKER_FAILURES = 3
    settings.BREAKER_PAUSE_S = 1
    return settings


@pytest.fixture
def receiver(db, limits):
    with fake_party() as platform:
        yield make_party("Receiver", "CSP", "NL-REC", endpoint=platform.url), platform


def outcome(party):
    try:
        return ask(party.identifier, "live", QUESTION).status
    except Refusal as refusal:
        return refusal.code


def code_of_a_place(questions, platform):
    with pytest.raises(Refusal) as caught, questions.place(platform, "NL-REC"):
        pass
    return caught.value.code


def test_a_receiver_has_its_share_of_the_places_and_others_still_have_theirs(limits):
    questions = LiveQuestions()
    with questions.place(1, "NL-REC"), questions.place(1, "NL-REC"):
        assert code_of_a_place(questions, 1) == "receiver_overloaded"
        with questions.place(2, "NL-OTH"):
            pass
    with questions.place(1, "NL-REC"):
        pass


def test_all_together_have_a_cap(limits):
    questions = LiveQuestions()
    with questions.place(1, "a"), questions.place(2, "b"), questions.place(3, "c"):
        assert code_of_a_place(questions, 4) == "overloaded"
    with questions.place(4, "d"):
        pass


def test_places_are_never_given_twice_under_many_threads(limits):
    questions = LiveQuestions()
    most, under_way, lock = 0, 0, threading.Lock()
    given = 0

    def ask_often():
        nonlocal most, under_way, given
        for _ in range(300):
            try:
                with questions.place(1, "a"):
                    with lock:
                        under_way += 1
                        given += 1
                        most = max(most, under_way)
                    time.sleep(0)
                    with lock:
                        under_way -= 1
            except Refusal:
                pass

    threads = [threading.Thread(target=ask_often) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2
    assert given >= 300
    with questions.place(1, "a"), questions.place(1, "a"):
        pass


def test_after_failures_in_a_row_a_receiver_is_left_alone_at_once(receiver):
    party, platform = receiver
    platform.answers["/uc4-1/authorisation"] = (503, {})
    assert [outcome(party) for _ in range(5)] == ["receiver_refused"] * 3 + ["receiver_offline"] * 2
    assert len(platform.received) == 3


def test_a_success_between_failures_begins_the_count_anew(receiver):
    party, platform = receiver
    statuses = iter([503, 503, 200, 503, 503, 200])
    platform.answers["/uc4-1/authorisation"] = lambda message: (next(statuses), {})
    for _ in range(6):
        outcome(party)
    assert len(platform.received) == 6


def test_a_refusal_or_rubbish_of_a_living_platform_opens_nothing(receiver):
    party, platform = receiver
    platform.answers["/uc4-1/authorisation"] = (422, {})
    assert [outcome(party) for _ in range(6)] == ["receiver_refused"] * 6


def test_time_outs_and_refused_connections_open_it_too(receiver, settings):
    party, platform = receiver
    platform.delay_s = 1.3
    assert outcome(party) == "receiver_timed_out"
    dead = make_party("Dead", "CSP", "NL-DEA")
    codes = [outcome(dead) for _ in range(4)]
    assert codes == ["receiver_not_connected"] * 3 + ["receiver_offline"]


def test_after_the_pause_one_question_is_the_probe_and_a_good_answer_closes_it(receiver):
    party, platform = receiver
    platform.answers["/uc4-1/authorisation"] = (503, {})
    for _ in range(3):
        outcome(party)
    time.sleep(1.05)
    key = party.platform.pk
    with live_questions.place(key, "NL-REC") as probe:
        assert probe.probe
        assert outcome(party) == "receiver_offline"
    platform.answers.clear()
    assert outcome(party) == 200
    assert outcome(party) == 200


def test_a_probe_that_fails_opens_it_again_for_longer(receiver):
    party, platform = receiver
    platform.answers["/uc4-1/authorisation"] = (503, {})
    for _ in range(3):
        outcome(party)
    time.sleep(1.05)
    assert outcome(party) == "receiver_refused"
    assert outcome(party) == "receiver_offline"
    time.sleep(0.9)
    assert outcome(party) == "receiver_offline"


def test_one_receiver_s_breaker_is_no_other_s(receiver):
    party, _ = receiver
    dead = make_party("Dead", "CSP", "NL-DEA")
    for _ in range(4):
        outcome(dead)
    assert outcome(party) == 200

"""Behaviours and plans: how they are written, which one a message meets."""

import pytest

from roaming.simulator.operator.behaviour import (
    Behaviour,
    BehaviourError,
    Conduct,
    Do,
    Result,
    Rubbish,
    read_behaviour,
)


def met(plan, path="uc3-1/local-start", times=6, seed=1, key="UC3-1"):
    conduct = Conduct({key: plan}, seed)
    return [str(conduct.next_for(path)) for _ in range(times)]


@pytest.mark.parametrize(
    ("text", "behaviour"),
    [
        ("ordinary", Behaviour()),
        ("accept", Behaviour(do=Do.ACCEPT)),
        ("refuse:blocked", Behaviour(do=Do.REFUSE, reason="blocked")),
        ("time_out", Behaviour(do=Do.TIME_OUT)),
        ("answer_late:2.5", Behaviour(do=Do.ANSWER_LATE, seconds=2.5)),
        ("answer_rubbish:trickle", Behaviour(do=Do.ANSWER_RUBBISH, rubbish=Rubbish.TRICKLE)),
        ("http_status:503", Behaviour(do=Do.HTTP_STATUS, status=503)),
        ("lose_answer", Behaviour(do=Do.LOSE_ANSWER)),
        ("go_offline:20", Behaviour(do=Do.GO_OFFLINE, seconds=20)),
        (
            "accept,result=failed:cable,after=3",
            Behaviour(do=Do.ACCEPT, result=Result.FAILED, result_reason="cable", after=3),
        ),
        ("accept,result=none", Behaviour(do=Do.ACCEPT, result=Result.NONE)),
    ],
)
def test_a_behaviour_is_a_text_and_reads_back_as_it_was(text, behaviour):
    assert read_behaviour(text) == behaviour
    assert read_behaviour(str(behaviour)) == behaviour


def test_a_behaviour_may_be_an_object():
    assert read_behaviour({"do": "refuse", "reason": "blocked"}) == read_behaviour("refuse:blocked")


@pytest.mark.parametrize(
    "wrong",
    [
        "explode", "", "http_status:9000", "http_status:many", "answer_late:-1", "time_out:now",
        "accept,result=perhaps", "accept,soon", "answer_rubbish:pretty", {"do": "accept", "at": 1},
        {"result": 1}, 7, None,
    ],
)  # fmt: skip
def test_what_is_no_behaviour_is_said_so(wrong):
    with pytest.raises(BehaviourError):
        read_behaviour(wrong)


def test_a_list_is_taken_in_turn_and_its_last_entry_stays():
    assert met(["time_out", "refuse:no", "accept"], times=5) == [
        "time_out", "refuse:no", "accept", "accept", "accept",
    ]  # fmt: skip


def test_again_goes_round_for_ever():
    assert met({"again": ["accept", "time_out"]}, times=4) == ["accept", "time_out"] * 2


def test_chances_are_thrown_with_seeded_dice():
    plan = {"chances": {"accept": 3, "time_out": 1}}
    first = met(plan, times=200, seed=7)
    assert first == met(plan, times=200, seed=7)
    assert first != met(plan, times=200, seed=8)
    assert 25 < first.count("time_out") < 80


@pytest.mark.parametrize(
    "wrong",
    [
        [], {"again": "accept"}, {"again": []}, {"chances": {}}, {"chances": {"accept": 0}},
        {"chances": {"accept": -1, "time_out": 2}}, {"chances": ["accept"]}, {"sometimes": ["no"]},
    ],
)  # fmt: skip
def test_what_is_no_plan_is_said_so(wrong):
    with pytest.raises(BehaviourError):
        Conduct({"UC3-1": wrong}, 1)


def test_the_closest_plan_decides():
    conduct = Conduct(
        {"*": "time_out", "uc3-8": "refuse:full", "UC3-8/cancellation": "accept"}, seed=1
    )
    assert str(conduct.next_for("uc3-8/cancellation")) == "accept"
    assert str(conduct.next_for("uc3-8/reservation")) == "refuse:full"
    assert str(conduct.next_for("uc3-1/local-start")) == "time_out"


def test_messages_elsewhere_do_not_change_the_dice_here():
    plans = {"UC3-1": {"chances": {"accept": 1, "time_out": 1}}, "UC4-1": "accept"}
    quiet, busy = Conduct(plans, 5), Conduct(plans, 5)
    for _ in range(3):
        busy.next_for("uc4-1/authorisation")
    both = [
        [str(conduct.next_for("uc3-1/local-start")) for _ in range(30)] for conduct in (quiet, busy)
    ]
    assert both[0] == both[1]


def test_plans_may_be_changed_all_or_none():
    conduct = Conduct({"UC3-1": "accept"}, seed=1)
    with pytest.raises(BehaviourError):
        conduct.change_all({"UC3-1": "time_out", "UC3-2": "explode"})
    assert conduct.describe() == {"UC3-1": ["accept"]}
    conduct.change("uc3-1", "refuse:no")
    assert str(conduct.next_for("uc3-1/local-start")) == "refuse:no"


def test_a_key_that_names_nothing_is_refused():
    with pytest.raises(BehaviourError):
        Conduct({"local-start": "accept"}, seed=1)

"""The life of commands and reservations, as values."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roaming.domain.command import (
    CommandAnswer,
    CommandResult,
    CommandState,
    command_may_become,
    read_command_answer,
)
from roaming.domain.refusals import Refusal
from roaming.domain.reservation import (
    SESSION_FOLLOWS,
    ReservationEnd,
    ReservationState,
    reservation_may_become,
)
from roaming.domain.session import SessionState, may_become
from roaming.domain.unlocking import EvseUnlockWish, UnlockWish, read_emergency


def test_a_command_has_one_result_and_keeps_it():
    for result in (CommandState.SUCCEEDED, CommandState.FAILED):
        assert result.is_result
        assert not any(command_may_become(result, state) for state in CommandState)


def test_a_time_out_and_a_missing_answer_leave_room_for_a_result():
    for state in (CommandState.TIMED_OUT, CommandState.NOT_REACHED, CommandState.ASKED):
        assert command_may_become(state, CommandState.SUCCEEDED)
        assert command_may_become(state, CommandState.FAILED)


def test_only_what_is_under_way_can_time_out():
    for state in CommandState:
        assert command_may_become(state, CommandState.TIMED_OUT) == state.is_under_way


def test_a_rejected_command_is_over():
    assert not any(command_may_become(CommandState.REJECTED, state) for state in CommandState)


@given(st.integers(min_value=0, max_value=2**62) | st.none(), st.integers(1, 86_400))
def test_a_result_is_due_within_a_second_and_the_setting(announced, longest):
    answer = CommandAnswer(response="ACCEPTED", timeout_s=announced)
    assert 1 <= answer.result_within_s(longest) <= longest


@given(st.text(), st.text())
def test_whatever_the_words_an_answer_is_read_and_fits_its_columns(reason, note):
    body = json.dumps({"response": "ACCEPTED", "reason": reason, "note": note})
    try:
        answer = read_command_answer(body.encode())
    except ValueError:
        assert "\\ud" in body  # half a character
        return
    assert (len(answer.reason) <= 60, len(answer.note) <= 300) == (True, True)
    assert answer.reason.isprintable()
    assert answer.note.isprintable()


@given(st.binary(max_size=60))
def test_rubbish_is_never_an_answer(body):
    with pytest.raises((ValueError, RecursionError)):
        read_command_answer(body)


def test_a_result_names_its_state():
    assert CommandResult(result="FAILED").state is CommandState.FAILED
    assert ReservationEnd(outcome="NO_SHOW").state is ReservationState.NO_SHOW


def test_a_session_follows_its_reservation_step_by_step():
    assert set(SESSION_FOLLOWS) == set(ReservationState)
    for state in ReservationState:
        for following in ReservationState:
            if not reservation_may_become(state, following):
                continue
            session, then = SESSION_FOLLOWS[state], SESSION_FOLLOWS[following]
            # What ended may turn out otherwise: the session is taken up, or its no-show told.
            ended_before = state in (
                ReservationState.EXPIRED,
                ReservationState.CANCELLED,
                ReservationState.NO_SHOW,
            )
            assert session is then or may_become(session, then) or ended_before


def test_what_the_clock_ended_the_visited_cso_may_still_correct():
    corrections = {
        s for s in ReservationState if reservation_may_become(ReservationState.EXPIRED, s)
    }
    assert corrections == {ReservationState.NO_SHOW, ReservationState.FULFILLED}
    # A start of which nothing was heard may have worked all the same: a car charges.
    for ended in (ReservationState.CANCELLED, ReservationState.NO_SHOW):
        corrections = {s for s in ReservationState if reservation_may_become(ended, s)}
        assert corrections == {ReservationState.FULFILLED}
    for over in ("rejected", "fulfilled"):
        assert not any(reservation_may_become(ReservationState(over), s) for s in ReservationState)


def test_a_no_show_completes_its_session_for_its_sdr_is_due():
    assert SESSION_FOLLOWS[ReservationState.NO_SHOW] is SessionState.COMPLETED


@pytest.mark.parametrize("name", ["requested_by", "why"])
@pytest.mark.parametrize("text", ["", " \t", "x" * 201])
def test_an_emergency_needs_a_name_and_a_reason(name, text):
    texts = {"requested_by": "Help desk", "why": "It sticks"}
    read_emergency(UnlockWish(**texts))
    with pytest.raises(Refusal, match="invalid_field"):
        read_emergency(EvseUnlockWish(home_csp="DE-HOM", **{**texts, name: text}))

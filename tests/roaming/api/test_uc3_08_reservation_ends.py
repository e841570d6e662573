"""UC3-8: a reservation is cancelled, fulfilled, runs out, or nobody comes."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from roaming import models
from roaming.domain.refusals import Refusal
from roaming.hub_switch import deliver_due
from roaming.hub_switch.commands import time_out_commands
from roaming.hub_switch.reservations import (
    expire_reservations,
    find_reservation,
    fulfil_reservation,
)
from roaming.models.clock import set_business_clock
from tests import factories
from tests.roaming.api.remote import reservation, session

HOUR = timedelta(hours=1)


@pytest.fixture
def reservation_id(remote):
    return remote.reserved()["reservation_id"]


def at(moment):
    set_business_clock(moment, speed=0, ceiling=moment)
    return moment


def states():
    return reservation().state, session().state


# --- Cancelled ------------------------------------------------------------------------------------


def test_a_cancellation_is_asked_for_and_its_result_ends_the_reservation(remote, reservation_id):
    response = remote.cancel(reservation_id)
    assert response.status_code == 200, response.content
    answer = response.json()
    assert (answer["response"], answer["reservation_id"]) == ("ACCEPTED", reservation_id)
    (asked,) = remote.asked("uc3-8/cancellation")
    assert (asked["reference"], asked["cso_reference"]) == ("R-1", "VIS-R-1")
    assert states() == ("reserved", "reserved")
    remote.result(answer["command_id"], "SUCCEEDED")
    assert states() == ("cancelled", "cancelled")
    assert reservation().ended_at is not None
    assert remote.told("uc3-8/result")[-1]["result"] == "SUCCEEDED"


@pytest.mark.parametrize("result", ["FAILED", None])
def test_a_cancellation_that_does_not_succeed_leaves_it_standing(remote, reservation_id, result):
    if result is None:
        remote.answers("uc3-8/cancellation", {"response": "REJECTED", "reason": "TOO_LATE"})
        assert remote.cancel(reservation_id).json()["response"] == "REJECTED"
    else:
        remote.result(remote.cancel(reservation_id).json()["command_id"], result)
    assert states() == ("reserved", "reserved")


def test_cancelling_again_gets_the_same_answer(remote, reservation_id):
    first = remote.cancel(reservation_id).json()["command_id"]
    assert remote.cancel(reservation_id).json()["command_id"] == first
    remote.result(first, "SUCCEEDED")
    assert remote.cancel(reservation_id).json()["state"] == "succeeded"
    assert len(remote.asked("uc3-8/cancellation")) == 1


def test_after_a_rejection_it_may_be_tried_again(remote, reservation_id):
    remote.answers("uc3-8/cancellation", {"response": "REJECTED"})
    remote.cancel(reservation_id)
    remote.accept()
    remote.result(remote.cancel(reservation_id).json()["command_id"], "SUCCEEDED")
    assert states() == ("cancelled", "cancelled")


@pytest.mark.parametrize("status", ["suspended", "ended"])
def test_a_cancellation_passes_whatever_became_of_the_agreement(remote, reservation_id, status):
    models.Agreement.objects.update(status=status)
    models.Platform.objects.update(status="suspended")
    assert remote.cancel(reservation_id).status_code == 200


def test_nobody_else_can_cancel_it(remote, reservation_id):
    for party in (remote.cast.visited_cso, remote.cast.outsider):
        response = remote.cancel(reservation_id, party)
        assert (response.status_code, response.json()["code"]) == (404, "unknown_reservation")
    assert remote.cancel(str(uuid.uuid4())).json()["code"] == "unknown_reservation"


@pytest.mark.parametrize("state", ["fulfilled", "expired", "no_show", "rejected", "cancelled"])
def test_what_is_over_is_not_cancelled(remote, reservation_id, state):
    models.Reservation.objects.update(state=state)
    response = remote.cancel(reservation_id)
    assert (response.status_code, response.json()["code"]) == (409, "reservation_state")


def test_a_wish_that_nobody_answered_can_be_cancelled(remote, now):
    answer = remote.reserve().json()
    time_out_commands(now, timezone.now() + HOUR)
    remote.result(remote.cancel(answer["reservation_id"]).json()["command_id"], "SUCCEEDED")
    assert states() == ("cancelled", "cancelled")
    remote.result(answer["command_id"], "SUCCEEDED")  # late, and no longer wanted
    assert states() == ("cancelled", "cancelled")


# --- Fulfilled by a remote start ------------------------------------------------------------------


def test_a_remote_start_goes_on_with_the_reservation_s_session(remote, reservation_id):
    answer = remote.start(reservation_id=reservation_id).json()
    assert answer["service_session_id"] == str(session().id)
    (asked,) = remote.asked("uc3-2/remote-start")
    assert (asked["reservation_id"], asked["cso_reference"]) == (reservation_id, "VIS-R-1")
    assert states() == ("reserved", "reserved")
    remote.result(answer["command_id"], "SUCCEEDED", cso_session_id="VIS-S-1")
    assert states() == ("fulfilled", "authorised")
    assert (session().authorised, session().cso_session_id) == ("COMMAND", "VIS-S-1")


def test_a_start_that_fails_leaves_the_reservation_standing(remote, reservation_id):
    answer = remote.start(reservation_id=reservation_id).json()
    remote.result(answer["command_id"], "FAILED", reason="NO_CABLE")
    assert states() == ("reserved", "reserved")
    again = remote.start(reservation_id=reservation_id).json()
    remote.result(again["command_id"], "SUCCEEDED")
    assert states() == ("fulfilled", "authorised")


def test_a_start_that_was_not_reached_leaves_the_reservation_standing(remote, reservation_id):
    models.RoamingEndpoint.objects.filter(platform=remote.cast.visited_cso.platform).delete()
    assert remote.start(reservation_id=reservation_id).json()["code"] == "receiver_not_connected"
    assert states() == ("reserved", "reserved")


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"evse_id": "DE*VIS*E002"}, "invalid_field", "evse_id"),
        (
            {"identification": {"method": "APP", "contract_id": "DE-HOM-C99999999"}},
            "invalid_field", "identification",
        ),
    ],
)  # fmt: skip
def test_a_reservation_holds_one_evse_for_one_user(remote, reservation_id, fields, code, field):
    factories.make_site(remote.cast.visited_cso.identifier, "DE*VIS*E002")
    problem = remote.start(reservation_id=reservation_id, **fields).json()
    assert (problem["code"], problem["field"]) == (code, field)


def test_only_what_holds_can_be_started(remote, reservation_id, now):
    at(now + HOUR)  # run out, though no sweep has come by
    problem = remote.start(reservation_id=reservation_id).json()
    assert (problem["code"], "expired" in problem["detail"]) == ("reservation_state", True)
    models.Reservation.objects.update(state="cancelled")
    assert remote.start(reservation_id=reservation_id).json()["code"] == "reservation_state"


# --- Fulfilled by a local start -------------------------------------------------------------------


def test_the_reservation_of_this_user_at_this_evse_is_found(remote, reservation_id, now):
    token = bytes(session().token_hmac)
    evse, cso = remote.cast.evse, remote.cast.visited_cso.identifier
    other = factories.make_site(remote.cast.visited_cso.identifier, "DE*VIS*E002")
    assert str(find_reservation(evse, cso, token, now).id) == reservation_id
    assert find_reservation(evse, cso, b"other", now) is None
    assert find_reservation(other, cso, token, now) is None
    assert (
        find_reservation(evse, factories.IdentifierFactory(identifier="DE*BUY"), token, now) is None
    )
    assert find_reservation(evse, cso, token, now - timedelta(seconds=1)) is None
    assert find_reservation(evse, cso, token, now + HOUR) is None
    fulfil_reservation(reservation().id, now)
    assert (reservation().state, reservation().ended_at) == ("fulfilled", now)
    assert find_reservation(evse, cso, token, now) is None
    with pytest.raises(Refusal, match="reservation_state"):
        fulfil_reservation(reservation().id, now)


# --- Run out --------------------------------------------------------------------------------------


def test_a_reservation_runs_out_in_business_time_and_both_are_told(remote, reservation_id, now):
    assert expire_reservations(now + timedelta(minutes=59)) == 0
    assert expire_reservations(now + HOUR) == 1
    assert expire_reservations(now + HOUR) == 0
    assert states() == ("expired", "cancelled")
    assert reservation().ended_at == now + HOUR
    deliver_due()
    for told in (remote.told("uc3-8/outcome"), remote.asked("uc3-8/outcome")):
        (notice,) = told
        assert (notice["outcome"], notice["reservation_id"]) == ("EXPIRED", reservation_id)
        assert (notice["reference"], notice["cso_reference"]) == ("R-1", "VIS-R-1")
    correlation_ids = set(models.Delivery.objects.values_list("correlation_id", flat=True))
    assert correlation_ids == {models.Command.objects.get().correlation_id}


def test_a_wish_that_nobody_answered_runs_out_and_its_asker_is_told(remote, now):
    remote.reserve()
    time_out_commands(now, timezone.now() + HOUR)
    assert expire_reservations(now + HOUR) == 1
    assert states() == ("expired", "cancelled")
    deliver_due()
    deliver_due()
    assert len(remote.told("uc3-8/outcome")) == 1
    assert remote.asked("uc3-8/outcome") == []


def test_while_the_visited_cso_is_being_asked_nothing_runs_out(remote, reservation_id, now):
    answer = remote.start(reservation_id=reservation_id).json()
    assert expire_reservations(now + HOUR) == 0
    remote.result(answer["command_id"], "SUCCEEDED")
    assert expire_reservations(now + HOUR) == 0
    assert states() == ("fulfilled", "authorised")


def test_a_start_whose_result_came_after_the_end_charges_all_the_same(remote, reservation_id, now):
    answer = remote.start(reservation_id=reservation_id).json()
    time_out_commands(now, timezone.now() + HOUR)
    assert expire_reservations(now + HOUR) == 1
    remote.result(answer["command_id"], "SUCCEEDED")
    assert states() == ("fulfilled", "authorised")


def test_what_ended_otherwise_does_not_run_out(remote, reservation_id, now):
    for state in ("fulfilled", "cancelled", "no_show", "rejected"):
        models.Reservation.objects.update(state=state)
        assert expire_reservations(now + HOUR) == 0


def test_the_beat_sweeps_them(remote, reservation_id, now):
    from roaming.tasks import expire_due_reservations

    assert expire_due_reservations() == 0
    at(now + HOUR)
    assert expire_due_reservations() == 1


def test_a_session_that_was_completed_meanwhile_stays_so(remote, reservation_id, now):
    answer = remote.start(reservation_id=reservation_id).json()
    models.ServiceSession.objects.update(state="completed")  # UC3-5 was faster than the result
    remote.result(answer["command_id"], "SUCCEEDED")
    assert states() == ("fulfilled", "completed")


def test_a_no_show_undoes_no_completion(remote, reservation_id, now):
    models.ServiceSession.objects.update(state="completed", energy_kwh="5")
    at(now + HOUR)
    remote.outcome(reservation_id, "NO_SHOW")
    assert states() == ("no_show", "completed")
    assert session().energy_kwh == 5

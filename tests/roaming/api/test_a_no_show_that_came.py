"""UC3-8: the visited-CSO says that nobody came, and a start that was timed out has worked all the
same. What really was provided counts, however it is told."""

from datetime import timedelta

import pytest
from django.utils import timezone

from roaming import models
from roaming.hub_switch import deliver_due
from roaming.hub_switch.commands import time_out_commands
from roaming.models.clock import set_business_clock
from tests.roaming.api.remote import reservation, session
from tests.roaming.api.visit import COMPLETION, REPORT

HOUR = timedelta(hours=1)
REAL = {
    "start_date_time": "2026-10-05T10:05:00+02:00",
    "end_date_time": "2026-10-05T10:50:00+02:00",
    "total_energy": "7.5",
}
NOBODY = {
    "start_date_time": "2026-10-05T10:00:00+02:00",
    "end_date_time": "2026-10-05T11:00:00+02:00",
    "total_energy": "0",
}


@pytest.fixture
def command(remote, now):
    """Reserved, a start on it without a result, and the visited-CSO's word that nobody came."""
    reservation_id = remote.reserved()["reservation_id"]
    command = remote.start(reservation_id=reservation_id).json()
    later = now + HOUR
    set_business_clock(later, speed=0, ceiling=later)
    time_out_commands(later, timezone.now() + HOUR)
    assert remote.outcome(reservation_id, "NO_SHOW").status_code == 200
    assert stands() == ("no_show", "completed", 0)
    return command


def stands():
    return reservation().state, session().state, session().energy_kwh


def say(remote, method, command, what, body):
    return getattr(remote.client, method)(
        f"/api/v1/service-sessions/{command['service_session_id']}/{what}",
        data=body, content_type="application/json", headers=remote.cast.visited_cso.headers,
    )  # fmt: skip


def test_a_late_yes_takes_it_up_and_the_real_completion_is_taken(remote, command):
    assert remote.result(command["command_id"], "SUCCEEDED").status_code == 200
    assert stands() == ("fulfilled", "authorised", None)
    assert (session().completed_at, session().started_at) == (None, None)
    done = say(remote, "post", command, "completion", REAL)
    assert done.status_code == 200, done.content
    assert done.json()["sdr_due"] is True
    assert [str(part) for part in stands()] == ["fulfilled", "completed", "7.5"]
    (told,) = remote.told("uc3-5/completion")
    assert told["total_energy"] == "7.5"
    while deliver_due():
        pass
    notices = [(row["result"], row.get("late", False)) for row in remote.told("uc3-2/result")]
    assert notices == [("TIMED_OUT", False), ("SUCCEEDED", True)]


def test_the_real_completion_alone_is_taken_and_a_late_yes_changes_nothing_then(remote, command):
    assert say(remote, "post", command, "completion", REAL).status_code == 200
    for _ in range(2):
        assert [str(part) for part in stands()] == ["fulfilled", "completed", "7.5"]
        assert session().authorised == "COMMAND"
        remote.result(command["command_id"], "SUCCEEDED")
    assert say(remote, "post", command, "completion", REAL).status_code == 200  # as before
    other = say(remote, "post", command, "completion", COMPLETION)
    assert other.json()["code"] == "session_state"


def test_a_report_of_charging_takes_it_up(remote, command):
    report = {**REPORT, "stamped_at": "2026-10-05T10:59:00+02:00"}
    taken = say(remote, "put", command, "charging-information", report)
    assert (taken.status_code, taken.json()["taken"]) == (200, True), taken.content
    assert stands()[:2] == ("fulfilled", "active")
    assert say(remote, "post", command, "completion", REAL).status_code == 200
    assert [str(part) for part in stands()] == ["fulfilled", "completed", "7.5"]


def test_the_user_can_stop_it_before_anybody_hears_of_it(remote, command):
    assert remote.stop(command["service_session_id"]).status_code == 200
    assert len(remote.asked("uc3-4/stop")) == 1


@pytest.mark.usefixtures("command")
def test_its_sdr_is_due_though_one_came_for_the_no_show(remote, command):
    models.ServiceSession.objects.update(sdr_accounted_for=True)
    assert say(remote, "post", command, "completion", REAL).status_code == 200
    assert session().sdr_accounted_for is False


def test_the_completion_of_the_no_show_itself_changes_nothing(remote, command):
    assert say(remote, "post", command, "completion", NOBODY).status_code == 200
    assert stands() == ("no_show", "completed", 0)
    other = {**NOBODY, "end_date_time": "2026-10-05T10:30:00+02:00"}
    refused = say(remote, "post", command, "completion", other)
    assert (refused.status_code, refused.json()["code"]) == (409, "session_state")
    assert stands() == ("no_show", "completed", 0)


def test_after_a_late_no_it_stays_a_no_show(remote, command):
    remote.result(command["command_id"], "FAILED")
    assert stands() == ("no_show", "completed", 0)
    for method, what, body in (
        ("put", "charging-information", REPORT),
        ("post", "completion", REAL),
    ):
        said = say(remote, method, command, what, body)
        assert said.status_code == 409 or said.json()["taken"] is False, said.content
    assert remote.stop(command["service_session_id"]).json()["code"] == "session_state"
    assert stands() == ("no_show", "completed", 0)


def test_a_no_show_without_a_start_is_not_undone(remote, now):
    held = remote.reserved()
    later = now + HOUR
    set_business_clock(later, speed=0, ceiling=later)
    remote.outcome(held["reservation_id"], "NO_SHOW")
    refused = say(remote, "post", held, "completion", REAL)
    assert (refused.status_code, refused.json()["code"]) == (409, "session_state")
    assert remote.stop(held["service_session_id"]).json()["code"] == "session_state"
    assert stands() == ("no_show", "completed", 0)

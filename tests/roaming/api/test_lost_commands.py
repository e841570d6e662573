"""A process dies while a command is under way: the repetition finds it, nothing is done twice."""

import pytest
from django.utils import timezone

from roaming import models
from tests.roaming.api.remote import EMERGENCY, REMOTE_START

AT_EVSE = {"home_csp": "DE-HOM", **EMERGENCY}
START = "service-sessions/remote-start"


def lose_the_answer() -> None:
    """As if the process had been killed after the verdict's COMMIT, and the lease had ended."""
    models.GivenAnswer.objects.update(status=None, body=b"", leased_until=timezone.now())


def messages(session_id):
    return {
        "UC3-2": (START, {**REMOTE_START, "csp_session_id": None}, "uc3-2/remote-start"),
        "UC3-4": (f"service-sessions/{session_id}/stop", {}, "uc3-4/stop"),
        "UC5-2": (f"service-sessions/{session_id}/unlock", EMERGENCY, "uc5-2/unlock"),
        "UC5-3": ("evses/DE*VIS*E001/unlock", AT_EVSE, "uc5-3/unlock"),
    }


@pytest.mark.parametrize("use_case", ["UC3-2", "UC3-4", "UC5-2", "UC5-3"])
@pytest.mark.parametrize("header", ["X-Message-ID", "Idempotency-Key"])
def test_the_charging_station_is_asked_once(remote, use_case, header):
    session_id = remote.started()["service_session_id"]
    path, body, asked = messages(session_id)[use_case]
    before = len(remote.asked(asked))
    first = remote.post(path, body, **{header: "m-1"})
    assert first.status_code == 200, first.content
    lose_the_answer()
    again = remote.post(path, body, **{header: "m-1"})
    assert again.status_code == 200, again.content
    assert again.json()["command_id"] == first.json()["command_id"]
    assert len(remote.asked(asked)) == before + 1


def test_until_it_times_out_nobody_knows_whether_it_was_asked(remote, now):
    from datetime import timedelta

    from roaming.hub_switch.commands import time_out_commands

    first = remote.post("evses/DE*VIS*E001/unlock", AT_EVSE, **{"X-Message-ID": "m-1"}).json()
    lose_the_answer()
    models.Command.objects.update(state="asked", answered_at=None)
    again = remote.post("evses/DE*VIS*E001/unlock", AT_EVSE, **{"X-Message-ID": "m-1"}).json()
    assert (again["response"], again["state"]) == ("NO_ANSWER", "asked")
    lose_the_answer()
    time_out_commands(now, timezone.now() + timedelta(minutes=10))
    again = remote.post("evses/DE*VIS*E001/unlock", AT_EVSE, **{"X-Message-ID": "m-1"}).json()
    assert (again["response"], again["state"]) == ("NO_ANSWER", "timed_out")
    assert again["command_id"] == first["command_id"]
    assert len(remote.asked("uc5-3/unlock")) == 1


def test_what_was_not_reached_is_asked_anew(remote):
    remote.answers("uc5-3/unlock", {}, 503)
    remote.post("evses/DE*VIS*E001/unlock", AT_EVSE, **{"X-Message-ID": "m-1"})
    remote.accept()
    again = remote.post("evses/DE*VIS*E001/unlock", AT_EVSE, **{"X-Message-ID": "m-1"}).json()
    assert again["state"] == "accepted"
    assert models.Command.objects.count() == 2


def test_another_message_is_no_repetition(remote):
    remote.post("evses/DE*VIS*E001/unlock", AT_EVSE, **{"X-Message-ID": "m-1"})
    lose_the_answer()
    remote.post("evses/DE*VIS*E001/unlock", AT_EVSE, **{"X-Message-ID": "m-2"})
    assert models.Command.objects.count() == 2

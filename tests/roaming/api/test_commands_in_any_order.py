"""A command's life in any order of events, held against the rules in a few lines of Python."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.utils import timezone

from roaming import models
from roaming.hub_switch import deliver_due
from roaming.hub_switch.commands import time_out_commands
from tests.roaming.api.remote import command, session

ANSWERS = {
    "accepts": (200, {"response": "ACCEPTED", "timeout_s": 30}),
    "rejects": (200, {"response": "REJECTED", "reason": "NO"}),
    "breaks down": (500, {}),
    "does not know it": (404, {}),
}
EVENTS = ("succeeds", "fails", "nothing in time")


@dataclass
class Expected:
    """What must be true, by the rules that README and docstrings promise."""

    command: str
    session: str
    told: list[tuple[str, bool]] = field(default_factory=list)

    @classmethod
    def after(cls, answer: str) -> Expected:
        return {
            "accepts": cls("accepted", "requested"),
            "rejects": cls("rejected", "refused"),
            "breaks down": cls("not_reached", "requested"),
            "does not know it": cls("not_reached", "refused"),
        }[answer]

    def happens(self, event: str) -> int:
        """Takes the event; returns the HTTP status that a reported result must get."""
        if event == "nothing in time":
            if self.command == "accepted":
                self.command = "timed_out"
                self.told.append(("TIMED_OUT", False))
            return 200
        result = {"succeeds": "succeeded", "fails": "failed"}[event]
        if self.command in ("succeeded", "failed", "rejected"):
            return 200 if self.command == result else 409
        self.told.append((result.upper(), self.command == "timed_out"))
        self.command = result
        if self.session == "requested":
            self.session = {"succeeded": "authorised", "failed": "refused"}[result]
        return 200


@pytest.mark.parametrize("seed", range(16))
def test_rows_and_notices_are_what_the_rules_say(remote, now, seed):
    chance = random.Random(seed)
    answer = chance.choice([*ANSWERS, "accepts", "accepts"])
    status, body = ANSWERS[answer]
    remote.answers("uc3-2/remote-start", body, status)
    expected = Expected.after(answer)
    remote.start()
    command_id = str(command().id)
    for event in chance.choices(EVENTS, k=chance.randint(1, 5)):
        wanted = expected.happens(event)
        if event == "nothing in time":
            time_out_commands(now, timezone.now() + timedelta(minutes=10))
        else:
            result = {"succeeds": "SUCCEEDED", "fails": "FAILED"}[event]
            assert remote.result(command_id, result).status_code == wanted
        if chance.random() < 0.5:
            deliver_due()
        assert (command().state, session().state) == (expected.command, expected.session)
    while deliver_due():
        pass
    told = [(n["result"], n.get("late", False)) for n in remote.told("uc3-2/result")]
    assert told == expected.told
    assert not models.Delivery.objects.exclude(state="delivered").exists()

"""A card that is asked for at three home-CSPs: what happens, and what is left behind (UC3-1)."""

from __future__ import annotations

import threading
import time

from roaming import models
from tests.roaming.api.identifying import CARD_START, LOCAL, post

ASKED = "/uc3-1/local-start"


def unanswered():
    """Home-CSPs that were asked and have no verdict yet."""
    rows = models.JournalEntry.objects.values_list("transaction_id", "home_csp", "phase")
    answered = {row[:2] for row in rows if row[2] == "verdict"}
    return {row[:2] for row in rows if row[2] == "admitted"} - answered


def start(client, three, body=CARD_START, **headers):
    return post(client, three.cast.visited_cso, LOCAL, body, **headers)


def wait_for(condition, seconds=20.0):
    """What a thread of its own has yet to write."""
    ends = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < ends, "it did not come about"
        time.sleep(0.02)
    return found


def verdicts():
    """Each home-CSP's verdict: outcome and code."""
    rows = models.JournalEntry.objects.filter(phase="verdict").select_related("home_csp")
    return {row.home_csp.identifier: (row.outcome, row.refusal_code) for row in rows}


def in_step(*csps):
    """Answers only when all of them have been asked: they accept at the same moment."""
    barrier = threading.Barrier(len(csps))
    for number, csp in enumerate(csps):

        def accept(message, number=number):
            barrier.wait(20)
            return 200, {"decision": "ACCEPTED", "authorization_reference": f"AUTH-{number}"}

        csp.platform.answers[ASKED] = accept

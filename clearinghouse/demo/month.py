"""The business clock goes through the month, a day at a time, and waits for everybody each night.

The clock never passes the end of the day (its ceiling) before every platform has done all of it, so
a slow machine makes the day longer, never later. How fast a day passes follows from how much there
is to do and how fast the last days went.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from clearinghouse.demo.platforms import Platforms
from clearinghouse.demo.timeline import DAY, Step
from roaming.models.clock import business_now, set_business_clock

SHORTEST_DAY_S = 0.15
FIRST_PACE = 120.0
SLOWEST_PACE, FASTEST_PACE = 10.0, 2000.0
WAITED_LITTLE_S, WAITED_LONG_S = 0.25, 0.6


class Tempo:
    """Messages per real second that the whole world is expected to manage."""

    def __init__(self, pace: float = FIRST_PACE) -> None:
        self.pace = pace

    def seconds_for(self, step: Step) -> float:
        """How long the clock takes for a day.

        >>> start = datetime(2026, 10, 1)
        >>> Tempo(100).seconds_for(Step(start, start, sessions=50, messages=150))
        1.5
        """
        return max(step.messages / self.pace, SHORTEST_DAY_S)

    def learn(self, waited_s: float) -> None:
        """How long everybody had to be waited for after the clock had arrived."""
        if waited_s > WAITED_LONG_S:
            self.pace = max(self.pace * 0.85, SLOWEST_PACE)
        elif waited_s < WAITED_LITTLE_S:
            self.pace = min(self.pace * 1.15, FASTEST_PACE)


def start_clock_at(moment: datetime) -> None:
    """The clock runs as fast as any other, for whatever has to be done one after the other."""
    set_business_clock(moment, speed=1, ceiling=moment + DAY)


def stop_clock_at(moment: datetime) -> None:
    """The clock stands."""
    set_business_clock(moment, speed=0, ceiling=moment)


def live_through(
    steps: list[Step], platforms: Platforms, done: Callable[[Step], None], tempo: Tempo
) -> None:
    """Lets the clock run through the steps; `done` is called after each."""
    for step in steps:
        seconds = tempo.seconds_for(step)
        start = max(step.start, business_now())
        speed = (step.until - start).total_seconds() / seconds
        began = time.monotonic()
        set_business_clock(start, speed=speed, ceiling=step.until)
        platforms.go_on_until(step.until)
        if step.messages:
            tempo.learn(time.monotonic() - began - seconds)
        done(step)

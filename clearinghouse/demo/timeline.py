"""The steps in which the business clock goes through a replay: a day each, ends included."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from roaming.simulator.months import midnight
from roaming.simulator.world import World

DAY = timedelta(days=1)
MESSAGES_PER_SESSION = 3


@dataclass(frozen=True, slots=True)
class Step:
    """A stretch of business time (UTC), and about how much the platforms will do in it."""

    start: datetime
    until: datetime
    sessions: int
    messages: int


@dataclass(frozen=True)
class Timeline:
    """When the operators join, the days in which sessions take place, and the end of the month."""

    zone: ZoneInfo
    joined_at: datetime
    days: list[Step]
    end_of_month: datetime


def timeline_of(world: World) -> Timeline:
    """The timeline of a world, in the time zone in which most of its sites lie.

    The operators join the day before the first of them charges anybody. The days go on until the
    last SDR of the month has been sent.
    """
    zones = Counter(site.time_zone for site in world.network.sites)
    zone = ZoneInfo(zones.most_common(1)[0][0])
    first = min(
        [world.month.start(zone)]
        + [session.start for session in world.sessions]
        + [visit.moment for visit in world.side_visits]
    )
    joined_at = midnight(first.astimezone(zone).date() - DAY, zone)
    end = world.month.end(zone)
    # Those who send by night send the last evening's SDRs in the night after.
    last = midnight(end.astimezone(zone).date() + DAY, zone)
    return Timeline(zone, joined_at, _days(world, joined_at, last, zone), end)


def quiet_days(start: datetime, until: datetime, zone: ZoneInfo) -> list[Step]:
    """Steps in which only time passes: to each midnight, and to `until` at last.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 10, 1, 12, tzinfo=UTC)
    >>> [step.until.hour for step in quiet_days(noon, noon + DAY, ZoneInfo("UTC"))]
    [0, 12]
    """
    bounds = [start]
    while bounds[-1] < until:
        following = midnight(bounds[-1].astimezone(zone).date() + DAY, zone)
        bounds.append(min(following, until))
    return [Step(begin, end, 0, 0) for begin, end in pairwise(bounds)]


def _days(world: World, start: datetime, last: datetime, zone: ZoneInfo) -> list[Step]:
    started = Counter(s.start.astimezone(zone).date() for s in world.sessions)
    ended = Counter(s.end.astimezone(zone).date() for s in world.sessions)
    steps = []
    for quiet in quiet_days(start, last, zone):
        day = quiet.start.astimezone(zone).date()
        messages = started[day] + (MESSAGES_PER_SESSION - 1) * ended[day]
        steps.append(replace(quiet, sessions=started[day], messages=messages))
    return steps

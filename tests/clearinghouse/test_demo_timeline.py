"""The steps of the business clock, and how fast it goes through them."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from clearinghouse.demo.month import FASTEST_PACE, SHORTEST_DAY_S, SLOWEST_PACE, Tempo
from clearinghouse.demo.timeline import Step, quiet_days, timeline_of
from roaming.simulator.world import WorldDescription, draw_world

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def october():
    return draw_world(WorldDescription(month="2026-10", size=200))


def test_the_days_follow_each_other_from_before_the_first_to_after_the_last_session(october):
    timeline = timeline_of(october)
    days = timeline.days
    assert days[0].start == timeline.joined_at
    assert timeline.joined_at < min(session.start for session in october.sessions)
    assert timeline.joined_at < min(visit.moment for visit in october.side_visits)
    assert all(a.until == b.start for a, b in pairwise(days))
    assert timeline.end_of_month == datetime(2026, 10, 31, 23, tzinfo=UTC)
    assert days[-1].until == timeline.end_of_month + timedelta(days=1)


def test_a_day_is_a_local_day_also_when_the_clocks_change(october):
    lengths = {
        step.start.astimezone(BERLIN).day: step.until - step.start
        for step in timeline_of(october).days
        if step.start.astimezone(BERLIN).month == 10
    }
    assert lengths[25] == timedelta(hours=25)
    assert lengths[24] == lengths[26] == timedelta(hours=24)


def test_every_session_is_counted_on_its_day(october):
    days = timeline_of(october).days
    assert sum(step.sessions for step in days) == len(october.sessions)
    assert sum(step.messages for step in days) == 3 * len(october.sessions)


def test_real_sessions_are_settled_in_the_zone_of_their_sites(shared_data):
    file = shared_data / "sessions/perth-kinross/September_2017-August_2018.csv.gz"
    world = draw_world(WorldDescription(month="2018-03", files=(str(file),)))
    timeline = timeline_of(world)
    assert timeline.zone.key == "Europe/London"
    assert timeline.joined_at <= min(s.start for s in world.sessions) - timedelta(hours=24)


def test_quiet_days_end_exactly_where_they_should():
    until = NOON + timedelta(days=2, hours=1)
    days = quiet_days(NOON, until, BERLIN)
    assert (days[0].start, days[-1].until) == (NOON, until)
    assert [step.until.astimezone(BERLIN).hour for step in days] == [0, 0, 15]
    assert quiet_days(NOON, NOON, BERLIN) == []


def step(messages: int) -> Step:
    return Step(NOON, NOON + timedelta(days=1), messages // 3, messages)


def test_a_busy_day_takes_longer_and_an_empty_one_hardly_any_time():
    tempo = Tempo(pace=100)
    assert tempo.seconds_for(step(300)) == 3
    assert tempo.seconds_for(step(0)) == SHORTEST_DAY_S


def test_the_clock_slows_down_when_everybody_had_to_be_waited_for():
    tempo = Tempo(pace=100)
    tempo.learn(waited_s=2)
    assert tempo.pace < 100
    for _ in range(100):
        tempo.learn(waited_s=9)
    assert tempo.pace == SLOWEST_PACE


def test_the_clock_hurries_when_nobody_had_to_be_waited_for():
    tempo = Tempo(pace=100)
    tempo.learn(waited_s=0.01)
    assert tempo.pace > 100
    for _ in range(100):
        tempo.learn(waited_s=0)
    assert tempo.pace == FASTEST_PACE

"""The world that every process of a replay draws for itself."""

from collections import Counter
from decimal import Decimal
from itertools import pairwise

import msgspec
import pytest

from roaming.simulator.side_visits import BEFORE_THE_SESSION, Kind
from roaming.simulator.world import WorldDescription, draw_world

SMALL = WorldDescription(month="2026-10", size=150, wrong_share=Decimal("0.20"))


@pytest.fixture(scope="module")
def world():
    return draw_world(SMALL)


def test_the_same_description_gives_the_same_world(world):
    travelled = msgspec.json.decode(msgspec.json.encode(SMALL), type=WorldDescription)
    again = draw_world(travelled)
    assert again.sessions == world.sessions
    assert again.planted == world.planted
    assert again.side_visits == world.side_visits
    assert again.blocked == world.blocked


def test_a_small_world_shows_every_kind_of_side_visit_and_most_kinds_of_mistakes(world):
    assert {visit.kind for visit in world.side_visits} == set(Kind)
    assert len({planted.mistake for planted in world.planted.values()}) >= 15


def test_blocked_drivers_are_of_every_provider_and_charge_nowhere(world):
    assert {driver.csp for driver in world.blocked} == {
        o.provider_id for o in world.network.providers
    }
    tokens = {session.token_uid for session in world.sessions}
    good = {driver.token_uid for driver in world.drivers}
    assert not {driver.token_uid for driver in world.blocked} & (tokens | good)


def test_side_visits_are_what_they_say(world):
    agreed = world.network.agreement_by_pair
    tokens = {d.token_uid: d for d in world.drivers}
    blocked = {d.token_uid for d in world.blocked}
    sessions = {f"V-{s.reference}": s for s in world.sessions}
    for visit in world.side_visits:
        session = sessions[visit.reference]
        assert visit.moment == session.start - BEFORE_THE_SESSION
        assert (visit.cso, visit.evse_id) == (session.cso, session.evse_id)
        assert ((visit.cso, visit.csp) in agreed) == (visit.kind is not Kind.NO_AGREEMENT)
        assert (visit.token_uid in blocked) == (visit.kind is Kind.BLOCKED)
        assert (visit.token_uid in tokens) == (visit.kind in (Kind.NO_AGREEMENT, Kind.ONLY_ASKED))
    assert all(a.moment <= b.moment for a, b in pairwise(world.side_visits))


def test_side_visits_come_in_equal_numbers():
    world = draw_world(WorldDescription(month="2026-10", size=800))
    counts = Counter(visit.kind for visit in world.side_visits)
    assert sum(counts.values()) == 20
    assert set(counts.values()) == {5}


def test_files_are_read_for_their_month(shared_data):
    file = shared_data / "sessions/perth-kinross/September_2016_-_August_2017.csv.gz"
    world = draw_world(WorldDescription(month="2017-03", files=(str(file),)))
    assert world.reading is not None
    assert world.reading.sessions == world.sessions
    assert {visit.kind for visit in world.side_visits} == set(Kind) - {Kind.NO_AGREEMENT}


def test_a_month_that_is_none_is_refused():
    with pytest.raises(ValueError, match="YYYY-MM"):
        draw_world(WorldDescription(month="October"))

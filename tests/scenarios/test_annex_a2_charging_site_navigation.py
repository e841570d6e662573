"""Annex A.2, charging site navigation: an app finds a station, holds it for its driver, and goes.

DE*VIS publishes two sites (UC1-2), what their EVSEs are doing (UC1-3), what is out of order
(UC5-1), and its tariffs (UC2-1), one of them for DE-HOM alone. The app of DE-HOM shows a map,
reserves a free EVSE (UC3-8) and starts there on arrival (UC3-2); or its driver never comes, and the
no-show is billed. NL-OTH has an agreement with the same CSO and sees what is meant for all.
"""

from decimal import Decimal

import pytest

from roaming import models
from tests.scenarios.stage import price

MARKET, MARKET_2, HARBOUR = "DE*VIS*E1", "DE*VIS*E2", "DE*VIS*E3"
DRIVER = {"contract_id": "DE-HOM-C12345678"}


def site(site_id, name, *evse_ids):
    return {
        "id": site_id, "name": name, "address": "Platz 1", "city": "Jena", "country": "DE",
        "coordinates": {"latitude": "50.928", "longitude": "11.588"},
        "time_zone": "Europe/Berlin",
        "evses": [
            {"evse_id": evse_id, "connectors": [
                {"id": "1", "standard": "IEC_62196_T2", "power_type": "AC_3_PHASE",
                 "max_electric_power": 22000, "tariff_ids": ["T1"]}]}
            for evse_id in evse_ids
        ],
    }  # fmt: skip


def tariff(kwh, **fields):
    """An hour of reservation costs nothing; who does not come pays 2.50."""
    return {
        "id": "T1", "currency": "EUR", **fields,
        "elements": [
            {"price_components": [{"type": "ENERGY", "price": kwh, "vat": 19, "step_size": 1}]},
            {"price_components": [{"type": "FLAT", "price": 2.5, "vat": 19, "step_size": 1}],
             "restrictions": {"reservation": "RESERVATION_EXPIRES"}},
        ],
    }  # fmt: skip


class World:
    """The visited-CSO with its two sites, the home-CSP, and another one."""

    def __init__(self, stage):
        self.stage = stage
        tokens = {
            "visited": stage.invite("visited", "DE*VIS"),
            "home": stage.invite("home", "DE-HOM"),
            "other": stage.invite("other", "NL-OTH"),
        }
        stage.agree("visited", "home")
        stage.agree("visited", "other")
        self.home = stage.begin("home", tokens["home"], partner="DE*VIS")
        self.other = stage.begin("other", tokens["other"], partner="DE*VIS")
        self.visited = stage.begin(
            "visited",
            tokens["visited"],
            sites=[site("S1", "Market", MARKET, MARKET_2), site("S2", "Harbour", HARBOUR)],
            tariffs=[tariff(0.49), tariff(0.42, home_csp="DE-HOM")],
            sessions={"seconds": 1.0, "updates_every_seconds": 0.3, "time_lapse": 3600},
            reservations={"no_show": True, "watch_every_seconds": 0.3},
        )
        for csp in (self.home, self.other):
            csp.knows(lambda s: len(s.get("evses", {})) == 3 and s.get("tariffs"))

    def free_evses(self, csp):
        """What the map of an app shows in green: available, and not known to be out of order."""
        state = csp.state()
        out = {
            evse_id
            for outage in state.get("outages", {}).values()
            if outage.get("state", "ANNOUNCED") == "ANNOUNCED"
            for evse_id in outage["evse_ids"]
        }
        return {
            evse_id
            for evse_id, evse in state["evses"].items()
            if evse.get("state") == "AVAILABLE" and evse_id not in out
        }

    def reserve(self, **wish):
        (held,) = self.home.do({"do": "reserve", **DRIVER, "expect": "accepted", **wish})
        answer = held["answer"]
        assert self.result(self.home, answer) == "SUCCEEDED"
        return answer

    def result(self, csp, answer):
        return csp.knows(lambda s: s["commands"][answer["command_id"]].get("result"))

    def state_of(self, reservation):
        return models.Reservation.objects.get(id=reservation["reservation_id"]).state


@pytest.fixture(scope="module")
def world(empty_stage):
    return World(empty_stage)


def test_annex_a2_the_map_shows_what_is_free_and_what_it_costs(world):
    everything = {MARKET, MARKET_2, HARBOUR}
    for csp in (world.home, world.other):
        csp.knows(lambda _, csp=csp: world.free_evses(csp) == everything)
        assert {s["name"] for s in csp.state()["sites"].values()} == {"Market", "Harbour"}
    world.visited.do(
        {"do": "status", "evse_id": MARKET_2, "state": "BLOCKED", "expect": "accepted"},
        {"do": "outage", "outage_id": "O1", "evse_ids": [HARBOUR], "kind": "PLANNED",
         "for_seconds": 3600, "description": "New cables", "expect": "accepted"},
    )  # fmt: skip
    for csp in (world.home, world.other):
        csp.knows(lambda _, csp=csp: world.free_evses(csp) == {MARKET})
    # The special price is shown to whom it was made for, and to nobody else.
    assert kwh_price(world.home) == Decimal("0.42")
    assert kwh_price(world.other) == Decimal("0.49")
    world.visited.do(
        {"do": "status", "evse_id": MARKET_2, "expect": "accepted"},
        {"do": "outage", "outage_id": "O1", "state": "CANCELLED", "expect": "accepted"},
    )
    for csp in (world.home, world.other):
        csp.knows(lambda _, csp=csp: world.free_evses(csp) == everything)


def test_annex_a2_reserved_driven_to_and_charged(world):
    reservation = world.reserve(evse_id=MARKET, for_seconds=900)
    # Everybody sees that it is taken, and it is taken.
    world.other.knows(lambda s: s["evses"][MARKET].get("state") == "RESERVED")
    (start,) = world.other.do(
        {"do": "remote_start", "evse_id": MARKET, "contract_id": "NL-OTH-C12345678",
         "expect": "rejected"}
    )  # fmt: skip
    assert start["answer"]["reason"] == "evse_reserved"

    (arrived,) = world.home.do(
        {"do": "remote_start", "reservation": reservation["reservation_id"], **DRIVER,
         "expect": "accepted"}
    )  # fmt: skip
    session = arrived["answer"]["service_session_id"]
    assert session == reservation["service_session_id"]
    assert world.result(world.home, arrived["answer"]) == "SUCCEEDED"
    assert world.state_of(reservation) == "fulfilled"

    sdr = world.home.knows(lambda s: sdr_of(s, session))
    outcome, claimed, rated = price(world.stage.rated(session))
    energy = Decimal(sdr["total_energy"])
    assert energy > 0
    assert (outcome, claimed, rated) == ("agreed", round(energy * Decimal("0.42"), 2), claimed)
    assert sdr_of(world.other.state(), session) is None
    assert session not in world.other.state().get("sessions", {})


def test_annex_a2_the_driver_changes_her_mind(world):
    reservation = world.reserve(evse_id=MARKET_2, for_seconds=900)
    (gone,) = world.home.do(
        {"do": "cancel_reservation", "reservation": reservation["reservation_id"],
         "expect": "accepted"}
    )  # fmt: skip
    assert world.result(world.home, gone["answer"]) == "SUCCEEDED"
    assert world.state_of(reservation) == "cancelled"
    world.other.knows(lambda s: s["evses"][MARKET_2].get("state") == "AVAILABLE")
    session = reservation["service_session_id"]
    assert world.stage.session(session).state == "cancelled"
    assert not models.Sdr.objects.filter(service_session_id=session).exists()


def test_annex_a2_the_driver_never_comes_and_it_is_billed(world):
    reservation = world.reserve(evse_id=HARBOUR, for_seconds=3)
    key, session = reservation["reservation_id"], reservation["service_session_id"]
    world.home.knows(lambda s: s["reservations"][key].get("outcome") == "NO_SHOW", 60)
    sdr = world.home.knows(lambda s: sdr_of(s, session))
    assert sdr["total_energy"] == "0"
    assert price(world.stage.rated(session)) == ("agreed", Decimal("2.50"), Decimal("2.50"))
    assert world.state_of(reservation) == "no_show"
    assert world.stage.session(session).state == "completed"
    world.other.knows(lambda s: s["evses"][HARBOUR].get("state") == "AVAILABLE")


def kwh_price(csp):
    """What an app shows at the market: the tariff in force there, for its own CSP."""
    (shown,) = csp.do({"do": "tariffs_in_force", "evse_id": MARKET, "expect": "accepted"})
    (version,) = shown["answer"]["tariffs"]
    parts = [p for e in version["tariff"]["elements"] for p in e["price_components"]]
    return Decimal(str(next(p["price"] for p in parts if p["type"] == "ENERGY")))


def sdr_of(state, session_id):
    sdrs = state.get("sdrs", {}).values()
    return next((s for s in sdrs if s["service_session_id"] == session_id), None)

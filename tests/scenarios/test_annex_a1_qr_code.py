"""Annex A.1, roaming by QR code: a driver scans the code at a station of an unknown operator.

The driver has the app of her home-CSP DE-HOM. The code at the station of DE*VIS holds its EVSE-ID.
The app shows the price, starts the charging remotely (UC3-2), follows it (UC3-6), and stops it
(UC3-4); the visited-CSO completes the session (UC3-5) and sends the SDR (UC3-9). Annex A describes
this between two peers; here the clearing house stands in the middle. FR-OUT has no agreement with
anybody and must learn nothing.
"""

from decimal import Decimal

import pytest

from roaming import models
from tests.scenarios.stage import heard, price

QR_CODE = "https://charge.example/DE*VIS*E1"
EVSE = "DE*VIS*E1"
DRIVER = {"contract_id": "DE-HOM-C12345678", "method": "QR_CODE"}


class World:
    """The visited-CSO, the home-CSP, and somebody whom it does not concern."""

    def __init__(self, stage):
        self.stage = stage
        tokens = {
            "visited": stage.invite("visited", "DE*VIS"),
            "home": stage.invite("home", "DE-HOM"),
            "outsider": stage.invite("outsider", "FR-OUT"),
        }
        stage.agree("visited", "home")
        self.home = stage.begin("home", tokens["home"], partner="DE*VIS")
        self.outsider = stage.begin("outsider", tokens["outsider"])
        self.visited = stage.begin(
            "visited",
            tokens["visited"],
            sessions={"seconds": None, "updates_every_seconds": 0.3, "time_lapse": 3600},
        )
        self.home.knows(lambda state: EVSE in state.get("evses", {}) and state.get("tariffs"))

    def scan_and_start(self):
        """What the app does with the code: the EVSE-ID, then the command."""
        evse_id = QR_CODE.rpartition("/")[2]
        (start,) = self.home.do(
            {"do": "remote_start", "evse_id": evse_id, **DRIVER, "expect": "accepted"}
        )
        return start["answer"]

    def result(self, start):
        return self.home.knows(lambda s: s["commands"][start["command_id"]].get("result"))


@pytest.fixture(scope="module")
def world(empty_stage):
    return World(empty_stage)


def test_annex_a1_from_the_scan_to_the_rated_sdr(world):
    (shown,) = world.home.do({"do": "tariffs_in_force", "evse_id": EVSE, "expect": "accepted"})
    (tariff,) = shown["answer"]["tariffs"]
    (kwh,) = [p for e in tariff["tariff"]["elements"] for p in e["price_components"]
              if p["type"] == "ENERGY"]  # fmt: skip
    start = world.scan_and_start()
    session = start["service_session_id"]
    assert world.result(start) == "SUCCEEDED"

    # It charges: both sides see the same session, and how much has flowed.
    (visit,) = [v for v in world.visited.state()["visits"] if v["service_session_id"] == session]
    assert (visit["evse_id"], visit["method"], visit["authorised"]) == (EVSE, "QR_CODE", "COMMAND")
    in_the_app = world.home.knows(
        lambda s: s["sessions"][session] if s["sessions"][session].get("updates", 0) > 1 else None
    )
    assert Decimal(in_the_app["energy_kwh"]) > 0
    assert in_the_app["cost"]["currency"] == "EUR"
    world.home.knows(lambda s: s["evses"][EVSE].get("state") == "CHARGING")
    assert world.stage.session(session).state == "active"

    # The driver has enough.
    world.home.do({"do": "stop", "session": session, "expect": "accepted"})
    ended = world.home.knows(
        lambda s: s["sessions"][session] if s["sessions"][session].get("completed") else None
    )
    sdr = world.home.knows(lambda s: sdr_of(s, session))
    billed = world.visited.knows(lambda s: billed_visit(s, session))
    assert ended["total_energy"] == billed["energy_kwh"]
    assert (sdr["state"], billed["sdr_state"]) == ("validated", "validated")

    # Three parties, three calculations, one price.
    outcome, claimed, rated = price(world.stage.rated(session))
    expected = round(Decimal(billed["energy_kwh"]) * Decimal(str(kwh["price"])), 2)
    assert (outcome, claimed, rated) == ("agreed", expected, expected)
    row = world.stage.session(session)
    assert (row.state, row.authorised, row.identification_method) == (
        "completed", "COMMAND", "QR_CODE",
    )  # fmt: skip
    assert {"UC3-2", "UC3-4", "UC3-5", "UC3-6"} <= world.stage.use_cases_of(session)


def test_annex_a1_nothing_is_plugged_in(world):
    """The command was accepted and failed: the app is told, and nobody owes anybody anything."""
    world.visited.behave(UC3_2=["accept,result=failed:NOT_PLUGGED_IN", "ordinary"])
    start = world.scan_and_start()
    assert world.result(start) == "FAILED"
    command = world.home.state()["commands"][start["command_id"]]
    assert command["reason"] == "NOT_PLUGGED_IN"
    row = world.stage.session(start["service_session_id"])
    assert (row.state, row.refusal_reason) == ("refused", "NOT_PLUGGED_IN")
    assert not models.Sdr.objects.filter(service_session_id=row.id).exists()


def test_annex_a1_the_station_is_occupied(world):
    world.visited.behave(UC3_2=["refuse:EVSE_OCCUPIED", "ordinary"])
    (start,) = world.home.do(
        {"do": "remote_start", "evse_id": EVSE, **DRIVER, "expect": "rejected"}
    )
    assert start["answer"]["reason"] == "EVSE_OCCUPIED"
    assert world.stage.session(start["answer"]["service_session_id"]).state == "refused"


def test_annex_a1_who_is_no_partner_learns_nothing_and_starts_nothing(world):
    world.outsider.do({"do": "remote_start", "evse_id": EVSE, "contract_id": "FR-OUT-C12345678",
                       "expect": "no_agreement"})  # fmt: skip
    assert heard(world.outsider) == set()
    assert not {"evses", "sites", "tariffs", "sdrs"} & world.outsider.state().keys()


def sdr_of(state, session_id):
    sdrs = state.get("sdrs", {}).values()
    return next((s for s in sdrs if s["service_session_id"] == session_id), None)


def billed_visit(state, session_id):
    return next(
        (v for v in state["visits"]
         if v["service_session_id"] == session_id and v["stage"] == "billed"),
        None,
    )  # fmt: skip

"""Annex A.3, roaming by RFID card: a driver holds her card to a station of another operator.

All that the station of DE*VIS reads is a UID. The clearing house finds out whose card it is: from
what home-CSPs have distributed (UC4-2), or by asking those that have an agreement with this CSO, of
whom the first to accept has the session (UC3-1). Where the home-CSP cannot be reached, its policy
decides. DE-HOM and NL-OTH have agreements; FR-OUT has none and must learn nothing.
"""

from decimal import Decimal

import pytest

from roaming import models
from tests.scenarios.stage import heard, price

CARD, BLOCKED = "04A2B3C4D5E6F7", "04B1B2B3B4B5B6"
ALLOWED, NEVER, ALWAYS = "04C1C2C3C4C5C6", "04D1D2D3D4D5D6", "04E1E2E3E4E5E6"
OTHERS_CARD, NOBODYS = "04F1F2F3F4F5F6", "04010203040506"
ANYBODYS = "04112233445566"


def driver(uid, number, **fields):
    return {"token_uid": uid, "contract_id": f"DE-HOM-C{number:08}", **fields}


DISTRIBUTED = [
    driver(ALLOWED, 3, whitelist="ALLOWED"),
    driver(NEVER, 4, whitelist="NEVER"),
    driver(ALWAYS, 5, whitelist="ALWAYS"),
]


class World:
    """The visited-CSO, two home-CSPs, and somebody whom it does not concern."""

    def __init__(self, stage):
        self.stage = stage
        tokens = {
            "visited": stage.invite("visited", "DE*VIS"),
            "home": stage.invite("home", "DE-HOM"),
            "other": stage.invite("other", "NL-OTH"),
            "outsider": stage.invite("outsider", "FR-OUT"),
        }
        stage.agree("visited", "home")
        stage.agree("visited", "other")
        self.home = stage.begin(
            "home",
            tokens["home"],
            drivers=[driver(CARD, 1), driver(BLOCKED, 2, may_charge=False), *DISTRIBUTED],
        )
        others = {"token_uid": OTHERS_CARD, "contract_id": "NL-OTH-C00000001"}
        self.other = stage.begin("other", tokens["other"], drivers=[others])
        self.outsider = stage.begin("outsider", tokens["outsider"])
        self.visited = stage.begin("visited", tokens["visited"])
        self.home.knows(lambda s: len(s.get("evses", {})) == 2)

    def hold_to_the_reader(self, uid, expect):
        (answer,) = self.visited.do({"do": "local_start", "token_uid": uid, "expect": expect})
        return answer["answer"]

    def charge(self):
        self.visited.do({"do": "charge"})
        return self.visited.state()["visits"][-1]

    def asked(self, csp):
        """How many times a home-CSP was asked to decide."""
        return csp.state().get("received", {}).get("uc3-1/local-start", 0)


@pytest.fixture(scope="module")
def world(empty_stage):
    return World(empty_stage)


@pytest.fixture(autouse=True)
def everybody_there(world):
    yield
    for csp in (world.home, world.other):
        csp.online()
        csp.behave(UC3_1="ordinary")


def test_annex_a3_a_card_that_only_its_home_csp_knows(world):
    answer = world.hold_to_the_reader(CARD, "accepted")
    session = answer["service_session_id"]
    assert (answer["home_csp"], answer["authorised"]) == ("DE-HOM", "ONLINE")
    visit = world.charge()
    assert (visit["service_session_id"], visit["stage"]) == (session, "billed")

    at_home = world.home.knows(
        lambda s: s["sessions"][session] if s["sessions"][session].get("completed") else None
    )
    assert at_home["authorization_reference"] == answer["authorization_reference"]
    assert at_home["total_energy"] == visit["energy_kwh"]
    sdr = world.home.knows(lambda s: s.get("sdrs", {}).get(visit["sdr_id"]))
    outcome, claimed, rated = price(world.stage.rated(session))
    assert (outcome, claimed) == ("agreed", rated)
    assert claimed == round(Decimal(sdr["total_energy"]) * Decimal("0.49"), 2)

    # The other one was asked, said no, and heard nothing more of it; the outsider nothing at all.
    assert world.other.state()["sessions"][session] == {
        "decision": "REFUSED", "authorised": "ONLINE", "visited_cso": "DE*VIS",
        "evse_id": "DE*VIS*E1", "cso_session_id": visit["cso_session_id"],
    }  # fmt: skip
    assert world.other.state().get("sdrs", {}) == {}
    assert heard(world.outsider) == set()


def test_annex_a3_a_card_of_the_other_home_csp_goes_to_that_one(world):
    answer = world.hold_to_the_reader(OTHERS_CARD, "accepted")
    assert answer["home_csp"] == "NL-OTH"
    world.visited.do({"do": "end", "expect": "accepted"})


def test_annex_a3_a_blocked_card_and_one_of_nobody_open_no_session(world):
    assert world.hold_to_the_reader(BLOCKED, "refused")["decision"] == "REFUSED"
    before = world.asked(world.home)
    assert world.hold_to_the_reader(NOBODYS, "refused")["reason"] == "unknown"
    assert world.asked(world.home) == before + 1
    # A moment later it is still nobody's: nobody is bothered again.
    assert world.hold_to_the_reader(NOBODYS, "refused")["reason"] == "unknown"
    assert world.asked(world.home) == before + 1
    assert not models.ServiceSession.objects.exclude(
        state__in=["refused", "authorised", "active", "completed", "cancelled"]
    ).exists()


def test_annex_a3_two_accept_and_the_second_is_told_that_it_lost(world):
    for csp in (world.home, world.other):
        csp.behave(UC3_1="accept")
    answer = world.hold_to_the_reader(ANYBODYS, "accepted")
    winner, loser = world.home, world.other
    if answer["home_csp"] == "NL-OTH":
        winner, loser = loser, winner
    session = answer["service_session_id"]
    withdrawn = loser.knows(lambda s: s["sessions"].get(session, {}).get("withdrawn"))
    assert withdrawn in ("accepted_elsewhere", "accepted_too_late")
    world.visited.do({"do": "end", "expect": "accepted"})
    winner.knows(lambda s: s["sessions"][session].get("completed"))
    assert "withdrawn" not in winner.state()["sessions"][session]
    assert "completed" not in loser.state()["sessions"][session]


def test_annex_a3_the_home_csp_is_away_and_its_policy_decides(world):
    world.home.do({"do": "identifications", "drivers": distributed(), "expect": "accepted"})
    world.visited.knows(lambda s: ALLOWED in s.get("identifications", {}))
    world.home.offline()
    assert world.hold_to_the_reader(NEVER, "receiver_not_connected")["code"]
    answer = world.hold_to_the_reader(ALLOWED, "accepted")
    session = answer["service_session_id"]
    assert (answer["home_csp"], answer["authorised"]) == ("DE-HOM", "OFFLINE")
    visit = world.charge()
    assert visit["authorised"] == "OFFLINE"

    # Back again, it learns of the session, of its end, and of its SDR.
    world.home.online()
    world.home.knows(lambda s: visit["sdr_id"] in s.get("sdrs", {}), 90)
    world.home.knows(lambda s: s["sessions"].get(session, {}).get("completed"), 90)
    at_home = world.home.state()["sessions"][session]
    assert (at_home["decision"], at_home["authorised"]) == ("ACCEPTED", "OFFLINE")
    outcome, claimed, rated = price(world.stage.rated(session))
    assert (outcome, claimed) == ("agreed", rated)

    # What is always allowed is not asked for at all.
    before = world.asked(world.home)
    answer = world.hold_to_the_reader(ALWAYS, "accepted")
    assert (answer["authorised"], answer["offline_reason"]) == ("OFFLINE", "whitelist_always")
    world.visited.do({"do": "end", "expect": "accepted"})
    told = world.home.knows(lambda s: s["sessions"].get(answer["service_session_id"]))
    assert (told["decision"], told["authorised"]) == ("ACCEPTED", "OFFLINE")
    assert world.asked(world.home) == before + 1  # the news came the same way, decided


def test_annex_a3_the_uid_of_a_card_stands_in_no_log(world):
    world.hold_to_the_reader(CARD, "accepted")
    world.visited.do({"do": "end", "expect": "accepted"})
    for name in ("web", "worker", "beat"):
        said = (world.stage.running.folder / f"{name}.log").read_text(errors="replace")
        assert not any(uid in said for uid in (CARD, BLOCKED, NOBODYS, ALLOWED, ANYBODYS))


def distributed():
    """The cards for offline use, as UC4-2 carries them."""
    return [
        {"token_uid": d["token_uid"], "contract_id": d["contract_id"],
         "whitelist": d["whitelist"], "valid": True}
        for d in DISTRIBUTED
    ]  # fmt: skip

"""All 20 use cases between two simulated operators and the clearing house, told step by step."""

import pytest

from roaming import models
from tests import databases, factories
from tests.simulated import cast_of, invite, wait_until
from tests.stack import stack

pytestmark = pytest.mark.slow

TOKEN, CONTRACT, EMAID = "04A2B3C4D5E6F7", "DE-HOM-C12345678-X", "DEHOMC12345678"
E1, E2 = "DE*VIS*E1", "DE*VIS*E2"
USER = {"token_uid": TOKEN, "contract_id": CONTRACT}


class World:
    """A clearing house with a CSO and a CSP at work; nothing charges by itself for long."""

    def __init__(self, running, begin):
        self.running = running
        cso, cso_token = invite("Visited", "DE*VIS")
        csp, csp_token = invite("Home", "DE-HOM")
        factories.make_agreement(cso, csp)
        self.csp = begin("home", csp_token, drivers=[USER], partner="DE*VIS")
        self.cso = begin(
            "visited",
            cso_token,
            partner="DE-HOM",
            sessions={"seconds": None, "updates_every_seconds": 0.3, "time_lapse": 3600},
        )
        self.csp.knows(lambda state: len(state.get("evses", {})) == 2)

    def session_at_home(self, session_id):
        return self.csp.state()["sessions"][session_id]

    def result_of(self, outcome, timeout_s=30):
        """What came of a command, as the home-CSP was told."""
        command = outcome["answer"]["command_id"]
        return self.csp.knows(
            lambda state: state["commands"].get(command, {}).get("result"), timeout_s
        )

    def started_remotely(self):
        (start,) = self.csp.do({"do": "remote_start", "evse_id": E1, "expect": "accepted"})
        assert self.result_of(start) == "SUCCEEDED"
        return start["answer"]["service_session_id"]

    def stopped(self, session_id):
        (stop,) = self.csp.do({"do": "stop", "session": session_id, "expect": "accepted"})
        assert self.result_of(stop) == "SUCCEEDED"
        self.csp.knows(lambda state: state["sessions"][session_id].get("completed"))
        return self.csp.knows(lambda state: sdr_of(state, session_id))


def sdr_of(state, session_id):
    sdrs = state.get("sdrs", {}).values()
    return next((s for s in sdrs if s["service_session_id"] == session_id), None)


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker, tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    with (
        django_db_blocker.unblock(),
        databases.cloned_database() as name,
        stack(name, folder) as running,
        cast_of(folder, running.address) as begin,
    ):
        running.start("web", "worker", "beat")
        running.wait_until_ready()
        yield World(running, begin)


def test_group_1_sites_and_statuses_reach_the_home_csp(world):
    site = world.csp.state()["sites"]["SIM-1"]
    assert [evse["evse_id"] for evse in site["evses"]] == [E1, E2]
    world.cso.do({"do": "status", "evse_id": E2, "state": "BLOCKED", "expect": "accepted"})
    world.csp.knows(lambda state: state["evses"][E2].get("state") == "BLOCKED")
    world.cso.do({"do": "status", "evse_id": E2, "expect": "accepted"})
    world.cso.do({"do": "rotate", "expect": "accepted"}, {"do": "publish", "expect": "accepted"})


def test_group_2_tariffs_reach_the_home_csp_and_are_asked_for(world):
    world.csp.knows(lambda state: "SIM-T1" in state.get("tariffs", {}))
    (stored, asked) = world.csp.do(
        {"do": "tariffs_in_force", "expect": "accepted"},
        {"do": "ask_tariffs", "expect": "accepted"},
    )
    assert [t["tariff_id"] for t in stored["answer"]["tariffs"]] == ["SIM-T1"]
    assert asked["answer"]["source"] == "store"


def test_uc3_1_uc3_3_and_uc4_1_a_user_identifies_at_the_evse(world):
    (local,) = world.cso.do({"do": "local_start", **USER, "evse_id": E2, "expect": "accepted"})
    world.cso.do({"do": "end", "expect": "accepted"})
    session = local["answer"]["service_session_id"]
    world.csp.knows(lambda state: state["sessions"][session].get("nothing_provided"))
    (plugged,) = world.cso.do({"do": "plug_and_charge", "emaid": EMAID, "expect": "accepted"})
    assert world.session_at_home(plugged["answer"]["service_session_id"])["decision"] == "ACCEPTED"
    world.cso.do({"do": "end", "expect": "accepted"})
    (known,) = world.cso.do({"do": "identify", "token_uid": TOKEN, "expect": "accepted"})
    assert known["answer"]["home_csp"] == "DE-HOM"


def test_uc3_2_3_4_3_5_3_6_3_9_a_remote_session_from_start_to_sdr(world):
    session = world.started_remotely()
    world.csp.knows(lambda state: state["sessions"][session].get("updates", 0) >= 2)
    (asked,) = world.csp.do({"do": "ask_information", "session": session, "expect": "accepted"})
    assert asked["answer"]["fresh"]
    assert float(asked["answer"]["information"]["energy_kwh"]) > 0
    sdr = world.stopped(session)
    assert sdr["state"] == "validated"
    row = models.ServiceSession.objects.get(id=session)
    assert (row.state, row.authorised) == ("completed", "COMMAND")
    assert models.ChargingUpdate.objects.filter(session=row).count() >= 2


def test_uc3_7_and_uc3_10_the_plan_is_wished_for_and_changed(world):
    session = world.started_remotely()
    (wished,) = world.csp.do(
        {
            "do": "wishes", "session": session, "energy_kwh": 20, "profile": "GREEN",
            "departure_in_seconds": 7200, "expect": "accepted",
        }
    )  # fmt: skip
    assert wished["answer"]["plan"]["periods"][0]["maximum_power_kw"] == 5.5
    world.cso.do({"do": "change_plan", "power_kw": 3.7, "reason": "grid", "expect": "accepted"})
    world.csp.knows(
        lambda state: (state["sessions"][session].get("plan") or {}).get("reason") == "grid"
    )
    world.stopped(session)


def test_uc3_8_reservations_are_cancelled_used_and_not_shown_up_for(world):
    (held,) = world.csp.do({"do": "reserve", "evse_id": E1, "expect": "accepted"})
    assert world.result_of(held) == "SUCCEEDED"
    world.csp.knows(lambda state: state["evses"][E1].get("state") == "RESERVED")
    (gone,) = world.csp.do({"do": "cancel_reservation", "expect": "accepted"})
    assert world.result_of(gone) == "SUCCEEDED"
    (used,) = world.csp.do({"do": "reserve", "evse_id": E1, "expect": "accepted"})
    assert world.result_of(used) == "SUCCEEDED"
    (start,) = world.csp.do({"do": "remote_start", "reservation": "latest", "expect": "accepted"})
    assert world.result_of(start) == "SUCCEEDED"
    world.stopped(start["answer"]["service_session_id"])
    (late,) = world.csp.do({"do": "reserve", "evse_id": E1, "for_seconds": 3, "expect": "accepted"})
    assert world.result_of(late) == "SUCCEEDED"
    reservation = late["answer"]["reservation_id"]
    world.csp.knows(
        lambda state: state["reservations"][reservation].get("outcome") == "NO_SHOW", 60
    )
    sdr = world.csp.knows(lambda state: sdr_of(state, late["answer"]["service_session_id"]))
    assert sdr["total_energy"] == "0"
    states = models.Reservation.objects.order_by("id").values_list("state", flat=True)
    assert list(states) == ["cancelled", "fulfilled", "no_show"]


def test_uc4_2_identifications_are_distributed(world):
    world.csp.do({"do": "identifications", "expect": "accepted"})
    world.cso.knows(lambda state: TOKEN in state.get("identifications", {}))
    changed = [{"token_uid": TOKEN, "contract_id": CONTRACT, "valid": False}]
    world.csp.do({"do": "changed_identifications", "drivers": changed, "expect": "accepted"})
    world.cso.knows(lambda state: state["identifications"][TOKEN]["valid"] is False)
    world.csp.do({"do": "identifications", "expect": "accepted"})


def test_group_5_outages_and_cables(world):
    world.cso.do({"do": "outage", "outage_id": "O1", "for_seconds": 600, "expect": "accepted"})
    world.csp.knows(lambda state: state.get("outages", {}).get("O1", {}).get("evse_ids"))
    world.cso.do({"do": "outage", "outage_id": "O1", "state": "ENDED", "expect": "accepted"})
    world.csp.knows(lambda state: state["outages"]["O1"].get("state") == "ENDED")
    (evse,) = world.csp.do({"do": "unlock_evse", "evse_id": E2, "expect": "accepted"})
    assert world.result_of(evse) == "SUCCEEDED"
    session = world.started_remotely()
    (cable,) = world.csp.do({"do": "unlock", "session": session, "expect": "accepted"})
    assert world.result_of(cable) == "SUCCEEDED"
    world.csp.knows(lambda state: state["sessions"][session].get("completed"))


def test_what_becomes_of_a_command_reaches_the_asker_also_late_or_never(world):
    world.cso.behave(UC3_2=["refuse:EVSE_OCCUPIED", "accept,result=failed:NOT_PLUGGED_IN"])
    (rejected,) = world.csp.do({"do": "remote_start", "evse_id": E1, "expect": "rejected"})
    assert rejected["answer"]["reason"] == "EVSE_OCCUPIED"
    (failed,) = world.csp.do({"do": "remote_start", "evse_id": E1, "expect": "accepted"})
    assert world.result_of(failed) == "FAILED"
    world.cso.behave(UC3_2="time_out")
    world.csp.do({"do": "remote_start", "evse_id": E1, "expect": "receiver_timed_out"})
    world.cso.behave(UC3_2="answer_rubbish")
    world.csp.do({"do": "remote_start", "evse_id": E1, "expect": "receiver_answered_rubbish"})
    world.cso.behave(UC3_2="ordinary")


def test_a_home_csp_that_was_away_fetches_what_it_missed(world):
    world.csp.offline()
    world.cso.do({"do": "status", "evse_id": E2, "state": "INOPERATIVE", "expect": "accepted"})
    world.csp.online()
    world.csp.do({"do": "fetch"})
    assert world.csp.knows(lambda state: state["evses"][E2]["state"] == "INOPERATIVE")


def test_at_the_end_nothing_waits_and_both_records_agree_with_the_journal(world):
    wait_until(
        lambda: not models.Delivery.objects.filter(state="waiting").exists(),
        60,
        lambda: str(list(models.Delivery.objects.filter(state="waiting").values()[:5])),
    )
    for operator in (world.cso, world.csp):
        sent = {row["message_id"]: row for row in operator.rows("sent")}
        got = {row["message_id"]: row for row in operator.rows("got")}
        assert got.keys() == sent.keys()
        journalled = set(
            models.JournalEntry.objects.filter(
                phase="verdict", sender__name=f"{operator.name.capitalize()} platform"
            ).values_list("message_id", flat=True)
        )
        beside = ("/registration", "/messages/acknowledgement")
        business = {i for i, row in sent.items() if row["path"] not in beside}
        assert business <= journalled, {sent[i]["path"] for i in business - journalled}
    arrived = {r["message_id"] for o in (world.cso, world.csp) for r in o.rows("received")}
    delivered = models.Delivery.objects.filter(state="delivered").values_list(
        "message_id", flat=True
    )
    assert {str(message_id) for message_id in delivered} <= arrived

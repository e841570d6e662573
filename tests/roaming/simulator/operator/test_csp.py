"""The home-CSP's side: whom it lets charge, what it asks for, what it learns."""

import pytest

from tests.roaming.simulator.operator.hub import CSP, TOKEN, running

GOOD = {"token_uid": TOKEN, "contract_id": "DE-SIM-C12345678"}
BLOCKED = {"token_uid": "04B1B2B3B4B5B6", "contract_id": "DE-SIM-C87654321", "may_charge": False}


@pytest.fixture
def csp():
    with running(CSP, drivers=[GOOD, BLOCKED], partner="DE*VIS") as operator:
        yield operator


def question(**fields):
    identification = fields.pop("identification", {"method": "RFID", **GOOD})
    return {
        "question_id": "q-1",
        "service_session_id": "s-1",
        "visited_cso": "DE*VIS",
        "home_csp": "DE-SIM",
        "evse_id": "DE*VIS*E1",
        "identification": identification,
        **fields,
    }


@pytest.mark.parametrize(
    "path", ["uc3-1/local-start", "uc3-3/plug-and-charge-start", "uc4-1/authorisation"]
)
@pytest.mark.parametrize(
    ("presented", "decision", "reason"),
    [
        ({"token_uid": TOKEN}, "ACCEPTED", None),
        ({"contract_id": "DESIMC12345678"}, "ACCEPTED", None),
        ({"token_uid": BLOCKED["token_uid"]}, "REFUSED", "blocked"),
        ({"token_uid": "04FFFFFFFFFFFF"}, "REFUSED", "unknown"),
    ],
)
def test_it_lets_its_own_drivers_charge(csp, path, presented, decision, reason):
    _, answer = csp.call.post(path, question(identification={"method": "RFID", **presented}))
    assert (answer["decision"], answer.get("reason")) == (decision, reason)
    if decision == "ACCEPTED":
        assert answer["contract_id"] == GOOD["contract_id"]


def test_without_a_list_everybody_may_charge_but_a_broadcast_is_refused():
    with running(CSP) as csp:
        assert csp.call.post("uc3-1/local-start", question())[1]["decision"] == "ACCEPTED"
        broadcast = question(broadcast=True)
        assert csp.call.post("uc3-1/local-start", broadcast)[1]["decision"] == "REFUSED"


def test_news_that_the_clearing_house_stood_in_is_taken_and_not_decided(csp):
    decided = {"decision": "ACCEPTED", "authorised": "OFFLINE"}
    assert csp.call.post("uc3-1/local-start", question(decided=decided)) == (200, {})
    assert csp.state()["sessions"]["s-1"]["authorised"] == "OFFLINE"


def test_it_learns_how_a_session_goes_whatever_the_order(csp):
    def told(stamp, energy):
        return {"service_session_id": "s-1", "stamped_at": stamp, "energy_kwh": energy}

    csp.call.post("uc3-6/charging-information", told("2026-10-05T10:10:00+02:00", 2.5))
    csp.call.post("uc3-6/charging-information", told("2026-10-05T10:05:00+02:00", 1.0))
    csp.call.post("uc3-10/charge-plan", {"service_session_id": "s-1", "periods": [1], "number": 2})
    csp.call.post("uc3-5/completion", {"service_session_id": "s-1", "total_energy": 3})
    session = csp.state()["sessions"]["s-1"]
    assert (session["energy_kwh"], session["updates"]) == ("2.5", 2)
    assert session["plan"]["number"] == 2
    assert session["completed"]


def test_it_keeps_what_is_published(csp):
    site = {"id": "S1", "visited_cso": "DE*VIS", "evses": [{"evse_id": "DE*VIS*E1"}]}
    csp.call.post("uc1-2/sites", site)
    csp.call.post(
        "uc1-3/evse-statuses", {"statuses": [{"evse_id": "DE*VIS*E1", "state": "CHARGING"}]}
    )
    csp.call.post("uc2-1/tariffs", {"id": "T1", "visited_cso": "DE*VIS"})
    csp.call.post("uc5-1/outages", {"id": "O1", "kind": "PLANNED"})
    csp.call.post("agreements/notice", {"agreement_id": "7", "status": "active"})
    state = csp.state()
    assert state["evses"]["DE*VIS*E1"] == {"visited_cso": "DE*VIS", "state": "CHARGING"}
    assert state["sites"]["S1"] == site
    assert {"tariffs", "outages", "agreements"} <= state.keys()


def test_commands_take_what_is_known_and_their_results_are_remembered(csp):
    csp.call.post(
        "uc1-2/sites", {"id": "S1", "visited_cso": "DE*VIS", "evses": [{"evse_id": "DE*VIS*E1"}]}
    )
    (outcome,) = csp.do({"do": "remote_start", "expect": "accepted"})
    (wish,) = [m.body for m in csp.hub.messages("/remote-start")]
    assert (wish["evse_id"], wish["identification"]["token_uid"]) == ("DE*VIS*E1", TOKEN)
    command_id = outcome["answer"]["command_id"]
    csp.call.post("uc3-2/result", {"command_id": command_id, "result": "TIMED_OUT"})
    csp.call.post("uc3-2/result", {"command_id": command_id, "result": "SUCCEEDED", "late": True})
    csp.do({"do": "wait_for", "path": "uc3-2/result", "where": {"result": "SUCCEEDED"}})
    command = csp.state()["commands"][command_id]
    assert (command["result"], command["late"]) == ("SUCCEEDED", True)
    csp.do({"do": "stop"}, {"do": "unlock"}, {"do": "unlock_evse"})
    session = outcome["answer"]["service_session_id"]
    assert len(csp.hub.messages(f"/service-sessions/{session}/stop")) == 1
    assert csp.hub.messages(f"/service-sessions/{session}/unlock")[0].body["why"]
    assert csp.hub.messages("/evses/DE%2AVIS%2AE1/unlock")[0].body["home_csp"] == "DE-SIM"


def test_reservations_wishes_and_lists(csp):
    csp.do({"do": "reserve", "evse_id": "DE*VIS*E1", "for_seconds": 1800, "in_seconds": 60})
    (wish,) = [m.body for m in csp.hub.messages("/reservations")]
    assert wish["starts_at"] < wish["expires_at"]
    csp.do({"do": "remote_start", "reservation": "latest"})
    start = csp.hub.messages("/remote-start")[0].body
    assert start["reservation_id"] == csp.operator.around.memory.latest("reservations")
    csp.hub.overrides.insert(
        0, lambda m: (200, {"command_id": "c-9"}) if m.method == "DELETE" else None
    )
    csp.do({"do": "cancel_reservation"})
    csp.do({"do": "wishes", "energy_kwh": 20, "profile": "GREEN", "departure_in_seconds": 3600})
    (wishes,) = [m.body for m in csp.hub.messages("/charge-plan")]
    assert wishes["departure_time"]
    csp.do({"do": "identifications"})
    (listed,) = [m.body for m in csp.hub.messages("/identifications?home_csp=DE-SIM")]
    assert [row["valid"] for row in listed] == [True, False]
    csp.do({"do": "tariffs_in_force"}, {"do": "ask_tariffs"})
    assert csp.hub.messages("/tariff-requests")[0].body["visited_cso"] == "DE*VIS"


def test_an_outsider_to_all_steps_is_told_which_there_are(csp):
    with pytest.raises(ValueError, match="remote_start"):
        csp.do({"do": "dance"})
    with pytest.raises(ValueError, match="step 2, stop"):
        csp.do({"do": "say", "text": "x"}, {"do": "stop", "loudly": True})
    with pytest.raises(ValueError, match="no sessions yet"):
        csp.do({"do": "stop"})

"""The visited-CSO's side: what it publishes, how it takes commands, what it sends of a session."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from tests.roaming.simulator.operator.hub import CSO, START, TOKEN, running

EVSE = "DE*SIM*E1"


@pytest.fixture
def cso():
    with running(CSO) as operator:
        yield operator


def command(**fields):
    return {
        "command_id": "c-1",
        "service_session_id": "s-1",
        "visited_cso": "DE*SIM",
        "home_csp": "DE-HOM",
        "evse_id": EVSE,
        "identification": {"method": "APP", "token_uid": TOKEN, "contract_id": "DE-HOM-C12345678"},
        "authorization_reference": "A-1",
        "csp_session_id": "C-1",
        "requested_at": "2026-10-05T10:00:00+02:00",
        **fields,
    }


def paths(cso):
    return [
        (m.method, m.path.removeprefix("/api/v1"))
        for m in cso.hub.heard
        if "/status" not in m.path and m.method != "GET"
    ]


def results(cso):
    return [m.body for m in cso.hub.messages("/result")]


def test_it_publishes_as_soon_as_it_is_registered(cso):
    assert paths(cso) == [
        ("POST", "/registration"), ("PUT", "/sites/SIM-1"), ("PUT", "/tariffs/SIM-T1"),
    ]  # fmt: skip
    states = [m.body["state"] for m in cso.hub.messages("/status")]
    assert states == ["AVAILABLE", "AVAILABLE"]


def test_sites_and_tariffs_of_the_configuration_go_out_as_they_were_written():
    site = {
        "id": "S1", "address": "Platz 1", "city": "Jena", "country": "DE",
        "coordinates": {"latitude": "50.9", "longitude": "11.5"}, "time_zone": "Europe/Berlin",
        "evses": [{"evse_id": "DE*SIM*E9", "connectors": [{"id": "1", "tariff_ids": ["T9"]}]}],
        "remark": "kept",
    }  # fmt: skip
    tariff = {
        "id": "T9", "currency": "EUR", "home_csp": "DE-HOM",
        "elements": [{"price_components": [{"type": "ENERGY", "price": 0.5}]}],
    }  # fmt: skip
    with running(CSO, sites=[site], tariffs=[tariff]) as cso:
        (sent,) = cso.hub.messages("/sites/S1")
        assert sent.body["remark"] == "kept"
        assert sent.body["visited_cso"] == "DE*SIM"
        assert cso.hub.messages("/tariffs/T9")[0].body["home_csp"] == "DE-HOM"


def test_a_local_start_becomes_a_session_that_is_told_completed_and_billed(cso):
    cso.do(
        {"do": "local_start", "token_uid": TOKEN, "home_csp": "DE-HOM", "expect": "accepted"},
        {"do": "charge"},
    )
    assert next(p for _, p in paths(cso)[3:]) == "/service-sessions/local-start"
    updates = [m.body for m in cso.hub.messages("/charging-information")]
    assert len(updates) >= 1
    energies = [Decimal(str(u["energy_kwh"])) for u in updates]
    assert energies == sorted(energies)
    assert all(u["cost"]["currency"] == "EUR" for u in updates)
    (completion,) = [m.body for m in cso.hub.messages("/completion")]
    (sdr,) = [m.body for m in cso.hub.messages("/sdrs")]
    assert sdr["total_energy"] == completion["total_energy"] > 0
    assert (sdr["start_date_time"], sdr["end_date_time"]) == (
        completion["start_date_time"], completion["end_date_time"],
    )  # fmt: skip
    expected = (Decimal(str(sdr["total_energy"])) * Decimal("0.49")).quantize(Decimal("0.01"))
    assert abs(Decimal(str(sdr["total_cost"]["excl_vat"])) - expected) <= Decimal("0.01")
    (visit,) = cso.state()["visits"]
    assert (visit["stage"], visit["sdr_state"]) == ("billed", "validated")
    assert cso.state()["statuses"][EVSE] == "AVAILABLE"


def test_a_refused_start_leads_to_no_visit(cso):
    cso.hub.overrides.insert(
        0,
        lambda m: (
            (200, {"decision": "REFUSED", "reason": "blocked"})
            if m.path.endswith("/local-start")
            else None
        ),
    )
    cso.do({"do": "local_start", "token_uid": TOKEN, "expect": "refused"})
    assert cso.state()["visits"] == []


def test_what_the_other_party_failed_to_do_is_an_answer_and_is_not_asked_again(cso):
    cso.hub.overrides.insert(
        0,
        lambda m: (
            (504, {"code": "receiver_timed_out"}) if m.path.endswith("/local-start") else None
        ),
    )
    cso.do({"do": "local_start", "token_uid": TOKEN, "expect": "receiver_timed_out"})
    assert len(cso.hub.messages("/local-start")) == 1


def test_a_remote_start_is_taken_and_its_result_follows_before_the_first_report(cso):
    status, answer = cso.call.post("uc3-2/remote-start", command())
    assert (status, answer["response"]) == (200, "ACCEPTED")
    assert answer["timeout_s"] > 0
    cso.settle()
    said = [m.path.rpartition("/")[2] for m in cso.hub.heard[6:] if "/status" not in m.path]
    assert said[0] == "result"
    assert said[-2:] == ["completion", "sdrs"]
    (result,) = results(cso)
    assert result["result"] == "SUCCEEDED"
    (sdr,) = [m.body for m in cso.hub.messages("/sdrs")]
    assert result["cso_session_id"] == sdr["cso_session_id"]
    assert (sdr["service_session_id"], sdr["authorization_reference"]) == ("s-1", "A-1")
    assert sdr["identification"]["authorised"] == "COMMAND"
    assert all(m.headers["X-Correlation-ID"] == "corr-1" for m in cso.hub.messages("/sdrs"))


@pytest.mark.parametrize(
    ("like", "result", "charges"),
    [
        ("accept,result=failed:cable_not_plugged_in,after=0", "FAILED", False),
        ("accept,result=none,after=0", None, False),
        ("accept,result=lost,after=0", None, True),
    ],
)
def test_what_becomes_of_a_command_can_be_told(cso, like, result, charges):
    cso.operator.conduct.change("UC3-2", like)
    assert cso.call.post("uc3-2/remote-start", command())[1]["response"] == "ACCEPTED"
    cso.settle()
    assert [r["result"] for r in results(cso)] == ([result] if result else [])
    if result:
        assert results(cso)[0]["reason"] == "cable_not_plugged_in"
    assert bool(cso.hub.messages("/completion")) is charges


def test_a_start_that_cannot_be_is_rejected_with_the_reason(cso):
    post = cso.call.post
    unknown = post("uc3-2/remote-start", command(evse_id="DE*SIM*E77"))[1]
    assert unknown == {"response": "REJECTED", "reason": "unknown_evse"}
    cso.do({"do": "local_start", "token_uid": TOKEN}, {"do": "begin"})
    occupied = post("uc3-2/remote-start", command())[1]
    assert occupied == {"response": "REJECTED", "reason": "evse_occupied"}
    cso.operator.conduct.change("UC3-2", "refuse:closed_at_night")
    other = post("uc3-2/remote-start", command(evse_id="DE*SIM*E2"))[1]
    assert other["reason"] == "closed_at_night"


def test_a_stop_ends_the_charging_and_completes_it(cso):
    cso.do({"do": "local_start", "token_uid": TOKEN}, {"do": "begin"})
    session = cso.state()["visits"][0]["service_session_id"]
    assert cso.call.post("uc3-4/stop", command(service_session_id="s-9"))[1]["reason"] == (
        "unknown_session"
    )
    stop = command(command_id="c-2", service_session_id=session)
    assert cso.call.post("uc3-4/stop", stop)[1]["response"] == "ACCEPTED"
    cso.settle()
    assert [m.path for m in cso.hub.heard[-6:] if "status" not in m.path][-3:] == [
        "/api/v1/commands/c-2/result",
        f"/api/v1/service-sessions/{session}/completion",
        "/api/v1/sdrs",
    ]


def test_an_emergency_unlocking_needs_no_session_and_ends_one_that_runs(cso):
    unlock = command(requested_by="Help desk", why="stuck")
    del unlock["service_session_id"]
    assert cso.call.post("uc5-3/unlock", unlock)[1]["response"] == "ACCEPTED"
    cso.do({"do": "local_start", "token_uid": TOKEN}, {"do": "begin"})
    session = cso.state()["visits"][0]["service_session_id"]
    cso.call.post("uc5-2/unlock", command(command_id="c-3", service_session_id=session))
    cso.settle()
    assert [r["result"] for r in results(cso)] == ["SUCCEEDED", "SUCCEEDED"]
    assert cso.state()["visits"][0]["stage"] == "billed"


def reservation(minutes=30, **fields):
    start = START + timedelta(hours=0)
    return command(
        reservation_id="r-1",
        reference="HOM-1",
        starts_at=start.isoformat(),
        expires_at=(start + timedelta(minutes=minutes)).isoformat(),
        **fields,
    )


def test_a_reservation_keeps_the_evse_for_its_user(cso):
    later = reservation(minutes=600_000)
    assert cso.call.post("uc3-8/reservation", later)[1]["response"] == "ACCEPTED"
    cso.operator.wait(1.3)  # until the result has gone out
    (result,) = results(cso)
    assert (result["result"], result["cso_reference"][:2]) == ("SUCCEEDED", "R-")
    other = command(command_id="c-2", service_session_id="s-2")
    assert cso.call.post("uc3-2/remote-start", other)[1]["reason"] == "evse_reserved"
    again = {**later, "reservation_id": "r-2", "command_id": "c-3"}
    assert cso.call.post("uc3-8/reservation", again)[1]["reason"] == "evse_reserved"
    mine = command(command_id="c-4", reservation_id="r-1")
    assert cso.call.post("uc3-2/remote-start", mine)[1]["response"] == "ACCEPTED"
    cso.settle()
    assert cso.state()["reservations"][0]["state"] == "fulfilled"
    assert cso.state()["visits"][0]["stage"] == "billed"


def test_a_cancelled_reservation_frees_the_evse(cso):
    cso.call.post("uc3-8/reservation", reservation(minutes=600_000))
    cso.operator.wait(1.3)
    assert cso.call.post("uc3-8/cancellation", command(command_id="c-2", reservation_id="r-1"))[1][
        "response"
    ] == "ACCEPTED"  # fmt: skip
    cso.settle()
    assert cso.state()["reservations"][0]["state"] == "cancelled"
    gone = command(command_id="c-3", reservation_id="r-1")
    assert cso.call.post("uc3-8/cancellation", gone)[1]["reason"] == "unknown_reservation"


def test_a_no_show_is_told_and_billed_for_the_time_that_was_reserved(cso):
    asked = reservation(minutes=30)
    cso.call.post("uc3-8/reservation", asked)
    cso.hub.began -= 60  # 6000 seconds of its clock
    cso.settle()
    (outcome,) = [m.body for m in cso.hub.messages("/outcome")]
    assert outcome["outcome"] == "NO_SHOW"
    (sdr,) = [m.body for m in cso.hub.messages("/sdrs")]
    assert sdr["charging_periods"][0]["dimensions"] == [{"type": "RESERVATION_TIME", "volume": 0.5}]
    assert sdr["total_cost"]["excl_vat"] == 3.0  # half an hour at 6.00
    assert datetime.fromisoformat(sdr["end_date_time"]) == datetime.fromisoformat(
        asked["expires_at"]
    )


def test_a_cso_that_claims_nothing_lets_the_reservation_expire():
    habit = {"no_show": False, "watch_every_seconds": 0.05}
    with running(CSO, reservations=habit) as cso:
        cso.call.post("uc3-8/reservation", reservation(minutes=30))
        cso.hub.began -= 60
        cso.settle()
        assert [m.body["outcome"] for m in cso.hub.messages("/outcome")] == ["EXPIRED"]
        assert cso.hub.messages("/sdrs") == []


def test_wishes_are_answered_with_a_plan_that_the_session_follows(cso):
    cso.do({"do": "local_start", "token_uid": TOKEN}, {"do": "begin"})
    session = cso.state()["visits"][0]["service_session_id"]
    wishes = command(service_session_id=session, maximum_power_kw=8, profile="GREEN")
    _, answer = cso.call.post("uc3-7/charge-plan-wishes", wishes)
    assert answer["decision"] == "ACCEPTED"
    assert answer["plan"]["periods"][0]["maximum_power_kw"] == 4
    _, now = cso.call.post("uc3-6/request", command(service_session_id=session))
    assert now["power_kw"] == 4
    cso.do({"do": "change_plan", "power_kw": 3.7, "reason": "grid"})
    (update,) = [m.body for m in cso.hub.messages("/charge-plan-updates")]
    assert (update["periods"][0]["maximum_power_kw"], update["reason"]) == (3.7, "grid")
    unknown = cso.call.post("uc3-7/charge-plan-wishes", command(service_session_id="s-9"))[1]
    assert unknown == {"decision": "REJECTED", "reason": "unknown_session"}


def test_tariffs_are_shown_to_whom_they_concern_and_lists_are_kept(cso):
    cso.do({"do": "tariff", "tariff": {**_special(), "home_csp": "DE-OTH"}})
    _, answer = cso.call.post("uc2-2/tariff-request", command())
    assert [t["id"] for t in answer["tariffs"]] == ["SIM-T1"]


def test_lists_of_identifications_are_kept_whole(cso):
    def listed(list_id, *tokens, scope="full", part=1, parts=1, **fields):
        rows = [{"token_uid": token, **fields} for token in tokens]
        return {
            "home_csp": "DE-HOM", "scope": scope, "list_id": list_id, "part": part,
            "parts": parts, "identifications": rows,
        }  # fmt: skip

    post = lambda content: cso.call.post("uc4-2/identifications", content)  # noqa: E731
    assert post(listed("l1", TOKEN, "04B1B2B3")) == (200, {})
    post(listed("l2", "04C1C2C3", scope="delta"))
    assert cso.state()["identifications"].keys() == {TOKEN, "04B1B2B3", "04C1C2C3"}
    post(listed("l3", "04B1B2B3", part=1, parts=2))
    assert len(cso.state()["identifications"]) == 3
    post(listed("l3", "04D1D2D3", part=2, parts=2))
    assert cso.state()["identifications"].keys() == {"04B1B2B3", "04D1D2D3"}
    post(listed("l4", "04D1D2D3", scope="delta", removed=True))
    assert cso.state()["identifications"].keys() == {"04B1B2B3"}


def test_a_tariff_for_one_home_csp_beats_the_general_one(cso):
    cso.do(
        {"do": "tariff", "tariff": {**_special("SIM-T1"), "home_csp": "DE-HOM"}},
        {"do": "session", "token_uid": TOKEN, "home_csp": "DE-HOM"},
    )
    (sdr,) = [m.body for m in cso.hub.messages("/sdrs")]
    assert sdr["total_cost"]["excl_vat"] == 1.0


def _special(tariff_id="SIM-T2"):
    return {
        "id": tariff_id,
        "currency": "EUR",
        "valid_from": "2026-10-05T00:00:00Z",
        "elements": [{"price_components": [{"type": "FLAT", "price": 1, "vat": 19}]}],
    }


def test_what_cannot_be_said_now_is_said_when_the_clearing_house_is_back():
    with running(CSO, patience_s=0.1) as cso:
        cso.do({"do": "local_start", "token_uid": TOKEN, "home_csp": "DE-HOM"})
        away = [True]
        cso.hub.overrides.insert(0, lambda m: (503, {"code": "unavailable"}) if away[0] else None)
        visit = cso.operator.cso.sessions.book.latest()
        cso.operator.cso.sessions.begin(visit, 60)
        assert cso.operator.cso.sessions.complete(visit) is None
        away[0] = False
        cso.settle()
        assert cso.state()["visits"][0]["stage"] == "billed"


def test_an_evse_is_promised_once(cso):
    """Between the yes and its result nobody else is promised the same."""
    assert cso.call.post("uc3-2/remote-start", command())[1]["response"] == "ACCEPTED"
    second = command(command_id="c-2", service_session_id="s-2")
    assert cso.call.post("uc3-2/remote-start", second)[1]["reason"] == "evse_occupied"
    held = reservation(minutes=600_000, evse_id="DE*SIM*E2")
    assert cso.call.post("uc3-8/reservation", held)[1]["response"] == "ACCEPTED"
    other = {**held, "reservation_id": "r-2", "command_id": "c-3"}
    assert cso.call.post("uc3-8/reservation", other)[1]["reason"] == "evse_reserved"


def test_what_comes_to_nothing_frees_the_evse(cso):
    cso.operator.conduct.change("*", "accept,result=failed,after=0")
    cso.call.post("uc3-2/remote-start", command())
    cso.call.post("uc3-8/reservation", reservation(minutes=600_000, evse_id="DE*SIM*E2"))
    cso.settle()
    cso.operator.conduct.change("*", "ordinary")
    again = command(command_id="c-2", service_session_id="s-2")
    assert cso.call.post("uc3-2/remote-start", again)[1]["response"] == "ACCEPTED"
    held = reservation(minutes=600_000, evse_id="DE*SIM*E2") | {"reservation_id": "r-2"}
    assert cso.call.post("uc3-8/reservation", held)[1]["response"] == "ACCEPTED"

"""Beside the use cases: agreements accepted, messages fetched."""

import json

from roaming.simulator.operator.record import read_record
from tests.roaming.simulator.operator.hub import CSO, CSP, TOKEN, running

AGREEMENT = {
    "id": 7,
    "status": "proposed",
    "visited_cso": {"name": "Sim", "identifiers": ["DE*SIM"]},
    "home_csp": {"name": "Home", "identifiers": ["DE-HOM"]},
    "acceptances": [],
}


def proposes(hub, *agreements):
    hub.overrides.insert(
        0,
        lambda m: (
            (200, {"results": list(agreements), "next": None}) if "/agreements?" in m.path else None
        ),
    )


def acceptances(operator):
    return [(m.path, m.body) for m in operator.hub.heard if m.path.endswith("/acceptance")]


def test_what_waits_for_its_yes_gets_it_once_the_news_comes():
    with running(CSO) as cso:
        accepted_already = {**AGREEMENT, "id": 8, "acceptances": [{"party": "CSO"}]}
        others = {**AGREEMENT, "id": 9, "visited_cso": {"identifiers": ["DE*OTH"]}}
        proposes(cso.hub, AGREEMENT, accepted_already, others)
        notice = {"agreement_id": 7, "event": "proposed"}
        assert cso.call.post("agreements/notice", notice) == (200, {})
        cso.settle()
        assert acceptances(cso) == [("/api/v1/agreements/7/acceptance", {"visited_cso": "DE*SIM"})]
        assert cso.state()["agreements"]["7"]["event"] == "proposed"


def test_who_is_not_to_accept_does_not():
    with running(CSO, accept_agreements=False) as cso:
        proposes(cso.hub, AGREEMENT)
        cso.call.post("agreements/notice", {"agreement_id": 7, "event": "proposed"})
        cso.settle()
        assert acceptances(cso) == []
        cso.do({"do": "accept_agreements"})
        assert len(acceptances(cso)) == 1


def test_fetched_messages_are_taken_as_if_they_had_been_sent_and_acknowledged(tmp_path):
    record = tmp_path / "record.jsonl"

    def waiting(number, path, body):
        return {
            "arrival": number, "message_id": f"00000000-0000-4000-8000-00000000000{number}",
            "correlation_id": "c-1", "use_case": "UC2-1", "path": path, "state": "waiting",
            "created_at": "2026-10-05T08:00:00Z", "body": body,
        }  # fmt: skip

    first = {
        "messages": [waiting(1, "uc2-1/tariffs", {"id": "T1"}), waiting(2, "uc9-9/new", {})],
        "next_after": 2, "more": True,
    }  # fmt: skip
    second = {
        "messages": [waiting(3, "uc2-1/tariffs", {"id": "T2", "price": 0.10})],
        "next_after": 3, "more": False,
    }  # fmt: skip
    with running(CSP, record_file=str(record), record_bodies=True) as csp:
        csp.hub.overrides.insert(
            0,
            lambda m: (
                (200, second if "after=2" in m.path else first) if "/messages?" in m.path else None
            ),
        )
        csp.do({"do": "fetch"})
        assert csp.state()["tariffs"].keys() == {"T1", "T2"}
        acknowledged = [m.body["message_ids"] for m in csp.hub.messages("/acknowledgement")]
        assert [[i[-1] for i in ids] for ids in acknowledged] == [["1"], ["3"]]
        again = csp.call.post("uc2-1/tariffs", {"id": "T1"}, first["messages"][0]["message_id"])
        assert again == (200, {})
        assert csp.state()["received"]["uc2-1/tariffs"] == 2
    received = [row for row in read_record(record) if row["event"] == "received"]
    assert json.loads(received[2]["body"])["price"] == 0.10
    assert [row["again"] for row in received] == [False, False, False, True]


def test_a_driver_asked_for_is_never_shown_in_clear_on_the_screen():
    with running(CSP) as csp:
        question = {
            "visited_cso": "DE*VIS", "service_session_id": "s-1",
            "identification": {"method": "RFID", "token_uid": TOKEN},
        }  # fmt: skip
        csp.call.post("uc3-1/local-start", question)
        assert TOKEN not in csp.shown.getvalue()

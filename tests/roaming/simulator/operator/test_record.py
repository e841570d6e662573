"""The record: every message, on the disk before anything is done about it."""

import json
import os

from roaming.simulator.operator.record import Record, answers_given, body_hash, read_record
from tests.roaming.simulator.operator.hub import CSO, CSP, TOKEN, running


def rows_of(path, event):
    return [row for row in read_record(path) if row["event"] == event]


def test_what_is_sent_stands_in_it_with_its_hash_and_what_was_answered(tmp_path):
    path = tmp_path / "record.jsonl"
    with running(CSO, record_file=str(path)) as cso:
        cso.do({"do": "session", "token_uid": TOKEN, "home_csp": "DE-HOM"})
        heard = {m.headers["X-Message-ID"]: m for m in cso.hub.heard if m.method != "GET"}
    sent = {row["message_id"]: row for row in rows_of(path, "sent")}
    assert sent.keys() == heard.keys()
    for message_id, message in heard.items():
        assert sent[message_id]["body_sha256"] == body_hash(message.raw)
        assert f"/api/v1{sent[message_id]['path']}" == message.path
    assert {row["message_id"]: row["status"] for row in rows_of(path, "got")}.keys() == sent.keys()
    assert TOKEN not in path.read_text()
    assert oct(path.stat().st_mode)[-3:] == "600"
    assert next(row["event"] for row in read_record(path)) == "started"
    assert [row["event"] for row in read_record(path)][-1] == "ended"


def test_bodies_stand_in_it_where_they_are_wanted(tmp_path):
    path = tmp_path / "record.jsonl"
    with running(CSP, record_file=str(path), record_bodies=True) as csp:
        csp.call.post("uc2-1/tariffs", {"id": "T1"}, "m-1")
    (row,) = rows_of(path, "received")
    assert (json.loads(row["body"]), row["correlation_id"]) == ({"id": "T1"}, "corr-1")


def test_a_refusal_stands_in_it_with_its_code(tmp_path):
    path = tmp_path / "record.jsonl"
    with running(CSO, record_file=str(path)) as cso:
        cso.hub.overrides.insert(
            0, lambda m: (403, {"code": "no_agreement"}) if "local" in m.path else None
        )
        cso.do({"do": "local_start", "token_uid": TOKEN, "expect": "no_agreement"})
    assert [(r["status"], r.get("code")) for r in rows_of(path, "got")][-1] == (403, "no_agreement")


def test_half_a_line_of_who_was_killed_is_passed_over_and_ended(tmp_path):
    path = tmp_path / "record.jsonl"
    first = Record(path)
    first.write("answered", message_id="m-1", path="p", status=200, answer="{}")
    first.close()
    with path.open("ab") as file:
        file.write(b'{"event": "received", "mess')
    second = Record(path)
    second.write("answered", message_id="m-2", path="p", status=200, answer='{"a":1}')
    second.close()
    assert answers_given(path) == {"m-1": (200, "{}"), "m-2": (200, '{"a":1}')}


def test_every_line_is_forced_to_the_disk(tmp_path, monkeypatch):
    forced = []
    monkeypatch.setattr(os, "fsync", forced.append)
    record = Record(tmp_path / "record.jsonl")
    record.write("started")
    record.write("ended")
    assert len(forced) == 2


def test_a_platform_that_comes_back_answers_as_it_did_in_its_earlier_life(tmp_path):
    path, state = tmp_path / "record.jsonl", tmp_path / "state.json"
    question = {
        "visited_cso": "DE*VIS", "service_session_id": "s-1", "identification": {"token_uid": TOKEN}
    }  # fmt: skip
    with running(CSP, record_file=str(path), state_file=str(state)) as csp:
        first = csp.call.post("uc3-1/local-start", question, "m-1")
        url = csp.operator.presence.server.url
    assert oct(state.stat().st_mode)[-3:] == "600"
    with running(CSP, record_file=str(path), state_file=str(state)) as csp:
        assert csp.operator.presence.server.url == url
        assert [m for m in csp.hub.heard if m.path.endswith("/registration")] == []
        assert csp.call.post("uc3-1/local-start", question, "m-1") == first
        assert "s-1" not in csp.state().get("sessions", {})
    assert [r["again"] for r in rows_of(path, "received")] == [False, True]

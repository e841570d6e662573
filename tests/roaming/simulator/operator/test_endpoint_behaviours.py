"""Every behaviour as the clearing house meets it at the endpoint, and the record of it."""

import threading
import time

import pytest
import urllib3.exceptions

from roaming.simulator.operator.record import read_record
from tests.roaming.simulator.operator.hub import CSP, TOKEN, Caller, running

QUESTION = {
    "question_id": "q-1",
    "service_session_id": "s-1",
    "visited_cso": "DE*VIS",
    "home_csp": "DE-SIM",
    "evse_id": "DE*VIS*E1",
    "identification": {"method": "RFID", "token_uid": TOKEN},
    "requested_at": "2026-10-05T10:00:00+02:00",
}
START = "uc3-1/local-start"


@pytest.fixture
def record_file(tmp_path):
    return tmp_path / "record.jsonl"


@pytest.fixture
def csp(record_file):
    with running(CSP, record_file=str(record_file)) as operator:
        yield operator


def behave(csp, like, on="UC3-1"):
    csp.operator.conduct.change(on, like)


def test_a_caller_without_the_secret_is_turned_away(csp, record_file):
    status, _ = csp.call.post(START, QUESTION, secret="guessed")
    assert status == 401
    assert csp.state().get("sessions") is None
    assert [row["event"] for row in read_record(record_file)][-1] == "turned_away"


def test_the_nonce_of_a_handshake_comes_back_and_a_probe_is_answered(csp):
    handshake = {"nonce": "n-1", "versions": ["1"], "parties": []}
    answer = csp.call.post("uc1-1/handshake", handshake)
    assert answer == (200, {"nonce": "n-1", "version": "1"})
    assert csp.call.post("uc1-1/handshake", {"probe": True})[0] == 200
    behave(csp, "refuse", on="UC1-1")
    assert csp.call.post("uc1-1/handshake", handshake)[1]["nonce"] != "n-1"


def test_what_nobody_knows_and_what_cannot_be_read_is_said_so(csp):
    assert csp.call.post("uc9-9/anything", {})[0] == 404
    for rubbish in (b"{", b"[]", b"\xff", b'{"identification": 7}', b"{}"):
        assert csp.call.post(START, rubbish)[0] == 400


def test_accept_and_refuse(csp):
    status, answer = csp.call.post(START, QUESTION)
    assert (status, answer["decision"]) == (200, "ACCEPTED")
    behave(csp, "refuse:blocked")
    assert csp.call.post(START, QUESTION)[1] == {"decision": "REFUSED", "reason": "blocked"}
    assert csp.state()["sessions"]["s-1"]["decision"] == "REFUSED"
    assert "told to: refuse:blocked" in csp.shown.getvalue()


def test_time_out_takes_the_message_and_never_answers(csp, record_file):
    behave(csp, "time_out")
    impatient = Caller(csp.operator.presence.server.url, timeout=0.3)
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        impatient.post(START, QUESTION, "m-1")
    assert "s-1" not in csp.state().get("sessions", {})
    rows = list(read_record(record_file))
    assert [r["event"] for r in rows if r.get("message_id") == "m-1"] == ["received"]


def test_answer_late_answers_after_a_while(csp):
    behave(csp, "answer_late:0.4")
    began = time.monotonic()
    assert csp.call.post(START, QUESTION)[1]["decision"] == "ACCEPTED"
    assert time.monotonic() - began >= 0.4


def test_http_status_is_no_last_word(csp):
    behave(csp, ["http_status:503", "ordinary"])
    assert csp.call.post(START, QUESTION, "m-1")[0] == 503
    assert csp.call.post(START, QUESTION, "m-1")[0] == 200


def test_answer_rubbish_in_every_kind(csp):
    behave(csp, "answer_rubbish")
    status, answer = csp.call.post(START, QUESTION)
    assert (status, answer[:6]) == (200, b"<html>")
    behave(csp, "answer_rubbish:other_json")
    assert csp.call.post(START, QUESTION) == (200, ["a list", {"of": "something else"}, 42])
    behave(csp, "answer_rubbish:huge")
    assert len(csp.call.post(START, QUESTION)[1]) > 1_000_000
    behave(csp, "answer_rubbish:not_http")
    with pytest.raises(urllib3.exceptions.ProtocolError):
        csp.call.post(START, QUESTION)


def test_a_trickle_outlasts_the_patience_of_a_deadline(csp):
    behave(csp, "answer_rubbish:trickle")
    began = time.monotonic()
    threading.Timer(1.0, csp.operator.close).start()
    with pytest.raises(urllib3.exceptions.ProtocolError):
        csp.call.post(START, QUESTION)
    assert 0.9 <= time.monotonic() - began < 10


def test_lose_answer_does_the_work_once_and_says_so_when_asked_again(csp):
    behave(csp, "lose_answer")
    with pytest.raises(urllib3.exceptions.ProtocolError):
        csp.call.post(START, QUESTION, "m-1")
    reference = csp.state()["sessions"]["s-1"]["authorization_reference"]
    status, answer = csp.call.post(START, QUESTION, "m-1")
    assert (status, answer["authorization_reference"]) == (200, reference)


def test_go_offline_refuses_connections_and_comes_back_at_the_same_address(csp, record_file):
    behave(csp, ["go_offline:0.6", "ordinary"])
    with pytest.raises(urllib3.exceptions.ProtocolError):
        csp.call.post(START, QUESTION)
    with pytest.raises(urllib3.exceptions.NewConnectionError):
        csp.call.post(START, QUESTION)
    deadline = time.monotonic() + 5
    while not csp.operator.presence.online:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert csp.call.post(START, QUESTION)[0] == 200
    events = [row["event"] for row in read_record(record_file)]
    assert events.index("offline") < events.index("online")


def test_nothing_is_said_while_offline(csp):
    before = len(csp.hub.heard)
    csp.operator.go_offline(0.4)
    csp.do({"do": "unlock_evse", "evse_id": "DE*VIS*E1"})
    assert csp.operator.presence.online
    assert [m.path for m in csp.hub.heard[before:]] == ["/api/v1/evses/DE%2AVIS%2AE1/unlock"]


def test_an_open_connection_is_cut_when_the_platform_goes_offline(csp):
    behave(csp, "time_out")
    threading.Timer(0.3, lambda: csp.operator.go_offline(None)).start()
    began = time.monotonic()
    with pytest.raises(urllib3.exceptions.ProtocolError):
        csp.call.post(START, QUESTION)
    assert time.monotonic() - began < 3
    csp.do({"do": "online"})
    behave(csp, "ordinary")
    assert csp.call.post(START, QUESTION)[0] == 200


def test_a_message_that_comes_twice_is_answered_once(csp, record_file):
    first = csp.call.post(START, QUESTION, "m-7")
    assert csp.call.post(START, QUESTION, "m-7") == first
    assert csp.call.post(START, QUESTION, "m-8") != first
    received = [r for r in read_record(record_file) if r["event"] == "received"]
    assert [(r["message_id"], r["again"]) for r in received] == [
        ("m-7", False), ("m-7", True), ("m-8", False),
    ]  # fmt: skip
    assert csp.state()["received"][START] == 2


def test_two_of_the_same_at_once_are_done_once(csp):
    behave(csp, "answer_late:0.3")
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(csp.call.post(START, QUESTION, "m-9")))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 4
    assert all(answer == answers[0] for answer in answers)
    assert csp.state()["received"][START] == 1

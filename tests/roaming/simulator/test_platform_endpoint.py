"""A platform's roaming endpoint: who may call it, and what it remembers."""

import json
import socket

import pytest
import urllib3

from roaming.domain.identifiers import ContractId
from roaming.simulator.drivers import Driver
from roaming.simulator.planned_session import Method
from roaming.simulator.platform_csp import HomeCsp
from roaming.simulator.platform_endpoint import RoamingEndpoint
from roaming.simulator.platform_tally import Counting

GOOD = Driver("DE-NLM", "04A2B3C4D5E6F7", "DE-NLM-000000001-W", Method.RFID)
BLOCKED = Driver("DE-NLM", "04A2B3C4D5E6F8", "DENLM000000002", Method.RFID)
OTHERS = Driver("FR-RAM", "04A2B3C4D5E6F9", "FRRAM000000003", Method.RFID)


class Caller:
    """The clearing house as a test plays it."""

    def __init__(self, endpoint: RoamingEndpoint, counting: Counting) -> None:
        self.counting = counting
        self.pool = urllib3.connection_from_url(endpoint.url, maxsize=2, retries=False, timeout=5)

    def post(self, path: str, body: object, message_id: str = "m-1", secret: str = "s3cret"):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {secret}", "X-Message-ID": message_id}
        response = self.pool.request("POST", path, body=content, headers=headers)
        return response.status, json.loads(response.data or b"null")

    def received(self, pair: str):
        return self.counting.snapshot().received[pair]


@pytest.fixture
def caller():
    counting = Counting()
    csp = HomeCsp("DE-NLM", ([GOOD, OTHERS], [BLOCKED]), counting)
    endpoint = RoamingEndpoint(0, "s3cret", csp.answers())
    caller = Caller(endpoint, counting)
    yield caller
    caller.pool.close()
    endpoint.close()


def question(driver: Driver, **identification: str) -> dict:
    parts = {"token_uid": driver.token_uid, "contract_id": driver.contract_id, **identification}
    return {"visited_cso": "FR*BDM", "home_csp": "DE-NLM", "identification": parts}


def test_a_caller_without_the_secret_is_turned_away(caller):
    assert caller.post("/uc3-1/local-start", question(GOOD), secret="guess")[0] == 401
    assert caller.counting.snapshot().received == {}


def test_the_handshake_is_answered_with_its_nonce_and_the_paths_taken(caller):
    status, answer = caller.post("/uc1-1/handshake", {"nonce": "n-1", "versions": ["1"]})
    assert (status, answer["nonce"], answer["version"]) == (200, "n-1", "1")
    assert "uc3-1/local-start" in answer["paths"]
    assert caller.post("/uc1-1/handshake", {"nonce": "n-2"}, secret="guess")[0] == 401


def test_a_message_that_nobody_knows_is_not_found(caller):
    assert caller.post("/uc9-9/anything", {})[0] == 404


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"visited_cso": 1}', b"\xff"])
def test_a_message_that_cannot_be_understood_is_said_so(caller, body):
    assert caller.post("/uc3-1/local-start", body)[0] == 400


def test_an_own_driver_may_charge(caller):
    status, answer = caller.post("/uc3-1/local-start", question(GOOD))
    assert (status, answer["decision"]) == (200, "ACCEPTED")
    assert answer["contract_id"] == GOOD.contract_id
    assert 0 < len(answer["authorization_reference"]) <= 36
    assert caller.received("FR*BDM/DE-NLM").counts == {"starts_accepted": 1}


def test_the_contract_may_be_written_in_another_way(caller):
    bare = ContractId.parse(GOOD.contract_id).key_without_check_digit
    _, answer = caller.post("/uc4-1/authorisation", question(GOOD, contract_id=bare))
    assert answer["decision"] == "ACCEPTED"
    assert caller.received("FR*BDM/DE-NLM").counts == {"questions_accepted": 1}


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (question(BLOCKED), "blocked"),
        (question(OTHERS), "unknown"),
        (question(GOOD, token_uid="04FFFFFFFFFFFF"), "unknown"),
        (question(GOOD, contract_id=BLOCKED.contract_id), "unknown"),
        (question(GOOD, contract_id="not a contract"), "unknown"),
    ],
)
def test_who_may_not_charge_is_refused_with_the_reason(caller, asked, reason):
    status, answer = caller.post("/uc3-1/local-start", asked)
    assert (status, answer) == (200, {"decision": "REFUSED", "reason": reason})


def test_a_message_delivered_twice_is_answered_as_the_first_time_and_counted_once(caller):
    first = caller.post("/uc3-1/local-start", question(GOOD), "m-7")
    assert caller.post("/uc3-1/local-start", question(GOOD), "m-7") == first
    assert caller.received("FR*BDM/DE-NLM").counts == {"starts_accepted": 1}


def sdrs(*ids: str) -> dict:
    sdr = {
        "visited_cso": "FR*BDM",
        "home_csp": "DE-NLM",
        "total_energy": 12.345,
        "total_cost": {"excl_vat": 5.10, "incl_vat": 6.12},
    }
    return {"sdrs": [{"sdr_id": i, "state": "validated", "findings": [], "sdr": sdr} for i in ids]}


def test_sdrs_are_summed_exactly_and_each_once(caller):
    caller.post("/uc3-9/sdrs", sdrs("a", "b"), "m-1")
    caller.post("/uc3-9/sdrs", sdrs("b", "c"), "m-2")
    tally = caller.received("FR*BDM/DE-NLM")
    assert (tally.counts["sdrs"], str(tally.money), str(tally.energy_kwh)) == (3, "15.3", "37.035")


def test_what_was_published_is_counted_per_version(caller):
    tariff = {"id": "T", "visited_cso": "FR*BDM", "valid_from": "2026-10-01T00:00:00Z"}
    caller.post("/uc2-1/tariffs", tariff, "m-1")
    caller.post("/uc2-1/tariffs", tariff, "m-2")
    caller.post("/uc2-1/tariffs", {**tariff, "valid_from": "2026-10-16T00:00:00Z"}, "m-3")
    caller.post("/uc1-2/sites", {"id": "S", "visited_cso": "FR*BDM"}, "m-4")
    assert caller.received("FR*BDM/DE-NLM").counts == {"tariffs": 2, "sites": 1}


def test_a_message_without_a_length_is_not_waited_for(caller):
    with socket.create_connection((caller.pool.host, caller.pool.port), 5) as raw:
        raw.sendall(b"POST /uc3-9/sdrs HTTP/1.1\r\nHost: x\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 411")

"""A platform's way to the clearing house: patient where that helps, and only there."""

import threading
import time
from datetime import UTC, datetime

import pytest

from roaming.simulator.platform_hub import Hub, HubUnreachableError, Message, StoppedError
from tests.roaming.simulator.platform_fake_hub import FakeHub, fake_hub


@pytest.fixture
def server():
    with fake_hub() as running:
        yield running


def hub_at(server: FakeHub, patience_s: float = 10) -> Hub:
    hub = Hub(server.url, 2, patience_s)
    hub.token = "t0ken"
    return hub


def unavailable(times: int, status: int = 503):
    left = [times]

    def override(message):
        left[0] -= 1
        return (status, {"code": "unavailable"}) if left[0] >= 0 else None

    return override


def test_a_message_carries_the_credential_and_its_ids(server):
    reply = hub_at(server).send(Message.of("PUT", "/sites/1", {"id": "1"}, "visit-7"))
    assert reply.accepted
    headers = server.heard[0].headers
    assert headers["Authorization"] == "Bearer t0ken"
    assert headers["X-Correlation-ID"] == "visit-7"
    assert headers["X-Message-ID"]


@pytest.mark.parametrize("status", [429, 500, 503, 504])
def test_a_message_that_was_not_taken_goes_again_under_the_same_id(server, status):
    server.overrides.append(unavailable(2, status))
    reply = hub_at(server).send(Message.of("POST", "/sdrs", {"id": "1"}))
    assert (reply.accepted, reply.tries) == (True, 3)
    assert len({message.headers["X-Message-ID"] for message in server.heard}) == 1


def test_a_refusal_is_an_answer_and_is_not_asked_again(server):
    server.overrides.append(lambda message: (403, {"code": "no_agreement"}))
    reply = hub_at(server).send(Message.of("POST", "/service-sessions/local-start", {}))
    assert (reply.accepted, reply.code, reply.tries) == (False, "no_agreement", 1)


def test_an_answer_that_is_no_json_is_named_by_its_status(server):
    server.overrides.append(lambda message: (404, "nothing here"))
    assert hub_at(server).send(Message("GET", "/rubbish")).code == "http_404"


def test_patience_ends(server):
    server.overrides.append(unavailable(1000))
    with pytest.raises(HubUnreachableError, match="HTTP 503"):
        hub_at(server, patience_s=0.3).send(Message.of("POST", "/sdrs", {}))


def test_a_clearing_house_that_is_down_is_waited_for_and_then_given_up():
    hub = Hub("http://127.0.0.1:1/api/v1", 1, patience_s=0.2)
    with pytest.raises(HubUnreachableError, match="GET /clock"):
        hub.now()


def test_the_clock_is_read_with_its_offset(server):
    server.now = datetime(2026, 10, 25, 1, 30, 15, 250_000, tzinfo=UTC)
    assert hub_at(server).now() == server.now


def test_a_platform_that_is_being_stopped_waits_no_longer(server):
    server.overrides.append(unavailable(1000))
    hub = hub_at(server, patience_s=60)
    threading.Timer(0.3, hub.stop).start()
    began = time.monotonic()
    with pytest.raises(StoppedError):
        hub.send(Message.of("POST", "/sdrs", {}))
    assert time.monotonic() - began < 5

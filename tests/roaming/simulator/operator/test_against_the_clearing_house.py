"""Simulated operators against the clearing house itself: every behaviour, seen from both sides."""

import pytest

from roaming import models
from tests import databases, factories
from tests.simulated import QUICK, cast_of, invite, wait_until
from tests.stack import stack

pytestmark = pytest.mark.slow

TOKEN, CONTRACT = "04A2B3C4D5E6F7", "DE-HOM-C12345678"
BLOCKED = "04B1B2B3B4B5B6"


class World:
    """A clearing house with a CSO and a CSP at work."""

    def __init__(self, running, begin):
        self.running = running
        cso, cso_token = invite("Visited", "DE*VIS")
        csp, csp_token = invite("Home", "DE-HOM")
        factories.make_agreement(cso, csp)
        drivers = [
            {"token_uid": TOKEN, "contract_id": CONTRACT},
            {"token_uid": BLOCKED, "may_charge": False},
        ]
        self.csp = begin("home", csp_token, drivers=drivers, partner="DE*VIS")
        self.cso = begin("visited", cso_token, partner="DE-HOM", sessions=QUICK)
        self.csp.knows(lambda state: len(state.get("evses", {})) == 2)

    def start(self, expect, **who):
        step = {"do": "local_start", "token_uid": TOKEN, "expect": expect, **who}
        return self.cso.do(step)[0]["answer"]


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker, tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    extra = {"CLEARINGHOUSE_LIVE_QUESTION_TIMEOUT_S": "1"}
    with (
        django_db_blocker.unblock(),
        databases.cloned_database() as name,
        stack(name, folder, extra=extra) as running,
        cast_of(folder, running.address) as begin,
    ):
        running.start("web", "worker", "beat")
        running.wait_until_ready()
        yield World(running, begin)


@pytest.fixture(autouse=True)
def well_behaved(world):
    yield
    world.csp.online()
    world.csp.behave(**{"*": "ordinary", "UC3_1": "ordinary"})


def test_a_session_is_known_to_both_sides_alike(world):
    answer = world.start("accepted")
    world.cso.do({"do": "charge"})
    session = answer["service_session_id"]
    billed = next(v for v in world.cso.state()["visits"] if v["service_session_id"] == session)
    assert billed["stage"] == "billed"
    world.csp.knows(lambda state: billed["sdr_id"] in state.get("sdrs", {}))
    at_home = world.csp.state()["sessions"][session]
    assert (at_home["decision"], at_home["completed"]) == ("ACCEPTED", True)
    assert at_home["total_energy"] == billed["energy_kwh"]
    assert at_home["authorization_reference"] == billed["authorization_reference"]
    row = models.ServiceSession.objects.get(id=session)
    assert (row.state, str(row.energy_kwh)) == ("completed", billed["energy_kwh"])


def test_who_may_not_charge_is_refused_by_the_home_csp_itself(world):
    assert world.start("refused", token_uid=BLOCKED)["reason"] == "blocked"
    world.csp.behave(UC3_1="refuse:not_today")
    assert world.start("refused")["reason"] == "not_today"


@pytest.mark.parametrize(
    ("like", "code"),
    [
        ("time_out", "receiver_timed_out"),
        ("answer_late:3", "receiver_timed_out"),
        ("answer_rubbish", "receiver_answered_rubbish"),
        ("answer_rubbish:other_json", "receiver_answered_rubbish"),
        ("answer_rubbish:not_http", "receiver_answered_rubbish"),
        ("answer_rubbish:huge", "receiver_answered_rubbish"),
        ("answer_rubbish:trickle", "receiver_timed_out"),
        ("http_status:500", "receiver_refused"),
    ],
)
def test_what_the_visited_cso_hears_of_a_home_csp_that_goes_wrong(world, like, code):
    world.csp.behave(UC3_1=like)
    world.start(code)


def test_a_lost_answer_leaves_one_decision_however_often_it_was_asked(world):
    """Whether the clearing house asks again under the same id is its business; once is decided."""
    world.csp.behave(UC3_1="lose_answer")
    question = {"do": "local_start", "token_uid": TOKEN, "correlation_id": "lost-answer"}
    assert world.cso.do(question)[0]["outcome"] in ("accepted", "receiver_not_connected")
    asked = [r for r in world.csp.rows("received") if r["correlation_id"] == "lost-answer"]
    assert len({row["message_id"] for row in asked}) == 1
    assert [row["again"] for row in asked].count(False) == 1


def test_a_home_csp_that_is_offline_is_found_again_when_it_comes_back(world):
    world.csp.offline()
    world.start("receiver_not_connected")
    world.csp.online()
    world.start("accepted")


def test_what_is_stored_waits_for_a_home_csp_that_is_offline_and_comes_once(world):
    world.csp.offline()
    tariff = {
        "id": "SIM-T2", "currency": "EUR",
        "elements": [{"price_components": [{"type": "ENERGY", "price": 0.31}]}],
    }  # fmt: skip
    world.cso.do({"do": "tariff", "tariff": tariff, "expect": "accepted"})
    world.csp.online()
    world.csp.knows(lambda state: "SIM-T2" in state["tariffs"], 60)


def test_a_delivery_whose_answer_is_lost_comes_again_under_the_same_message_id(world):
    world.csp.behave(**{"UC2-1": ["lose_answer", "ordinary"]})
    tariff = {
        "id": "SIM-T3", "currency": "EUR",
        "elements": [{"price_components": [{"type": "ENERGY", "price": 0.32}]}],
    }  # fmt: skip
    world.cso.do({"do": "tariff", "tariff": tariff, "expect": "accepted"})
    wait_until(
        lambda: any(row["again"] for row in world.csp.rows("received", "uc2-1/tariffs")),
        60,
        world.csp.shown,
    )
    received = world.csp.rows("received", "uc2-1/tariffs")
    repeated = [row for row in received if "SIM-T3" in row["body"]]
    assert len({row["message_id"] for row in repeated}) == 1
    assert world.csp.state()["received"]["uc2-1/tariffs"] == len(
        {row["message_id"] for row in received}
    )


def test_both_records_and_the_journal_tell_the_same(world):
    """Every business message that the CSO sent has its verdict in the journal, under its id."""
    world.start("accepted")
    sent = {row["message_id"]: row for row in world.cso.rows("sent")}
    got = {row["message_id"]: row for row in world.cso.rows("got")}
    assert got.keys() == sent.keys()
    journalled = set(
        models.JournalEntry.objects.filter(phase="verdict").values_list("message_id", flat=True)
    )
    registered = {i for i, row in sent.items() if row["path"] == "/registration"}
    assert sent.keys() - registered <= journalled
    delivered = models.Delivery.objects.filter(state="delivered")
    arrived = {row["message_id"] for row in world.csp.rows("received")}
    assert {str(d.message_id) for d in delivered if d.path != "uc1-1/handshake"} <= arrived

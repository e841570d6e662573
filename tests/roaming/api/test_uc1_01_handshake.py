"""UC1-1, the handshake: each shows the other who it is before anything counts."""

import os
import signal
import subprocess
import sys
from threading import Barrier, Event, Thread

import pytest
from django.db import connection
from django.test import Client

from roaming import models
from tests import factories
from tests.fake_party import fake_party
from tests.roaming.api.newcomers import (
    HANDSHAKE,
    SECRET,
    credentials,
    invite,
    make_newcomer,
    offered,
    register,
    send,
)


def test_the_clearing_house_shows_the_secret_and_says_who_it_is(client, newcomer, rep):
    factories.OperatorFactory(name="The clearing house", is_clearing_house=True)
    answer = register(client, invite(newcomer), rep)
    assert answer.status_code == 201, answer.content
    assert answer.json()["version"] == "1"
    (message,) = rep.messages(HANDSHAKE)
    assert message.headers["Authorization"] == f"Bearer {SECRET}"
    assert message.headers["X-Use-Case"] == "UC1-1"
    assert len(message.body.pop("nonce")) >= 32
    assert message.body == {
        "clearing_house": "The clearing house",
        "versions": ["1"],
        "environment": "live",
        "platform": newcomer.platform.name,
        "parties": [{"role": "CSO", "identifier": "NL*NEW"}],
    }
    endpoint = models.RoamingEndpoint.objects.get()
    assert (endpoint.url, endpoint.paths) == (rep.url, [])
    assert endpoint.verified_at is not None
    assert endpoint.verified_at == endpoint.updated_at


def test_each_handshake_has_a_nonce_of_its_own(client, newcomer, rep):
    for _ in range(2):
        register(client, invite(newcomer), rep)
    nonces = {message.body["nonce"] for message in rep.messages(HANDSHAKE)}
    assert len(nonces) == 2


ODD_ANSWERS = {
    "rubbish": (200, b"\x00\xff not JSON"),
    "nothing": (204, b""),
    "a list": (200, []),
    "a null": (200, None),
    "no nonce": (200, {"version": "1"}),
    "another nonce": (200, {"nonce": "made up", "version": "1"}),
    "the nonce as a number": (200, {"nonce": 5, "version": "1"}),
    "no version": lambda message: (200, {"nonce": message.body["nonce"]}),
    "another version": lambda message: (200, {"nonce": message.body["nonce"], "version": "2"}),
    "no path at all": lambda message: (
        200, {"nonce": message.body["nonce"], "version": "1", "paths": []},
    ),
    "a path that is none": lambda message: (
        200, {"nonce": message.body["nonce"], "version": "1", "paths": ["uc1-2/site"]},
    ),
    "paths that are no list": lambda message: (
        200, {"nonce": message.body["nonce"], "version": "1", "paths": "uc1-2/sites"},
    ),
    "a tower of lists": (200, b"[" * 200_000),
    "two megabytes": lambda message: (
        200, {"nonce": message.body["nonce"], "version": "1", "x": "x" * 2_000_000},
    ),
    "a redirect": (302, b""),
    "not authenticated": (401, {}),
    "not found": (404, {}),
    "a failure": (500, {}),
}  # fmt: skip


@pytest.mark.parametrize("odd", ODD_ANSWERS)
def test_an_odd_answer_changes_nothing_and_the_token_stays_good(client, newcomer, rep, odd):
    rep.answers[HANDSHAKE] = ODD_ANSWERS[odd]
    token = invite(newcomer)
    response = register(client, token, rep)
    problem = response.json()
    assert (response.status_code, problem["code"]) == (502, "handshake_failed"), problem
    assert SECRET not in response.content.decode()
    assert not models.RoamingEndpoint.objects.exists()
    assert not models.Credential.objects.exists()
    assert models.Platform.objects.get().status == "expected"
    del rep.answers[HANDSHAKE]
    assert register(client, token, rep).status_code == 201


def test_a_slow_answer_is_no_answer(client, newcomer, rep, settings):
    settings.LIVE_QUESTION_TIMEOUT_S = 0.3
    rep.delay_s = 1
    token = invite(newcomer)
    problem = register(client, token, rep).json()
    assert problem["code"] == "handshake_failed"
    assert "0.3 s" in problem["detail"]
    rep.delay_s = 0
    assert register(client, token, rep).status_code == 201


def test_nobody_at_the_address_is_no_answer(client, newcomer):
    offer = {"url": "http://127.0.0.1:1/rep", "token": SECRET}
    problem = send(client, "registration", invite(newcomer), offer).json()
    assert (problem["code"], problem["status"]) == ("handshake_failed", 502)


def test_a_slow_endpoint_holds_few_threads(committed_db, rep, settings):
    settings.LIVE_QUESTIONS_PER_RECEIVER = 1
    newcomer = make_newcomer()
    tokens = [invite(newcomer) for _ in range(2)]
    connection.close()
    greeted, over = Event(), Event()

    def wait(message):
        greeted.set()
        over.wait(5)
        return rep.ordinary(message)

    rep.answers[HANDSHAKE] = wait
    first = []

    def run():
        first.append(register(Client(), tokens[0], rep))
        connection.close()

    thread = Thread(target=run)
    thread.start()
    assert greeted.wait(5)
    refused = register(Client(), tokens[1], rep)
    over.set()
    thread.join()
    assert (refused.status_code, refused.json()["code"]) == (503, "receiver_overloaded")
    assert first[0].status_code == 201
    del rep.answers[HANDSHAKE]
    assert register(Client(), tokens[1], rep).status_code == 201


@pytest.mark.parametrize("token", ["", "rubbish", "abcdefghijkl.wrong"])
def test_without_a_good_token_nobody_is_called(client, newcomer, rep, token):
    assert register(client, token, rep).status_code == 401
    assert rep.received == []


@pytest.mark.parametrize("status", ["suspended", "ended"])
def test_for_a_stopped_platform_nobody_is_called(client, newcomer, rep, status):
    token = invite(newcomer)
    models.Platform.objects.update(status=status)
    assert register(client, token, rep).json()["code"] == "platform_suspended"
    assert rep.received == []


def test_the_handshake_stands_in_the_journal_without_a_secret(client, newcomer, rep):
    rep.answers[HANDSHAKE] = (500, {})
    token = invite(newcomer)
    register(client, token, rep)
    del rep.answers[HANDSHAKE]
    register(client, token, rep)
    rows = list(models.JournalEntry.objects.order_by("id"))
    assert [(row.phase, row.outcome, row.refusal_code) for row in rows] == [
        ("admitted", "pending", ""),
        ("verdict", "failed", "handshake_failed"),
        ("admitted", "pending", ""),
        ("verdict", "accepted", ""),
    ]
    assert len({row.transaction_id for row in rows}) == 2
    assert {row.sender_id for row in rows} == {newcomer.platform.pk}
    kept = " ".join(models.JournalBody.objects.values_list("content", flat=True))
    assert SECRET not in kept
    assert token.partition(".")[2] not in kept


def test_a_refused_offer_of_an_invited_platform_stands_in_the_journal(client, newcomer, rep):
    register(client, invite(newcomer), rep, versions=["9"])
    row = models.JournalEntry.objects.get()
    assert (row.refusal_code, row.sender) == ("version_not_supported", newcomer.platform)


@pytest.mark.parametrize("versions", [[], ["0"], ["2", "3"]])
def test_a_version_that_is_not_spoken_is_refused(client, newcomer, rep, versions):
    problem = register(client, invite(newcomer), rep, versions=versions).json()
    assert (problem["code"], problem["field"]) == ("version_not_supported", "versions")
    assert rep.received == []


@pytest.mark.parametrize("paths", [[], ["uc1-2/site"], ["uc1-2/sites", ""], ["x" * 1000]])
def test_paths_that_lead_nowhere_are_refused(client, newcomer, rep, paths):
    problem = register(client, invite(newcomer), rep, paths=paths).json()
    assert (problem["code"], problem["field"]) == ("invalid_field", "paths")


def test_a_path_named_twice_is_kept_once(client, newcomer, rep):
    token = register(client, invite(newcomer), rep, paths=["uc1-2/sites"] * 1_000).json()["token"]
    assert credentials(client, token)["paths"] == ["uc1-2/sites"]


def test_what_the_platform_answers_counts_for_more_than_what_it_offered(client, newcomer, rep):
    token = register(client, invite(newcomer), rep, versions=["1", "2"], paths=["uc1-2/sites"])
    assert credentials(client, token.json()["token"])["paths"] == ["uc1-2/sites"]
    rep.answers[HANDSHAKE] = lambda message: (
        200,
        {"nonce": message.body["nonce"], "version": "1", "paths": ["uc3-9/sdrs"]},
    )
    token = register(client, invite(newcomer), rep, paths=["uc1-2/sites"])
    shown = credentials(client, token.json()["token"])
    assert shown["paths"] == ["uc3-9/sdrs"]
    assert shown["verified_at"] is not None


# --- Rotation -------------------------------------------------------------------------------------


@pytest.fixture
def registered(client, newcomer, rep):
    """Its token; it is reached at `rep`."""
    return register(client, invite(newcomer), rep).json()["token"]


def test_a_new_endpoint_is_greeted_before_it_counts(client, registered, rep):
    with fake_party() as new:
        answer = send(client, "credentials/rotation", registered, offered(new, "another-secret-1"))
        assert answer.status_code == 201, answer.content
        (message,) = new.messages(HANDSHAKE)
    assert message.headers["Authorization"] == "Bearer another-secret-1"
    assert models.RoamingEndpoint.objects.get().url == new.url
    assert credentials(client, registered)["url"] == new.url  # the overlap holds
    assert len(rep.messages(HANDSHAKE)) == 1


@pytest.mark.parametrize("odd", ["another nonce", "a redirect", "not authenticated", "rubbish"])
def test_what_the_platform_did_not_take_is_rolled_back(client, registered, rep, odd):
    before = models.RoamingEndpoint.objects.values().get()
    with fake_party() as new:
        new.answers[HANDSHAKE] = ODD_ANSWERS[odd]
        answer = send(client, "credentials/rotation", registered, offered(new, "another-secret-1"))
    assert (answer.status_code, answer.json()["code"]) == (502, "handshake_failed")
    assert models.RoamingEndpoint.objects.values().get() == before
    credential = models.Credential.objects.get()
    assert (credential.expires_at, credential.revoked_at) == (None, None)
    assert send(client, "credentials/rotation", registered, {}).status_code == 201


def test_the_same_address_with_a_new_secret_is_greeted_with_the_new_one(client, registered, rep):
    offer = offered(rep, "another-secret-1")
    assert send(client, "credentials/rotation", registered, offer).status_code == 201
    shown = [message.headers["Authorization"] for message in rep.messages(HANDSHAKE)]
    assert shown == [f"Bearer {SECRET}", "Bearer another-secret-1"]


def test_a_rotation_of_the_token_alone_calls_nobody(client, registered, rep):
    assert send(client, "credentials/rotation", registered, {}).status_code == 201
    assert len(rep.messages(HANDSHAKE)) == 1


def test_a_token_on_its_way_out_cannot_make_us_call_anybody(client, registered):
    send(client, "credentials/rotation", registered, {})
    with fake_party() as new:
        answer = send(client, "credentials/rotation", registered, offered(new))
        assert answer.json()["code"] == "rotated_already"
        assert new.received == []


# --- Crashes and races ----------------------------------------------------------------------------

REGISTER = """
import sys
import django
django.setup()
from django.db import connection
from django.test import Client
connection.settings_dict["NAME"] = sys.argv[1]
Client(raise_request_exception=False, SERVER_NAME="127.0.0.1").post(
    "/api/v1/registration", data={"url": sys.argv[3], "token": sys.argv[4]},
    content_type="application/json", headers={"Authorization": f"Bearer {sys.argv[2]}"},
)
"""


def test_killed_between_handshake_and_commit_nothing_half_is_left(committed_db, rep):
    newcomer = make_newcomer()
    token = invite(newcomer)
    process = None

    def kill(message):
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        return rep.ordinary(message)

    rep.answers[HANDSHAKE] = kill
    connection.close()
    process = subprocess.Popen(
        [sys.executable, "-c", REGISTER, committed_db, token, rep.url, SECRET],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
    )
    assert process.wait(60) == -signal.SIGKILL
    assert len(rep.messages(HANDSHAKE)) == 1
    assert not models.RoamingEndpoint.objects.exists()
    assert not models.Credential.objects.exists()
    assert models.RegistrationToken.objects.get().used_at is None
    assert [row.phase for row in models.JournalEntry.objects.all()] == ["admitted"]
    del rep.answers[HANDSHAKE]
    assert register(Client(), token, rep).status_code == 201


def test_two_registrations_with_one_token_end_as_one(committed_db, rep):
    newcomer = make_newcomer()
    token = invite(newcomer)
    both_greeted = Barrier(2)

    def answer(message):
        both_greeted.wait(5)
        return rep.ordinary(message)

    rep.answers[HANDSHAKE] = answer
    answers = []

    def run():
        answers.append(register(Client(), token, rep))
        connection.close()

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first, second = sorted(answers, key=lambda response: response.status_code)
    assert (first.status_code, second.status_code) == (201, 401)
    assert second.json()["code"] == "registration_token_invalid"
    assert models.Credential.objects.filter(revoked_at=None).count() == 1
    assert models.RoamingEndpoint.objects.count() == 1


def test_a_suspension_during_the_handshake_counts(committed_db, rep):
    newcomer = make_newcomer()
    token = invite(newcomer)

    def suspend(message):
        models.Platform.objects.update(status="suspended")
        connection.close()
        return rep.ordinary(message)

    rep.answers[HANDSHAKE] = suspend
    answer = register(Client(), token, rep)
    assert answer.json()["code"] == "platform_suspended"
    assert models.Platform.objects.get().status == "suspended"
    assert models.RegistrationToken.objects.get().used_at is None
    assert not models.RoamingEndpoint.objects.exists()

"""0 messages pass after the COMMIT that stopped them, under real concurrent traffic.

Rights and routes are kept in memory; the admission to the journal asks whether they still stand.
Every message that was begun after the COMMIT must be refused, and must not reach the receiver.
"""

import contextlib
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from roaming import models
from roaming.hub_switch import Envelope, rights
from roaming.hub_switch.envelope import Judgement
from roaming.use_cases.agreement_lifecycle import end_agreement, suspend_agreement
from tests.cast import make_cast
from tests.roaming.api.messages import LOCAL_START, changed

START = "/api/v1/service-sessions/local-start"
IDENTIFY = "/api/v1/identifications/authorisation"
THREADS = 4


@dataclass
class Traffic:
    """Platforms that send without a pause: of each message its id, when it began, its answer."""

    party: object
    began: dict[str, float] = field(default_factory=dict)
    answers: dict[str, object] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def running(self):
        threads = [threading.Thread(target=self._send, args=[n]) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()

    def _send(self, sender):
        client, number = Client(), 0
        try:
            while not self.stop.is_set():
                number += 1
                name = f"c-{sender}-{number}"
                path = START if number % 2 else IDENTIFY
                self.began[name] = time.monotonic()
                response = client.post(
                    path, data=LOCAL_START, content_type="application/json",
                    headers={**self.party.headers, "X-Correlation-ID": name},
                )  # fmt: skip
                body = response.json()
                self.answers[name] = body.get("decision") or body["code"]
        finally:
            connections.close_all()

    def begun_after(self, moment):
        return [name for name, began in self.began.items() if began > moment]

    def wait_for(self, count):
        ends = time.monotonic() + 60
        while len(self.answers) < count:
            assert time.monotonic() < ends, self.answers
            time.sleep(0.01)


def suspend_the_agreement(cast):
    suspend_agreement(cast.agreement, timezone.now(), "test", None)


def end_the_agreement(cast):
    end_agreement(cast.agreement, timezone.now())


def suspend_the_platform(cast):
    models.Platform.objects.filter(pk=cast.visited_cso.platform.pk).update(status="suspended")


def end_the_platform(cast):
    models.Platform.objects.filter(pk=cast.visited_cso.platform.pk).update(status="ended")


def suspend_the_visited_cso(cast):
    models.Operator.objects.filter(pk=cast.visited_cso.operator.pk).update(status="suspended")


def suspend_the_home_csp(cast):
    models.Operator.objects.filter(pk=cast.home_csp.operator.pk).update(status="suspended")


def revoke_the_credential(cast):
    models.Credential.objects.filter(platform=cast.visited_cso.platform).update(
        revoked_at=timezone.now()
    )


def unpin_the_visited_cso(cast):
    models.PlatformIdentifier.objects.filter(platform=cast.visited_cso.platform).delete()


def suspend_the_receiver_s_platform(cast):
    models.Platform.objects.filter(pk=cast.home_csp.platform.pk).update(status="suspended")


def remove_the_receiver_s_endpoint(cast):
    models.RoamingEndpoint.objects.filter(platform=cast.home_csp.platform).delete()


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (suspend_the_agreement, "agreement_suspended"),
        (end_the_agreement, "agreement_ended"),
        (suspend_the_platform, "platform_suspended"),
        (end_the_platform, "not_authenticated"),
        (suspend_the_visited_cso, "party_suspended"),
        (suspend_the_home_csp, "party_suspended"),
        (revoke_the_credential, "not_authenticated"),
        (unpin_the_visited_cso, "party_not_held"),
        (suspend_the_receiver_s_platform, "receiver_not_connected"),
        (remove_the_receiver_s_endpoint, "receiver_not_connected"),
    ],
)
def test_no_message_passes_after_the_commit(committed_db, csp_platform, settings, step, code):
    settings.MESSAGES_PER_MINUTE = 0
    settings.LIVE_QUESTION_TIMEOUT_S = 10  # a busy machine is no silent receiver
    cast = make_cast(csp_endpoint=csp_platform.url)
    traffic = Traffic(cast.visited_cso)
    with traffic.running():
        traffic.wait_for(40)
        step(cast)  # commits
        committed = time.monotonic()
        traffic.wait_for(len(traffic.answers) + 40)
    late = traffic.begun_after(committed)
    assert Counter(traffic.answers[name] for name in late) == {code: len(late)}
    assert len(late) >= 30
    forwarded = {message.headers["X-Correlation-ID"] for message in csp_platform.received}
    assert forwarded.isdisjoint(late)
    early = [answer for name, answer in traffic.answers.items() if name not in late]
    assert early.count("ACCEPTED") >= 30


def test_what_was_forbidden_is_refused_until_the_commit_that_allows_it(committed_db, csp_platform):
    """Nobody is refused by what this process remembers."""
    cast = make_cast(csp_endpoint=csp_platform.url)
    models.Agreement.objects.update(status="suspended")

    def decide():
        response = Client().post(
            IDENTIFY, data=LOCAL_START, content_type="application/json",
            headers=cast.visited_cso.headers,
        )  # fmt: skip
        body = response.json()
        return body.get("decision") or body["code"]

    assert decide() == "agreement_suspended"
    remembered = rights._kept.rights
    models.Agreement.objects.update(status="active")
    assert rights._kept.rights is remembered
    assert decide() == "ACCEPTED"


def test_a_message_judged_by_what_no_longer_stands_is_judged_anew(connected_cast, csp_platform):
    """The stale version is seen by the admission, not by a look-up before it."""
    client = Client()
    headers = connected_cast.visited_cso.headers

    def post(body):
        return client.post(
            IDENTIFY, data=body, content_type="application/json", headers=headers
        ).json()

    assert post(LOCAL_START)["decision"] == "ACCEPTED"
    stale = rights._kept.rights
    models.Platform.objects.filter(name="Outsider platform").update(name="Renamed")
    assert rights.standing_version() != stale.version
    assert post(LOCAL_START)["decision"] == "ACCEPTED"
    assert rights._kept.rights is not stale
    rows = models.JournalEntry.objects.count()
    assert rows == 4  # two messages, two rows each: the first attempt left none


def test_the_first_row_of_a_message_carries_the_version_whatever_its_phase(connected_cast):
    from roaming.domain.use_case import UseCase
    from roaming.hub_switch import Route, Verdict, write_verdict

    platform = connected_cast.visited_cso.platform
    judgement = Judgement(rights.standing_version())
    envelope = Envelope(UseCase.UC4_1, platform, "m", "c", timezone.now(), judgement=judgement)
    models.Platform.objects.update(messages_per_minute=7)
    verdict = Verdict(models.JournalEntry.Outcome.ACCEPTED)
    with pytest.raises(rights.Outdated):
        write_verdict(envelope, Route(), verdict)
    assert not models.JournalEntry.objects.exists()
    judgement.version = rights.standing_version()
    write_verdict(envelope, Route(), verdict)
    assert judgement.stands
    models.Platform.objects.update(messages_per_minute=8)
    write_verdict(envelope, Route(), verdict)
    assert models.JournalEntry.objects.count() == 2


def test_an_answer_that_was_kept_is_not_given_to_a_credential_that_was_revoked(connected_cast):
    client = Client()
    headers = {**connected_cast.visited_cso.headers, "Idempotency-Key": '"k-1"'}

    def post():
        return client.post(
            IDENTIFY, data=LOCAL_START, content_type="application/json", headers=headers
        )

    assert post().status_code == 200
    assert post()["Idempotency-Replayed"] == "true"
    models.Credential.objects.update(revoked_at=timezone.now())
    assert post().status_code == 401


def test_a_refusal_stands_once_in_the_journal_although_it_was_judged_twice(connected_cast):
    client = Client()

    def post(body):
        return client.post(
            START, data=body, content_type="application/json",
            headers={**connected_cast.visited_cso.headers, "Idempotency-Key": '"k-2"'},
        )  # fmt: skip

    client.post(
        IDENTIFY, data=LOCAL_START, content_type="application/json",
        headers=connected_cast.visited_cso.headers,
    )  # fmt: skip
    models.Platform.objects.update(messages_per_minute=1_000)
    response = post(changed(LOCAL_START, visited_cso="DE*XXX"))
    assert (response.status_code, response.json()["code"]) == (403, "party_not_held")
    entry = models.JournalEntry.objects.get(use_case="UC3-1")
    assert (entry.outcome, entry.refusal_code) == ("refused_by_hub", "party_not_held")

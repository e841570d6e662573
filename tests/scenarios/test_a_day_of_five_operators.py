"""A day of five operators in which endpoints die and come back; in the evening nothing is missing.

Two CSOs, two CSPs, and one that is both; everybody has agreements with everybody. A business clock
lets the day pass in some minutes. Local and remote sessions run all the time, while one platform
after the other is gone for hours, is killed and started anew, loses answers, or answers with
errors. What is asked live may fail then, and says so. What was acknowledged must have arrived:
every message, every SDR at the right home-CSP, every cent agreed.
"""

import json
import os
import random
import threading
import time
from collections import Counter, defaultdict
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import urllib3

from roaming import models
from roaming.models.clock import set_business_clock
from tests.scenarios.stage import stage
from tests.simulated import wait_until

pytestmark = pytest.mark.slow

SEED = int(os.environ.get("DAY_SEED", "20261005"))
DAY_S = float(os.environ.get("DAY_SECONDS", "100"))
MORNING = datetime(2026, 10, 5, 4, tzinfo=UTC)
SPEED = 86_400 / DAY_S
CSOS = {"nordlicht": "DE*NLI", "rhone": "FR*RHO", "alpen": "AT*ALP"}
CSPS = {"fahrwerk": "DE-FAH", "polder": "NL-POL", "alpen": "AT-ALP"}
SHAKY = {"chances": {"ordinary": 16, "lose_answer": 2, "http_status:500": 1, "answer_late:1": 1}}


class Day:
    """The operators, and what they do until the evening."""

    def __init__(self, on):
        self.on = on
        self.began = time.monotonic()
        self.over = threading.Event()
        self.done = Counter()
        self.outcomes = Counter()
        tokens = {
            name: on.invite(name, *filter(None, (CSOS.get(name), CSPS.get(name))))
            for name in sorted({*CSOS, *CSPS})
        }
        self.pairs = [(cso, csp) for cso in CSOS for csp in CSPS if cso != csp]
        for cso, csp in self.pairs:
            on.agree(cso, csp)
        self.all = {}
        for name, token in tokens.items():
            self.all[name] = on.begin(
                name,
                token,
                seed=SEED,
                patience_s=300,
                # Two seconds are half an hour of this day.
                sessions={"seconds": 2, "updates_every_seconds": 0.7, "time_lapse": 1},
                behaviours={"UC3-9": SHAKY, "UC3-5": SHAKY, "UC3-6": SHAKY},
            )

    # --- What happens all day ---------------------------------------------------------------------

    def drivers_come(self, cso):
        """Cards held to the first EVSE of a CSO, one driver after the other."""
        rng = random.Random(f"{SEED} drivers {cso}")
        partners = [csp for at, csp in self.pairs if at == cso]
        for number in range(10_000):
            if self.over.is_set():
                return
            csp = rng.choice(partners)
            token = f"{sum(map(ord, cso)):04X}{number:04X}{sum(map(ord, csp)):06X}"
            step = {"do": "session", "token_uid": token, "home_csp": CSPS[csp],
                    "evse_id": f"{CSOS[cso]}*E1"}  # fmt: skip
            self.tried("local", self.all[cso], step)

    def apps_start(self, csp):
        """Remote starts at the second EVSEs of the partners."""
        rng = random.Random(f"{SEED} apps {csp}")
        partners = [at for at, home in self.pairs if home == csp]
        for number in range(10_000):
            if self.over.wait(rng.uniform(1.0, 3.0)):
                return
            contract = f"{CSPS[csp]}-C{number:08}"
            step = {"do": "remote_start", "contract_id": contract,
                    "evse_id": f"{CSOS[rng.choice(partners)]}*E2"}  # fmt: skip
            self.tried("remote", self.all[csp], step)

    def tried(self, kind, operator, step):
        """Whoever is killed in the middle of something cannot say what became of it."""
        with suppress(urllib3.exceptions.HTTPError, ConnectionError, AssertionError):
            (outcome,) = operator.do(step)
            self.outcomes[f"{kind} {outcome['outcome']}"] += 1

    def endpoints_die(self):
        """One after the other; pure CSPs also by kill -9, for what a CSO charges is in its head."""
        rng = random.Random(f"{SEED} deaths")
        while not self.over.wait(rng.uniform(1.0, 3.0)):
            name = rng.choice(sorted(self.all))
            operator = self.all[name]
            if name not in CSOS and rng.random() < 0.5:
                operator.kill()
                self.over.wait(rng.uniform(0.5, 2.0))
                operator.start()
                self.done["killed"] += 1
            else:
                operator.offline()
                self.over.wait(rng.uniform(0.5, 4.0))
                operator.online()
                self.done["offline"] += 1

    def passes(self):
        work = [threading.Thread(target=self.drivers_come, args=(cso,)) for cso in CSOS]
        work += [threading.Thread(target=self.apps_start, args=(csp,)) for csp in CSPS]
        work.append(threading.Thread(target=self.endpoints_die))
        for thread in work:
            thread.start()
        time.sleep(DAY_S)
        self.over.set()
        for thread in work:
            thread.join(120)
            assert not thread.is_alive()

    def ends(self):
        """Everybody is there again, and what was under way comes to its end."""
        for operator in self.all.values():
            operator.online()
            operator.behave(**{"UC3-9": "ordinary", "UC3-5": "ordinary", "UC3-6": "ordinary"})
        for name in CSOS:
            self.all[name].do({"do": "wait_until_idle", "seconds": 120})
        self.on.wait_until_delivered(240)


@pytest.fixture(scope="module")
def day(django_db_setup, django_db_blocker, tmp_path_factory):
    extra = {
        "CLEARINGHOUSE_BUSINESS_CLOCK_SETTABLE": "yes",
        "CLEARINGHOUSE_LIVE_QUESTION_TIMEOUT_S": "2",
    }
    folder = tmp_path_factory.mktemp("day")
    with django_db_blocker.unblock(), stage(folder, **extra) as on:
        set_business_clock(MORNING, speed=SPEED, ceiling=MORNING + timedelta(days=30))
        made = Day(on)
        made.passes()
        made.ends()
        print(f"{dict(made.done)} {dict(made.outcomes)}")
        yield made


def test_the_day_was_a_busy_one_and_endpoints_did_die(day):
    assert day.done["offline"] >= 5
    assert day.done["killed"] >= 2
    assert models.ServiceSession.objects.filter(state="completed").count() >= 30
    ways = models.ServiceSession.objects.filter(state="completed").values_list("opened_by")
    assert {way for (way,) in ways} == {"UC3-1", "UC3-2"}
    assert any("receiver" in outcome for outcome in day.outcomes), day.outcomes


def test_everything_that_was_put_down_for_somebody_has_arrived_there(day):
    assert not models.Delivery.objects.exclude(state__in=["delivered", "replaced"]).exists()
    for name, operator in day.all.items():
        put_down = models.Delivery.objects.filter(receiver__name=f"{name} platform")
        delivered = {str(d.message_id) for d in put_down if d.state == "delivered"}
        arrived = {row["message_id"] for row in operator.rows("received")}
        assert delivered <= arrived, name


def test_every_sdr_that_was_acknowledged_is_there_once_and_its_home_csp_has_it(day):
    for name, identifier in CSOS.items():
        operator = day.all[name]
        taken = {row["message_id"] for row in operator.rows("got", "/sdrs") if row["status"] < 300}
        sent = [
            json.loads(row["body"])
            for row in operator.rows("sent", "/sdrs")
            if row["message_id"] in taken
        ]
        held = models.Sdr.objects.filter(visited_cso__identifier=identifier)
        assert {sdr["id"] for sdr in sent} == {sdr.reference for sdr in held}, name
        claims = {s["id"]: Decimal(str(s["total_cost"]["excl_vat"])) for s in sent}
        assert sum(claims.values()) == sum(s.claim_before_tax for s in held)
    arrived = defaultdict(set)
    for name, identifier in CSPS.items():
        for row in day.all[name].rows("received", "uc3-9/sdrs"):
            arrived[identifier] |= {r["sdr_id"] for r in json.loads(row["body"])["sdrs"]}
    for identifier in CSPS.values():
        held = models.Sdr.objects.filter(home_csp__identifier=identifier)
        assert {str(sdr.id) for sdr in held} == arrived[identifier], identifier


def test_every_session_came_to_an_end_that_both_sides_know(day):
    unfinished = models.ServiceSession.objects.filter(state__in=["authorised", "active"])
    assert list(unfinished) == []
    completed = models.ServiceSession.objects.filter(state="completed")
    told = defaultdict(set)
    for name, identifier in CSPS.items():
        for row in day.all[name].rows("received", "uc3-5/completion"):
            told[identifier].add(json.loads(row["body"])["service_session_id"])
    for session in completed.select_related("home_csp"):
        assert str(session.id) in told[session.home_csp.identifier]
    assert models.Sdr.objects.count() == completed.count()


def test_in_the_evening_every_cent_is_agreed(day):
    standing = models.SdrState.objects.all()
    wait_until(
        lambda: not standing.filter(reconciled_at=None).exists(),
        60,
        lambda: day.on.running.log("worker"),
    )
    found = models.Finding.objects.filter(superseded_at=None).exclude(severity="warning")
    assert [(f.rule, f.claimed, f.expected) for f in found] == []
    assert set(standing.values_list("outcome", flat=True)) <= {"agreed", "within_tolerance"}

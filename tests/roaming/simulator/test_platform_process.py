"""A platform as a process of its own, against a clearing house whose clock the test turns."""

import json
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from roaming.simulator.mistakes import Mistake
from roaming.simulator.platform_config import PlatformConfig, SdrHabit
from roaming.simulator.sdr_writer import to_json
from roaming.simulator.side_visits import Kind
from roaming.simulator.world import WorldDescription, draw_world
from tests.roaming.simulator.platform_fake_hub import FakeHub, Heard, fake_hub

ROOT = Path(__file__).resolve().parents[3]
WORLD = WorldDescription(month="2026-10", size=60)
JOINED = datetime(2026, 9, 29, 22, tzinfo=UTC)
DAY = timedelta(days=1)


class Process:
    """`python -m roaming.simulator -`, steered."""

    def __init__(self, hub: FakeHub, organisation: str = "Hollerbach", **config: object) -> None:
        told = PlatformConfig(
            organisation=organisation,
            hub=hub.url,
            registration_token="once",
            world=WORLD,
            poll_s=0.01,
            **config,
        )
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "roaming.simulator", "-"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.write(to_json(told))

    def write(self, line: bytes) -> None:
        self.popen.stdin.write(line + b"\n")
        self.popen.stdin.flush()

    def order(self, **order: datetime) -> None:
        self.write(to_json(order))

    def report(self) -> dict:
        return json.loads(self.popen.stdout.readline())

    def live_until(self, moment: datetime, hub: FakeHub) -> dict:
        """The clock goes there and the platform has caught up; its report."""
        self.order(until=moment)
        hub.now = moment
        report = self.report()
        assert (report["event"], datetime.fromisoformat(report["moment"])) == ("reached", moment)
        return report["tallies"]

    def end(self) -> int:
        self.popen.stdin.close()
        status = self.popen.wait(10)
        self.popen.stdout.close()
        self.popen.stderr.close()
        return status


@pytest.fixture
def hub():
    with fake_hub() as running:
        running.now = JOINED
        yield running


@pytest.fixture
def started():
    processes: list[Process] = []

    def start(*args: object, **kwargs: object) -> Process:
        processes.append(Process(*args, **kwargs))
        return processes[-1]

    yield start
    for process in processes:
        process.popen.kill()
        process.end() if not process.popen.stdin.closed else None


def replayed(process: Process, hub: FakeHub) -> dict:
    """The whole month, in steps of five days, and one more night for those who send by night."""
    assert process.report()["event"] == "registered"
    process.order(join=JOINED)
    process.live_until(JOINED, hub)
    moment = JOINED
    while moment < datetime(2026, 11, 3, tzinfo=UTC):
        moment += 5 * DAY
        process.live_until(moment, hub)
    return process.live_until(moment + DAY, hub)


def of_hollerbach():
    world = draw_world(WORLD)
    return world, [s for s in world.sessions if s.cso == "DE*SHL"]


def test_a_month_is_replayed_in_order_and_never_early(hub, started):
    process = started(hub)
    tallies = replayed(process, hub)
    world, sessions = of_hollerbach()
    unannounced = {r for r, p in world.planted.items() if not p.mistake.announced}
    last_publication = max(
        n for n, m in enumerate(hub.heard) if m.method == "PUT" and m.at == JOINED
    )
    first_start = next(n for n, m in enumerate(hub.heard) if m.path.endswith("/local-start"))
    assert last_publication < first_start
    for session in sessions:
        heard = [m for m in hub.heard if m.headers.get("X-Correlation-ID") == session.reference]
        kinds = [m.path.rsplit("/", 1)[-1] for m in heard]
        twice = world.planted.get(session.reference)
        wanted = ["local-start", "completion", "sdrs"]
        if session.reference in unannounced:
            wanted = ["sdrs"]
        elif twice and twice.mistake is Mistake.BILLED_TWICE:
            wanted.append("sdrs")
        assert kinds == wanted, session.reference
        assert heard[0].at >= (session.end if wanted == ["sdrs"] else session.start)
        assert heard[-1].at >= session.end
    sent = sum(tally["counts"].get("sdrs", 0) for tally in tallies["sent"].values())
    assert sent == len(hub.messages("/sdrs"))
    assert process.end() == 0


def test_sites_and_tariffs_are_published_when_the_clock_says_so(hub, started):
    replayed(started(hub, "Nordlicht"), hub)
    world, _ = of_hollerbach()
    tariffs = [v for v in world.network.tariffs if v.operator_id == "DE*NLN"]
    heard = [m for m in hub.heard if "/tariffs/" in m.path]
    assert len(heard) == len(tariffs)
    assert [m.body["valid_from"] for m in heard if m.at == JOINED]
    late = [m for m in heard if m.at > JOINED]
    assert {m.body["valid_from"] for m in late} == {"2026-10-15T22:00:00Z"}
    assert all(m.at < datetime(2026, 10, 5, tzinfo=UTC) for m in late)
    assert len([m for m in hub.heard if "/sites/" in m.path]) == 4


def test_a_refused_start_leads_to_no_session(hub, started):
    def refuse(message: Heard):
        if message.path.endswith("/local-start"):
            return 200, {"decision": "REFUSED", "reason": "blocked"}
        return None

    hub.overrides.append(refuse)
    tallies = replayed(started(hub), hub)
    assert hub.messages("/completion") == []
    world, sessions = of_hollerbach()
    unannounced = [r for r, p in world.planted.items() if not p.mistake.announced]
    assert len(hub.messages("/sdrs")) == len([s for s in sessions if s.reference in unannounced])
    assert tallies["refusals"] == {"starts_refused: blocked": len(hub.messages("/local-start"))}


def test_nothing_is_lost_on_a_clearing_house_that_fails_now_and_then(hub, started):
    calls = [0]

    def fail_sometimes(message: Heard):
        calls[0] += 1
        return (503, {"code": "unavailable"}) if calls[0] % 7 == 0 else None

    process = started(hub)
    assert process.report()["event"] == "registered"
    hub.overrides.append(fail_sometimes)
    process.order(join=JOINED)
    tallies = process.live_until(JOINED + 45 * DAY, hub)
    world, sessions = of_hollerbach()
    twice = sum(
        1
        for s in sessions
        if s.reference in world.planted
        and world.planted[s.reference].mistake is Mistake.BILLED_TWICE
    )
    assert sum(t["counts"].get("sdrs", 0) for t in tallies["sent"].values()) == (
        len(sessions) + twice
    )
    assert tallies["repeats"] == calls[0] // 7


def test_who_sends_by_night_sends_the_whole_day_in_one_call(hub, started):
    replayed(started(hub, sdr_habit=SdrHabit.DAILY), hub)
    _, sessions = of_hollerbach()
    assert hub.messages("/sdrs") == []
    lots = hub.messages("/sdrs/bulk")
    assert sum(len(lot.lines) for lot in lots) >= len(sessions)
    assert all(lot.headers["Content-Type"] == "application/x-ndjson" for lot in lots)
    for lot in lots:
        for sdr in lot.lines:
            assert datetime.fromisoformat(sdr["end_date_time"]) <= lot.at


def test_side_visits_open_no_session(hub, started):
    replayed(started(hub), hub)
    world, _ = of_hollerbach()
    visits = [v for v in world.side_visits if v.cso == "DE*SHL"]
    heard = [m for m in hub.heard if m.headers.get("X-Correlation-ID", "").startswith("V-")]
    assert len(heard) == len(visits)
    asked = [m for m in heard if m.path.endswith("/authorisation")]
    assert len(asked) == sum(v.kind is Kind.ONLY_ASKED for v in visits)


def test_a_platform_without_stations_only_listens(hub, started):
    tallies = replayed(started(hub, "Fahrstromkarte"), hub)
    assert [m.path for m in hub.heard] == ["/api/v1/registration"]
    assert tallies["sent"] == {}


def test_a_registration_that_is_refused_ends_the_platform_with_a_report(hub, started):
    hub.overrides.append(lambda message: (401, {"code": "registration_token_invalid"}))
    process = started(hub)
    report = process.report()
    assert report["event"] == "failed"
    assert "registration_token_invalid" in report["detail"]
    assert process.popen.wait(10) == 1


def test_sigterm_ends_it_in_the_middle_of_a_month(hub, started):
    process = started(hub)
    process.report()
    process.order(join=JOINED, until=JOINED + 30 * DAY)
    time.sleep(0.2)
    process.popen.send_signal(signal.SIGTERM)
    assert process.popen.wait(10) == 0


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (b"{", "cannot be used"),
        (b'{"organisation": "Hollerbach"}', "missing required field"),
        (b'{"hub": 1}', "cannot be used"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_said_so(config, words):
    done = subprocess.run(
        [sys.executable, "-m", "roaming.simulator", "-"],
        cwd=ROOT,
        input=config + b"\n",
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2
    assert words in done.stderr.decode()


def test_an_organisation_that_is_not_in_the_world_is_said_so(hub, started):
    process = started(hub, "Nobody")
    assert "Nobody" in process.report()["detail"]
    assert process.popen.wait(10) == 2


def test_the_command_becomes_the_same_process(tmp_path):
    config = tmp_path / "config.json"
    config.write_bytes(b"{}")
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "simulate_operator", config.name],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "CLEARINGHOUSE_DATA_DIR": str(tmp_path / "data")},
    )
    assert done.returncode == 2
    assert "missing required field" in done.stderr.decode()

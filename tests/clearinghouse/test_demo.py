"""The demo as people run it: every process, every message, a whole month (slow)."""

import csv
import gzip
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from decimal import Decimal
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


def environment(data: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "CLEARINGHOUSE_DATA_DIR": str(data),
        # Neither may be touched: this server does not exist.
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/production",
        "CELERY_BROKER_URL": "redis://127.0.0.1:1/",
    }


def demo(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "demo", "--once", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env=environment(data),
    )


class Running:
    """A demo in the background, and what it has said so far."""

    def __init__(self, data: Path, *arguments: str) -> None:
        self.output = data / "output.txt"
        data.mkdir(parents=True, exist_ok=True)
        with self.output.open("wb") as file:
            self.popen = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), "demo", *arguments],
                stdout=file,
                stderr=subprocess.STDOUT,
                env=environment(data),
            )

    def said(self, pattern: str, seconds: float = 300) -> re.Match[str]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = re.search(pattern, self.output.read_text())
            if found:
                return found
            assert self.popen.poll() is None, self.output.read_text()
            time.sleep(0.05)
        raise AssertionError(self.output.read_text())

    def wait(self) -> int:
        return self.popen.wait(120)


def processes_of(data: Path) -> list[str]:
    """Whatever still runs with this data directory in its environment or command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str(data).encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


@pytest.fixture(scope="module")
def replayed(tmp_path_factory):
    """One small replay, and the directory in which it lies."""
    data = tmp_path_factory.mktemp("demo")
    done = demo(data, "--small")
    (place,) = (data / "demo").iterdir()
    return done, place


def test_a_small_month_is_replayed_settled_and_shown(replayed):
    done, place = replayed
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILED" not in done.stdout
    assert re.search(r"Messages switched +\d{3}", done.stdout)
    assert re.search(r"SDRs received, money claimed +151 ", done.stdout)
    assert re.search(r"Trial balance +\d+ accounts +0\.00 EUR", done.stdout)
    assert re.search(r"Sum +0\.00 EUR", done.stdout)
    figures = re.search(r"Sum +(\d+) +(\d+) +(\d+) +[\d.]+ EUR", done.stdout).groups()
    planted, found, named = (int(figure) for figure in figures)
    assert planted == found == 30
    assert named >= 24  # of the 25 of billing
    assert processes_of(place) == []


def test_the_settlement_report_adds_up_to_what_the_table_says(replayed):
    done, place = replayed
    (path,) = place.glob("reports/*settlement-report*.csv")
    with path.open(encoding="utf-8", newline="") as file:
        settled = sum(Decimal(row["Settled before tax"]) for row in csv.DictReader(file))
    assert f"{settled:,.2f} EUR" in re.search(r"Money settled.*", done.stdout).group()
    (path,) = place.glob("reports/*discrepancies*.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rules = {row["Rule"] for row in csv.DictReader(file)}
    assert {"AUT-01", "DUP-02", "PRC-01", "QTY-02", "TIM-05", "TIM-06"} <= rules


def test_the_same_again_shows_the_same_at_once(replayed):
    done, place = replayed
    began = time.monotonic()
    again = demo(place.parent.parent, "--small")
    assert again.returncode == 0
    assert "settled here before" in again.stdout
    table = done.stdout[done.stdout.index("Settlement of") :]
    assert again.stdout.endswith(table)
    assert time.monotonic() - began < 20


def test_it_stays_up_until_it_is_told_to_end(replayed):
    _, place = replayed
    running = Running(place.parent.parent, "--small")
    try:
        address = running.said(r"Admin +(http://127\.0\.0\.1:\d+)/admin/").group(1)
        assert running.said(r"clerk, password \S{12,}")
        assert running.said(r"Portal +http://127\.0\.0\.1:\d+/portal/")
        assert running.said(r"portal@\S+, password \S{12,}")
        for path in ("/admin/login/", "/api/docs", "/api/v1/clock"):
            with urllib.request.urlopen(address + path, timeout=20) as response:
                assert response.status == 200
        second = demo(place.parent.parent, "--small")
        assert (second.returncode, "already" in second.stdout) == (1, True)
    finally:
        running.popen.send_signal(signal.SIGTERM)
        assert running.wait() == 0
    assert processes_of(place) == []


def test_a_child_that_dies_ends_the_demo_with_its_log(tmp_path):
    running = Running(tmp_path, "--once", "--size", "400")
    running.said("Platforms register and publish")
    (worker,) = [
        entry
        for entry in Path("/proc").glob("[0-9]*")
        if _runs(entry, b"celery", b"worker") and _parent(entry) == running.popen.pid
    ]
    os.kill(int(worker.name), signal.SIGKILL)
    assert running.wait() == 1
    text = running.output.read_text()
    assert "The demo failed: worker ended with SIGKILL" in text
    assert "worker.log" in text
    assert processes_of(tmp_path) == []
    again = Running(tmp_path, "--once", "--size", "400")
    again.said("An earlier run was not finished; it starts anew.")
    again.said("Platforms register and publish")
    again.popen.send_signal(signal.SIGINT)
    assert again.wait() == 130
    assert processes_of(tmp_path) == []


def test_nothing_is_left_when_the_conductor_is_killed(tmp_path):
    running = Running(tmp_path, "--once", "--size", "400")
    running.said("Platforms register and publish")
    running.popen.kill()
    running.wait()
    (place,) = (tmp_path / "demo").iterdir()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        left = [line for line in processes_of(tmp_path) if "postgres" not in line]
        if not left:
            break
        time.sleep(0.2)
    assert left == []
    # The database outlives its conductor; the next one takes it over.
    done = demo(tmp_path, "--size", "20", "--reset")
    assert done.returncode == 0, done.stdout
    from clearinghouse.embedded_postgres import EmbeddedPostgres

    EmbeddedPostgres(place / "postgres").stop()


def test_a_real_month_is_replayed_and_every_refused_row_reported(tmp_path, shared_data):
    whole = shared_data / "sessions/perth-kinross/September_2016_-_August_2017.csv.gz"
    file = tmp_path / "some.csv"
    with gzip.open(whole, "rt", encoding="utf-8-sig") as rows:
        header, *lines = rows.read().splitlines()
    some = [line for line in lines if "2016-10-" in line][:200]
    file.write_text("\n".join([header, *some]), encoding="utf-8")
    done = demo(tmp_path, "--sessions", str(file), "--month", "2016-10")
    assert done.returncode == 0, done.stdout + done.stderr
    replayed, refused = re.search(r"(\d+) replayed, (\d+) refused", done.stdout).groups()
    (path,) = tmp_path.glob("demo/*/reports/2016-10_refused-rows.csv")
    with path.open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == int(refused) > 0
    assert int(replayed) > 100
    assert "GBP" in done.stdout


def _runs(entry: Path, *words: bytes) -> bool:
    try:
        command = (entry / "cmdline").read_bytes()
    except OSError:
        return False
    return all(word in command for word in words)


def _parent(entry: Path) -> int:
    return int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])

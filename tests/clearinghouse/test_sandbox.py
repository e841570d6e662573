"""The sandbox as people run it: it starts, it starts again, and leaves nothing behind (slow)."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import urllib3

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


def environment(data):
    return {
        "PATH": os.environ["PATH"],
        "CLEARINGHOUSE_DATA_DIR": str(data),
        # Neither may be touched: this server does not exist.
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/production",
        "CELERY_BROKER_URL": "redis://127.0.0.1:1/",
    }


def command(*arguments):
    return [sys.executable, str(ROOT / "manage.py"), "sandbox", *arguments]


class Running:
    """A sandbox with its output in a file."""

    def __init__(self, data, *arguments):
        self.data = data
        self.shown = data / f"shown-{time.monotonic_ns()}.txt"
        with self.shown.open("wb") as output:
            self.process = subprocess.Popen(
                command(*arguments), env=environment(data), stdout=output, stderr=output,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip

    def wait_for(self, text, timeout_s=120):
        deadline = time.monotonic() + timeout_s
        while text not in self.shown.read_text():
            assert self.process.poll() is None, self.shown.read_text()
            assert time.monotonic() < deadline, self.shown.read_text()
            time.sleep(0.1)

    def told(self):
        """What stands in the file for the reader's shell."""
        lines = (self.data / "sandbox/env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def processes_of(data):
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str(data).encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def test_it_starts_shows_the_other_side_and_goes_on_where_it_was(tmp_path):
    first = Running(tmp_path)
    try:
        first.wait_for("What the counterpart hears")
        told = first.told()
        registered = urllib3.request(
            "POST", f"{told['HUB']}/registration", json={},
            headers={"Authorization": f"Bearer {told['REGISTRATION_TOKEN']}"},
        )  # fmt: skip
        assert registered.status == 201, registered.data
        token = registered.json()["token"]
        question = {
            "visited_cso": "DE*YOU", "home_csp": "DE-SBX",
            "identification": {"method": "RFID", "token_uid": told["DRIVER"]},
        }  # fmt: skip
        identified = urllib3.request(
            "POST", f"{told['HUB']}/identifications/authorisation", json=question,
            headers={"Authorization": f"Bearer {token}"},
        )  # fmt: skip
        assert identified.json()["decision"] == "ACCEPTED"
        first.wait_for("<- UC4-1")
        assert told["DRIVER"] not in first.shown.read_text().partition("hears and says")[2]
        second = subprocess.run(
            command(), env=environment(tmp_path), capture_output=True, text=True, check=False
        )
        assert (second.returncode, "already" in second.stdout) == (1, True)
    finally:
        assert first.end() == 0, first.shown.read_text()
    assert processes_of(tmp_path) == []
    again = Running(tmp_path)
    try:
        again.wait_for("What the counterpart hears")
        assert again.told()["REGISTRATION_TOKEN"] != told["REGISTRATION_TOKEN"]
        known = urllib3.request(
            "GET", f"{again.told()['HUB']}/credentials",
            headers={"Authorization": f"Bearer {token}"},
        )  # fmt: skip
        assert known.status == 200
    finally:
        assert again.end() == 0


def test_a_port_that_is_taken_is_said_so(tmp_path):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            command("--port", str(port)), env=environment(tmp_path), capture_output=True,
            text=True, check=False, timeout=120,
        )  # fmt: skip
    assert done.returncode == 1
    assert f"Port {port} cannot be had" in done.stdout
    assert processes_of(tmp_path) == []

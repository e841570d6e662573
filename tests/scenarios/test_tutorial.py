"""The README's tutorial, command by command as it stands there (slow)."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEADING = "## Ten minutes to a rated SDR\n"
pytestmark = pytest.mark.slow


def commands():
    """The shell blocks of the section; the first starts the sandbox in a terminal of its own."""
    _, found, rest = (ROOT / "README.md").read_text().partition(HEADING)
    assert found, f"the README has no section {HEADING.strip()!r}"
    section = rest.partition("\n## ")[0]
    first, *others = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    assert first.strip() == "script/sandbox"
    return "set -e\n" + "\n".join(others)


@pytest.fixture
def sandbox(tmp_path):
    """A sandbox at work, and the directory in which its reader works."""
    shown = tmp_path / "sandbox.txt"
    with shown.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "sandbox"], stdout=output, stderr=output,
            stdin=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "CLEARINGHOUSE_DATA_DIR": str(tmp_path / ".data")},
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while "What the counterpart hears" not in shown.read_text():
            assert process.poll() is None, shown.read_text()
            assert time.monotonic() < deadline, shown.read_text()
            time.sleep(0.1)
        yield tmp_path
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, shown.read_text()


def test_a_newcomer_comes_from_the_registration_to_a_rated_sdr(sandbox):
    script = sandbox / "tutorial.sh"
    script.write_text(commands())
    done = subprocess.run(
        ["sh", str(script)], cwd=sandbox, capture_output=True, text=True, check=False, timeout=120,
        env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"code":' not in done.stdout, done.stdout
    rated = json.loads((sandbox / "rated.json").read_text())
    assert (rated["state"], rated["outcome"], rated["findings"]) == ("rated", "agreed", [])
    assert float(rated["claimed_before_tax"]) == float(rated["rated_before_tax"]) == 5
    started = json.loads((sandbox / "remote.json").read_text())
    assert started["response"] == "ACCEPTED"
    assert '"state":"active"' in done.stdout
    assert '"result":"SUCCEEDED"' in done.stdout
    assert "uc3-6/charging-information" in done.stdout
    shown = (sandbox / "sandbox.txt").read_text()
    assert re.search(r"<- UC3-9 +SDRs .*SDR-1", shown)

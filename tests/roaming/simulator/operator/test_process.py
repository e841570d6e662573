"""`manage.py simulate_operator` as people run it: a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import urllib3

from roaming.simulator.operator.record import read_record
from tests.roaming.simulator.operator.hub import (
    CSO,
    SECRET,
    TOKEN,
    Caller,
    TickingHub,
    registers_as,
    takes_business,
)
from tests.roaming.simulator.platform_fake_hub import fake_hub

ROOT = Path(__file__).resolve().parents[4]


def command(*arguments, via=("-m", "roaming.simulator")):
    return [sys.executable, *via, *arguments]


def run(*arguments, cwd=ROOT, **options):
    return subprocess.run(
        command(*arguments), cwd=cwd, capture_output=True, text=True, check=False, timeout=60,
        **options,
    )  # fmt: skip


@pytest.fixture
def hub():
    with fake_hub(TickingHub()) as running:
        registers_as(running, CSO)
        running.overrides.append(takes_business)
        yield running


@pytest.fixture
def config(hub, tmp_path):
    path = tmp_path / "operator.json"
    told = {
        "hub": hub.url,
        "registration_token": "once",
        "endpoint": {"secret": SECRET},
        "sessions": {"seconds": 0.3, "updates_every_seconds": 0.1},
        "state_file": str(tmp_path / "state.json"),
        "record_file": str(tmp_path / "record.jsonl"),
    }
    path.write_text(json.dumps(told))
    return path


@pytest.fixture
def started(tmp_path):
    processes = []

    def start(*arguments):
        with (tmp_path / "shown.txt").open("ab") as shown:
            process = subprocess.Popen(
                command(*arguments), cwd=ROOT, stdin=subprocess.PIPE, stdout=shown, stderr=shown
            )
        processes.append(process)
        return process

    start.shown = tmp_path / "shown.txt"
    yield start
    for process in processes:
        process.kill()
        process.wait()
        process.stdin.close()


def wait_for(text, path, timeout_s=20):
    deadline = time.monotonic() + timeout_s
    while not path.exists() or text not in path.read_text():
        assert time.monotonic() < deadline, path.read_text() if path.exists() else "nothing"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--help"], "--topic behaviours"),
        (["--topic", "behaviours"], "answer_late:5"),
        (["--topic", "steps"], "remote_start("),
        (["--topic", "scripts"], "remote-session:"),
        (["--topic", "control"], "GET  /state"),
        (["--example", "cso"], '"registration_token"'),
    ],
)
def test_it_explains_itself(arguments, words):
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert words in done.stdout


def test_the_command_of_the_project_is_the_same_from_any_directory(tmp_path):
    done = subprocess.run(
        command("simulate_operator", "--help", via=(str(ROOT / "manage.py"),)),
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={"PATH": "/usr/bin:/bin", "CLEARINGHOUSE_DATA_DIR": str(tmp_path / "data")},
    )  # fmt: skip
    assert done.returncode == 0
    assert "Plays a charging station operator" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "missing required field `hub`"),
        (["no-such-file.json"], "no-such-file.json"),
        (["--hub", "ftp://x"], "no http or https"),
        (["--hub", "http://127.0.0.1:1/", "--behave", "UC3-1"], "say USE-CASE=BEHAVIOUR"),
        (["--hub", "http://127.0.0.1:1/", "--behave", "UC3-1=explode"], "there is no behaviour"),
    ],
)
def test_what_it_cannot_use_is_said_in_a_sentence(arguments, words):
    done = run(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_token_it_says_what_to_do(hub):
    done = run("--hub", hub.url)
    assert done.returncode == 1
    assert "ask the clearing house for a token" in done.stderr


def test_a_refused_registration_is_said_with_its_reason(hub, config):
    hub.overrides.insert(
        0, lambda m: (401, {"code": "registration_token_invalid", "detail": "It was used."})
    )
    done = run(str(config))
    assert done.returncode == 1
    assert "registration_token_invalid. It was used." in done.stderr


def test_one_command_makes_a_whole_session_and_ends(hub, config):
    script = [{"do": "session", "token_uid": TOKEN, "home_csp": "DE-HOM", "expect": "accepted"}]
    config.write_text(json.dumps({**json.loads(config.read_text()), "script": script}))
    done = run(str(config), "--once")
    assert done.returncode == 0, done.stderr + done.stdout
    assert "-> UC3-9" in done.stdout
    assert len(hub.messages("/sdrs")) == 1


def test_a_script_that_fails_is_the_exit_status(hub, config):
    script = [{"do": "wait_for", "path": "uc3-2/remote-start", "seconds": 0.1}]
    config.write_text(json.dumps({**json.loads(config.read_text()), "script": script}))
    done = run(str(config), "--once")
    assert done.returncode == 1
    assert "nothing that fits came" in done.stdout


def test_it_takes_lines_and_ends_when_it_is_told_to(hub, config, started):
    process = started(str(config))
    wait_for("speaks for DE*SIM", started.shown)
    process.stdin.write(b"do status state=OUTOFORDER\nquit\n")
    process.stdin.flush()
    assert process.wait(10) == 0
    assert hub.messages("/status")[-1].body["state"] == "OUTOFORDER"


def test_sigterm_ends_it(config, started):
    process = started(str(config))
    wait_for("speaks for DE*SIM", started.shown)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def test_whoever_started_it_with_a_dash_takes_it_along(config, started):
    process = started("-", "--control", "0")
    process.stdin.write(config.read_bytes().replace(b"\n", b" ") + b"\n")
    process.stdin.flush()
    wait_for("steered at http", started.shown)
    process.stdin.close()
    assert process.wait(10) == 0


def test_killed_it_comes_back_with_its_credentials_its_address_and_its_answers(
    hub, config, started, tmp_path
):
    process = started(str(config))
    wait_for("speaks for DE*SIM", started.shown)
    url = json.loads((tmp_path / "state.json").read_text())
    call = Caller(f"http://127.0.0.1:{url['port']}")
    unlock = {"command_id": "c-1", "evse_id": "DE*SIM*E1", "home_csp": "DE-HOM"}
    first = call.post("uc5-3/unlock", unlock, "m-1")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with pytest.raises(urllib3.exceptions.HTTPError):
        call.post("uc5-3/unlock", unlock, "m-1")
    started.shown.write_text("")
    started(str(config))
    wait_for("speaks for DE*SIM", started.shown)
    assert call.post("uc5-3/unlock", unlock, "m-1") == first
    assert len(hub.messages("/registration")) == 1
    received = [r for r in read_record(tmp_path / "record.jsonl") if r["event"] == "received"]
    assert [row["again"] for row in received] == [False, True]


def test_a_port_that_is_taken_is_said_so(hub, config, started, tmp_path):
    started(str(config))
    wait_for("speaks for DE*SIM", started.shown)
    port = json.loads((tmp_path / "state.json").read_text())["port"]
    done = run("--hub", hub.url, "--token", "x", "--port", str(port))
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr

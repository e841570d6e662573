"""Processes of the demo: none is left behind, whatever happens to whom."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clearinghouse.demo import children as children_module
from clearinghouse.demo.children import LEASH, ChildEndedError, children_in

ROOT = Path(__file__).resolve().parents[2]
SLEEPER = "import time; print('ready', flush=True); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"


def run(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def gone(pid: int, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def await_text(path: Path, text: str) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if path.exists() and text in path.read_text():
            return
        time.sleep(0.02)
    raise AssertionError(f"{text!r} never stood in {path}")


def test_a_child_runs_logs_and_ends_with_the_block(tmp_path):
    with children_in(tmp_path, tmp_path / "logs") as children:
        child = children.start("one", run(SLEEPER), os.environ)
        await_text(child.log, "ready")
        children.check()
    assert child.process.returncode == -signal.SIGTERM
    assert children.running == []


def test_a_child_that_ends_by_itself_is_reported_with_the_end_of_its_log(tmp_path):
    code = "import sys; [print('line', n) for n in range(40)]; sys.exit(3)"
    with children_in(tmp_path, tmp_path / "logs") as children:
        child = children.start("web", run(code), os.environ)
        child.process.wait(10)
        with pytest.raises(ChildEndedError) as ended:
            children.check()
    words = str(ended.value)
    assert words.startswith("web ended with status 3.")
    assert words.endswith("line 39")
    assert "line 5\n" not in words


def test_a_child_that_was_killed_is_reported_by_the_signal(tmp_path):
    with children_in(tmp_path, tmp_path / "logs") as children:
        child = children.start("worker", run(SLEEPER), os.environ)
        child.process.kill()
        child.process.wait(10)
        with pytest.raises(ChildEndedError, match="worker ended with SIGKILL"):
            children.check()


def test_who_does_not_end_in_time_is_killed_with_everything_it_started(tmp_path, monkeypatch):
    monkeypatch.setattr(children_module, "GRACE_S", 0.3)
    code = (
        "import subprocess, sys; "
        f"p = subprocess.Popen([sys.executable, '-c', {STUBBORN!r}]); "
        f"print('grandchild', p.pid, flush=True); {STUBBORN}"
    )
    with children_in(tmp_path, tmp_path / "logs") as children:
        child = children.start("stubborn", run(code), os.environ)
        await_text(child.log, "ready")
        await_text(child.log, "grandchild")
        grandchild = int(child.log.read_text().split("grandchild ")[1].split()[0])
    assert child.process.returncode == -signal.SIGKILL
    assert gone(grandchild)


def test_a_steered_child_is_told_and_heard(tmp_path):
    code = "import sys; print(sys.stdin.readline().upper(), end='', flush=True); sys.stdin.read()"
    with children_in(tmp_path, tmp_path / "logs") as children:
        child = children.start("echo", run(code), os.environ, steered=True)
        child.process.stdin.write(b"hello\n")
        child.process.stdin.flush()
        assert child.process.stdout.readline() == b"HELLO\n"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of a parent's end")
def test_children_end_when_the_conductor_is_killed(tmp_path):
    code = f"""
import os, sys, time
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from clearinghouse.demo.children import children_in
with children_in(Path({str(tmp_path)!r}), Path({str(tmp_path)!r})) as children:
    child = children.start("one", [sys.executable, "-c", {SLEEPER!r}], os.environ)
    print(child.process.pid, flush=True)
    time.sleep(60)
"""
    conductor = subprocess.Popen(run(code), stdout=subprocess.PIPE, text=True)
    pid = int(conductor.stdout.readline())
    await_text(tmp_path / "one.log", "ready")
    conductor.kill()
    conductor.wait()
    conductor.stdout.close()
    assert gone(pid)


def test_the_leash_does_not_start_what_nobody_waits_for(tmp_path):
    command = [sys.executable, str(LEASH), "1", sys.executable, "-c", "print('started')"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if os.getppid() != 1:
        assert done.returncode == 1
    assert "started" not in done.stdout or os.getppid() == 1

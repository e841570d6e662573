"""script/server: refuses what is not meant for real use, and keeps its three services together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.scripts.test_environment import make_project, run

# Stands where granian and Celery would: notes that it runs, and ends as its file tells it to.
_SERVICE = """\
import pathlib, signal, sys, time
name = next((word for word in ("worker", "beat") if word in sys.argv), "web")
if pathlib.Path(name + ".stubborn").exists():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
pathlib.Path(name + ".draft").write_text(" ".join(sys.argv[1:]))
pathlib.Path(name + ".draft").rename(name + ".started")
while True:
    end = pathlib.Path(name + ".end")
    if end.exists():
        sys.exit(int(end.read_text()))
    time.sleep(0.02)
"""
_MANAGE = """\
import pathlib, sys
with open("steps", "a") as steps:
    print(*sys.argv[1:], file=steps)
if sys.argv[1] == "check" and pathlib.Path("unfit").exists():
    sys.exit("clearinghouse.E001: DEBUG is on")
"""
SETTINGS = {
    "DATABASE_URL": "postgres://db.example/ch",
    "CELERY_BROKER_URL": "redis://broker.example",
    "CLEARINGHOUSE_SECRET_KEY": "x",
}
SERVICES = ("web", "worker", "beat")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_project(tmp_path_factory.mktemp("server") / "project")
    (root / "manage.py").write_text(_MANAGE)
    for name in ("granian.py", "celery.py"):
        (root / name).write_text(_SERVICE)
    assert run(root / "script" / "demo", cwd=root).returncode == 0
    return root


@pytest.fixture(autouse=True)
def clean(project: Path) -> None:
    marks = [project / f"{name}.{mark}" for name in SERVICES for mark in ("started", "end")]
    for path in (*marks, project / "steps", project / "unfit", project / "worker.stubborn"):
        path.unlink(missing_ok=True)


@contextmanager
def running(project: Path, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """The script with its three services up."""
    environment = {"PATH": os.environ["PATH"], "PYTHON": sys.executable, **SETTINGS, **settings}
    with subprocess.Popen(
        [str(project / "script" / "server")],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            deadline = time.monotonic() + 10
            while not all((project / f"{name}.started").exists() for name in SERVICES):
                assert server.poll() is None, server.communicate()[1]
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield server
        finally:
            server.terminate()


def test_without_its_settings_it_names_those_that_are_missing(project: Path) -> None:
    done = run(project / "script" / "server", settings={"DATABASE_URL": "postgres://x/ch"})
    assert done.returncode == 1
    assert "CELERY_BROKER_URL CLEARINGHOUSE_SECRET_KEY" in done.stderr
    assert not (project / "steps").exists()


def test_what_the_production_checks_refuse_is_not_started(project: Path) -> None:
    (project / "unfit").touch()
    done = run(project / "script" / "server", settings=SETTINGS)
    assert done.returncode == 1
    assert "DEBUG is on" in done.stderr
    assert (project / "steps").read_text() == ("check --deploy --fail-level WARNING\n")
    assert not (project / "web.started").exists()


def test_asked_to_end_it_stops_all_three_and_ends_well(project: Path) -> None:
    with running(project, CLEARINGHOUSE_PORT="8123") as server:
        assert (project / "steps").read_text().splitlines()[1:] == ["prepare_database"]
        web = (project / "web.started").read_text()
        assert "--host 127.0.0.1 --port 8123" in web
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=60) == 0


def end(project: Path, name: str, status: int) -> None:
    """Tells a fake service to end; the file appears whole, for the service looks all the time."""
    draft = project / f"{name}.end.draft"
    draft.write_text(str(status))
    draft.rename(project / f"{name}.end")


@pytest.mark.parametrize("name", SERVICES)
def test_when_one_of_the_three_ends_the_others_are_stopped_with_its_status(
    project: Path, name: str
) -> None:
    with running(project) as server:
        end(project, name, 5)
        errors = server.communicate(timeout=60)[1]
        assert server.returncode == 5
        assert f"{name} ended with status 5" in errors


def test_even_an_orderly_end_that_nobody_asked_for_is_a_failure(project: Path) -> None:
    with running(project) as server:
        end(project, "beat", 0)
        assert server.wait(timeout=60) == 1


def test_a_service_that_does_not_stop_is_killed_after_the_grace_period(project: Path) -> None:
    (project / "worker.stubborn").touch()
    with running(project, CLEARINGHOUSE_STOP_GRACE_S="1") as server:
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=60) == 0

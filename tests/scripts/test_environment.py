"""The set-up that script/demo, script/test and script/server share, in a project of one file."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ["_environment", "demo", "postgres", "server", "test"]
_SYSTEM_PYTHON = Path("/usr/bin/python3")

# Says what it was called with, and ends with a status of its own.
_MANAGE = """\
import json, os, sys
print(json.dumps({"arguments": sys.argv[1:], "directory": os.getcwd()}))
sys.exit(int(os.environ.get("STATUS", "0")))
"""


def make_project(root: Path) -> Path:
    """The scripts in a project without packages to install."""
    root.mkdir(parents=True)
    shutil.copytree(ROOT / "script", root / "script")
    (root / "requirements.txt").write_text("# nothing\n")
    (root / "manage.py").write_text(_MANAGE)
    return root


def run(
    script: Path,
    *arguments: str,
    settings: Mapping[str, str] | None = None,
    as_user: str = "",
    cwd: Path = Path("/"),
) -> subprocess.CompletedProcess[str]:
    """Run a script without a terminal, without a home and with nothing else in the environment."""
    environment = {"PATH": os.environ["PATH"], "PYTHON": sys.executable, **(settings or {})}
    change = []
    if as_user:
        account = pwd.getpwnam(as_user)
        ids = (f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}")
        change = ["setpriv", *ids, "--clear-groups"]
    return subprocess.run(
        [*change, str(script), *arguments],
        cwd=cwd,
        env={name: value for name, value in environment.items() if value},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose set-up is done. Tests leave it as it is."""
    project = make_project(tmp_path_factory.mktemp("project") / "with a blank")
    done = run(project / "script" / "demo")
    assert done.returncode == 0, done.stderr
    assert "Installing the Python packages" in done.stderr
    return project


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_well_formed(name: str) -> None:
    path = ROOT / "script" / name
    text = path.read_text()
    shell = "bash" if "bash" in text.splitlines()[0] else "sh"
    assert subprocess.run([shell, "-n", str(path)], check=False).returncode == 0
    assert bool(path.stat().st_mode & stat.S_IXUSR) == (name != "_environment")
    assert max(len(line) for line in text.splitlines()) <= 100
    assert "\t" not in text


def test_shellcheck_has_nothing_to_say() -> None:
    shellcheck = shutil.which("shellcheck")
    if shellcheck is None:
        pytest.skip("shellcheck is not installed")
    paths = [str(ROOT / "script" / name) for name in SCRIPTS]
    command = [shellcheck, "-x", "-P", str(ROOT), *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_arguments_and_status_pass_through_and_files_are_named_from_where_the_user_is(
    built: Path, tmp_path: Path
) -> None:
    done = run(
        built / "script" / "demo", "--once", "a b", "*", cwd=tmp_path, settings={"STATUS": "7"}
    )
    assert done.returncode == 7
    assert json.loads(done.stdout) == {
        "arguments": ["demo", "--once", "a b", "*"],
        "directory": str(tmp_path),
    }


def test_a_link_to_a_script_finds_the_project(built: Path, tmp_path: Path) -> None:
    (tmp_path / "demo").symlink_to(built / "script" / "demo")
    assert run(tmp_path / "demo").returncode == 0


def test_while_the_requirements_are_unchanged_pip_is_not_called(built: Path) -> None:
    (packages,) = (built / ".venv").glob("lib/python*/site-packages")
    (packages / "pip").rename(packages / "pip.away")
    try:
        done = run(built / "script" / "demo")
    finally:
        (packages / "pip.away").rename(packages / "pip")
    assert done.returncode == 0
    assert done.stderr == ""


def test_settings_of_python_from_outside_do_not_leak_in(built: Path) -> None:
    done = run(
        built / "script" / "demo", settings={"PYTHONPATH": "/nowhere", "PYTHONHOME": "/nowhere"}
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_changed_requirements_are_installed_into_the_same_environment(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    run(project / "script" / "demo")
    (project / ".venv" / "mine").touch()
    (project / "requirements.txt").write_text("# something else\n")
    done = run(project / "script" / "demo")
    assert done.returncode == 0
    assert done.stderr.startswith("Updating the Python packages")
    assert (project / ".venv" / "mine").exists()
    assert run(project / "script" / "demo").stderr == ""


def interrupt(project: Path) -> Path:
    (project / ".venv" / ".complete").unlink()
    return project


def lose_python(project: Path) -> Path:
    for python in (project / ".venv" / "bin").glob("python*"):
        python.unlink()
    return project


def move(project: Path) -> Path:
    return project.rename(project.with_name("moved"))


@pytest.mark.slow
@pytest.mark.parametrize("damage", [interrupt, lose_python, move])
def test_an_environment_that_was_damaged_is_made_anew(
    tmp_path: Path, damage: Callable[[Path], Path]
) -> None:
    project = make_project(tmp_path / "project")
    run(project / "script" / "demo")
    (project / ".venv" / "left-over").touch()
    project = damage(project)
    done = run(project / "script" / "demo")
    assert done.returncode == 0
    assert "Installing the Python packages" in done.stderr
    assert not (project / ".venv" / "left-over").exists()
    assert run(project / "script" / "demo").stderr == ""


@pytest.mark.slow
def test_a_failed_installation_says_so_and_is_tried_again(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    (project / "requirements.txt").write_text("no-such-package==1 --no-such-option\n")
    done = run(project / "script" / "demo")
    assert done.returncode == 1
    assert "could not be installed (the reason stands above)" in done.stderr
    assert not (project / ".venv" / ".complete").exists()
    (project / "requirements.txt").write_text("# nothing\n")
    assert run(project / "script" / "demo").returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("flock") is None, reason="flock is not installed")
def test_of_two_first_runs_at_once_one_installs_and_the_other_waits(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    done: list[subprocess.CompletedProcess[str]] = []
    runs = [
        threading.Thread(target=lambda: done.append(run(project / "script" / "demo")))
        for _ in range(2)
    ]
    for each in runs:
        each.start()
    for each in runs:
        each.join()
    assert [each.returncode for each in done] == [0, 0]
    assert "".join(each.stderr for each in done).count("Installing") == 1


def fake_python(directory: Path, *, recent: bool) -> Path:
    """A Python that has the right age or not, and no venv module: a bare Debian's."""
    python = directory / "python3-bare"
    python.write_text(f"""\
#!/bin/sh
case "$*" in
*ensurepip*) echo "ModuleNotFoundError: No module named 'ensurepip'" >&2; exit 1 ;;
*version_info\\ \\<*) exit {0 if recent else 1} ;;
*) echo 3.12 ;;
esac
""")
    python.chmod(0o755)
    return python


def test_without_the_venv_module_the_package_to_install_is_named(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    python = fake_python(tmp_path, recent=True)
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = run(project / "script" / "demo", settings={"PYTHON": python.name, "PATH": path})
    assert done.returncode == 1
    assert "The venv module of python3-bare is missing" in done.stderr
    assert "apt-get install python3-venv    (or python3.12-venv)" in done.stderr
    assert not (project / ".venv").exists()


def test_an_old_python_is_refused_in_words(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    done = run(
        project / "script" / "test", settings={"PYTHON": str(fake_python(tmp_path, recent=False))}
    )
    assert done.returncode == 1
    assert "is not Python 3.11 or newer" in done.stderr


@pytest.fixture
def roots_project() -> Iterator[Path]:
    """A project that root set up where every user may look, with a Python that all can run."""
    if os.geteuid() != 0:
        pytest.skip("another user's project: run as root")
    if not _SYSTEM_PYTHON.exists():
        pytest.skip("no Python that every user can run")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        Path(directory).chmod(0o755)
        project = make_project(Path(directory) / "project")
        done = run(project / "script" / "demo", settings={"PYTHON": str(_SYSTEM_PYTHON)})
        if done.returncode != 0:
            pytest.skip(f"the system's Python makes no virtual environment: {done.stderr}")
        yield project


@pytest.mark.slow
def test_a_user_works_with_roots_environment_but_not_in_roots_data(roots_project: Path) -> None:
    demo = roots_project / "script" / "demo"
    data_dir = roots_project.with_name("data")
    data_dir.mkdir()
    os.chown(data_dir, pwd.getpwnam("nobody").pw_uid, -1)
    own_data = {"PYTHON": "", "CLEARINGHOUSE_DATA_DIR": str(data_dir)}
    assert run(demo, as_user="nobody", settings=own_data).returncode == 0

    (roots_project / ".data").mkdir()
    done = run(demo, as_user="nobody", settings={"PYTHON": ""})
    assert done.returncode == 1
    assert f"{roots_project}/.data belongs to root" in done.stderr
    assert "CLEARINGHOUSE_DATA_DIR" in done.stderr

    (roots_project / "requirements.txt").write_text("# newer\n")
    done = run(demo, as_user="nobody", settings=own_data)
    assert done.returncode == 1
    assert f"{roots_project}/.venv belongs to root" in done.stderr

"""Root's two ways to run the server, and whose files it leaves behind."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from clearinghouse.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError, runners, wheel
from tests.clearinghouse.embedded_servers import a_server, ask, postmaster_id, wait_until

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="root's ways: run as root")


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A directory that only root can enter, like root's home."""
    directory = tmp_path / "home"
    directory.mkdir(mode=0o700)
    return directory


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A directory that every user can enter."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


@pytest.fixture
def namespaces_allowed() -> None:
    tried = subprocess.run(["unshare", "--user", "true"], capture_output=True, check=False)
    if tried.returncode != 0:
        pytest.skip("user namespaces are refused on this machine")


def effective_uid(server: EmbeddedPostgres) -> int:
    """As whom the postmaster runs, seen from outside."""
    status = Path(f"/proc/{postmaster_id(server)}/status").read_text().splitlines()
    line = next(line for line in status if line.startswith("Uid:"))
    return int(line.split()[2])


@pytest.mark.usefixtures("namespaces_allowed")
def test_in_a_namespace_root_serves_a_project_in_its_closed_home(
    closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(runners.ROOT_MODE, raising=False)
    with a_server(closed / "postgres") as server:
        server.start()
        mapping = Path(f"/proc/{postmaster_id(server)}/uid_map").read_text().split()
        assert mapping[0] != "0"
        assert mapping[1:] == ["0", "1"]
        assert ask(server, "SELECT 1") == 1
        assert server.cluster.stat().st_uid == 0


def test_dropped_to_a_plain_user_the_server_works_in_a_home_closed_to_that_user(
    closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(runners.ROOT_MODE, "dropped")
    with a_server(closed / "postgres") as server:
        server.start()
        uid = effective_uid(server)
        assert uid not in {entry.pw_uid for entry in pwd.getpwall()}
        assert server.cluster.stat().st_uid == server.socket_dir.stat().st_uid == uid
        assert ask(server, "SELECT 1") == 1
        assert ask(server, "SELECT pg_reload_conf()") is True
        os.kill(postmaster_id(server), signal.SIGKILL)
        wait_until(lambda: not server.is_running())
        server.start()
        assert ask(server, "SELECT 1") == 1
        socket_dir = server.socket_dir
        server.stop()
        assert not socket_dir.exists()


@pytest.mark.slow
def test_programs_out_of_the_plain_users_reach_are_copied_once(
    closed: Path, open_to_all: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = wheel.copy(wheel.site_packages(), closed)
    monkeypatch.setattr(wheel, "site_packages", lambda: installed)
    monkeypatch.setattr(wheel, "copy_parents", lambda: (closed / "missing", open_to_all))
    monkeypatch.setenv(runners.ROOT_MODE, "dropped")
    with a_server(closed / "postgres") as server:
        server.start()
        assert ask(server, "SELECT 'Zürich' % 'zurich'", "clearinghouse") is True
        program = Path(os.readlink(f"/proc/{postmaster_id(server)}/exe"))
        assert open_to_all in program.parents
        server.stop()
        server.start()
        assert [path.name for path in open_to_all.iterdir()] == [program.parents[3].name]


@pytest.mark.slow
def test_a_copy_that_another_user_prepared_is_never_run(closed: Path, open_to_all: Path) -> None:
    expected = wheel.copy(wheel.site_packages(), open_to_all)
    shutil.rmtree(expected)
    (expected / "embedded_postgres").mkdir(parents=True)
    os.chown(expected, 12345, 12345)
    used = wheel.copy(wheel.site_packages(), open_to_all)
    assert used != expected
    assert used.stat().st_uid == 0
    assert (wheel.programs(used) / "postgres").exists()


# A user namespace with all users in it, and no permission to make another: a container.
_CONTAINER = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'


@pytest.mark.usefixtures("namespaces_allowed")
def test_where_namespaces_are_refused_the_server_is_dropped_to_a_plain_user(closed: Path) -> None:
    data_dir = closed / "postgres"
    start = [sys.executable, "-m", "clearinghouse.embedded_postgres", "start"]
    inside = ["/bin/sh", "-c", _CONTAINER, "sh", *start, "--data-dir", str(data_dir)]
    with a_server(data_dir) as server:
        with subprocess.Popen(
            ["unshare", "--user", "/bin/sh", "-c", 'echo; read _; exec "$@"', "sh", *inside],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as container:
            assert container.stdin is not None
            assert container.stdout is not None
            container.stdout.readline()
            for mapping in ("uid_map", "gid_map"):
                Path(f"/proc/{container.pid}/{mapping}").write_text("0 0 65536")
            container.stdin.write(b"\n")
            container.stdin.close()
            assert container.wait(timeout=60) == 0
        assert effective_uid(server) != 0
        assert ask(server, "SELECT 1") == 1


@pytest.mark.slow
@pytest.mark.usefixtures("namespaces_allowed")
def test_the_data_passes_from_one_way_to_the_other(
    closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_server(closed / "postgres") as server:
        for mode in ("namespace", "dropped", "namespace"):
            monkeypatch.setenv(runners.ROOT_MODE, mode)
            server.start()
            ask(server, "CREATE TABLE IF NOT EXISTS starts (mode text)")
            ask(server, f"INSERT INTO starts VALUES ('{mode}')")
            server.stop()
        server.start()
        assert ask(server, "SELECT count(*) FROM starts") == 3


def test_root_serves_a_users_data_as_that_user_and_leaves_no_file_of_its_own(
    open_to_all: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(runners.ROOT_MODE, raising=False)
    data_dir = open_to_all / "postgres"
    nobody = pwd.getpwnam("nobody")
    with a_server(data_dir) as server:
        server.start()
        server.stop()
        for path in (data_dir, *data_dir.rglob("*")):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        (data_dir / "server.log").unlink()
        server.start()
        assert effective_uid(server) == nobody.pw_uid
        assert ask(server, "SELECT 1") == 1
        server.stop()
        assert {path.stat().st_uid for path in data_dir.rglob("*")} == {nobody.pw_uid}


def test_a_data_directory_of_another_user_is_refused_in_words(open_to_all: Path) -> None:
    (open_to_all / "postgres").mkdir(mode=0o700)
    done = subprocess.run(
        [sys.executable, "-c", _START_AS_NOBODY, str(open_to_all / "postgres")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "belongs to root. Run this as that user, or set CLEARINGHOUSE_DATA_DIR" in done.stderr
    assert "Traceback" not in done.stderr


# Python itself may lie where that user cannot go, so the change comes after the imports.
_START_AS_NOBODY = """
import os, pwd, sys
from clearinghouse.embedded_postgres import __main__ as command_line
nobody = pwd.getpwnam("nobody")
os.setgroups([])
os.setgid(nobody.pw_gid)
os.setuid(nobody.pw_uid)
sys.exit(command_line.main(["start", "--data-dir", sys.argv[1]]))
"""


def test_an_unknown_way_is_refused_in_words(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(runners.ROOT_MODE, "sudo")
    with (
        a_server(closed / "postgres") as server,
        pytest.raises(EmbeddedPostgresError, match="must be namespace or dropped"),
    ):
        server.start()

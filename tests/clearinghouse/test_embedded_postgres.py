"""The life of the embedded server: start, find, crash, recover, stop."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from clearinghouse.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError, processes
from clearinghouse.embedded_postgres.sockets import socket_path
from tests.clearinghouse.embedded_servers import a_server, ask, postmaster_id, wait_until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    with a_server(tmp_path / "postgres") as server:
        yield server


def command_line(action: str, server: EmbeddedPostgres) -> subprocess.CompletedProcess[str]:
    arguments = [action, "--data-dir", str(server.data_dir)]
    return subprocess.run(
        [sys.executable, "-m", "clearinghouse.embedded_postgres", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_started_server_answers_and_a_stopped_one_leaves_no_trace_of_running(
    server: EmbeddedPostgres,
) -> None:
    assert not server.is_running()
    server.start()
    assert server.is_running()
    assert ask(server, "SELECT 42") == 42
    socket_dir = server.socket_dir
    server.stop()
    assert not server.is_running()
    assert not (server.cluster / "postmaster.pid").exists()
    assert not socket_path(socket_dir).exists()
    assert "database system is shut down" in server.log_path.read_text()
    with pytest.raises(EmbeddedPostgresError, match="No PostgreSQL server runs"):
        _ = server.socket_dir


def test_what_was_written_is_there_after_the_next_start(server: EmbeddedPostgres) -> None:
    server.start()
    ask(server, "CREATE TABLE kept AS SELECT 7 AS n")
    server.stop()
    server.start()
    assert ask(server, "SELECT n FROM kept") == 7


def test_the_second_start_finds_the_first(server: EmbeddedPostgres) -> None:
    server.start()
    again = EmbeddedPostgres(server.data_dir)
    before = postmaster_id(server)
    again.start()
    assert postmaster_id(again) == before
    assert again.conninfo() == server.conninfo()


def test_starts_at_the_same_moment_end_with_one_server(server: EmbeddedPostgres) -> None:
    outcomes: list[int] = []
    starts = [
        threading.Thread(target=lambda: outcomes.append(command_line("start", server).returncode))
        for _ in range(3)
    ]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    assert outcomes == [0, 0, 0]
    assert server.log_path.read_text().count("ready to accept connections") == 1


def test_the_server_outlives_the_process_that_started_it(server: EmbeddedPostgres) -> None:
    assert command_line("start", server).returncode == 0
    assert ask(server, "SELECT 1") == 1
    assert os.getsid(postmaster_id(server)) != os.getsid(0)
    assert command_line("status", server).returncode == 0
    assert command_line("stop", server).returncode == 0
    assert command_line("status", server).returncode == 3


def test_a_stop_waits_for_no_client(server: EmbeddedPostgres) -> None:
    server.start()
    with psycopg.connect(server.conninfo("postgres", "postgres")) as idle:
        idle.execute("SELECT 1")
        server.stop()
        assert not server.is_running()
        with pytest.raises(psycopg.OperationalError):
            idle.execute("SELECT 1")


def test_after_a_kill_the_committed_rows_are_there(tmp_path: Path) -> None:
    with a_server(tmp_path / "postgres", durable=True) as server:
        server.start()
        ask(server, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
        killed = postmaster_id(server)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: not server.is_running())
        server.start()
        assert postmaster_id(server) != killed
        assert ask(server, "SELECT sum(n) FROM kept") == 500_500
        assert "automatic recovery in progress" in server.log_path.read_text()


@pytest.mark.slow
def test_a_busy_backend_that_survived_its_postmaster_is_ended(server: EmbeddedPostgres) -> None:
    server.start()
    busy = psycopg.connect(server.conninfo("postgres", "postgres"))
    orphan = busy.info.backend_pid

    def count_for_long() -> None:
        with pytest.raises(psycopg.OperationalError):
            busy.execute("SELECT count(*) FROM generate_series(1, 1000000000)")

    query = threading.Thread(target=count_for_long)
    query.start()
    active = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%1000000000)'"
    wait_until(lambda: ask(server, f"{active} AND pid <> pg_backend_pid()") == 1)
    os.kill(postmaster_id(server), signal.SIGKILL)
    wait_until(lambda: not server.is_running())
    assert processes.works_in(orphan, server.cluster)
    server.start()
    query.join()
    busy.close()
    assert ask(server, "SELECT 1") == 1
    assert not processes.works_in(orphan, server.cluster)


def test_a_stale_process_id_of_nobody_is_cleared_away(server: EmbeddedPostgres) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    leave_behind_a_process_id(server, gone.pid)
    assert not server.is_running()
    server.start()
    assert ask(server, "SELECT 1") == 1


def test_a_stale_process_id_that_belongs_to_another_process_now_is_cleared_away(
    server: EmbeddedPostgres,
) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        leave_behind_a_process_id(server, stranger.pid)
        assert not server.is_running()
        server.start()
        assert ask(server, "SELECT 1") == 1
        server.stop()
        assert stranger.poll() is None, "the stranger was signalled"


def leave_behind_a_process_id(server: EmbeddedPostgres, pid: int) -> None:
    """What a kill -9 of everything leaves: postmaster.pid, a socket nobody serves, its lock."""
    server.start()
    content = (server.cluster / "postmaster.pid").read_text().splitlines(keepends=True)
    place = socket_path(server.socket_dir)
    server.stop()
    (server.cluster / "postmaster.pid").write_text("".join([f"{pid}\n", *content[1:]]))
    with socket.socket(socket.AF_UNIX) as abandoned:
        abandoned.bind(str(place))
    Path(f"{place}.lock").write_text("".join([f"{pid}\n", *content[1:]]))


def test_a_server_whose_socket_was_swept_away_is_started_again(server: EmbeddedPostgres) -> None:
    server.start()
    before = postmaster_id(server)
    socket_path(server.socket_dir).unlink()
    assert not server.is_running()
    server.start()
    assert postmaster_id(server) != before
    assert ask(server, "SELECT 1") == 1


def test_a_server_that_lives_out_of_reach_is_reported_and_not_doubled(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.data_dir.mkdir()
    monkeypatch.setattr("clearinghouse.embedded_postgres.server._UNSEEN_TIMEOUT_S", 0.2)
    with (server.data_dir / "alive.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # as a server in another container does
        with pytest.raises(EmbeddedPostgresError, match="lives, but cannot be reached"):
            server.start()
    server.start()
    assert ask(server, "SELECT 1") == 1


def test_an_interrupted_first_start_is_done_again(server: EmbeddedPostgres) -> None:
    half_made = server.data_dir / "cluster.incomplete"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")
    server.start()
    assert ask(server, "SELECT 1", "clearinghouse") == 1
    assert not half_made.exists()


def test_the_data_of_another_version_is_refused_in_words(server: EmbeddedPostgres) -> None:
    server.cluster.mkdir(parents=True)
    (server.cluster / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedPostgresError, match="made by PostgreSQL 9"):
        server.start()


def test_a_server_that_cannot_start_says_why(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    (server.cluster / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(EmbeddedPostgresError, match="no_such_setting"):
        server.start()
    assert not server.is_running()


def test_nobody_but_the_owner_can_come_near_data_and_socket(server: EmbeddedPostgres) -> None:
    server.start()
    private = [server.data_dir, server.cluster, server.socket_dir]
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o700}
    assert stat.S_IMODE(server.log_path.stat().st_mode) == 0o600
    assert ask(server, "SHOW listen_addresses") == ""


def test_a_durable_server_writes_through_and_checks_its_pages(tmp_path: Path) -> None:
    with a_server(tmp_path / "postgres", durable=True) as server:
        server.start()
        durable = ("fsync", "synchronous_commit", "full_page_writes", "data_checksums")
        assert {ask(server, f"SHOW {name}") for name in durable} == {"on"}


@pytest.mark.parametrize("name", ["it's a bürö", "one, two"])
def test_an_unusual_name_works(tmp_path: Path, name: str) -> None:
    with a_server(tmp_path / name / "postgres") as server:
        server.start()
        assert ask(server, "SELECT 1") == 1


def test_a_name_that_the_programs_would_take_for_shell_code_is_refused(tmp_path: Path) -> None:
    with (
        a_server(tmp_path / "$(true)" / "postgres") as server,
        pytest.raises(EmbeddedPostgresError, match="cannot work in"),
    ):
        server.start()


def test_stopping_or_asking_where_nothing_ever_ran_makes_no_directory(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres")
    server.stop()
    assert not server.is_running()
    assert not server.data_dir.exists()

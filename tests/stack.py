"""The clearing house as processes of its own on a test database: web server, worker, beat.

For tests that kill them. Each is a process group; `kill` is kill -9 of the whole group.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import urllib3
from django.conf import settings

from tests import databases

_BEAT_FILE = "beat-schedule"


def free_port() -> int:
    """A port of the loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def database_url(name: str, role: str) -> str:
    """The address of a test database for another process."""
    if settings.DATABASE_URL:
        raise RuntimeError("tests that start processes use the embedded server")
    with databases.owner_connection() as owner:
        host, port = owner.info.host, owner.info.port
    return f"postgres://{role}@{host.replace('/', '%2F')}:{port}/{name}"


@dataclass
class Stack:
    """Processes on the database `name`; `folder` takes their logs and files."""

    name: str
    folder: Path
    broker: str = "filesystem://"
    extra: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v1"

    def environment(self) -> dict[str, str]:
        """Settings of the processes: the keys are those of the test process."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "DJANGO_SETTINGS_MODULE": "clearinghouse.settings",
            **self.database(),
            "CELERY_BROKER_URL": self.broker,
            "CLEARINGHOUSE_DATA_DIR": str(self.folder / "data"),
            "CLEARINGHOUSE_SECRET_KEY": settings.SECRET_KEY,
            "CLEARINGHOUSE_ENCRYPTION_KEYS": ",".join(settings.ENCRYPTION_KEYS),
            "CLEARINGHOUSE_HMAC_KEY": settings.HMAC_KEY,
            "CLEARINGHOUSE_ALLOW_PLAIN_HTTP_ENDPOINTS": "yes",
            **self.extra,
        }

    def database(self) -> dict[str, str]:
        """Where the processes find the database: the server of the tests, by its address."""
        return {"DATABASE_URL": database_url(self.name, "clearinghouse_app")}

    def start(self, *names: str) -> None:
        """Starts "web", "worker" or "beat"."""
        for name in names:
            (self.folder / "data").mkdir(parents=True, exist_ok=True)
            with (self.folder / f"{name}.log").open("ab") as log:
                environment = self.environment()
                if name == "web":
                    environment["CLEARINGHOUSE_DB_POOL"] = "16"
                self.running[name] = subprocess.Popen(
                    [sys.executable, *self._command(name)], cwd=databases.ROOT, stdout=log,
                    stderr=log, stdin=subprocess.DEVNULL, env=environment, process_group=0,
                )  # fmt: skip

    def _command(self, name: str) -> list[str]:
        celery = ["-m", "celery", "--app", "clearinghouse"]
        if name == "web":
            return [
                "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port",
                str(self.port), "--workers", "1", "--blocking-threads", "16", "--no-ws",
                "--log-level", "warning", "clearinghouse.wsgi:application",
            ]  # fmt: skip
        if name == "worker":
            return [
                *celery, "worker", "--loglevel", "WARNING", "--concurrency", "2",
                "--without-gossip", "--without-mingle", "--without-heartbeat",
            ]  # fmt: skip
        # A beat that was killed leaves a schedule behind that may be torn; it holds nothing else.
        schedule = self.folder / f"{_BEAT_FILE}-{time.monotonic_ns()}"
        return [*celery, "beat", "--loglevel", "WARNING", "--schedule", str(schedule)]

    def kill(self, name: str) -> None:
        """kill -9 of the process and of all that it started."""
        process = self.running.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def wait_until_ready(self, timeout_s: float = 60) -> None:
        """Returns when the web server takes messages."""
        deadline = time.monotonic() + timeout_s
        with urllib3.PoolManager(retries=False, timeout=2) as pool:
            while time.monotonic() < deadline:
                try:
                    if pool.request("GET", f"http://127.0.0.1:{self.port}/readyz").status == 200:
                        return
                except urllib3.exceptions.HTTPError:
                    pass
                assert self.running["web"].poll() is None, self.log("web")
                time.sleep(0.1)
        raise TimeoutError(self.log("web"))

    def log(self, name: str) -> str:
        """The end of what a process said."""
        return (self.folder / f"{name}.log").read_text(errors="replace")[-3000:]

    def stop(self) -> None:
        """Ends whatever runs."""
        for name in list(self.running):
            self.kill(name)


@contextmanager
def stack(name: str, folder: Path, **options: object) -> Iterator[Stack]:
    """Processes that are all gone when the block is left."""
    made = Stack(name, folder, **options)  # type: ignore[arg-type]
    try:
        yield made
    finally:
        made.stop()

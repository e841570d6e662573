"""Brokers of tests: files, a Redis and a RabbitMQ of their own, started, killed, started again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from kombu import Connection

from tests.stack import free_port

_RABBIT = "/usr/lib/rabbitmq/bin/rabbitmq-server"


class Files:
    """No server at all."""

    url = "filesystem://"

    def start(self) -> None:
        """There is nothing to start."""

    def kill(self) -> None:
        """There is nothing to kill."""


class Server:
    """A broker in a process of its own. Skipped, with its reason, where it is not installed."""

    program = ""
    timeout_s = 60.0

    def __init__(self, folder: Path) -> None:
        found = self.program if os.path.exists(self.program) else shutil.which(self.program)
        if not found:
            pytest.skip(f"{self.program} is not installed (apt-get install {self.package})")
        self.found, self.folder, self.port = found, folder, free_port()
        self.process: subprocess.Popen[bytes] | None = None

    package = ""

    @property
    def url(self) -> str:
        raise NotImplementedError

    def command(self) -> tuple[list[str], dict[str, str]]:
        """The command line and what it needs in its environment."""
        raise NotImplementedError

    def start(self) -> None:
        """Starts it and waits until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command, extra = self.command()
        with (self.folder / "broker.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **extra},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0,
            )  # fmt: skip
        deadline = time.monotonic() + self.timeout_s
        while True:
            try:
                with Connection(self.url, connect_timeout=2) as connection:
                    connection.ensure_connection(max_retries=1, timeout=2)
                return
            except Exception:
                said = (self.folder / "broker.log").read_text(errors="replace")[-2000:]
                assert self.process.poll() is None, said
                assert time.monotonic() < deadline, said
                time.sleep(0.2)

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


class Redis(Server):
    """Keeps nothing on disk: after a kill it has forgotten everything, which must not matter."""

    program, package = "redis-server", "redis-server"

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> tuple[list[str], dict[str, str]]:
        options = {
            "port": self.port, "bind": "127.0.0.1", "save": "", "appendonly": "no",
            "dir": self.folder,
        }  # fmt: skip
        return [
            self.found,
            *[word for name, value in options.items() for word in (f"--{name}", str(value))],
        ], {}


class RabbitMq(Server):
    """A node of its own, with its own port mapper."""

    program, package = _RABBIT, "rabbitmq-server"
    timeout_s = 120.0

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def command(self) -> tuple[list[str], dict[str, str]]:
        configuration = self.folder / "rabbitmq.conf"
        configuration.write_text(f"listeners.tcp.default = 127.0.0.1:{self.port}\n")
        (self.folder / "enabled_plugins").write_text("[].\n")
        return [self.found], {
            "RABBITMQ_NODENAME": f"tests{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self.port + 1 if self.port < 65_000 else self.port - 1),
            "RABBITMQ_CONFIG_FILE": str(configuration),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "ERL_EPMD_PORT": str(free_port()),
        }

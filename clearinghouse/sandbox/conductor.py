"""The sandbox from the first to the last: starts everything, says how to begin, and stays up."""

from __future__ import annotations

import os
import shlex
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings
from django.db import connection

from clearinghouse.demo import portal_people
from clearinghouse.demo.children import ChildEndedError, Children, children_in
from clearinghouse.demo.conductor import api_of, log_into, prepare_database
from clearinghouse.demo.place import Place, PlaceError, claimed
from clearinghouse.demo.screen import Screen
from clearinghouse.demo.services import start_services, wait_until_ready
from clearinghouse.demo.signals import ignore_signals, signals_as_interrupts
from clearinghouse.demo.staff import Staff, hire_staff
from clearinghouse.demo.surroundings import HOST, USUAL_PORT, free_port
from clearinghouse.embedded_postgres import EmbeddedPostgresError
from clearinghouse.sandbox.world import (
    BLOCKED_DRIVER,
    COUNTERPART,
    GOOD_DRIVER,
    YOU,
    invitation_for,
    populate,
    your_operator,
)

FAILURES = (ChildEndedError, EmbeddedPostgresError, PlaceError, TimeoutError)
ENV_FILE = "env"
_WATCH_S = 0.3
_REGISTERS_WITHIN_S = 60


def run_sandbox(directory: Path, *, reset: bool, port: int | None) -> int:
    """The whole of it; returns the exit status. What goes wrong is said in a sentence."""
    screen = Screen()
    with signals_as_interrupts():
        try:
            with claimed(directory) as place:
                return _Conductor(place, screen, port).run(reset=reset)
        except KeyboardInterrupt:
            screen.say("Stopped.")
            return 0
        except FAILURES as failure:
            screen.say(f"The sandbox failed: {failure}")
            return 1


class _Conductor:
    def __init__(self, place: Place, screen: Screen, port: int | None) -> None:
        self._place = place
        self._screen = screen
        self._port = port
        self._environment = dict(os.environ)

    def run(self, *, reset: bool) -> int:
        """Until it is told to end."""
        if reset:
            self._place.empty()
        log_into(self._place.logs / "conductor.log")
        try:
            with children_in(Path(settings.BASE_DIR), self._place.logs) as children:
                try:
                    self._live(children)
                finally:
                    ignore_signals()
        finally:
            connection.close()
            self._place.postgres.stop()
        return 0

    def _live(self, children: Children) -> None:
        screen = self._screen
        with screen.stage("PostgreSQL and its tables"):
            prepare_database()
        address = self._start_services(children)
        with screen.stage("Operators, agreements, tokens"):
            staff = hire_staff()
            populate(staff)
            token = invitation_for(YOU)
        with screen.stage("The counterpart registers and publishes"):
            wait_until_ready(children, api_of(address))
            control = self._start_counterpart(children, api_of(address))
        self._write_env(api_of(address), token, control)
        self._introduce(address, staff, token, control)
        self._show_counterpart(children)

    def _start_services(self, children: Children) -> str:
        try:
            port = free_port(self._port)
        except OSError as error:
            raise PlaceError(f"Port {self._port} cannot be had: {error.strerror}.") from None
        if self._port is None and port != USUAL_PORT:
            self._screen.say(f"Port {USUAL_PORT} is taken; the web server takes {port}.")
        Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
        start_services(children, self._environment, port)
        return f"http://{HOST}:{port}"

    # --- The counterpart --------------------------------------------------------------------------

    def _start_counterpart(self, children: Children, hub: str) -> str:
        """Starts it and returns the address at which it is steered, once it is at work."""
        state = self._place.directory / "counterpart.state.json"
        control = free_port(0)
        config = self._config(hub, state, control)
        path = self._place.directory / "counterpart.json"
        path.write_bytes(msgspec.json.format(msgspec.json.encode(config), indent=2))
        path.chmod(0o600)
        before = self._log.stat().st_size if self._log.exists() else 0
        children.start(
            "counterpart",
            [sys.executable, "-m", "roaming.simulator", str(path)],
            self._environment,
        )
        deadline = time.monotonic() + _REGISTERS_WITHIN_S
        while f"steered at http://{HOST}:{control}" not in self._said_since(before):
            children.check()
            if time.monotonic() > deadline:
                raise TimeoutError("The counterpart did not register: see its log.")
            time.sleep(0.1)
        return f"http://{HOST}:{control}"

    def _config(self, hub: str, state: Path, control: int) -> dict[str, Any]:
        config: dict[str, Any] = {
            "hub": hub,
            "name": COUNTERPART.name,
            "state_file": str(state),
            "record_file": str(self._place.directory / "counterpart.record.jsonl"),
            "record_bodies": True,
            "control_port": control,
            "drivers": [GOOD_DRIVER, BLOCKED_DRIVER],
            "sessions": {"power_kw": 22, "seconds": 60, "updates_every_seconds": 5},
        }
        if not state.exists():
            config["registration_token"] = invitation_for(COUNTERPART)
        return config

    @property
    def _log(self) -> Path:
        return self._place.logs / "counterpart.log"

    def _said_since(self, position: int) -> str:
        if not self._log.exists():
            return ""
        with self._log.open("rb") as file:
            file.seek(position)
            return file.read().decode(errors="replace")

    # --- What whoever connects needs --------------------------------------------------------------

    def _write_env(self, hub: str, token: str, control: str) -> None:
        """For a shell: `. .data/sandbox/env`."""
        values = {
            "HUB": hub,
            "REGISTRATION_TOKEN": token,
            "COUNTERPART": control,
            "DRIVER": GOOD_DRIVER["token_uid"],
        }
        path = self._place.directory / ENV_FILE
        path.touch(mode=0o600)
        text = "".join(f"{name}={shlex.quote(str(value))}\n" for name, value in values.items())
        path.write_text(text, encoding="utf-8")

    def _introduce(self, address: str, staff: Staff, token: str, control: str) -> None:
        say = self._screen.say
        say()
        say(f"API                 {api_of(address)}")
        say(f"API docs            {address}/api/docs")
        say(f"Admin               {address}/admin/")
        for name, password in staff.passwords.items():
            say(f"                    {name}, password {password}")
        say(f"Portal              {address}/portal/")
        for line in portal_people.told([portal_people.account_for(your_operator())], " " * 20):
            say(line)
        say(f"You                 {YOU.cso} (CSO) and {YOU.csp} (CSP)")
        say(f"Registration token  {token}")
        say(f"For your shell      . {self._place.directory / ENV_FILE}")
        say()
        say(f"Counterpart         {COUNTERPART.cso} (CSO) and {COUNTERPART.csp} (CSP), simulated")
        say(f"                    steered at {control}, settings in counterpart.json")
        say(f"                    lets {GOOD_DRIVER['token_uid']} charge, not"
            f" {BLOCKED_DRIVER['token_uid']}")  # fmt: skip
        say(f"Logs, its record    {self._place.directory}")
        say("Ctrl-C ends it. What the counterpart hears and says:")
        say()

    def _show_counterpart(self, children: Children) -> None:
        position = self._log.stat().st_size
        while True:
            children.check()
            said = self._said_since(position)
            whole, newline, _ = said.rpartition("\n")
            if newline:
                position += len((whole + newline).encode())
                self._screen.say(whole)
            time.sleep(_WATCH_S)

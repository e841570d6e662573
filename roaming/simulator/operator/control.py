"""Steering a simulated operator while it runs: by lines on its input, or over HTTP.

Lines, for people:

    behave UC3-1 refuse:blocked      from now on
    do local_start token_uid=04A2B3C4D5E6F7 contract_id=DE-HOM-C12345678
    run charge                       a script
    offline [seconds]                online
    state                            what it knows, as JSON
    steps, help, quit

HTTP, for programs, on 127.0.0.1 only, with Content-Type: application/json:

    GET  /state                      what it knows
    POST /behaviours                 {"UC3-1": "refuse:blocked", "*": "ordinary"}
    POST /steps                      [{"do": "local_start", ...}, ...]; answers when they are done
    POST /offline                    {"seconds": 20} or {}
    POST /online, POST /stop         {}
"""

from __future__ import annotations

import shlex
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from roaming.simulator.operator.behaviour import BehaviourError
from roaming.simulator.operator.config import Json
from roaming.simulator.operator.operator import Operator
from roaming.simulator.operator.steps import StepError, Steps
from roaming.simulator.sdr_writer import to_json

HERE = {"127.0.0.1", "localhost"}
MOST_BYTES = 1_000_000
_WORDS = ("behave", "do", "run", "offline", "online", "state", "steps", "help", "quit")


class Control:
    """What may be asked of an operator from outside. Errors are ValueErrors with a sentence."""

    def __init__(self, operator: Operator, steps: Steps) -> None:
        self._operator = operator
        self._steps = steps

    def state(self) -> Json:
        return self._operator.state()

    def behave(self, plans: dict[str, Any]) -> Json:
        """All of them, or none where one cannot be read."""
        self._operator.conduct.change_all(plans)
        return self._operator.conduct.describe()

    def do(self, steps: list[Json]) -> list[Json]:
        """Does the steps and says what came of each."""
        self._steps.check(steps)
        return self._steps.run(steps)

    def offline(self, seconds: float | None) -> None:
        self._operator.go_offline(seconds)

    def online(self) -> None:
        self._operator.come_back()

    def stop(self) -> None:
        self._operator.stop()

    # --- Lines ------------------------------------------------------------------------------------

    def follow(self, lines: Iterable[str]) -> None:
        """Does what the lines say, until they end or say quit."""
        for line in lines:
            if not line.strip():
                continue
            try:
                self._obey(line)
            except ValueError as error:
                self._operator.screen.say(f"   {error}")
            if self._operator.stopping:
                return

    def _obey(self, line: str) -> None:
        word, *rest = shlex.split(line)
        say = self._operator.screen.say
        match word:
            case "behave" if len(rest) == 2:
                self.behave({rest[0]: rest[1]})
                say(f"   {rest[0]}: {rest[1]}")
            case "do" if rest:
                for outcome in self.do([_step_of(rest)]):
                    say(f"   {outcome['do']}: {outcome['outcome']}")
            case "run" if len(rest) == 1:
                self.do([{"do": "script", "name": rest[0]}])
            case "offline":
                self.offline(float(rest[0]) if rest else None)
            case "online":
                self.online()
            case "state":
                say(to_json(self.state()).decode())
            case "steps":
                say(", ".join(self._steps.names))
            case "quit":
                self.stop()
            case "help":
                for text in (__doc__ or "").partition("Lines, for people:")[2].splitlines()[2:8]:
                    say(text)
            case _:
                raise ValueError(f"say one of {', '.join(_WORDS)}; help explains them")


def _step_of(words: list[str]) -> Json:
    """`local_start token_uid=04A2` as a step; what reads as JSON is taken as that.

    >>> _step_of(["charge", "seconds=5"]), _step_of(["say", "text=hello"])
    ({'do': 'charge', 'seconds': 5}, {'do': 'say', 'text': 'hello'})
    """
    step: Json = {"do": words[0]}
    for word in words[1:]:
        name, equals, value = word.partition("=")
        if not equals:
            raise StepError(f"{word!r} is no name=value")
        step[name] = _value(name, value)
    return step


def _value(name: str, text: str) -> Any:
    if name.endswith(("_uid", "_id", "emaid")):
        return text  # a token of digits is no number
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


class ControlServer:
    """The HTTP door, for programs of this machine only."""

    def __init__(self, control: Control, port: int) -> None:
        handler = type("Handler", (_Handler,), {"control": control})
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._server.daemon_threads = True
        threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="control", daemon=True
        ).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    control: Control
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self._comes_from_here():
            if self.path == "/state":
                self._reply(200, self.control.state())
            else:
                self._reply(404, {"error": "GET /state is what there is"})

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            self.close_connection = True
            self._reply(411 if not length else 413, {"error": "send a Content-Length"})
            return
        body = self.rfile.read(int(length))
        if not self._comes_from_here():
            return
        try:
            self._reply(200, self._done(self.path, msgspec.json.decode(body or b"{}")))
        except LookupError as error:
            self._reply(404, {"error": str(error)})
        except (ValueError, TypeError, AttributeError, BehaviourError) as error:
            self._reply(400, {"error": str(error)})

    def _done(self, path: str, content: Any) -> Any:
        match path:
            case "/behaviours":
                return self.control.behave(content)
            case "/steps":
                return self.control.do(content if isinstance(content, list) else [content])
            case "/offline":
                self.control.offline(content.get("seconds"))
            case "/online":
                self.control.online()
            case "/stop":
                self.control.stop()
            case _:
                raise LookupError("behaviours, steps, offline, online, stop")
        return {}

    def _comes_from_here(self) -> bool:
        """No page of a browser: those cannot set this content type, nor this host, unasked."""
        host = self.headers.get("Host", "").rpartition(":")[0]
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip()
        fine = host in HERE and (self.command == "GET" or kind == "application/json")
        if not fine:
            self.close_connection = True
            self._reply(403, {"error": "for programs of this machine: send application/json"})
        return fine

    def _reply(self, status: int, content: Any) -> None:
        body = to_json(content)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """The screen says what is done."""

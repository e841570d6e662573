"""One simulated operator: its endpoint, its registration, its sides, its scripts."""

from __future__ import annotations

import logging
import threading
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from roaming.simulator.operator.around import RECEIVER_CODES, Around, Party, Saying, Speaker
from roaming.simulator.operator.behaviour import Behaviour, Conduct, Do
from roaming.simulator.operator.config import Json, OperatorConfig
from roaming.simulator.operator.credentials import keep_credentials, read_credentials
from roaming.simulator.operator.cso import VisitedCso
from roaming.simulator.operator.csp import HomeCsp
from roaming.simulator.operator.endpoint import HANDSHAKE, Incoming, OperatorEndpoint, Presence
from roaming.simulator.operator.later import Later
from roaming.simulator.operator.memory import Memory
from roaming.simulator.operator.paperwork import Paperwork
from roaming.simulator.operator.record import Record, answers_given
from roaming.simulator.operator.screen import Screen
from roaming.simulator.operator.stations import stations_of
from roaming.simulator.operator.words import about, name_of
from roaming.simulator.platform_hub import Hub, Message

logger = logging.getLogger(__name__)


class CannotBeginError(Exception):
    """The operator cannot take part; the text says why and what to do."""


class Operator:
    """A platform that speaks for a CSO, a CSP, or both. Use `open`, then scripts; `close` ends it.

    `failures` counts what went wrong in the background: an exit status for scripts.
    """

    def __init__(self, config: OperatorConfig, screen: Screen) -> None:
        self.config = config
        self.screen = screen
        self.failures = 0
        self._state_file = Path(config.state_file) if config.state_file else None
        record_file = Path(config.record_file) if config.record_file else None
        answers = answers_given(record_file) if record_file else {}
        self.record = Record(record_file, bodies=config.record_bodies)
        self.conduct = Conduct(config.behaviours, config.seed)
        self.presence = Presence()
        self._stopping = threading.Event()
        self.credentials = read_credentials(self._state_file, config.endpoint.secret)
        hub = Hub(config.hub, config.threads + 2, config.patience_s, self.record, RECEIVER_CODES)
        self.around = Around(
            config=config,
            speaker=Speaker(hub, self.presence, screen),
            later=Later(config.threads, self._failed),
            memory=Memory(),
            screen=screen,
            stopping=lambda: self.stopping,
        )
        self.endpoint = OperatorEndpoint(
            self.credentials.secret, self.conduct, self.record, self.presence
        )
        self.endpoint.serve(
            {"agreements/notice": self._keep_notice, "reconciliation/disputes": self._keep_dispute}
        )
        self.paperwork = Paperwork(self.around, self.endpoint)
        self.endpoint.remember(answers)
        self.endpoint.heard = self._heard
        self.endpoint.go_offline = self.go_offline
        self.cso: VisitedCso | None = None
        self.csp: HomeCsp | None = None
        self._coming_back = 0
        self._lock = threading.Lock()

    # --- Beginning and end ------------------------------------------------------------------------

    def open(self) -> None:
        """Listens, registers where that is still to be done, and gets to work.

        CannotBeginError where the clearing house says no, or the port is taken.
        """
        place = self.config.endpoint
        try:
            server = self.endpoint.open(place.host, place.port or self.credentials.port)
        except OSError as error:
            raise CannotBeginError(
                f"The endpoint cannot listen on {place.host}:"
                f"{place.port or self.credentials.port}: {error.strerror}."
            ) from error
        self.record.write("started", url=server.url)
        if not self.credentials.token:
            self._register(place.public_url or server.url, server.port)
        self.around.speaker.hub.token = self.credentials.token
        self.around.parties = self.credentials.parties
        self._take_sides()
        names = ", ".join(f"{p.identifier} ({p.role})" for p in self.around.parties)
        self.screen.say(f"{self.config.name} speaks for {names} at {server.url}")

    def _register(self, url: str, port: int) -> None:
        """UC1-1: the token is good once; what comes back is kept and presented from then on."""
        if not self.config.registration_token:
            raise CannotBeginError(
                "There is no registration token, and no credentials in a state file: ask the "
                "clearing house for a token and give it with --token."
            )
        speaker = self.around.speaker
        speaker.hub.token = self.config.registration_token
        offer = {"url": url, "token": self.credentials.secret}
        reply = speaker.say(
            Saying("UC1-1", "registration", url), Message.of("POST", "/registration", offer)
        )
        if not reply.accepted:
            detail = reply.content.get("detail") if isinstance(reply.content, dict) else ""
            raise CannotBeginError(
                f"The clearing house refused the registration: {reply.code}. {detail}"
            )
        self.credentials.token = reply.content["token"]
        self.credentials.port = port
        self.credentials.parties = msgspec.convert(reply.content["parties"], list[Party])
        keep_credentials(self._state_file, self.credentials)

    def _take_sides(self) -> None:
        cso, csp = self.around.identifier("CSO"), self.around.identifier("CSP")
        if cso:
            now = self.around.speaker.now()
            stations = stations_of(cso, self.config.sites, self.config.tariffs, now)
            self.cso = VisitedCso(self.around, cso, stations)
            self.endpoint.serve(self.cso.answers())
        if csp:
            self.csp = HomeCsp(self.around, csp)
            self.endpoint.serve(self.csp.answers())
        self.endpoint.ready = True
        if self.config.accept_agreements:
            self.paperwork.accept_agreements()
        if self.cso is not None and self.config.publish:
            self.cso.publisher.publish_everything()

    def rotate(self) -> bool:
        """UC1-1: a new credential; the old one is taken for a while."""
        reply = self.around.speaker.say(
            Saying("UC1-1", "rotation"), Message.of("POST", "/credentials/rotation", {})
        )
        if reply.accepted:
            self.credentials.token = self.around.speaker.hub.token = reply.content["token"]
            keep_credentials(self._state_file, self.credentials)
        return reply.accepted

    def stop(self) -> None:
        """Makes everybody who waits come back soon; may be called from a signal handler."""
        self._stopping.set()
        self.presence.stop()
        self.around.speaker.hub.stop()

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    def wait(self, seconds: float | None = None) -> bool:
        """Waits for the end; whether it has come."""
        return self._stopping.wait(seconds)

    def close(self) -> None:
        """Stops listening and speaking."""
        self.stop()
        self.around.memory.wake()
        self.around.later.stop()
        if self.presence.server is not None:
            self.presence.server.close()
        self.record.write("ended")
        self.record.close()

    # --- Being there, or not ----------------------------------------------------------------------

    def go_offline(self, seconds: float | None) -> None:
        """Nobody listens and nothing is said, for so long, or until `come_back`."""
        with self._lock:
            self._coming_back += 1
            number = self._coming_back
        self.record.write("offline")
        self.screen.say("   offline" + (f" for {seconds:g} s" if seconds else ""))
        self.presence.leave()
        if seconds is not None:
            # A timer of its own: the threads of `later` may all be waiting for us to be back.
            timer = threading.Timer(seconds, partial(self._come_back_if, number))
            timer.daemon = True
            timer.start()

    def come_back(self) -> None:
        """Listens and speaks again."""
        if not self.presence.online and not self.stopping:
            self.presence.come_back()
            self.record.write("online")
            self.screen.say("   online again")

    def _come_back_if(self, number: int) -> None:
        """Unless it was taken offline again, or for good, in the meantime."""
        if number == self._coming_back:
            self.come_back()

    # --- What happens -----------------------------------------------------------------------------

    def state(self) -> Json:
        """What this operator knows, for whoever looks in."""
        return {
            "name": self.config.name,
            "parties": msgspec.to_builtins(self.around.parties),
            "online": self.presence.online,
            "behaviours": self.conduct.describe(),
            "failures": self.failures,
            **self.around.memory.everything(),
            **(self.cso.as_json() if self.cso else {}),
        }

    def _heard(self, incoming: Incoming, behaviour: Behaviour, status: int, answer: Any) -> None:
        if incoming.path == HANDSHAKE and "probe" in incoming.content:
            return
        outcome = about(answer) if status == 200 else f"HTTP {status}" if status else ""
        if behaviour.do is not Do.ORDINARY:
            outcome = f"{outcome} (told to: {behaviour})".strip()
        self.screen.came(
            incoming.use_case, name_of(incoming.path), about(incoming.content), outcome
        )
        self.screen.body("<-", incoming.raw)
        if status == 200:
            self.around.memory.received(incoming.path, incoming.content)

    def _keep_notice(self, incoming: Incoming, behaviour: Behaviour) -> Json:
        """News of an agreement of ours."""
        content = incoming.content
        self.around.memory.replace("agreements", str(content["agreement_id"]), content)
        if content.get("event") == "proposed" and self.config.accept_agreements:
            self.around.later.after(0, self.paperwork.accept_agreements)
        return {}

    def _keep_dispute(self, incoming: Incoming, behaviour: Behaviour) -> Json:
        """News of a dispute about an SDR that we sent or received."""
        content = incoming.content
        self.around.memory.replace("disputes", str(content["dispute_id"]), content)
        return {}

    def _failed(self, detail: str) -> None:
        if not self.stopping:
            self.failures += 1
            self.screen.say(f"   FAILED: {detail}")

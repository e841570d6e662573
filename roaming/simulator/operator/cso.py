"""The visited-CSO's side of a simulated operator: what it answers, and what becomes of commands."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial

from roaming.simulator.operator.around import Around, Saying, decide
from roaming.simulator.operator.behaviour import Behaviour, Result
from roaming.simulator.operator.config import Json
from roaming.simulator.operator.cso_publishing import Publisher, moment_of
from roaming.simulator.operator.cso_reservations import Reservation, Reservations
from roaming.simulator.operator.cso_sessions import Sessions
from roaming.simulator.operator.endpoint import Handler, Incoming
from roaming.simulator.operator.stations import Stations
from roaming.simulator.operator.visit import Stage, Visit
from roaming.simulator.platform_hub import Message, path_of
from roaming.simulator.sdr_writer import Evidence

RESULT_WITHIN_S = 30
DoneBy = Callable[[], None]


class VisitedCso:
    """Stations, sessions and reservations of one CSO, as the clearing house meets them."""

    def __init__(self, around: Around, cso: str, stations: Stations) -> None:
        self.cso = cso
        self.stations = stations
        self.publisher = Publisher(around, cso, stations)
        self.sessions = Sessions(around, cso, stations, self.publisher)
        self.reservations = Reservations(around, stations, self.sessions, self.publisher)
        self._around = around
        # Two commands for one EVSE at once: the second is to see what the first was promised.
        self._deciding = threading.Lock()

    def answers(self) -> dict[str, Handler]:
        """By path below the endpoint."""
        return {
            "uc2-2/tariff-request": self._answer_tariffs,
            "uc3-2/remote-start": self._take_start,
            "uc3-4/stop": self._take_stop,
            "uc3-6/request": self._answer_information,
            "uc3-7/charge-plan-wishes": self._answer_wishes,
            "uc3-8/reservation": self._take_reservation,
            "uc3-8/cancellation": self._take_cancellation,
            "uc3-8/outcome": self._keep_outcome,
            "uc4-2/identifications": self._keep_identifications,
            "uc5-2/unlock": self._take_unlock,
            "uc5-3/unlock": self._take_unlock,
        }

    def as_json(self) -> Json:
        """What this side knows."""
        return {
            "visits": [visit.as_json() for visit in self.sessions.book.all()],
            "reservations": [r.as_json() for r in self.reservations.all()],
            "statuses": self.publisher.statuses,
        }

    # --- Commands: answered at once, a result later -----------------------------------------------

    def _take_start(self, incoming: Incoming, behaviour: Behaviour) -> Json:
        """UC3-2. With a reservation its session goes on."""
        content = incoming.content
        reservation = self._reservation_of(content)
        now = self._around.speaker.now()
        with self._deciding:
            against = self._against_start(content, reservation, now)
            accepted, reason = decide(behaviour, against)
            if not accepted:
                return rejected(reason)
            visit = reservation.visit if reservation else self._visit_of(content)
            self.sessions.book.add_once(visit)
        visit.correlation_id = incoming.correlation_id

        def start() -> None:
            if reservation is not None:
                self.reservations.use(reservation)
            self.sessions.begin(visit)

        def give_up() -> None:
            if reservation is None:
                visit.stage = Stage.GONE

        told = {"cso_session_id": visit.cso_session_id}
        self._follow_up(incoming, behaviour, (start, give_up), told)
        return taken()

    def _against_start(self, content: Json, reservation: Reservation | None, now: datetime) -> str:
        evse_id = str(content["evse_id"])
        if self.stations.place(evse_id) is None:
            return "unknown_evse"
        if self.sessions.occupied(evse_id):
            return "evse_occupied"
        holder = self.reservations.holder(evse_id, now, now.replace(year=now.year + 1))
        held_now = holder is not None and holder.starts_at <= now
        return "evse_reserved" if held_now and holder is not reservation else ""

    def _take_stop(self, incoming: Incoming, behaviour: Behaviour) -> Json:
        """UC3-4. The session ends with its completion."""
        visit = self.sessions.book.of_session(str(incoming.content["service_session_id"]))
        running = visit is not None and visit.is_open
        accepted, reason = decide(behaviour, "" if running else "unknown_session")
        if not accepted:
            return rejected(reason)
        self._follow_up(incoming, behaviour, (partial(self._leave, visit), _nothing), {})
        return taken()

    def _take_unlock(self, incoming: Incoming, behaviour: Behaviour) -> Json:
        """UC5-2 and UC5-3. The cable is out: what was charging there is over."""
        content = incoming.content
        known = self.stations.place(str(content["evse_id"])) is not None
        accepted, reason = decide(behaviour, "" if known else "unknown_evse")
        if not accepted:
            return rejected(reason)
        visit = self.sessions.book.of_session(str(content.get("service_session_id") or ""))
        self._follow_up(incoming, behaviour, (partial(self._leave, visit), _nothing), {})
        return taken()

    def _leave(self, visit: Visit | None) -> None:
        if visit is not None and visit.is_open:
            self.sessions.complete(visit)

    def _take_reservation(self, incoming: Incoming, behaviour: Behaviour) -> Json:
        """UC3-8. A change of the window comes under the same reservation id."""
        content = incoming.content
        reservation_id = str(content["reservation_id"])
        expires_at = moment_of(content["expires_at"])
        now = self._around.speaker.now()
        starts_at = moment_of(content["starts_at"]) if content.get("starts_at") else now
        with self._deciding:
            known = self.reservations.find(reservation_id)
            against = self._against_reservation(content, (starts_at, expires_at), now)
            accepted, reason = decide(behaviour, against)
            if not accepted:
                return rejected(reason)
            visit = known.visit if known else self._visit_of(content)
            reservation = Reservation(
                reservation_id, str(content["reference"]), visit, starts_at, expires_at
            )
            self.reservations.promise(reservation)
        visit.correlation_id = incoming.correlation_id
        keep = partial(self.reservations.keep, reservation)
        give_up = partial(self.reservations.give_up, reservation)
        told = {"cso_reference": reservation.cso_reference}
        self._follow_up(incoming, behaviour, (keep, give_up), told)
        return taken()

    def _against_reservation(
        self, content: Json, window: tuple[datetime, datetime], now: datetime
    ) -> str:
        evse_id = str(content["evse_id"])
        if self.stations.place(evse_id) is None:
            return "unknown_evse"
        if window[0] <= now and self.sessions.occupied(evse_id):
            return "evse_occupied"
        holder = self.reservations.holder(evse_id, *window)
        others = holder is not None and holder.reservation_id != str(content["reservation_id"])
        return "evse_reserved" if others else ""

    def _take_cancellation(self, incoming: Incoming, behaviour: Behaviour) -> Json:
        """UC3-8, the other way."""
        reservation = self._reservation_of(incoming.content)
        running = reservation is not None and reservation.state == "reserved"
        accepted, reason = decide(behaviour, "" if running else "unknown_reservation")
        if not accepted:
            return rejected(reason)

        def cancel() -> None:
            if reservation is not None and reservation.state == "reserved":
                self.reservations.cancel(reservation)

        self._follow_up(incoming, behaviour, (cancel, _nothing), {})
        return taken()

    def _keep_outcome(self, incoming: Incoming, behaviour: Behaviour) -> Json:
        """UC3-8: the clearing house saw the time run out. The watch says what we make of it."""
        self._around.memory.keep(
            "outcomes", str(incoming.content["reservation_id"]), outcome=incoming.content["outcome"]
        )
        return {}

    def _follow_up(
        self, incoming: Incoming, behaviour: Behaviour, acts: tuple[DoneBy, DoneBy], told: Json
    ) -> None:
        """What comes of a command that was accepted, a moment later: it is done, or given up."""
        do_it, give_up = acts
        command_id = str(incoming.content["command_id"])

        def happen() -> None:
            if behaviour.result in (Result.FAILED, Result.NONE):
                give_up()
            if behaviour.result in (Result.SUCCEEDED, Result.FAILED):
                content: Json = {"result": behaviour.result.value.upper()}
                if behaviour.result is Result.SUCCEEDED:
                    content |= told
                else:
                    content["reason"] = behaviour.result_reason or "failed"
                self._around.speaker.say(
                    Saying(incoming.use_case, "result", content["result"]),
                    Message.of(
                        "POST",
                        path_of("commands", command_id, "result"),
                        content,
                        incoming.correlation_id,
                    ),
                )
            if behaviour.result in (Result.SUCCEEDED, Result.LOST):
                do_it()

        self._around.later.after(behaviour.after, happen)

    # --- Questions --------------------------------------------------------------------------------

    def _answer_information(self, incoming: Incoming, behaviour: Behaviour) -> Json:
        """UC3-6, when the home-CSP wants to know now."""
        visit = self.sessions.book.of_session(str(incoming.content["service_session_id"]))
        if visit is None:
            raise ValueError("no such session here")
        return self.sessions.information(visit)

    def _answer_wishes(self, incoming: Incoming, behaviour: Behaviour) -> Json:
        """UC3-7."""
        visit = self.sessions.book.of_session(str(incoming.content["service_session_id"]))
        running = visit is not None and visit.is_open
        accepted, reason = decide(behaviour, "" if running else "unknown_session")
        if not accepted or visit is None:
            return {"decision": "REJECTED", "reason": reason or "unknown_session"}
        return {"decision": "ACCEPTED", "plan": self.sessions.plan_for(visit, incoming.content)}

    def _answer_tariffs(self, incoming: Incoming, behaviour: Behaviour) -> Json:
        """UC2-2: what this home-CSP may see."""
        asked_by, wanted = incoming.content.get("home_csp"), incoming.content.get("tariff_ids")
        accepted, reason = decide(behaviour, "")
        if not accepted:
            raise ValueError(reason)
        return {
            "tariffs": [
                tariff
                for tariff in self.stations.tariffs
                if tariff.get("home_csp") in (None, asked_by)
                and (not wanted or tariff["id"] in wanted)
            ]
        }

    def _keep_identifications(self, incoming: Incoming, behaviour: Behaviour) -> Json:
        """UC4-2: the list, or what changed of it."""
        content, memory = incoming.content, self._around.memory
        owner = {"home_csp": str(content["home_csp"]), "list_id": content.get("list_id")}
        for entry in content["identifications"]:
            if entry.get("removed"):
                memory.forget("identifications", str(entry["token_uid"]))
            else:
                memory.replace("identifications", str(entry["token_uid"]), {**entry, **owner})
        if content.get("scope") == "full" and content["part"] == content["parts"]:
            for token, known in memory.all("identifications").items():
                others = known["home_csp"] != owner["home_csp"]
                if not others and known["list_id"] != owner["list_id"]:
                    memory.forget("identifications", token)
        return {}

    # --- Who is meant -----------------------------------------------------------------------------

    def _reservation_of(self, content: Json) -> Reservation | None:
        return self.reservations.find(str(content.get("reservation_id") or ""))

    def _visit_of(self, content: Json) -> Visit:
        """A visit that the home-CSP asked for."""
        identification = content.get("identification") or {}
        place = self.stations.place(str(content["evse_id"]))
        # Where we were told to accept what cannot be, the first station of ours has to do.
        evse_id = place.evse.evse_id if place else self.stations.evse_ids[0]
        return Visit(
            evse_id=evse_id,
            connector_id=self.connector_at(evse_id, content.get("connector_id")),
            home_csp=str(content["home_csp"]),
            method=identification.get("method") or "APP",
            token_uid=identification.get("token_uid", ""),
            contract_id=identification.get("contract_id", ""),
            evidence=Evidence(
                str(content["service_session_id"]),
                content.get("authorization_reference"),
                "COMMAND",
            ),
            csp_session_id=content.get("csp_session_id"),
            stage=Stage.AWAITED,
        )

    def connector_at(self, evse_id: str, wanted: str | None) -> str:
        """The connector that is meant; the first where none is named, or none of ours."""
        place = self.stations.place(evse_id)
        assert place is not None, "only stations of ours are looked at"
        ids = [connector.connector_id for connector in place.evse.connectors]
        return wanted if wanted in ids else ids[0]


def _nothing() -> None:
    """Nothing was promised that would have to be taken back."""


def taken() -> Json:
    """The answer to a command whose result will follow."""
    return {"response": "ACCEPTED", "timeout_s": RESULT_WITHIN_S}


def rejected(reason: str) -> Json:
    """The answer to a command that nothing will come of."""
    return {"response": "REJECTED", "reason": reason}

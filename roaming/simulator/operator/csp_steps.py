"""What a script can let a simulated home-CSP do.

`session`, `command` and `reservation` are ids, or "latest". Where no EVSE is named, it is the first
that a visited-CSO published.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from roaming.simulator.operator.around import Around, Saying
from roaming.simulator.operator.config import Driver, Json
from roaming.simulator.operator.csp import HomeCsp
from roaming.simulator.operator.steps import Outcome, StepError
from roaming.simulator.platform_hub import Message, Reply, path_of

LATEST = "latest"
ASKER = "Help desk of the simulated home-CSP"


class CspSteps:
    """Steps of the home-CSP's side."""

    def __init__(self, around: Around, csp: HomeCsp) -> None:
        self._around = around
        self._csp = csp

    # --- Sessions ---------------------------------------------------------------------------------

    def do_remote_start(
        self, evse_id: str = "", reservation: str = "", connector_id: str = "", **who: str
    ) -> Outcome:
        """UC3-2: starts for a driver: token_uid, contract_id, method. Its result comes later."""
        number = uuid.uuid4().hex[:12].upper()
        wish: Json = {
            "home_csp": self._csp.csp,
            "evse_id": evse_id,
            "identification": self._identification(who),
            "authorization_reference": f"A{number}",
            "csp_session_id": f"C{number}",
        }
        if connector_id:
            wish["connector_id"] = connector_id
        if reservation:
            held = self._known("reservations", reservation)
            wish["reservation_id"] = held["reservation_id"]
            wish["evse_id"] = evse_id or held["evse_id"]
        wish["evse_id"] = wish["evse_id"] or self._first_evse()
        reply = self._ask("UC3-2", "remote start", wish["evse_id"],
                          ("/service-sessions/remote-start", wish))  # fmt: skip
        if reply.accepted:
            self._around.memory.keep(
                "sessions",
                str(reply.content["service_session_id"]),
                started_remotely=True,
                evse_id=wish["evse_id"],
                authorization_reference=wish["authorization_reference"],
                csp_session_id=wish["csp_session_id"],
            )
        return reply

    def do_stop(self, session: str = LATEST, why: str = "") -> Outcome:
        """UC3-4: ends the charging of a session."""
        session_id = self._key("sessions", session)
        path = path_of("service-sessions", session_id, "stop")
        return self._ask("UC3-4", "stop", session_id, (path, {"why": why}))

    def do_unlock(
        self, session: str = LATEST, why: str = "The plug is stuck", requested_by: str = ASKER
    ) -> Outcome:
        """UC5-2: lets the cable of a session go."""
        session_id = self._key("sessions", session)
        path = path_of("service-sessions", session_id, "unlock")
        wish = {"requested_by": requested_by, "why": why}
        return self._ask("UC5-2", "unlock", session_id, (path, wish))

    def do_unlock_evse(
        self, evse_id: str = "", why: str = "The plug is stuck", requested_by: str = ASKER
    ) -> Outcome:
        """UC5-3: lets the cable at an EVSE go where no session came about."""
        evse_id = evse_id or self._first_evse()
        wish = {"home_csp": self._csp.csp, "requested_by": requested_by, "why": why}
        return self._ask("UC5-3", "unlock", evse_id, (path_of("evses", evse_id, "unlock"), wish))

    def do_ask_information(self, session: str = LATEST, fresh: bool = True) -> Outcome:
        """UC3-6: asks how a session stands, the visited-CSO itself or the store."""
        session_id = self._key("sessions", session)
        path = path_of("service-sessions", session_id, "charging-information")
        reply = self._look("UC3-6", "information asked", session_id,
                           path + ("?fresh=true" if fresh else ""))  # fmt: skip
        if reply.accepted:
            self._around.memory.keep("sessions", session_id, information=reply.content)
        return reply

    def do_wishes(
        self, session: str = LATEST, departure_in_seconds: float | None = None, **wishes: Any
    ) -> Outcome:
        """UC3-7: energy_kwh, minimum_energy_kwh, maximum_power_kw, profile, and when it leaves."""
        session_id = self._key("sessions", session)
        content: Json = dict(wishes)
        if departure_in_seconds is not None:
            departure = self._around.speaker.now() + timedelta(seconds=departure_in_seconds)
            content["departure_time"] = departure.isoformat()
        reply = self._around.speaker.say(
            Saying("UC3-7", "charge plan wishes", session_id),
            Message.of("PUT", path_of("service-sessions", session_id, "charge-plan"), content),
        )
        if reply.accepted and isinstance(reply.content, dict):
            self._around.memory.keep("sessions", session_id, plan=reply.content.get("plan"))
        return reply

    # --- Reservations -----------------------------------------------------------------------------

    def do_reserve(
        self, evse_id: str = "", for_seconds: float = 600, in_seconds: float = 0, **who: str
    ) -> Outcome:
        """UC3-8: keeps an EVSE for a driver, from now on where nothing else is said."""
        now = self._around.speaker.now()
        evse_id = evse_id or self._first_evse()
        starts_at = now + timedelta(seconds=in_seconds)
        number = uuid.uuid4().hex[:12].upper()
        wish: Json = {
            "home_csp": self._csp.csp,
            "evse_id": evse_id,
            "reference": f"R{number}",
            "identification": self._identification(who),
            "expires_at": (starts_at + timedelta(seconds=for_seconds)).isoformat(),
            "csp_session_id": f"C{number}",
        }
        if in_seconds:
            wish["starts_at"] = starts_at.isoformat()
        reply = self._ask("UC3-8", "reservation", evse_id, ("/reservations", wish))
        if reply.accepted:
            reservation_id = str(reply.content["reservation_id"])
            self._around.memory.keep(
                "reservations",
                reservation_id,
                reservation_id=reservation_id,
                reference=wish["reference"],
                evse_id=evse_id,
                service_session_id=reply.content.get("service_session_id"),
            )
        return reply

    def do_cancel_reservation(self, reservation: str = LATEST) -> Outcome:
        """UC3-8: lets the EVSE go."""
        key = self._key("reservations", reservation)
        reply = self._around.speaker.say(
            Saying("UC3-8", "cancellation", key), Message("DELETE", path_of("reservations", key))
        )
        self._note_command(reply)
        return reply

    # --- Information ------------------------------------------------------------------------------

    def do_identifications(self, drivers: list[Json] | None = None) -> Outcome:
        """UC4-2: distributes the whole list of the drivers, or of these."""
        return self._distribute("PUT", drivers)

    def do_changed_identifications(self, drivers: list[Json] | None = None) -> Outcome:
        """UC4-2: distributes what is new, changed or removed: these."""
        return self._distribute("PATCH", drivers)

    def _distribute(self, method: str, drivers: list[Json] | None) -> Reply:
        stamp = {"last_updated": self._around.speaker.now().isoformat()}
        given = drivers if drivers is not None else [_row(d) for d in self._around.config.drivers]
        path = "/identifications?" + urlencode({"home_csp": self._csp.csp})
        return self._around.speaker.say(
            Saying("UC4-2", "identifications", f"{len(given)} drivers"),
            Message.of(method, path, [{**stamp, **row} for row in given]),
        )

    def do_tariffs_in_force(
        self, visited_cso: str = "", at: str = "", evse_id: str = ""
    ) -> Outcome:
        """UC2-2: what is in force, or was at that moment, from the store."""
        asked = {"visited_cso": self._cso(visited_cso), "home_csp": self._csp.csp}
        where = {"at": at, "evse_id": evse_id}
        query = urlencode({**asked, **{name: value for name, value in where.items() if value}})
        return self._look("UC2-2", "tariffs in force", asked["visited_cso"],
                          f"/tariffs/in-force?{query}")  # fmt: skip

    def do_ask_tariffs(self, visited_cso: str = "") -> Outcome:
        """UC2-2: asks the visited-CSO itself."""
        asked = {"visited_cso": self._cso(visited_cso), "home_csp": self._csp.csp}
        return self._around.speaker.say(
            Saying("UC2-2", "tariffs asked for", asked["visited_cso"]),
            Message.of("POST", "/tariff-requests", asked),
        )

    # --- Speaking ---------------------------------------------------------------------------------

    def _ask(self, use_case: str, what: str, about: str, message: tuple[str, Json]) -> Reply:
        """A command: its answer now, its result later."""
        path, content = message
        reply = self._around.speaker.say(
            Saying(use_case, what, about), Message.of("POST", path, content)
        )
        self._note_command(reply)
        return reply

    def _note_command(self, reply: Reply) -> None:
        if reply.accepted:
            content = reply.content
            self._around.memory.keep(
                "commands",
                str(content["command_id"]),
                response=content.get("response"),
                answer_reason=content.get("reason"),
                service_session_id=content.get("service_session_id"),
                reservation_id=content.get("reservation_id"),
            )

    def _look(self, use_case: str, what: str, about: str, path: str) -> Reply:
        return self._around.speaker.say(Saying(use_case, what, about), Message("GET", path))

    # --- Who, where -------------------------------------------------------------------------------

    def _identification(self, who: dict[str, str]) -> Json:
        unknown = who.keys() - {"token_uid", "contract_id", "method"}
        if unknown:
            raise StepError(f"takes no {', '.join(sorted(unknown))}")
        if not who.get("token_uid") and not who.get("contract_id"):
            first = next(iter(self._around.config.drivers), None)
            if first is None:
                raise StepError("say token_uid or contract_id, or list drivers")
            who = {"token_uid": first.token_uid, "contract_id": first.contract_id, **who}
        return {
            "method": who.get("method", "APP"),
            "token_uid": who.get("token_uid", ""),
            "contract_id": who.get("contract_id", ""),
        }

    def _key(self, kind: str, wanted: str) -> str:
        key = self._around.memory.latest(kind) if wanted == LATEST else wanted
        if not key:
            raise StepError(f"there are no {kind} yet")
        return key

    def _known(self, kind: str, wanted: str) -> Json:
        found = self._around.memory.find(kind, self._key(kind, wanted))
        if found is None:
            raise StepError(f"{wanted} is none of the {kind} here")
        return found

    def _first_evse(self) -> str:
        for evse_id, evse in self._around.memory.all("evses").items():
            if self._around.config.partner in ("", evse.get("visited_cso")):
                return evse_id
        raise StepError("no visited-CSO has published an EVSE yet: name one with evse_id")

    def _cso(self, wanted: str) -> str:
        if wanted or self._around.config.partner:
            return wanted or self._around.config.partner
        evses = self._around.memory.all("evses").values()
        found = next((evse.get("visited_cso") for evse in evses), None)
        if not found:
            raise StepError("no visited-CSO is known yet: name one with visited_cso")
        return str(found)


_KINDS = {"RFID": "RFID", "APP": "APP_USER", "QR_CODE": "APP_USER", "PNC": "EMAID"}


def _row(driver: Driver) -> Json:
    """A driver as UC4-2 lists it."""
    return {
        "token_uid": driver.token_uid or driver.contract_id,
        "contract_id": driver.contract_id,
        "kind": _KINDS.get(driver.method, "OTHER"),
        "valid": driver.may_charge,
        "whitelist": driver.whitelist,
        "expires_at": driver.expires_at,
    }

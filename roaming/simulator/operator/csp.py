"""The home-CSP's side of a simulated operator: who may charge, and what it is told."""

from __future__ import annotations

import uuid
from datetime import datetime

from roaming.domain.identifiers import ContractId, IdentifierError, TokenUid
from roaming.simulator.operator.around import Around, decide
from roaming.simulator.operator.behaviour import Behaviour
from roaming.simulator.operator.config import Driver, Json
from roaming.simulator.operator.endpoint import Handler, Incoming

UNKNOWN, BLOCKED = "unknown", "blocked"


class HomeCsp:
    """Decides on its drivers and remembers what reaches it."""

    def __init__(self, around: Around, csp: str) -> None:
        self.csp = csp
        self._around = around
        self._memory = around.memory
        self._drivers: dict[str, Driver] = {}
        for driver in around.config.drivers:
            for key in _keys(driver.token_uid, driver.contract_id):
                self._drivers[key] = driver

    def answers(self) -> dict[str, Handler]:
        """By path below the endpoint."""
        return {
            "uc1-2/sites": self._keep_site,
            "uc1-3/evse-statuses": self._keep_statuses,
            "uc2-1/tariffs": self._keep_tariff,
            "uc3-1/local-start": self._decide,
            "uc3-2/result": self._keep_result,
            "uc3-3/plug-and-charge-start": self._decide,
            "uc3-4/result": self._keep_result,
            "uc3-5/completion": self._keep_completion,
            "uc3-6/charging-information": self._keep_information,
            "uc3-8/result": self._keep_result,
            "uc3-8/outcome": self._keep_outcome,
            "uc3-9/sdrs": self._keep_sdrs,
            "uc3-10/charge-plan": self._keep_plan,
            "uc4-1/authorisation": self._decide,
            "uc4-1/withdrawal": self._keep_withdrawal,
            "uc5-1/outages": self._keep_outage,
            "uc5-2/result": self._keep_result,
            "uc5-3/result": self._keep_result,
        }

    # --- Live questions ---------------------------------------------------------------------------

    def _decide(self, incoming: Incoming, behaviour: Behaviour) -> Json:
        """UC3-1, UC3-3 and UC4-1. With `decided` it is news: the clearing house stood in for us."""
        content = incoming.content
        identification = content["identification"]
        session_id = str(content.get("service_session_id") or "")
        decided = content.get("decided")
        if decided:
            self._note_session(session_id, content, str(decided.get("decision")), "OFFLINE")
            return {}
        driver, objection = self._judge(identification, broadcast=bool(content.get("broadcast")))
        accepted, reason = decide(behaviour, objection)
        decision = "ACCEPTED" if accepted else "REFUSED"
        self._note_session(session_id, content, decision, "ONLINE")
        if not accepted:
            return {"decision": decision, "reason": reason}
        number = uuid.uuid4().hex[:16].upper()
        contract = driver.contract_id if driver else identification.get("contract_id", "")
        answer = {
            "decision": decision,
            "contract_id": contract,
            "authorization_reference": f"A{number}",
            "csp_session_id": f"C{number}",
        }
        if session_id:
            self._memory.keep("sessions", session_id, **answer)
        return answer

    def _judge(self, identification: Json, *, broadcast: bool) -> tuple[Driver | None, str]:
        """The driver, and what speaks against letting it charge; who has no list knows everybody.

        A broadcast goes to several home-CSPs: there, who is not on a list is none of ours.
        """
        token = identification.get("token_uid", "")
        contract = identification.get("contract_id", "")
        driver = next(
            (self._drivers[key] for key in _keys(token, contract) if key in self._drivers), None
        )
        if driver is None:
            return None, UNKNOWN if self._drivers or broadcast else ""
        return driver, "" if driver.may_charge else BLOCKED

    def _note_session(self, session_id: str, content: Json, decision: str, how: str) -> None:
        if session_id:
            self._memory.keep(
                "sessions",
                session_id,
                decision=decision,
                authorised=how,
                visited_cso=content.get("visited_cso"),
                evse_id=content.get("evse_id"),
                cso_session_id=content.get("cso_session_id"),
            )

    # --- What is stored ---------------------------------------------------------------------------

    def _keep_site(self, incoming: Incoming, behaviour: Behaviour) -> Json:
        content = incoming.content
        if content.get("withdrawn") or content.get("evses") is None:
            self._memory.forget("sites", str(content["id"]))
        else:
            self._memory.replace("sites", str(content["id"]), content)
            for evse in content["evses"]:
                evse_id = str(evse["evse_id"])
                self._memory.keep("evses", evse_id, visited_cso=content["visited_cso"])
        return {}

    def _keep_statuses(self, incoming: Incoming, behaviour: Behaviour) -> Json:
        content = incoming.content
        for status in content["statuses"]:
            evse_id = str(status["evse_id"])
            self._memory.keep("evses", evse_id, state=status["state"])
        return {}

    def _keep_tariff(self, incoming: Incoming, behaviour: Behaviour) -> Json:
        content = incoming.content
        self._memory.replace("tariffs", str(content["id"]), content)
        return {}

    def _keep_outage(self, incoming: Incoming, behaviour: Behaviour) -> Json:
        content = incoming.content
        self._memory.replace("outages", str(content["id"]), content)
        return {}

    # --- What becomes of sessions -----------------------------------------------------------------

    def _keep_result(self, incoming: Incoming, behaviour: Behaviour) -> Json:
        """What came of a command of ours; a late result counts after TIMED_OUT."""
        content = incoming.content
        self._memory.keep(
            "commands",
            str(content["command_id"]),
            use_case=incoming.use_case,
            result=content["result"],
            reason=content.get("reason", ""),
            late=bool(content.get("late")),
            service_session_id=content.get("service_session_id"),
            reservation_id=content.get("reservation_id"),
        )
        return {}

    def _keep_outcome(self, incoming: Incoming, behaviour: Behaviour) -> Json:
        content = incoming.content
        self._memory.keep(
            "reservations", str(content["reservation_id"]), outcome=content["outcome"]
        )
        return {}

    def _keep_information(self, incoming: Incoming, behaviour: Behaviour) -> Json:
        """The newest stamp counts, in whatever order the messages come."""
        content = incoming.content
        session_id = str(content["service_session_id"])
        known = self._memory.find("sessions", session_id) or {}
        stamp = known.get("stamped_at")
        if stamp is None or _moment(content["stamped_at"]) > _moment(stamp):
            self._memory.keep(
                "sessions",
                session_id,
                stamped_at=content["stamped_at"],
                energy_kwh=str(content["energy_kwh"]),
                power_kw=_text(content.get("power_kw")),
                cost=content.get("cost"),
            )
        self._memory.keep("sessions", session_id, updates=known.get("updates", 0) + 1)
        return {}

    def _keep_plan(self, incoming: Incoming, behaviour: Behaviour) -> Json:
        content = incoming.content
        plan = {name: content.get(name) for name in ("stamped_at", "periods", "reason", "number")}
        self._memory.keep("sessions", str(content["service_session_id"]), plan=plan)
        return {}

    def _keep_completion(self, incoming: Incoming, behaviour: Behaviour) -> Json:
        content = incoming.content
        self._memory.keep(
            "sessions",
            str(content["service_session_id"]),
            completed=True,
            total_energy=_text(content.get("total_energy")),
            nothing_provided=content.get("nothing_provided"),
        )
        return {}

    def _keep_withdrawal(self, incoming: Incoming, behaviour: Behaviour) -> Json:
        """Our yes counted for nothing: another home-CSP was faster."""
        content = incoming.content
        session_id = str(content.get("service_session_id") or content["question_id"])
        self._memory.keep("sessions", session_id, withdrawn=content["reason"])
        return {}

    def _keep_sdrs(self, incoming: Incoming, behaviour: Behaviour) -> Json:
        for record in incoming.content["sdrs"]:
            sdr = record["sdr"]
            self._memory.keep(
                "sdrs",
                str(record["sdr_id"]),
                reference=sdr["id"],
                state=record["state"],
                service_session_id=sdr.get("service_session_id"),
                total_energy=_text(sdr.get("total_energy")),
                total_cost=sdr.get("total_cost"),
                currency=sdr.get("currency"),
            )
        return {}


def _keys(token_uid: str, contract_id: str) -> list[str]:
    """Under what a driver is found: token first, then contract, however they are written."""
    keys = []
    try:
        if token_uid:
            keys.append(f"token {TokenUid.parse(token_uid).key}")
    except IdentifierError:
        keys.append(f"token {token_uid}")
    try:
        if contract_id:
            contract = ContractId.parse(contract_id, opaque=True)
            keys.append(f"contract {contract.key_without_check_digit}")
    except IdentifierError:
        keys.append(f"contract {contract_id}")
    return keys


def _moment(text: object) -> datetime:
    return datetime.fromisoformat(str(text))


def _text(number: object) -> str | None:
    return None if number is None else str(number)

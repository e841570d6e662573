"""What a script can let a simulated CSO do. Where no EVSE is named, it is the first of its own."""

from __future__ import annotations

import time
from decimal import Decimal

from roaming.simulator.operator.around import Around, Saying
from roaming.simulator.operator.config import Json
from roaming.simulator.operator.cso import VisitedCso
from roaming.simulator.operator.steps import Outcome, StepError
from roaming.simulator.operator.visit import Visit
from roaming.simulator.platform_hub import Message, Reply
from roaming.simulator.sdr_writer import Evidence

SETTLE_S = 30.0
LOCAL_START = "/service-sessions/local-start"


class CsoSteps:
    """Steps of the visited-CSO's side."""

    def __init__(self, around: Around, cso: VisitedCso) -> None:
        self._around = around
        self._cso = cso

    # --- Publishing -------------------------------------------------------------------------------

    def do_publish(self) -> Outcome:
        """UC1-2, UC2-1, UC1-3: all sites, tariffs and statuses once more."""
        return "accepted" if self._cso.publisher.publish_everything() else "refused"

    def do_site(self, site: Json) -> Outcome:
        """UC1-2: publishes this site, or what changed of it."""
        stamp = self._around.speaker.now().isoformat()
        return self._cso.publisher.publish_site(
            {"visited_cso": self._cso.cso, "last_updated": stamp, **site}
        )

    def do_withdraw_site(self, site_id: str) -> Outcome:
        """UC1-2: the site is no more."""
        return self._cso.publisher.withdraw_site(site_id)

    def do_tariff(self, tariff: Json) -> Outcome:
        """UC2-1: announces this version, valid from now on where it does not say when."""
        now = self._around.speaker.now().isoformat()
        message = {"visited_cso": self._cso.cso, "valid_from": now, **tariff}
        reply = self._cso.publisher.publish_tariff(message)
        if reply.accepted:
            self._cso.stations.add_tariff(message)
        return reply

    def do_withdraw_tariff(self, tariff_id: str) -> Outcome:
        """UC2-1: the tariff ends now."""
        return self._cso.publisher.withdraw_tariff(tariff_id)

    def do_status(self, state: str = "AVAILABLE", evse_id: str = "") -> Outcome:
        """UC1-3: what an EVSE is doing."""
        return self._cso.publisher.tell_status(self._evse(evse_id), state)

    def do_outage(
        self,
        kind: str = "",
        for_seconds: float | None = None,
        outage_id: str = "",
        **fields: object,
    ) -> Outcome:
        """UC5-1: EVSEs are out of order, or will be maintained: state, evse_ids, description."""
        unknown = fields.keys() - {"state", "description", "evse_ids", "site_ids", "starts_at"}
        if unknown:
            raise StepError(f"takes no {', '.join(sorted(unknown))}")
        fields |= {"for_seconds": for_seconds, "outage_id": outage_id}
        if kind:
            fields["kind"] = kind
        return self._cso.publisher.announce_outage(**fields)

    # --- Starts -----------------------------------------------------------------------------------

    def do_identify(self, **identification: str) -> Outcome:
        """UC4-1: asks who this is, without a start. Takes what local_start takes."""
        question, _ = self._question(identification)
        return self._around.speaker.say(
            Saying("UC4-1", "authorisation", str(question.get("evse_id", ""))),
            Message.of("POST", "/identifications/authorisation", question),
        )

    def do_local_start(self, **identification: str) -> Outcome:
        """UC3-1: a user identifies: token_uid, contract_id, method, home_csp, evse_id."""
        question, visit = self._question(identification)
        return self._start("UC3-1", "local start", LOCAL_START, (question, visit))

    def do_plug_and_charge(self, emaid: str, evse_id: str = "", home_csp: str = "") -> Outcome:
        """UC3-3: a vehicle shows its contract certificate."""
        question, visit = self._question(
            {"method": "PNC", "contract_id": emaid, "token_uid": emaid, "evse_id": evse_id,
             "home_csp": home_csp}
        )  # fmt: skip
        question.pop("identification")
        question["emaid"] = emaid
        path = "/service-sessions/plug-and-charge-start"
        return self._start("UC3-3", "plug and charge", path, (question, visit))

    def do_session(self, seconds: float | None = None, **identification: str) -> Outcome:
        """A whole visit: local start, charging, completion, SDR."""
        question, visit = self._question(identification)
        reply = self._start("UC3-1", "local start", LOCAL_START, (question, visit))
        if visit.session_id:
            self._charge(visit, seconds)
        return reply

    # --- While it charges, and the end ------------------------------------------------------------

    def do_charge(self, seconds: float | None = None) -> Outcome:
        """The latest visit charges, so long or as the habit says, is completed and billed."""
        self._charge(self._visit(), seconds)
        return None

    def _charge(self, visit: Visit, seconds: float | None) -> None:
        habit = self._around.config.sessions
        charging = seconds if seconds is not None else habit.seconds
        self._cso.sessions.begin(visit, charging)
        if charging is None:
            return  # until it is stopped
        wait = charging + habit.parking_seconds + (habit.sdr_after_seconds or 0) + SETTLE_S
        self._wait_for_end(visit, time.monotonic() + max(wait, self._around.config.patience_s))

    def do_begin(self) -> Outcome:
        """The latest visit charges until `end` or a stop."""
        self._cso.sessions.begin(self._visit(), by_itself=False)
        return None

    def do_update(self) -> Outcome:
        """UC3-6: says how it stands."""
        return self._cso.sessions.tell(self._visit())

    def do_change_plan(self, power_kw: float, reason: str = "") -> Outcome:
        """UC3-10: less power, or more."""
        return self._cso.sessions.change_plan(self._visit(), Decimal(str(power_kw)), reason)

    def do_end(self) -> Outcome:
        """The latest visit ends: completion and SDR."""
        return self._cso.sessions.complete(self._visit())

    def do_sdr_again(self) -> Outcome:
        """UC3-9: sends the SDR of the last billed visit once more; nothing may come of it."""
        visits = [v for v in self._cso.sessions.book.all() if v.sdr is not None]
        if not visits:
            raise StepError("nothing has been billed yet")
        return self._cso.sessions.send_sdr(visits[-1], visits[-1].sdr or {})

    def do_reservation_outcome(self, outcome: str = "NO_SHOW", reason: str = "") -> Outcome:
        """UC3-8: says of the reservation that runs that nobody came, or that it cannot be kept."""
        running = [r for r in self._cso.reservations.all() if r.state == "reserved"]
        if not running:
            raise StepError("no reservation runs")
        return self._cso.reservations.run_out(running[-1], outcome, reason)

    # --- Who, where -------------------------------------------------------------------------------

    def _start(self, use_case: str, what: str, path: str, asked: tuple[Json, Visit]) -> Reply:
        question, visit = asked
        reply = self._around.speaker.say(
            Saying(use_case, what, f"{visit.method} at {visit.evse_id}"),
            Message.of("POST", path, question, visit.correlation_id),
        )
        content = reply.content
        if reply.accepted and content.get("decision") == "ACCEPTED":
            visit.evidence = Evidence(
                content["service_session_id"],
                content.get("authorization_reference") or None,
                content.get("authorised") or "ONLINE",
            )
            visit.home_csp = content.get("home_csp") or visit.home_csp
            visit.contract_id = visit.contract_id or content.get("contract_id", "")
            visit.csp_session_id = content.get("csp_session_id") or None
            self._cso.sessions.book.add_once(visit)
        return reply

    def _question(self, given: dict[str, str]) -> tuple[Json, Visit]:
        unknown = given.keys() - {
            "token_uid", "contract_id", "method", "home_csp", "evse_id", "connector_id",
            "correlation_id",
        }  # fmt: skip
        if unknown:
            raise StepError(f"takes no {', '.join(sorted(unknown))}")
        evse_id = self._evse(given.get("evse_id", ""))
        visit = Visit(
            evse_id=evse_id,
            connector_id=self._cso.connector_at(evse_id, given.get("connector_id")),
            home_csp=given.get("home_csp") or self._around.config.partner,
            method=given.get("method", "RFID"),
            token_uid=given.get("token_uid", ""),
            contract_id=given.get("contract_id", ""),
            correlation_id=given.get("correlation_id", ""),
        )
        if not visit.token_uid and not visit.contract_id:
            raise StepError("say token_uid or contract_id")
        question: Json = {
            "visited_cso": self._cso.cso,
            "evse_id": evse_id,
            "connector_id": visit.connector_id,
            "cso_session_id": visit.cso_session_id,
            "identification": {
                "method": visit.method,
                "token_uid": visit.token_uid,
                "contract_id": visit.contract_id,
            },
        }
        if visit.home_csp:
            question["home_csp"] = visit.home_csp
        return question, visit

    def _evse(self, wanted: str) -> str:
        if wanted and self._cso.stations.place(wanted) is None:
            raise StepError(f"{wanted} is no EVSE of this operator")
        return wanted or self._cso.stations.evse_ids[0]

    def _visit(self) -> Visit:
        visit = self._cso.sessions.book.latest()
        if visit is None:
            raise StepError("no visit is under way")
        return visit

    def _wait_for_end(self, visit: Visit, deadline: float) -> None:
        billed = self._around.config.sessions.sdr_after_seconds is not None
        while not visit.is_done(billed=billed):
            if visit.trouble or time.monotonic() > deadline:
                raise StepError(visit.trouble or f"the visit is still {visit.stage.value}")
            if self._around.stopping():
                return
            time.sleep(0.05)

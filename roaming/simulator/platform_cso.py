"""The visited-CSO's side of a platform: publishes, asks, closes sessions, sends SDRs.

One session is one chain: the start is asked (UC3-1); if the driver may charge, the end is told
(UC3-5) and the SDR follows (UC3-9), each not before its business moment. A refused start ends it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from roaming.simulator.network import Organisation, TariffVersion
from roaming.simulator.planned_session import PlannedSession
from roaming.simulator.platform_config import SdrHabit
from roaming.simulator.platform_hub import NDJSON, Hub, Message, Reply, path_of
from roaming.simulator.platform_schedule import Schedule
from roaming.simulator.platform_tally import Counting
from roaming.simulator.prices import trimmed
from roaming.simulator.publications import site_message, tariff_message
from roaming.simulator.sdr_writer import Evidence, local_text, to_json
from roaming.simulator.side_visits import Kind, SideVisit
from roaming.simulator.submissions import Submission, submissions
from roaming.simulator.world import World

logger = logging.getLogger(__name__)

UPLOAD_AT = time(2, 30)
MOST_IN_A_CALL = 1000


class RefusedError(Exception):
    """The clearing house refused what has to be taken for anything else to work."""


@dataclass(frozen=True)
class Surroundings:
    """What the two sides of a platform share."""

    world: World
    hub: Hub
    schedule: Schedule
    counting: Counting


class VisitedCso:
    """The stations of one organisation in the month."""

    def __init__(self, organisation: Organisation, habit: SdrHabit, around: Surroundings) -> None:
        assert organisation.operator_id is not None
        self._cso = organisation.operator_id
        self._habit = habit
        self._around = around
        self._hub = around.hub
        self._world = around.world
        self._schedule = around.schedule
        self._counting = around.counting
        self._lock = threading.Lock()
        self._outbox: list[tuple[datetime, PlannedSession, dict[str, Any]]] = []

    def join(self, joined_at: datetime) -> None:
        """Opens for business at this moment; everything else follows from there.

        What was published before counts as due now. Sites and tariffs have to be known before
        anybody identifies, so the month is planned when they are out.
        """
        self._schedule.plan(joined_at, partial(self._open_for_business, joined_at))

    def _plan_month(self, joined_at: datetime) -> None:
        for version in self._world.network.tariffs:
            if version.operator_id == self._cso and version.published_at > joined_at:
                self._schedule.plan(version.published_at, partial(self._publish_tariff, version))
        for session in self._world.sessions:
            if session.cso == self._cso:
                self._plan_session(session)
        for visit in self._world.side_visits:
            if visit.cso == self._cso:
                self._schedule.plan(visit.moment, partial(self._refused_or_asked, visit))
        if self._habit is SdrHabit.DAILY:
            self._schedule.plan(self._next_upload(joined_at), self._upload)

    def _plan_session(self, session: PlannedSession) -> None:
        planted = self._world.planted.get(session.reference)
        if planted is not None and not planted.mistake.announced:
            self._submit_all(session, Evidence())
        else:
            self._schedule.plan(session.start, partial(self._start, session))

    # --- Publishing (UC1-2, UC2-1) ----------------------------------------------------------------

    def _open_for_business(self, joined_at: datetime) -> None:
        network = self._world.network
        for site in network.sites:
            if site.operator_id == self._cso:
                message = site_message(site, joined_at)
                self._must_be_taken(
                    Message.of("PUT", path_of("sites", site.site_id), message), "sites"
                )
        for version in network.tariffs:
            if version.operator_id == self._cso and version.published_at <= joined_at:
                self._publish_tariff(version)
        self._plan_month(joined_at)

    def _publish_tariff(self, version: TariffVersion) -> None:
        message = tariff_message(version)
        self._must_be_taken(
            Message.of("PUT", path_of("tariffs", version.tariff_id), message),
            "tariffs",
            version.home_csp,
        )

    # --- A session (UC3-1, UC3-5) -----------------------------------------------------------------

    def _start(self, session: PlannedSession) -> None:
        reply = self._say(
            "/service-sessions/local-start", _identification_of(session), session.reference
        )
        if not (reply.accepted and reply.content["decision"] == "ACCEPTED"):
            self._note_refusal(session.csp, "starts_refused", reply)
            return
        self._counting.sent(self._cso, session.csp, "starts_accepted")
        evidence = Evidence(
            reply.content["service_session_id"],
            reply.content["authorization_reference"],
            reply.content["authorised"],
        )
        self._schedule.plan(session.end, partial(self._complete, session, evidence))

    def _complete(self, session: PlannedSession, evidence: Evidence) -> None:
        zone = self._world.network.places[session.evse_id].zone
        completion = {
            "start_date_time": local_text(session.start, zone),
            "end_date_time": local_text(session.end, zone),
            "total_energy": trimmed(session.energy_kwh),
            "cso_session_id": f"S-{session.reference}",
        }
        path = path_of("service-sessions", str(evidence.service_session_id), "completion")
        reply = self._say(path, completion, session.reference)
        if not reply.accepted:
            self._note_refusal(session.csp, "completions_refused", reply)
            return
        self._counting.sent(self._cso, session.csp, "completions")
        self._submit_all(session, evidence)

    def _refused_or_asked(self, visit: SideVisit) -> None:
        """Somebody who will not charge: asked for a start, or only who it is."""
        path = "/service-sessions/local-start"
        if visit.kind is Kind.ONLY_ASKED:
            path = "/identifications/authorisation"
        reply = self._say(path, _identification_of(visit), visit.reference)
        if not (reply.accepted and reply.content["decision"] == "ACCEPTED"):
            self._note_refusal(visit.csp, "starts_refused", reply)
        elif visit.kind is Kind.ONLY_ASKED:
            self._counting.sent(self._cso, visit.csp, "questions_accepted")
        else:
            self._counting.sent(self._cso, visit.csp, "starts_accepted_in_error")

    # --- SDRs (UC3-9) -----------------------------------------------------------------------------

    def _submit_all(self, session: PlannedSession, evidence: Evidence) -> None:
        planted = self._world.planted.get(session.reference)
        for submission in submissions(session, self._world.network, evidence, planted):
            due = session.end + submission.held_back
            if self._habit is SdrHabit.DAILY:
                with self._lock:
                    self._outbox.append((due, session, submission.sdr))
            else:
                self._schedule.plan(due, partial(self._send_sdr, session, submission))

    def _send_sdr(self, session: PlannedSession, submission: Submission) -> None:
        reply = self._say("/sdrs", submission.sdr, session.reference)
        if reply.accepted:
            self._count_sdr(session.csp, submission.sdr, reply.content["state"])
        else:
            self._note_refusal(session.csp, "sdrs_refused", reply)

    def _upload(self) -> None:
        """What is due goes in one call; what came back refused is counted by its reason."""
        now = self._hub.now()
        with self._lock:
            due = [entry for entry in self._outbox if entry[0] <= now]
            self._outbox = [entry for entry in self._outbox if entry[0] > now]
        for start in range(0, len(due), MOST_IN_A_CALL):
            self._send_lot(due[start : start + MOST_IN_A_CALL])
        self._schedule.plan(self._next_upload(now), self._upload)

    def _send_lot(self, lot: list[tuple[datetime, PlannedSession, dict[str, Any]]]) -> None:
        body = b"\n".join(to_json(sdr) for _, _, sdr in lot)
        reply = self._hub.send(Message("POST", "/sdrs/bulk", body, content_type=NDJSON))
        self._counting.repeated(reply.tries - 1)
        if not reply.accepted:
            for _, session, _ in lot:
                self._note_refusal(session.csp, "sdrs_refused", reply)
            return
        for line in reply.content["results"]:
            _, session, sdr = lot[line["index"]]
            if line["accepted"]:
                self._count_sdr(session.csp, sdr, line["state"])
            else:
                self._note(session.csp, "sdrs_refused", line["refusal"]["code"], sdr["id"])

    def _count_sdr(self, csp: str, sdr: dict[str, Any], state: str) -> None:
        money: Decimal = sdr["total_cost"]["excl_vat"]
        self._counting.sent(
            self._cso, csp, "sdrs", money=money, energy_kwh=Decimal(sdr["total_energy"])
        )
        if state == "rejected":
            self._counting.sent(self._cso, csp, "sdrs_rejected")

    def _next_upload(self, after: datetime) -> datetime:
        """The next night at half past two, at the first of this operator's sites."""
        zone = self._zone()
        local = after.astimezone(zone)
        moment = datetime.combine(local.date(), UPLOAD_AT, zone)
        if moment <= after:
            moment = datetime.combine(local.date() + timedelta(days=1), UPLOAD_AT, zone)
        return moment

    def _zone(self) -> ZoneInfo:
        own = (s.time_zone for s in self._world.network.sites if s.operator_id == self._cso)
        return ZoneInfo(next(own, "UTC"))

    # --- Speaking ---------------------------------------------------------------------------------

    def _say(self, path: str, content: object, reference: str) -> Reply:
        reply = self._hub.send(Message.of("POST", path, content, reference))
        self._counting.repeated(reply.tries - 1)
        return reply

    def _must_be_taken(self, message: Message, what: str, only_for: str | None = None) -> None:
        reply = self._hub.send(message)
        self._counting.repeated(reply.tries - 1)
        if not reply.accepted:
            raise RefusedError(f"{message.path} was refused: {reply.status} {reply.content}")
        for csp in [only_for] if only_for else self._partners():
            self._counting.sent(self._cso, csp, what)

    def _partners(self) -> Iterator[str]:
        return (a.provider_id for a in self._world.network.agreements if a.operator_id == self._cso)

    def _note_refusal(self, csp: str, what: str, reply: Reply) -> None:
        reason = reply.code
        if reply.accepted:
            reason = str(reply.content.get("reason") or "refused")
        self._note(csp, what, reason, str(reply.content))

    def _note(self, csp: str, what: str, reason: str, detail: str) -> None:
        logger.info("%s with %s: %s: %s", what, csp, reason, detail[:500])
        self._counting.sent(self._cso, csp, what)
        self._counting.refused(f"{what}: {reason}")


def _identification_of(visit: PlannedSession | SideVisit) -> dict[str, Any]:
    return {
        "visited_cso": visit.cso,
        "home_csp": visit.csp,
        "evse_id": visit.evse_id,
        "connector_id": visit.connector_id,
        "cso_session_id": f"S-{visit.reference}",
        "identification": {
            "method": visit.method.value,
            "token_uid": visit.token_uid,
            "contract_id": visit.contract_id,
        },
    }

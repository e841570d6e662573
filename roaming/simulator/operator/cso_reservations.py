"""Reservations at a simulated CSO's stations (UC3-8): kept, used, cancelled, or run out."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from roaming.simulator.operator.around import Around, Saying
from roaming.simulator.operator.bills import NoShow, sdr_of_no_show
from roaming.simulator.operator.config import Json
from roaming.simulator.operator.cso_publishing import Publisher
from roaming.simulator.operator.cso_sessions import Sessions
from roaming.simulator.operator.stations import Stations, evse_key
from roaming.simulator.operator.visit import Stage, Visit
from roaming.simulator.platform_hub import HubUnreachableError, Message, Reply, path_of


@dataclass
class Reservation:
    """An EVSE that is kept for a user from `starts_at` to `expires_at` (business time)."""

    reservation_id: str
    reference: str
    visit: Visit
    starts_at: datetime
    expires_at: datetime
    state: str = "reserved"

    @property
    def cso_reference(self) -> str:
        return f"R-{self.visit.reference}"

    def as_json(self) -> dict[str, Any]:
        return {
            "reservation_id": self.reservation_id,
            "reference": self.reference,
            "cso_reference": self.cso_reference,
            "evse_id": self.visit.evse_id,
            "state": self.state,
            "service_session_id": self.visit.session_id,
            "sdr_state": self.visit.sdr_state,
        }


class Reservations:
    """All reservations; a watch over those that may run out."""

    def __init__(
        self, around: Around, stations: Stations, sessions: Sessions, publisher: Publisher
    ) -> None:
        self._around = around
        self._habit = around.config.reservations
        self._stations = stations
        self._sessions = sessions
        self._publisher = publisher
        self._lock = threading.Lock()
        self._all: dict[str, Reservation] = {}
        self._promised: dict[str, Reservation] = {}
        self._watched = False

    def all(self) -> list[Reservation]:
        with self._lock:
            return list(self._all.values())

    def find(self, reservation_id: str) -> Reservation | None:
        with self._lock:
            return self._all.get(reservation_id)

    def holder(self, evse_id: str, start: datetime, end: datetime) -> Reservation | None:
        """Who has reserved the EVSE in this window."""
        key = evse_key(evse_id)
        with self._lock:
            promised = list(self._promised.values())
        for reservation in [*self.all(), *promised]:
            overlaps = reservation.starts_at < end and start < reservation.expires_at
            same = evse_key(reservation.visit.evse_id) == key
            if reservation.state == "reserved" and same and overlaps:
                return reservation
        return None

    def promise(self, reservation: Reservation) -> None:
        """It was accepted: nobody else gets the EVSE, though it is not held yet."""
        with self._lock:
            self._promised[reservation.reservation_id] = reservation

    def give_up(self, reservation: Reservation) -> None:
        """Nothing came of it."""
        with self._lock:
            self._promised.pop(reservation.reservation_id, None)

    def keep(self, reservation: Reservation) -> None:
        """Holds the EVSE from now on."""
        with self._lock:
            self._promised.pop(reservation.reservation_id, None)
            self._all[reservation.reservation_id] = reservation
        self._tell(reservation, "RESERVED")
        self._watch_later()

    def use(self, reservation: Reservation) -> None:
        """The user came."""
        reservation.state = "fulfilled"

    def cancel(self, reservation: Reservation) -> None:
        """The EVSE is free again."""
        self._end(reservation, "cancelled")

    def run_out(self, reservation: Reservation, outcome: str, reason: str = "") -> Reply | None:
        """Tells how it ended without a start: EXPIRED, NO_SHOW or CANCELLED; bills a no-show."""
        self._end(reservation, outcome.lower())
        content: Json = {"outcome": outcome, "reason": reason}
        reply = self._around.speaker.say(
            Saying("UC3-8", "outcome", f"{outcome} of {reservation.reference}"),
            Message.of(
                "POST",
                path_of("reservations", reservation.reservation_id, "outcome"),
                content,
                reservation.visit.correlation_id,
            ),
        )
        if reply.accepted and outcome == "NO_SHOW":
            self._bill(reservation)
        return reply

    def _bill(self, reservation: Reservation) -> None:
        visit = reservation.visit
        place = self._stations.place(visit.evse_id)
        assert place is not None, "only stations of ours are reserved"
        connector = place.evse.connector(visit.connector_id)
        tariff = self._stations.tariff(connector, visit.home_csp, reservation.starts_at)
        if tariff is None:
            self._around.screen.say(f"   no SDR: no tariff prices {visit.evse_id}")
            return
        prices = self._stations.reservation_prices(connector, visit.home_csp, reservation.starts_at)
        no_show = NoShow(
            visit,
            reservation.starts_at,
            reservation.expires_at,
            tariff.body["currency"],
            tariff.tariff_id,
        )
        self._sessions.send_sdr(visit, sdr_of_no_show(no_show, place, prices))

    # --- Running out ------------------------------------------------------------------------------

    def _watch_later(self) -> None:
        with self._lock:
            if self._watched:
                return
            self._watched = True
        self._around.later.after(self._habit.watch_every_seconds, self._watch)

    def _watch(self) -> None:
        with self._lock:
            self._watched = False
        running = [r for r in self.all() if r.state == "reserved"]
        if not running:
            return
        outcome = "NO_SHOW" if self._habit.no_show else "EXPIRED"
        try:
            now = self._around.speaker.now()
            for reservation in running:
                if reservation.state == "reserved" and reservation.expires_at <= now:
                    self.run_out(reservation, outcome)
        except HubUnreachableError as error:
            self._around.screen.say(f"   will be looked at again: {error}")
        self._watch_later()

    def _end(self, reservation: Reservation, state: str) -> None:
        reservation.state = state
        with reservation.visit.lock:
            if reservation.visit.stage is Stage.AWAITED:
                reservation.visit.stage = Stage.GONE
        self._tell(reservation, "AVAILABLE")

    def _tell(self, reservation: Reservation, state: str) -> None:
        if not self._sessions.occupied(reservation.visit.evse_id):
            self._publisher.show_status(reservation.visit.evse_id, state)

"""The service sessions at a simulated CSO's stations, from the first question to the SDR.

A visit charges by itself: it tells how it goes (UC3-6), ends, is completed (UC3-5) and billed
(UC3-9). What must not be lost is said again until somebody takes it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from roaming.simulator.operator.around import Around, Saying
from roaming.simulator.operator.bills import A_SECOND, NoTariffError, bill_of, cost_so_far, sdr_of
from roaming.simulator.operator.config import Json
from roaming.simulator.operator.cso_publishing import AGAIN_S, Publisher
from roaming.simulator.operator.stations import Stations, evse_key
from roaming.simulator.operator.visit import Stage, Visit, VisitBook
from roaming.simulator.platform_hub import HubUnreachableError, Message, Reply, path_of
from roaming.simulator.sdr_writer import local_text

logger = logging.getLogger(__name__)


class Sessions:
    """All visits of a CSO, and what is said about them."""

    def __init__(self, around: Around, cso: str, stations: Stations, publisher: Publisher) -> None:
        self._around = around
        self._habit = around.config.sessions
        self._cso = cso
        self._stations = stations
        self._publisher = publisher
        self.book = VisitBook()

    def occupied(self, evse_id: str) -> bool:
        """Whether somebody charges or stands there."""
        return self.book.at_evse(evse_key(evse_id), evse_key) is not None

    # --- Charging ---------------------------------------------------------------------------------

    def begin(self, visit: Visit, seconds: float | None = None, *, by_itself: bool = True) -> bool:
        """Energy flows from now on; False where the visit is under way or over already.

        Ends after `seconds` of real time, else after those of the habit; not `by_itself`: when it
        is told to.
        """
        now = self._around.speaker.now()
        with visit.lock:
            if visit.stage is not Stage.AWAITED:
                return False
            visit.stage = Stage.CHARGING
            visit.started_at = visit.measured_at = now
            visit.power_kw = min(self._habit.power_kw, self._power_at(visit))
            visit.seconds = self._habit.seconds if seconds is None else seconds
            if not by_itself:
                visit.seconds = None
        self._around.screen.say(f"   {visit.evse_id} charges with {visit.power_kw} kW")
        self._publisher.show_status(visit.evse_id, "CHARGING")
        began = time.monotonic()
        self._around.later.after(self._pause(visit, began), partial(self._go_on, visit, began))
        return True

    def _go_on(self, visit: Visit, began: float) -> None:
        if visit.stage is not Stage.CHARGING:
            return
        if visit.seconds is not None and time.monotonic() >= began + visit.seconds:
            self.end(visit)
            return
        try:
            self.tell(visit)
        except HubUnreachableError as error:  # the next report says more than this one would have
            logger.info("a report was left out: %s", error)
        self._around.later.after(self._pause(visit, began), partial(self._go_on, visit, began))

    def _pause(self, visit: Visit, began: float) -> float:
        pause = self._habit.updates_every_seconds
        if visit.seconds is not None:
            pause = min(pause, began + visit.seconds - time.monotonic())
        return max(pause, 0.05)

    def tell(self, visit: Visit) -> Reply:
        """UC3-6: how it stands."""
        with visit.lock:
            content = self.information(visit)
            visit.updates += 1
        about = f"{visit.energy_kwh} kWh at {visit.evse_id}"
        path = path_of("service-sessions", visit.session_id, "charging-information")
        return self._say("UC3-6", "charging information", about, visit, ("PUT", path, content))

    def information(self, visit: Visit) -> Json:
        """UC3-6's message, as of now. Energy flows and costs as it is looked at."""
        now = self._around.speaker.now()
        with visit.lock:
            visit.measure(now, self._habit.time_lapse)
            content: Json = {
                "stamped_at": now.astimezone(self._zone(visit)).isoformat(),
                "energy_kwh": visit.energy_kwh,
                "power_kw": visit.power_kw if visit.stage is Stage.CHARGING else Decimal(0),
                "cso_session_id": visit.cso_session_id,
            }
            if visit.started_at is not None:
                try:
                    content["cost"] = cost_so_far(bill_of(visit, self._cso, self._stations, now))
                except (NoTariffError, ValueError) as error:
                    logger.info("no cost so far: %s", error)
        return content

    # --- The end ----------------------------------------------------------------------------------

    def end(self, visit: Visit) -> bool:
        """Charging is over; the visit is completed at once, or after the time of parking."""
        now = self._around.speaker.now()
        with visit.lock:
            if visit.stage is not Stage.CHARGING:
                return False
            self._stop_charging(visit, now)
            visit.stage = Stage.PARKED
        self._around.later.after(self._habit.parking_seconds, lambda: self.complete(visit))
        return True

    def complete(self, visit: Visit) -> Reply | None:
        """UC3-5, once; None where it was completed before. The SDR follows by itself."""
        now = self._around.speaker.now()
        with visit.lock:
            if not visit.is_open:
                return None
            provided = visit.started_at is not None
            if visit.stage is Stage.CHARGING:
                self._stop_charging(visit, now)
            visit.ended_at = max(now, visit.charging_ended_at or now)
            visit.stage = Stage.COMPLETED if provided else Stage.GONE
        return self._until_taken(partial(self._tell_completion, visit))

    def _tell_completion(self, visit: Visit) -> Reply:
        zone = self._zone(visit)
        content: Json = {"cso_session_id": visit.cso_session_id, "nothing_provided": True}
        if visit.started_at is not None and visit.ended_at is not None:
            content = {
                "start_date_time": local_text(visit.started_at, zone),
                "end_date_time": local_text(visit.ended_at, zone),
                "total_energy": visit.energy_kwh,
                "cso_session_id": visit.cso_session_id,
            }
        path = path_of("service-sessions", visit.session_id, "completion")
        about = f"{visit.energy_kwh} kWh at {visit.evse_id}"
        reply = self._say("UC3-5", "completion", about, visit, ("POST", path, content))
        self._publisher.show_status(visit.evse_id, "AVAILABLE")
        if not reply.accepted:
            visit.trouble = f"the completion was refused: {reply.code}"
        pause = self._habit.sdr_after_seconds
        if reply.accepted and pause is not None and visit.stage is Stage.COMPLETED:
            self._around.later.after(pause, lambda: self.bill(visit))
        return reply

    def bill(self, visit: Visit) -> Reply | None:
        """UC3-9; None where no tariff prices the visit, or it is not over."""
        if visit.stage is Stage.BILLED or visit.ended_at is None or visit.started_at is None:
            return None
        try:
            bill = bill_of(visit, self._cso, self._stations, visit.ended_at)
        except (NoTariffError, ValueError) as error:
            visit.trouble = f"no SDR: {error}"
            self._around.screen.say(f"   {visit.trouble}")
            return None
        sdr = sdr_of(visit, bill, self._stations, with_tariff=self._habit.tariff_in_sdr)
        return self.send_sdr(visit, sdr)

    def send_sdr(self, visit: Visit, sdr: Json) -> Reply | None:
        """UC3-9, until it is taken."""
        return self._until_taken(partial(self._send_sdr, visit, sdr))

    def _send_sdr(self, visit: Visit, sdr: Json) -> Reply:
        total = sdr["total_cost"]["excl_vat"]
        about = f"{sdr['id']}: {sdr['total_energy']} kWh, {total} {sdr['currency']}"
        reply = self._say("UC3-9", "SDR", about, visit, ("POST", "/sdrs", sdr))
        if reply.accepted:
            with visit.lock:
                visit.stage = Stage.BILLED
                visit.sdr = sdr
                visit.sdr_id, visit.sdr_state = reply.content["sdr_id"], reply.content["state"]
        else:
            visit.trouble = f"the SDR was refused: {reply.code}"
        return reply

    # --- Plans ------------------------------------------------------------------------------------

    def plan_for(self, visit: Visit, wishes: Json) -> Json:
        """UC3-7: as fast as wished for and as the station can; green takes its time."""
        now = self._around.speaker.now()
        power = min(self._habit.power_kw, self._power_at(visit))
        if wishes.get("maximum_power_kw") is not None:
            power = min(power, Decimal(str(wishes["maximum_power_kw"])))
        if wishes.get("profile") in ("GREEN", "CHEAP"):
            power /= 2
        return self._set_plan(visit, power, now, wishes.get("departure_time"))

    def change_plan(self, visit: Visit, power_kw: Decimal, reason: str) -> Reply:
        """UC3-10: less power from now on, or more."""
        plan = self._set_plan(visit, power_kw, self._around.speaker.now(), None)
        path = path_of("service-sessions", visit.session_id, "charge-plan-updates")
        content = {**plan, "reason": reason}
        about = f"{power_kw} kW at {visit.evse_id}"
        return self._say("UC3-10", "charge plan", about, visit, ("POST", path, content))

    def _set_plan(self, visit: Visit, power_kw: Decimal, now: datetime, until: Any) -> Json:
        zone = self._zone(visit)
        start = now.astimezone(zone).isoformat()
        plan: Json = {
            "stamped_at": start,
            "periods": [{"start_date_time": start, "maximum_power_kw": power_kw}],
        }
        if until is not None:
            plan["end_date_time"] = until
        with visit.lock:
            visit.measure(now, self._habit.time_lapse)
            visit.power_kw, visit.plan = power_kw, plan
        return plan

    # --- Speaking ---------------------------------------------------------------------------------

    def _say(
        self, use_case: str, what: str, about: str, visit: Visit, message: tuple[str, str, Json]
    ) -> Reply:
        method, path, content = message
        return self._around.speaker.say(
            Saying(use_case, what, about),
            Message.of(method, path, content, visit.correlation_id),
        )

    def _stop_charging(self, visit: Visit, now: datetime) -> None:
        """Nothing that was begun is shorter than a second."""
        assert visit.started_at is not None, "it charges"
        visit.measure(now, self._habit.time_lapse)
        visit.charging_ended_at = max(now, visit.started_at + A_SECOND)

    def _until_taken(self, say: Callable[[], Reply]) -> Reply | None:
        """Says it; where nobody can be reached, again and again in the background."""
        try:
            return say()
        except HubUnreachableError as error:
            self._around.screen.say(f"   will be said again: {error}")
            self._around.later.after(AGAIN_S, lambda: self._until_taken(say))
            return None

    def _zone(self, visit: Visit) -> Any:
        place = self._stations.place(visit.evse_id)
        assert place is not None, "only visits at stations of ours begin"
        return place.zone

    def _power_at(self, visit: Visit) -> Decimal:
        place = self._stations.place(visit.evse_id)
        assert place is not None, "only visits at stations of ours begin"
        return Decimal(place.evse.connector(visit.connector_id).max_power_w) / 1000

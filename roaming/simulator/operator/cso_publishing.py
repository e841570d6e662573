"""What a simulated CSO makes known: sites, statuses, tariffs, outages (UC1-2, 1-3, 2-1, 5-1)."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from roaming.simulator.operator.around import Around, Saying
from roaming.simulator.operator.config import Json
from roaming.simulator.operator.stations import Stations
from roaming.simulator.platform_hub import HubUnreachableError, Message, Reply, path_of

STATUS_LIVES_S = 3600
AGAIN_S = 5.0


class Publisher:
    """Tells the clearing house what the home-CSPs are to know of this CSO's stations."""

    def __init__(self, around: Around, cso: str, stations: Stations) -> None:
        self._around = around
        self._cso = cso
        self._stations = stations
        self.statuses: dict[str, str] = {}

    def publish_everything(self) -> bool:
        """Sites, tariffs and a status for every EVSE; whether all of it was taken."""
        replies = [self.publish_site(site) for site in self._stations.sites]
        replies += [self.publish_tariff(tariff) for tariff in self._stations.tariffs]
        replies += [self.tell_status(evse_id) for evse_id in self._stations.evse_ids]
        return all(reply.accepted for reply in replies)

    def publish_site(self, site: Json) -> Reply:
        """UC1-2."""
        return self._around.speaker.say(
            Saying("UC1-2", "site", f"{site['id']}, {len(site['evses'])} EVSEs"),
            Message.of("PUT", path_of("sites", site["id"]), site),
        )

    def withdraw_site(self, site_id: str) -> Reply:
        """UC1-2, the other way."""
        return self._around.speaker.say(
            Saying("UC1-2", "site withdrawn", site_id),
            Message("DELETE", path_of("sites", site_id) + self._of_this_cso()),
        )

    def publish_tariff(self, tariff: Json) -> Reply:
        """UC2-1, for all home-CSPs or for the one that it names."""
        whom = tariff.get("home_csp") or "all home-CSPs"
        return self._around.speaker.say(
            Saying("UC2-1", "tariff", f"{tariff['id']} for {whom}"),
            Message.of("PUT", path_of("tariffs", tariff["id"]), tariff),
        )

    def withdraw_tariff(self, tariff_id: str) -> Reply:
        """UC2-1, the other way."""
        return self._around.speaker.say(
            Saying("UC2-1", "tariff withdrawn", tariff_id),
            Message("DELETE", path_of("tariffs", tariff_id) + self._of_this_cso()),
        )

    def tell_status(self, evse_id: str, state: str = "AVAILABLE", **fields: Any) -> Reply:
        """UC1-3: what the EVSE is doing now, good for an hour."""
        stamped_at = self._around.speaker.now()
        self.statuses[evse_id] = state
        content = {
            "state": state,
            "stamped_at": stamped_at.isoformat(),
            "time_to_live_s": STATUS_LIVES_S,
            **fields,
        }
        return self._around.speaker.say(
            Saying("UC1-3", "status", f"{evse_id} {state}"),
            Message.of("PUT", path_of("evses", evse_id, "status"), content),
        )

    def show_status(self, evse_id: str, state: str) -> None:
        """UC1-3 where nobody waits for it: said again later, unless no longer true by then."""
        try:
            self.tell_status(evse_id, state)
        except HubUnreachableError as error:
            self._around.screen.say(f"   will be said again: {error}")
            self._around.later.after(AGAIN_S, lambda: self._show_again(evse_id, state))

    def _show_again(self, evse_id: str, state: str) -> None:
        if self.statuses.get(evse_id) == state:
            self.show_status(evse_id, state)

    def announce_outage(self, **fields: Any) -> Reply:
        """UC5-1: unplanned, from now on and at all EVSEs, where nothing else is said.

        Under an `outage_id` that is known it changes what was announced.
        """
        now = self._around.speaker.now()
        outage_id = str(fields.pop("outage_id", "") or f"OUT-{uuid.uuid4().hex[:8].upper()}")
        for_s = fields.pop("for_seconds", None)
        known = self._around.memory.find("outages_announced", outage_id) or {}
        content: Json = {
            "id": outage_id,
            "visited_cso": self._cso,
            "kind": "UNPLANNED",
            "starts_at": now.isoformat(),
            "evse_ids": self._stations.evse_ids,
            **known,
            **fields,
            "last_updated": now.isoformat(),
        }
        if for_s:
            starts_at = moment_of(content["starts_at"])
            content["ends_at"] = (starts_at + timedelta(seconds=for_s)).isoformat()
        if content.get("state") == "ENDED":
            content["ends_at"] = now.isoformat()
        self._around.memory.replace("outages_announced", outage_id, content)
        return self._around.speaker.say(
            Saying("UC5-1", "outage", f"{outage_id} {content['kind']}"),
            Message.of("PUT", path_of("outages", outage_id), content),
        )

    def _of_this_cso(self) -> str:
        return "?" + urlencode({"visited_cso": self._cso})


def moment_of(text: object) -> datetime:
    """A time as it came in a message."""
    return datetime.fromisoformat(str(text))

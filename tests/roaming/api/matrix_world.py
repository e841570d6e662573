"""A world in which something stands at every address: what the matrices of the API ask about."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.test import Client
from psycopg.types.range import TimestamptzRange

from roaming import models
from roaming.domain.agreement import Service
from roaming.models.clock import set_business_clock
from roaming.use_cases.agreement_lifecycle import propose_agreement
from settlement.use_cases.sdr_reconciliation import reconcile
from tests import factories
from tests.cast import Cast, Party, make_cast, make_party
from tests.fake_party import FakeParty
from tests.roaming.api.messages import LOCAL_START, SDR, SITE, TARIFF, changed
from tests.roaming.api.remote import PATHS, REMOTE_START, RESERVATION

NOW = "2026-10-05T10:00:00+02:00"
REPORT = {"stamped_at": NOW, "energy_kwh": "1.5"}
WISHES = {"energy_kwh": "20"}
PLAN = {
    "stamped_at": NOW,
    "periods": [{"start_date_time": NOW, "maximum_power_kw": "11"}],
}
COMPLETION = {
    "start_date_time": "2026-10-05T09:30:00+02:00",
    "end_date_time": "2026-10-05T11:00:00+02:00",
    "total_energy": "20",
}
STATUS = {"state": "CHARGING", "stamped_at": NOW}
OUTAGE = {
    "id": "M-1",
    "visited_cso": "DE*VIS",
    "kind": "PLANNED",
    "starts_at": "2026-10-06T02:00:00+02:00",
    "ends_at": "2026-10-06T05:00:00+02:00",
    "evse_ids": ["DE*VIS*E001"],
    "last_updated": NOW,
}
PNC_START = {
    "visited_cso": "DE*VIS",
    "evse_id": "DE*VIS*E001",
    "connector_id": "1",
    "emaid": "DE-HOM-C12345678",
}
CARD = {"token_uid": "04C0FFEE", "whitelist": "ALLOWED", "last_updated": NOW}
TARIFF_REQUEST = {"visited_cso": "DE*VIS", "home_csp": "DE-HOM"}
RECORD = {
    "id": "HOM-1",
    "home_csp": "DE-HOM",
    "visited_cso": "DE*VIS",
    "identification": {"method": "RFID", "token_uid": "04A2B3C4D5E6F7"},
    "evse_id": "DE*VIS*E001",
    "start_date_time": "2026-10-04T09:30:00+02:00",
    "end_date_time": "2026-10-04T10:30:00+02:00",
    "total_energy": "20",
    "currency": "EUR",
    "total_cost": {"before_tax": "10.00"},
}
# Of a session that is over, so that its home-CSP can decide on it.
OVER_SDR = changed(
    SDR,
    start_date_time="2026-10-05T08:00:00+02:00",
    end_date_time="2026-10-05T09:00:00+02:00",
    charging_periods=[
        {
            "start_date_time": "2026-10-05T08:00:00+02:00",
            "dimensions": [{"type": "ENERGY", "volume": 20}],
        }
    ],
)
CONTESTED_SDR = changed(
    SDR,
    id="SDR-C",
    start_date_time="2026-10-05T06:00:00+02:00",
    end_date_time="2026-10-05T07:00:00+02:00",
    charging_periods=[
        {
            "start_date_time": "2026-10-05T06:00:00+02:00",
            "dimensions": [{"type": "ENERGY", "volume": 20}],
        }
    ],
)
TOTALS = {
    "visited_cso": "DE*VIS",
    "home_csp": "DE-HOM",
    "days": [
        {
            "day": "2026-10-04",
            "currency": "EUR",
            "count": 0,
            "total_energy": "0",
            "before_tax": "0",
        }
    ],
}
ARRIVALS = {"visited_cso": "DE*VIS", "sdr_ids": ["SDR-1", "SDR-2"]}
QUESTION = changed(LOCAL_START, evse_id=..., connector_id=..., cso_session_id=...)


@dataclass
class World:
    """The cast at ten in the morning; `outsiders` have no agreement with anybody."""

    client: Client
    csp: FakeParty
    cso: FakeParty
    now: datetime
    services: tuple[Service, ...] | None = tuple(Service)
    cast: Cast = field(init=False)
    outsiders: list[Party] = field(init=False)
    session_id: str = ""
    command_id: str = ""
    reservation_id: str = ""
    sdr_id: str = ""
    dispute_id: int = 0
    evidence_id: int = 0
    record_id: str = ""
    message_id: str = ""
    proposed_id: int = 0

    def __post_init__(self) -> None:
        self.cast = make_cast(
            csp_endpoint=self.csp.url, cso_endpoint=self.cso.url, services=self.services
        )
        self.outsiders = [self.cast.outsider, make_party("Outside CSO", "CSO", "NL*OUT")]
        set_business_clock(self.now, speed=0, ceiling=self.now)
        self.csp.accept()
        for path in PATHS:
            self.cso.answers[f"/{path}"] = (200, {"response": "ACCEPTED", "timeout_s": 30})
        self.cso.answers["/uc3-7/charge-plan-wishes"] = (200, {"decision": "ACCEPTED"})
        self.cso.answers["/uc3-6/request"] = (200, REPORT)
        self.cso.answers["/uc2-2/tariff-request"] = (200, {"tariffs": [TARIFF]})

    def furnish(self) -> None:
        """Leaves something behind of every use case."""
        cso, csp = self.cast.visited_cso, self.cast.home_csp
        self.must(self.send("put", "sites/LOC1", SITE, cso))
        self.must(self.send("put", "tariffs/T1", TARIFF, cso))
        self.must(self.send("put", "outages/M-1", OUTAGE, cso))
        self.must(self.send("put", "evses/DE*VIS*E001/status", STATUS, cso))
        self.must(self.send("patch", "identifications?home_csp=DE-HOM", [CARD], csp))
        self.start()
        self.must(self.about("put", "charging-information", REPORT, cso))
        self.must(self.about("put", "charge-plan", WISHES, csp))
        self.must(self.about("post", "charge-plan-updates", PLAN, cso))
        answer = self.must(self.send("post", "service-sessions/remote-start", REMOTE_START, csp))
        self.command_id = answer["command_id"]
        self.reserve()
        answer = self.must(self.send("post", "sdrs", OVER_SDR, cso))
        self.sdr_id = answer["sdr_id"]
        answer = self.must(self.send("post", "reconciliation/csp-records", RECORD, csp))
        self.record_id = answer["record_id"]
        contested = self.must(self.send("post", "sdrs", CONTESTED_SDR, cso))["sdr_id"]
        reconcile("live", self.now)
        no = {"decision": "decline", "reason": "AUT", "note": "unknown driver"}
        self.must(self.send("post", f"reconciliation/sdrs/{contested}/decision", no, csp))
        (dispute,) = self.must(self.send("get", "reconciliation/disputes", None, csp))["results"]
        self.dispute_id = dispute["dispute_id"]
        path = f"reconciliation/disputes/{self.dispute_id}/evidence"
        kept = self.must(self.send("post", f"{path}?name=who-it-was", {"driver": "unknown"}, csp))
        self.evidence_id = kept["evidence_id"]
        self.must(self.send("post", "reconciliation/totals", TOTALS, csp))
        draft = models.Agreement.objects.create(
            visited_cso=cso.operator,
            home_csp=factories.OperatorFactory(name="Third"),
            validity=TimestamptzRange(self.now, None),
            calendar=self.cast.agreement.calendar,
            services=["local_start"],
        )
        self.proposed_id = propose_agreement(draft, self.now).pk
        waiting = models.Delivery.objects.filter(receiver=csp.platform, state="waiting")
        self.message_id = str(waiting.first().message_id)

    def start(self) -> None:
        """A session that the home-CSP accepted."""
        sender = self.cast.visited_cso
        answer = self.must(self.send("post", "service-sessions/local-start", LOCAL_START, sender))
        self.session_id = answer["service_session_id"]

    def reserve(self) -> None:
        """A reservation that holds."""
        csp, cso = self.cast.home_csp, self.cast.visited_cso
        answer = self.must(self.send("post", "reservations", RESERVATION, csp))
        self.reservation_id = answer["reservation_id"]
        result = {"result": "SUCCEEDED", "cso_reference": "VIS-R-1"}
        self.must(self.send("post", f"commands/{answer['command_id']}/result", result, cso))

    def about(self, method: str, what: str, body: Any, party: Party | None) -> Any:
        """A message about the session."""
        return self.send(method, f"service-sessions/{self.session_id}/{what}", body, party)

    def send(self, method: str, path: str, body: Any, party: Party | None) -> Any:
        """A request of a party; None: without credentials."""
        headers = party.headers if party else {}
        url = f"/api/v1/{path}"
        if method in ("get", "delete"):
            return getattr(self.client, method)(url, headers=headers)
        return getattr(self.client, method)(
            url, data=body, content_type="application/json", headers=headers
        )

    @staticmethod
    def must(response: Any) -> Any:
        """The answer to what has to work for the story to go on."""
        assert response.status_code in (200, 201, 202), response.content
        return response.json()

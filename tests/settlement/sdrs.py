"""SDRs, sessions and tariffs as rows, for tests of reconciliation and settlement."""

from __future__ import annotations

import hashlib
import itertools
import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from roaming import models
from roaming.domain.uuid7 import period_of, uuid7_at
from settlement.models import CspRecord, CspRecordRegistry

OCTOBER_5 = datetime(2026, 10, 5, 10, 0, tzinfo=UTC)
TOKEN = hashlib.sha256(b"token").digest()
PRICE_PER_KWH = "0.50"


def tariff_body(tariff_id: str = "AC", price: str = PRICE_PER_KWH, currency: str = "EUR") -> str:
    """A tariff of one energy price."""
    return (
        f'{{"id": "{tariff_id}", "currency": "{currency}", "elements": [{{"price_components": '
        f'[{{"type": "ENERGY", "price": {price}, "step_size": 1}}]}}]}}'
    )


def announce(
    visited_cso: models.OperatorIdentifier,
    tariff_id: str = "AC",
    *,
    price: str = PRICE_PER_KWH,
    valid_from: datetime = datetime(2026, 1, 1, tzinfo=UTC),
    received_at: datetime | None = None,
    body: str | None = None,
    **fields: Any,
) -> models.TariffVersion:
    """A tariff version, received a day before it is valid."""
    text = tariff_body(tariff_id, price) if body is None else body
    return models.TariffVersion.objects.create(
        environment=fields.pop("environment", "live"),
        visited_cso=visited_cso,
        tariff_id=tariff_id,
        currency="EUR",
        valid_from=valid_from,
        received_at=received_at or valid_from - timedelta(days=1),
        withdrawn=not text,
        body=text,
        body_sha256=hashlib.sha256(text.encode()).digest(),
        **fields,
    )


@dataclass
class Trade:
    """One CSO and one CSP that do business under an agreement at one EVSE."""

    agreement: models.Agreement
    visited_cso: models.OperatorIdentifier
    home_csp: models.OperatorIdentifier
    platform: models.Platform
    evse: models.Evse
    pair: models.OperatorPair = field(init=False)
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.pair = models.OperatorPair.objects.get(
            visited_cso=self.visited_cso.operator, home_csp=self.home_csp.operator
        )

    @classmethod
    def of(cls, cast: Any) -> Trade:
        return cls(
            cast.agreement,
            cast.visited_cso.identifier,
            cast.home_csp.identifier,
            cast.visited_cso.platform,
            cast.evse,
        )

    def session(self, opened_at: datetime = OCTOBER_5, **fields: Any) -> models.ServiceSession:
        """An authorised, completed session of the two."""
        key = uuid7_at(opened_at)
        values: dict[str, Any] = {
            "environment": self.agreement.environment,
            "pair": self.pair,
            "agreement": self.agreement,
            "visited_cso": self.visited_cso,
            "home_csp": self.home_csp,
            "evse": self.evse,
            "state": "completed",
            "identification_method": "RFID",
            "token_hmac": TOKEN,
            "opened_at": opened_at,
        }
        values.update(fields)
        return models.ServiceSession.objects.create(id=key, period=period_of(key), **values)

    def sdr(
        self,
        session: models.ServiceSession | None = None,
        *,
        kwh: str = "20",
        claim: str | None = None,
        started_at: datetime | None = None,
        ended_at: datetime | None = None,
        state: str = "validated",
        part: dict[str, Any] | None = None,
        standing: dict[str, Any] | None = None,
        **fields: Any,
    ) -> models.Sdr:
        """An SDR with its registry entry and standing; by default it is right in every way."""
        start = started_at or (session.opened_at if session else OCTOBER_5)
        amount = Decimal(claim) if claim is not None else Decimal(kwh) * Decimal(PRICE_PER_KWH)
        key = uuid7_at(start)
        values = self._right(key, session, start, ended_at or start + timedelta(hours=1))
        values.update({"energy_kwh": Decimal(kwh), "claim_before_tax": amount, **fields})
        values.setdefault("received_at", values["ended_at"] + timedelta(hours=1))
        values.setdefault("rated_part", self._rated_part(values, kwh, part or {}))
        values.setdefault("arrival", self._next_arrival())
        models.SdrRegistry.objects.create(
            environment=values["environment"],
            visited_cso=values["visited_cso"],
            reference=values["reference"],
            sdr_id=key,
            content_hmac=b"content",
        )
        sdr = models.Sdr.objects.create(id=key, **values)
        models.SdrState.objects.create(
            sdr=sdr,
            environment=sdr.environment,
            period=sdr.period,
            pair=sdr.pair,
            state=state,
            visible_at=sdr.received_at,
            **(standing or {}),
        )
        return sdr

    def _right(
        self,
        key: uuid.UUID,
        session: models.ServiceSession | None,
        started_at: datetime,
        ended_at: datetime,
    ) -> dict[str, Any]:
        """What an SDR says that is right in every way."""
        return {
            "environment": self.agreement.environment,
            "period": period_of(key),
            "pair": self.pair,
            "sent_by": self.platform,
            "visited_cso": self.visited_cso,
            "home_csp": self.home_csp,
            "agreement": self.agreement,
            "reference": f"{self.visited_cso.key}-{self.home_csp.key}-{next(self.numbers)}",
            "service_session_id": session.id if session else None,
            "token_hmac": TOKEN,
            "evse_id": self.evse.evse_id,
            "evse_key": self.evse.key,
            "connector_id": "1",
            "time_zone": "Europe/Berlin",
            "started_at": started_at,
            "ended_at": ended_at,
            "currency": "EUR",
            "tariff_id": "AC",
        }

    def own_record(self, session: models.ServiceSession | None = None, **fields: Any) -> CspRecord:
        """The home-CSP's own record of a session; by default it says what the usual SDR says."""
        start = fields.pop("started_at", None) or (session.opened_at if session else OCTOBER_5)
        key = uuid7_at(start)
        values: dict[str, Any] = {
            "environment": self.agreement.environment,
            "pair": self.pair,
            "sent_by": self.platform,
            "home_csp": self.home_csp,
            "visited_cso": self.visited_cso,
            "reference": f"OWN-{next(self.numbers)}",
            "service_session_id": session.id if session else None,
            "token_hmac": TOKEN,
            "evse_id": self.evse.evse_id,
            "evse_key": self.evse.key,
            "ended_at": start + timedelta(hours=1),
            "energy_kwh": Decimal(20),
            "currency": "EUR",
            "before_tax": Decimal(10),
            "received_at": start + timedelta(hours=2),
            "arrival": CspRecord.objects.count() + 1,
            **fields,
        }
        CspRecordRegistry.objects.create(
            environment=values["environment"],
            home_csp=values["home_csp"],
            reference=values["reference"],
            record_id=key,
            content_hmac=b"content",
        )
        return CspRecord.objects.create(id=key, period=period_of(key), started_at=start, **values)

    def accepted(self, *, claim: str, kwh: str = "20", **fields: Any) -> models.Sdr:
        """An SDR that was accepted at its claim."""
        standing = {
            "outcome": "agreed",
            "settled_amount": Decimal(claim),
            "basis": fields.pop("basis", "claim"),
        }
        return self.sdr(claim=claim, kwh=kwh, state="accepted", standing=standing, **fields)

    def credit_of(self, sdr: models.Sdr, **fields: Any) -> models.Sdr:
        """The exact negative of an SDR."""
        return self.sdr(
            claim=str(-(sdr.claim_before_tax or 0)),
            started_at=sdr.started_at,
            ended_at=sdr.ended_at,
            credit=True,
            credit_reference=sdr.reference,
            **fields,
        )

    def _next_arrival(self) -> int:
        last = models.Sdr.objects.order_by("-arrival").values_list("arrival", flat=True).first()
        return (last or 0) + 1

    def _rated_part(self, values: dict[str, Any], kwh: str, part: dict[str, Any]) -> str:
        start = values["started_at"].isoformat()
        content: dict[str, Any] = {
            "id": values["reference"],
            "start_date_time": start,
            "end_date_time": values["ended_at"].isoformat(),
            "currency": values["currency"],
            "charging_periods": [
                {
                    "start_date_time": start,
                    "dimensions": [{"type": "ENERGY", "volume": float(kwh)}],
                }
            ],
        }
        if values["tariff_id"]:
            content["tariff_id"] = values["tariff_id"]
        content.update(part)
        return json.dumps(content)


def standing_of(sdr: models.Sdr | uuid.UUID) -> models.SdrState:
    """The standing as the database has it now."""
    return models.SdrState.objects.get(sdr_id=getattr(sdr, "id", sdr))


def rules_of(sdr: models.Sdr) -> list[str]:
    """The rules of its findings that hold."""
    rows = models.Finding.objects.filter(sdr=sdr, superseded_at=None)
    return sorted(rows.values_list("rule", flat=True))

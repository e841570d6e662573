"""What accepting one SDR is measured against: a bare FastAPI endpoint that stores the same rows.

No credentials, no rights, no rules, no idempotency: the body is validated by its model, and every
row that the clearing house leaves for an SDR is inserted, in one transaction, into twins of the
tables (schema `bare`) without foreign keys and triggers. Statements are prepared. Below
/sdrs/at-once all rows go in a single statement that commits itself.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from fastapi import FastAPI, Request
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel

TABLES = ("sdrregistry", "sdr", "sdroriginal", "sdrstate", "sdrevent", "journalentry", "delivery")


class Identification(BaseModel):
    method: str = ""
    token_uid: str = ""
    contract_id: str = ""
    authorised: str = ""


class Cost(BaseModel):
    excl_vat: Decimal | None = None
    incl_vat: Decimal | None = None


class Sdr(BaseModel):
    id: str
    visited_cso: str
    home_csp: str
    service_session_id: uuid.UUID | None = None
    cso_session_id: str = ""
    authorization_reference: str = ""
    identification: Identification = Identification()
    evse_id: str = ""
    connector_id: str = ""
    country: str = ""
    time_zone: str = ""
    start_date_time: datetime
    end_date_time: datetime
    currency: str = ""
    tariff_id: str = ""
    charging_periods: list[dict[str, Any]] = []
    total_energy: Decimal | None = None
    total_time: Decimal | None = None
    total_parking_time: Decimal | None = None
    total_cost: Cost = Cost()


class Taken(BaseModel):
    id: str
    sdr_id: uuid.UUID


RATED = {
    "id", "start_date_time", "end_date_time", "currency", "tariff_id", "charging_periods",
    "total_energy", "total_time", "total_parking_time", "total_cost",
}  # fmt: skip

INSERTS = (
    """
    INSERT INTO bare.roaming_sdrregistry (environment, visited_cso_id, reference, sdr_id,
        content_hmac)
    VALUES ('live', 1, %(reference)s, %(id)s, %(hash)s)
    """,
    """
    INSERT INTO bare.roaming_sdroriginal (sdr_id, token_uid, contract_id, content)
    VALUES (%(id)s, %(token_uid)s, %(contract_id)s, %(content)s)
    """,
    """
    INSERT INTO bare.roaming_sdrstate (sdr_id, environment, period, pair_id, state, outcome,
        matched_by, basis, visible_at)
    VALUES (%(id)s, 'live', %(period)s, 1, 'validated', '', '', '', %(now)s)
    """,
    """
    INSERT INTO bare.roaming_sdrevent (id, environment, period, pair_id, sdr_id, from_state,
        to_state, actor, reason, note, at)
    VALUES (%(id)s, 'live', %(period)s, 1, %(id)s, 'received', 'validated', 'clearing house',
        'door', '', %(now)s)
    """,
    """
    INSERT INTO bare.roaming_journalentry (transaction_id, phase, at, environment, use_case,
        message_id, correlation_id, sender_id, visited_cso_id, home_csp_id, agreement_id,
        service_session_id, object_key, outcome, refusal_code, latency_us, body_hmac)
    VALUES (%(message)s, 'verdict', %(now)s, 'live', 'UC3-9', %(message)s, %(message)s, 1, 1, 2, 1,
        %(session)s, %(reference)s, 'accepted', '', 1, %(hash)s)
    """,
    """
    INSERT INTO bare.roaming_delivery (receiver_id, environment, use_case, path, object_key,
        message_id, correlation_id, body, state, attempts, created_at, due_at, deadline,
        last_error, answer)
    VALUES (2, 'live', 'UC3-9', 'uc3-9/sdrs', %(object_key)s, %(message)s, %(message)s, %(body)s,
        'waiting', 0, %(now)s, %(now)s, %(deadline)s, '', '')
    """,
    """
    INSERT INTO bare.roaming_sdr (id, environment, period, pair_id, sent_by_id, visited_cso_id,
        home_csp_id, agreement_id, reference, service_session_id, cso_session_id, csp_session_id,
        authorization_reference, identification_method, authorised, token_hmac, contract_hmac,
        evse_id, evse_key, connector_id, country, time_zone, started_at, ended_at, energy_kwh,
        total_time_h, currency, claim_before_tax, claim_after_tax, tariff_id, credit,
        credit_reference, rated_part, received_at)
    VALUES (%(id)s, 'live', %(period)s, 1, 1, 1, 2, 1, %(reference)s, %(session)s,
        %(cso_session_id)s, '', %(authorization_reference)s, %(method)s, %(authorised)s, %(hash)s,
        %(hash)s, %(evse_id)s, %(evse_id)s, %(connector_id)s, %(country)s, %(time_zone)s,
        %(started_at)s, %(ended_at)s, %(energy_kwh)s, %(total_time_h)s, %(currency)s,
        %(before_tax)s, %(after_tax)s, %(tariff_id)s, false, '', %(rated_part)s, %(now)s)
    """,
)
# The same in one statement: what one writes who counts round trips. (psycopg does not remember how
# to read a statement of more than 4,096 characters, hence no blanks.)
_CTES = ", ".join(f"row_{number} AS ({insert})" for number, insert in enumerate(INSERTS[:-1]))
AT_ONCE = " ".join(f"WITH {_CTES} {INSERTS[-1]}".split())

pool = AsyncConnectionPool(
    os.environ.get("BARE_DATABASE", ""),
    min_size=4,
    max_size=8,
    open=False,
    kwargs={"autocommit": True, "prepare_threshold": 0},
)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with pool:
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/sdrs", status_code=201)
async def take_in(sdr: Sdr, request: Request) -> Taken:
    values = await values_of(sdr, request)
    async with pool.connection() as connection, connection.transaction():
        for insert in INSERTS:
            await connection.execute(insert, values)
    return Taken(id=sdr.id, sdr_id=values["id"])


@app.post("/sdrs/at-once", status_code=201)
async def take_in_at_once(sdr: Sdr, request: Request) -> Taken:
    values = await values_of(sdr, request)
    async with pool.connection() as connection:
        await connection.execute(AT_ONCE, values)
    return Taken(id=sdr.id, sdr_id=values["id"])


async def values_of(sdr: Sdr, request: Request) -> dict[str, Any]:
    content = (await request.body()).decode()
    now, key, message = datetime.now(UTC), uuid.uuid4(), uuid.uuid4()
    return {
        "id": key,
        "reference": sdr.id,
        "hash": hashlib.sha256(content.encode()).digest(),
        "period": sdr.start_date_time.date().replace(day=1),
        "now": now,
        "deadline": now + timedelta(hours=72),
        "message": message,
        "object_key": f"sdrs:{key}",
        "body": f'{{"sdrs":[{{"sdr_id":"{key}","sdr":{content}}}]}}',
        "content": content,
        "session": sdr.service_session_id,
        "token_uid": sdr.identification.token_uid,
        "contract_id": sdr.identification.contract_id,
        "method": sdr.identification.method,
        "authorised": sdr.identification.authorised,
        "cso_session_id": sdr.cso_session_id,
        "authorization_reference": sdr.authorization_reference,
        "evse_id": sdr.evse_id,
        "connector_id": sdr.connector_id,
        "country": sdr.country,
        "time_zone": sdr.time_zone,
        "started_at": sdr.start_date_time,
        "ended_at": sdr.end_date_time,
        "energy_kwh": sdr.total_energy,
        "total_time_h": sdr.total_time,
        "currency": sdr.currency,
        "before_tax": sdr.total_cost.excl_vat,
        "after_tax": sdr.total_cost.incl_vat,
        "tariff_id": sdr.tariff_id,
        "rated_part": sdr.model_dump_json(include=RATED, exclude_none=True),
    }

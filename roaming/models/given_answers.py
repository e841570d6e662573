"""Named queries of given answers: claim a key, keep its answer, let it go, forget (API manners).

All times are real time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from roaming.models.exchanges import GivenAnswer

_BATCH = 5_000

# What is past its time to live counts as never seen; an attempt whose lease has ended counts as
# dead with its process, and the same message takes its place.
_CLAIM = """
    INSERT INTO roaming_givenanswer AS known (platform_id, key, request_hmac, correlation_id,
        created_at, leased_until, status, content_type, headers, body)
    VALUES (%(platform)s, %(key)s, %(request_hmac)s, %(correlation_id)s, %(now)s, %(until)s,
        NULL, '', '{}', '')
    ON CONFLICT (platform_id, key) DO UPDATE SET request_hmac = excluded.request_hmac,
        correlation_id = excluded.correlation_id, created_at = excluded.created_at,
        leased_until = excluded.leased_until, status = NULL, content_type = '', headers = '{}',
        body = ''
    WHERE known.created_at < %(forgotten)s
       OR (known.status IS NULL AND known.leased_until < %(now)s
           AND known.request_hmac = excluded.request_hmac)
    RETURNING id, xmax <> 0
"""
_KEEP = """
    UPDATE roaming_givenanswer SET status = %s, content_type = %s, headers = %s, body = %s
    WHERE id = %s AND leased_until = %s AND status IS NULL
"""
_HOLD = """
    SELECT FROM roaming_givenanswer WHERE id = %s AND leased_until = %s AND status IS NULL
    FOR UPDATE
"""
_LET_GO = """
    DELETE FROM roaming_givenanswer WHERE id = %s AND leased_until = %s AND status IS NULL
"""
_FORGET = """
    DELETE FROM roaming_givenanswer WHERE id IN (
        SELECT id FROM roaming_givenanswer WHERE created_at < %s ORDER BY created_at LIMIT %s
        FOR UPDATE SKIP LOCKED)
"""


@dataclass(frozen=True, slots=True)
class KeyedMessage:
    """A message under the key that makes it the same as another."""

    platform_id: int
    key: str
    request_hmac: bytes
    correlation_id: str


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to answer a message, until the lease ends. `taken_over`: from a dead attempt."""

    answer_id: int
    leased_until: datetime
    taken_over: bool


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What was answered, and is answered again."""

    status: int
    content_type: str
    headers: dict[str, str]
    body: bytes


def claim_answer(
    message: KeyedMessage, now: datetime, *, lease: timedelta, life: timedelta
) -> Claim | GivenAnswer:
    """The claim to answer this message first, or the row of whoever claimed its key before."""
    values: dict[str, int | str | bytes | datetime] = {
        "platform": message.platform_id,
        "key": message.key,
        "request_hmac": message.request_hmac,
        "correlation_id": message.correlation_id,
        "now": now,
        "until": now + lease,
        "forgotten": now - life,
    }
    while True:  # between the two statements the other may let go: then the claim is ours to make
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM, values)
            row = cursor.fetchone()
        if row is not None:
            return Claim(row[0], now + lease, row[1])
        known = GivenAnswer.objects.filter(platform=message.platform_id, key=message.key).first()
        if known is not None:
            return known


def keep_answer(claim: Claim, answer: KeptAnswer) -> None:
    """Keeps the answer, if the lease is still ours."""
    values: list[int | str | bytes | datetime] = [
        answer.status,
        answer.content_type,
        json.dumps(answer.headers),
        answer.body,
        claim.answer_id,
        claim.leased_until,
    ]
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, values)


def hold(claim: Claim) -> bool:
    """Whether the claim is still ours; then nobody takes it over before this transaction ends.

    An attempt may outlive its lease: while the database was away, or its process stood still.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [claim.answer_id, claim.leased_until])
        return cursor.fetchone() is not None


def let_go(claim: Claim) -> None:
    """The message may be tried anew under its key."""
    with connection.cursor() as cursor:
        cursor.execute(_LET_GO, [claim.answer_id, claim.leased_until])


def forget_answers(before: datetime) -> int:
    """Erases the answers of that age, in batches; returns how many there were."""
    forgotten = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_FORGET, [before, _BATCH])
            batch = int(cursor.rowcount)
        forgotten += batch
        if batch < _BATCH:
            return forgotten

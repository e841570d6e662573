"""Probes of roaming endpoints: after a silence, and while one is offline (6.4.1).

A probe is a handshake that asks for nothing. Any HTTP answer below 500 is a sign of life. What
waits for an endpoint that was offline comes due with it (`endpoint_health`).
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import msgspec
from django.conf import settings
from django.db import connection

from roaming import ports
from roaming.domain.endpoint_health import DEGRADED_FOR
from roaming.domain.handshake import ProbeMessage
from roaming.domain.receiving import HANDSHAKE_PATH
from roaming.hub_switch.asking import address_of, is_alive
from roaming.hub_switch.endpoint_health import health_notes
from roaming.models import EndpointHealth, Platform, RoamingEndpoint

logger = logging.getLogger(__name__)

BODY = msgspec.json.encode(ProbeMessage())
_AT_ONCE, _BATCH = 32, 100

# An endpoint that is offline is probed ever more patiently, from 5 s to a minute apart.
_CLAIM = """
    UPDATE roaming_endpointhealth SET last_probe_at = %(now)s
    WHERE platform_id IN (
        SELECT health.platform_id FROM roaming_endpointhealth health
        JOIN roaming_roamingendpoint endpoint USING (platform_id)
        JOIN roaming_platform platform ON platform.id = health.platform_id
        WHERE platform.status <> 'ended' AND CASE state
            WHEN 'offline' THEN coalesce(last_probe_at <= %(now)s - least(greatest(
                (%(now)s - since) / 4, interval '5 seconds'), interval '1 minute'), true)
            ELSE coalesce(greatest(last_success_at, last_failure_at, last_probe_at) <= %(now)s
                - make_interval(secs => CASE state WHEN 'degraded'
                    THEN least(%(doubt)s, %(silence)s) ELSE %(silence)s END), true)
            END
        ORDER BY last_probe_at NULLS FIRST LIMIT %(batch)s
        FOR UPDATE OF health SKIP LOCKED)
    RETURNING platform_id
"""


def probe_endpoints(real_now: datetime) -> int:
    """Probes the endpoints that are offline or have been silent; returns how many."""
    endpoints = _due(real_now)
    if not endpoints:
        return 0
    with ThreadPoolExecutor(min(_AT_ONCE, len(endpoints))) as pool:
        errors = list(pool.map(_probe, endpoints))
    for endpoint, error in zip(endpoints, errors, strict=True):
        health_notes.note(endpoint.platform_id, error)
    return len(endpoints)


def _due(real_now: datetime) -> Sequence[RoamingEndpoint]:
    """Claims what is to be probed now, by writing that it was: two workers never probe the same."""
    living = RoamingEndpoint.objects.exclude(platform__status=Platform.Status.ENDED)
    unknown = living.filter(platform__health=None).values_list("platform", flat=True)
    EndpointHealth.objects.bulk_create(
        [EndpointHealth(platform_id=platform, since=real_now) for platform in unknown],
        ignore_conflicts=True,
    )
    values: dict[str, Any] = {
        "now": real_now, "batch": _BATCH, "silence": settings.PROBE_AFTER_SILENCE_S,
        "doubt": DEGRADED_FOR.total_seconds() / 2,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, values)
        claimed = [platform for (platform,) in cursor.fetchall()]
    return list(living.filter(platform__in=claimed))


def _probe(endpoint: RoamingEndpoint) -> str | None:
    """What was wrong, or None. No database here: it runs in a thread of its own."""
    message = ports.OutgoingMessage(
        "UC1-1",
        HANDSHAKE_PATH,
        BODY,
        message_id=str(uuid.uuid4()),
        correlation_id=str(uuid.uuid4()),
    )
    try:
        client = ports.clients[endpoint.dialect]
        answer = client.send(address_of(endpoint), message, settings.LIVE_QUESTION_TIMEOUT_S)
    except ports.NoAnswer as silence:
        return str(silence)
    except Exception as error:
        logger.exception("platform %s could not be probed", endpoint.platform_id)
        return f"internal_error: {type(error).__name__}"
    return None if is_alive(answer) else f"HTTP status {answer.status}"

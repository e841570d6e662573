"""A backlog costs the worker as little as a single message (6.4.1)."""

import json
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from roaming.hub_switch import claiming
from tests.cast import make_cast

BACKLOG = 20_000
_WAIT = """
    INSERT INTO roaming_delivery (receiver_id, environment, use_case, path, object_key, message_id,
        correlation_id, body, state, attempts, created_at, due_at, deadline, last_error, answer)
    SELECT %s, 'live', 'UC1-2', 'uc1-2/sites', 'site:' || number, gen_random_uuid(), 'c', '{}',
        'waiting', 0, now(), now() - interval '1 hour', now() + interval '1 day', '', ''
    FROM generate_series(1, %s) AS number
"""


def nodes_of(plan):
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes_of(child)


def test_a_claim_reads_no_more_than_it_takes(committed_db):
    """In a database of its own: what other tests left in the table's pages would sway the plan."""
    cast = make_cast()
    with connection.cursor() as cursor:
        for party in (cast.home_csp, cast.outsider):
            cursor.execute(_WAIT, [party.platform.pk, BACKLOG])
        cursor.execute("ANALYZE roaming_delivery")
        now = timezone.now()
        values = {
            "now": now, "until": now + timedelta(seconds=claiming.LEASE_S), "hesitant": [],
            "batch": claiming.BATCH, "most": claiming.PER_RECEIVER, "busy": [],
        }  # fmt: skip
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {claiming._CLAIM}", values)
        (plans,) = cursor.fetchone()
    (plan,) = json.loads(plans) if isinstance(plans, str) else plans
    read = [
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0), node["Node Type"])
        for node in nodes_of(plan["Plan"])
    ]
    assert plan["Plan"]["Actual Rows"] == 2 * claiming.PER_RECEIVER
    assert max(read)[0] <= claiming.BATCH, json.dumps(plan, indent=1)

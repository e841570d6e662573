"""What store and forward is measured against: one Celery task for each message.

A message is a row; who leaves it there sends a task with its id after the COMMIT. The task reads
the row, posts the body over a kept connection, notes the outcome, and is tried again with a growing
pause where the receiver does not take it. Acknowledged late, so that a killed worker loses nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
import urllib3
from celery import Celery, Task

SCHEMA = """
CREATE TABLE bare_message (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, url text NOT NULL, body text NOT NULL,
    attempts integer NOT NULL DEFAULT 0, last_error text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(), delivered_at timestamptz
)
"""
TIMEOUT_S = 10
app = Celery("forwarding", broker=os.environ.get("FORWARDING_BROKER", "memory://"))
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    worker_prefetch_multiplier=4,
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)
if app.conf.broker_url.startswith("filesystem"):
    _folder = os.environ["FORWARDING_FOLDER"]
    app.conf.broker_transport_options = {
        "data_folder_in": f"{_folder}/messages",
        "data_folder_out": f"{_folder}/messages",
        "control_folder": f"{_folder}/control",
        "polling_interval": 0.01,
    }


class _OfThisProcess:
    """A worker process keeps one connection to the database, and those to the receivers."""

    database: psycopg.Connection[Any] | None = None
    receivers: urllib3.PoolManager | None = None


def database() -> psycopg.Connection[Any]:
    if _OfThisProcess.database is None:
        _OfThisProcess.database = psycopg.connect(
            os.environ["FORWARDING_DATABASE"], autocommit=True, prepare_threshold=0
        )
    return _OfThisProcess.database


def receivers() -> urllib3.PoolManager:
    if _OfThisProcess.receivers is None:
        _OfThisProcess.receivers = urllib3.PoolManager(retries=False, timeout=TIMEOUT_S)
    return _OfThisProcess.receivers


def leave(messages: Sequence[tuple[str, str]]) -> None:
    """Leaves (address, body) for each, in one transaction; and a task for each."""
    with database().transaction():
        keys = [
            database()
            .execute("INSERT INTO bare_message (url, body) VALUES (%s, %s) RETURNING id", message)
            .fetchone()
            for message in messages
        ]
    for key in keys:
        assert key is not None
        forward.delay(key[0])


@app.task(name="forward", bind=True, max_retries=None)
def forward(self: Task[Any, Any], key: int) -> None:
    row = database().execute("SELECT url, body FROM bare_message WHERE id = %s", [key]).fetchone()
    assert row is not None
    url, body = row
    try:
        answer = receivers().request(
            "POST", url, body=body, headers={"Content-Type": "application/json"}
        )
        error = "" if answer.status < 300 else f"HTTP status {answer.status}"
    except urllib3.exceptions.HTTPError as trouble:
        error = str(trouble)[:300]
    database().execute(
        "UPDATE bare_message SET attempts = attempts + 1, last_error = %s, delivered_at = %s "
        "WHERE id = %s",
        [error, None if error else datetime.now(UTC), key],
    )
    if error:
        raise self.retry(countdown=2 ** min(self.request.retries + 1, 9))


if __name__ == "__main__":  # `N address address ...`: leaves N updates for all of them
    from benchmarks.store_and_forward import BODY, wait_for_the_word

    database().execute("SELECT 1")
    wait_for_the_word()
    for _ in range(int(sys.argv[1])):
        leave([(address, BODY) for address in sys.argv[2:]])

"""Statements of the hot path: planned once for each connection, past the ORM's own work.

The ORM composes a query anew for each message, which costs more than the query itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from select import POLLIN, poll
from typing import Any

import psycopg
from django.db import connection


def fetch(sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
    """Runs a prepared statement on this thread's connection, in its transaction if there is one.

    Database errors are Django's.
    """
    connection.ensure_connection()
    if not connection.in_atomic_block and _has_hung_up(connection.connection):
        connection.close()
        connection.ensure_connection()
    connection.validate_no_broken_transaction()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(sql, values, prepare=True)
        return cursor.fetchall() if cursor.description else []


def _has_hung_up(idle: psycopg.Connection[Any]) -> bool:
    """A server that ended has said so on the connection: cheaper than to ask it first."""
    if idle.closed:
        return True
    waiting = poll()
    waiting.register(idle.pgconn.socket, POLLIN)
    return bool(waiting.poll(0))

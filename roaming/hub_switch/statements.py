"""Statements of the hot path: planned once for each connection, past the ORM's own work.

The ORM composes a query anew for each message, which costs more than the query itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from select import POLLIN, poll
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus
from psycopg.pq.abc import PGresult


def fetch(sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
    """Runs a prepared statement on this thread's connection, in its transaction if there is one.

    Database errors are Django's.
    """
    own = _own_connection()
    with own.wrap_database_errors, psycopg.Cursor(own.connection) as cursor:
        cursor.execute(sql, values, prepare=True)
        return cursor.fetchall() if cursor.description else []


def _own_connection() -> BaseDatabaseWrapper:
    """This thread's connection, which stands."""
    own = connections[DEFAULT_DB_ALIAS]
    own.ensure_connection()
    if not own.in_atomic_block and _has_hung_up(own.connection):
        own.close()
        own.ensure_connection()
    own.validate_no_broken_transaction()
    return own


def _has_hung_up(idle: psycopg.Connection[Any]) -> bool:
    """A server that ended has said so on the connection: cheaper than to ask it first."""
    if idle.closed:
        return True
    waiting = poll()
    waiting.register(idle.pgconn.socket, POLLIN)
    return bool(waiting.poll(0))


class Statement:
    """A statement too long to be read anew for each message: its `%(name)s` are numbered once.

    Each value goes as text, so that the server plans it once whatever comes: the statement says
    their types, `%(name)s::uuid`. (psycopg would tell it types by the values: small and large
    numbers, or none at all.) Outside a transaction it goes to libpq as it is, for a third of the
    CPU that a cursor takes.
    """

    def __init__(self, name: str, sql: str) -> None:
        self._name = name.encode()
        self._names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", sql)))
        numbers = {name: f"${number}" for number, name in enumerate(self._names, 1)}
        self._sql = re.sub(r"%\((\w+)\)s", lambda found: numbers[found[1]], sql).encode()

    def run(self, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Its rows, as texts; on this thread's connection, in its transaction if there is one."""
        given = [
            value if value.__class__ is str or value is None else _as_text(value)
            for value in map(values.__getitem__, self._names)
        ]
        own = _own_connection()
        with own.wrap_database_errors:
            if own.in_atomic_block:
                with psycopg.RawCursor(own.connection) as cursor:
                    cursor.execute(self._sql, given)
                    return [tuple(map(_shown, row)) for row in cursor.fetchall()]
            return self._run_alone(own.connection, [v if v is None else v.encode() for v in given])

    def _run_alone(
        self, connection: psycopg.Connection[Any], given: Sequence[Any]
    ) -> list[tuple[str, ...]]:
        pgconn = connection.pgconn
        known = _prepared.setdefault(connection, set())
        result = pgconn.exec_prepared(self._name, given) if self._name in known else None
        if result is None or result.error_field(DiagnosticField.SQLSTATE) == _NOT_PREPARED:
            _check(connection, pgconn.prepare(self._name, self._sql))
            known.add(self._name)
            result = pgconn.exec_prepared(self._name, given)
        _check(connection, result)
        return [
            tuple(
                (result.get_value(row, column) or b"").decode() for column in range(result.nfields)
            )
            for row in range(result.ntuples)
        ]


_NOT_PREPARED = b"26000"  # somebody else let go of all prepared statements
_prepared: WeakKeyDictionary[psycopg.Connection[Any], set[bytes]] = WeakKeyDictionary()


def _check(connection: psycopg.Connection[Any], result: PGresult) -> None:
    if connection.pgconn.status != ConnStatus.OK:
        raise psycopg.OperationalError(connection.pgconn.get_error_message())
    if result.status not in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
        raise psycopg.errors.error_from_result(result)


def _shown(value: Any) -> str:
    return "" if value is None else str(value)


def _as_text(value: Any) -> str:
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    return f"{{{','.join(map(str, value))}}}" if isinstance(value, list) else str(value)

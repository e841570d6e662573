"""The limit that bulk ingest is measured against: bare COPY of the very rows that it wrote.

The target tables have the same columns, checks and indexes, but no foreign keys and no triggers.
"""

from __future__ import annotations

import time
from typing import Any

import psycopg
from psycopg import sql


class BareCopy:
    """Rows of some tables, read once, and copied into twins of these tables."""

    def __init__(self, connection: psycopg.Connection[Any], tables: dict[str, str]) -> None:
        """`tables` maps a table to the condition that picks its rows."""
        self._connection = connection
        self._rows: dict[str, tuple[list[str], list[tuple[Any, ...]]]] = {}
        connection.execute("DROP SCHEMA IF EXISTS bare CASCADE; CREATE SCHEMA bare")
        for table, condition in tables.items():
            connection.execute(f"CREATE TABLE bare.{table} (LIKE public.{table} INCLUDING ALL)")
            cursor = connection.execute(f"SELECT * FROM public.{table} WHERE {condition}")
            names = [column.name for column in cursor.description or ()]
            self._rows[table] = (names, cursor.fetchall())
        connection.commit()

    @property
    def row_count(self) -> int:
        return sum(len(rows) for _, rows in self._rows.values())

    def seconds(self) -> float:
        """Copies everything in one durable transaction; how long that took."""
        began = time.perf_counter()
        with self._connection.transaction(), self._connection.cursor() as cursor:
            for table, (names, rows) in self._rows.items():
                statement = sql.SQL("COPY bare.{} ({}) FROM STDIN").format(
                    sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, names))
                )
                with cursor.copy(statement) as copy:
                    for row in rows:
                        copy.write_row(row)
        return time.perf_counter() - began

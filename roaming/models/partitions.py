"""Monthly partitions of the hot tables (storage.md): made on a populated database, kept ahead.

A hot row's key carries the month (`HotRow`), so RANGE (id) keeps the one-column key, and foreign
keys to the table stay what they are. The one named place for the DDL; Django sees the same tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.apps import apps
from django.db import connection, transaction

from roaming.domain.uuid7 import first_of_month, month_after, period_of
from roaming.models.hot import HotRow

# How many months after the running one have their place already.
MONTHS_AHEAD = 3

_KIND = "SELECT relkind = 'p' FROM pg_class WHERE oid = %s::regclass"
_SPAN = """
SELECT (SELECT id FROM {table} ORDER BY id LIMIT 1),
    (SELECT id FROM {table} ORDER BY id DESC LIMIT 1), (SELECT count(*) FROM {table})
"""
_INCOMING = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated
FROM pg_constraint
WHERE confrelid = %s::regclass AND contype = 'f' AND conparentid = 0 ORDER BY 1, 2
"""
_CONSTRAINTS = """
SELECT conname, pg_get_constraintdef(oid), contype FROM pg_constraint
WHERE conrelid = %s::regclass AND contype IN ('p', 'u', 'f') AND conparentid = 0
ORDER BY contype DESC, conname
"""
_INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = %s::regclass
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u'))
"""
_KEY_INDEXES = """
SELECT conindid::regclass::text FROM pg_constraint
WHERE conrelid = %s::regclass AND contype IN ('p', 'u')
"""
_TRIGGERS = """
SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger
WHERE tgrelid = %s::regclass AND NOT tgisinternal
"""
_GRANTS = """
SELECT format('GRANT %%s ON %%s TO %%I', string_agg(privilege_type, ', '), %s::text,
    grantee::regrole)
FROM pg_class, aclexplode(relacl)
WHERE oid = %s::regclass AND grantee <> 0 AND grantee <> relowner GROUP BY grantee
"""
_SEQUENCES = """
SELECT dependent.objid::regclass::text, attribute.attname FROM pg_depend dependent
JOIN pg_class sequence ON sequence.oid = dependent.objid AND sequence.relkind = 'S'
JOIN pg_attribute attribute ON attribute.attrelid = dependent.refobjid
    AND attribute.attnum = dependent.refobjsubid
WHERE dependent.refobjid = %s::regclass AND dependent.deptype = 'a'
"""
_PARTITIONS = """
SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Partitioned:
    """What became of one table. `parts` 0: it was partitioned before."""

    table: str
    rows: int
    parts: int


def hot_tables() -> list[str]:
    """The tables of every hot row, those that others refer to first."""
    models = [model for model in apps.get_models() if issubclass(model, HotRow)]
    referred = {
        field.related_model
        for model in models
        for field in model._meta.get_fields()
        if field.many_to_one and field.concrete
    }
    models.sort(key=lambda model: (model not in referred, model._meta.db_table))
    return [model._meta.db_table for model in models]


def is_partitioned(table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_KIND, [table])
        return bool(cursor.fetchone()[0])


@transaction.atomic
def partition_table(table: str, now: datetime, *, at_once: bool = False) -> Partitioned:
    """Makes a plain hot table one that is partitioned by month; nothing where it is already.

    All or nothing, under an exclusive lock. Rows are written anew, each into its month, in the
    order of their keys; `at_once` leaves all that exist in one part instead, in milliseconds.
    As the owner of the table.
    """
    with connection.cursor() as cursor:
        cursor.execute(_KIND, [table])
        if cursor.fetchone()[0]:
            return Partitioned(table, 0, 0)
        cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        return _Change(cursor, table, now).make(at_once)


def keep_months_ahead(now: datetime) -> int:
    """Makes the months to come in every partitioned table; returns how many parts are new."""
    first = first_of_month(now)
    with connection.cursor() as cursor:
        cursor.execute("SELECT keep_months_ahead(%s, %s)", [first, _ahead(first)])
        made: int = cursor.fetchone()[0]
    return made


def tables_without_a_month(moment: datetime) -> list[str]:
    """Partitioned hot tables that have no place for a session that opens then."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM unnest(%s::text[]) AS table_name "
            "JOIN pg_class ON pg_class.oid = to_regclass(table_name) AND relkind = 'p' "
            "WHERE NOT is_in_a_part(pg_class.oid::regclass, %s)",
            [hot_tables(), first_of_month(moment)],
        )
        return [name for (name,) in cursor.fetchall()]


def _ahead(first: date) -> date:
    for _ in range(MONTHS_AHEAD):
        first = month_after(first)
    return first


class _Change:
    """One table on its way: the plain one becomes `<table>_past`, and goes or becomes a part."""

    def __init__(self, cursor: Any, table: str, now: datetime) -> None:
        self._cursor = cursor
        self._table, self._past = table, f"{table}_past"
        self._this_month = first_of_month(now)
        self._incoming = self._rows(_INCOMING)
        self._constraints = self._rows(_CONSTRAINTS)
        self._indexes = self._rows(_INDEXES)
        self._triggers = self._rows(_TRIGGERS)
        self._grants = self._rows(_GRANTS, table, table)
        self._sequences = self._rows(_SEQUENCES)

    def make(self, at_once: bool) -> Partitioned:
        self._do(_SPAN.format(table=self._table))
        least, most, count = self._cursor.fetchone()
        for referring, name, _, _ in self._incoming:
            self._do(f'ALTER TABLE {referring} DROP CONSTRAINT "{name}"')
        for name, _ in self._triggers:
            self._do(f'DROP TRIGGER "{name}" ON {self._table}')
        self._step_aside()
        self._do(
            f"CREATE TABLE {self._table} (LIKE {self._past} INCLUDING DEFAULTS "
            "INCLUDING CONSTRAINTS INCLUDING GENERATED INCLUDING STORAGE INCLUDING COMMENTS) "
            "PARTITION BY RANGE (id)"
        )
        for sequence, column in self._sequences:
            self._do(f'ALTER SEQUENCE {sequence} OWNED BY {self._table}."{column}"')
        last = _ahead(self._this_month)
        if at_once:
            self._keys()
            first = self._this_month if most is None else month_after(period_of(most))
            self._attach(self._past, first)
        else:
            first = min(self._this_month, self._this_month if least is None else period_of(least))
            self._do(
                f"CREATE TABLE {self._table}_before (LIKE {self._past} "
                "INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED)"
            )
            self._attach(f"{self._table}_before", first)
        self._add_months(first, last)
        if not at_once:
            copy = f"INSERT INTO {self._table} SELECT * FROM {self._past} ORDER BY id"  # noqa: S608
            self._do(copy)
            self._do(f"DROP TABLE {self._past}")
            self._keys()
        self._bring_back()
        return Partitioned(self._table, count, len(self._rows(_PARTITIONS)))

    def _step_aside(self) -> None:
        """Names of indexes are the schema's: the new ones get those that Django knows."""
        for (index,) in self._rows(_KEY_INDEXES) + [row[:1] for row in self._indexes]:
            self._do(f"ALTER INDEX {index} RENAME TO {_aside(index)}")
        self._do(f"ALTER TABLE {self._table} RENAME TO {self._past}")

    def _attach(self, part: str, until: date) -> None:
        self._do(
            f"ALTER TABLE {self._table} ATTACH PARTITION {part} "
            "FOR VALUES FROM (MINVALUE) TO (first_key_of_month(%s))",
            until,
        )

    def _add_months(self, first: date, last: date) -> None:
        while first <= last:
            self._do("SELECT add_month(%s::regclass, %s)", self._table, first)
            first = month_after(first)

    def _keys(self) -> None:
        """Primary key, foreign keys and indexes, as they were."""
        for name, definition, _ in self._constraints:
            self._do(f'ALTER TABLE {self._table} ADD CONSTRAINT "{name}" {definition}')
        for _, definition in self._indexes:
            self._do(definition)

    def _bring_back(self) -> None:
        """Who refers to the table, what guards it, who may use it."""
        for referring, name, definition, validated in self._incoming:
            suffix = "" if validated else " NOT VALID"
            self._do(
                f'ALTER TABLE {referring} ADD CONSTRAINT "{name}" '
                f"{definition.removesuffix(' NOT VALID')}{suffix}"
            )
        for _, definition in self._triggers:
            self._do(definition)
        for (part,) in self._rows(_PARTITIONS):
            self._do("SELECT guard_partition(%s::regclass, %s::regclass)", self._table, part)
            self._do(f"REVOKE ALL ON {part} FROM PUBLIC")
        for (grant,) in self._grants:
            self._do(grant)
        self._do(f"ANALYZE {self._table}")

    def _do(self, statement: str, *parameters: Any) -> None:
        self._cursor.execute(statement, list(parameters) or None)

    def _rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        self._cursor.execute(query, list(parameters) or [self._table])
        found: list[tuple[Any, ...]] = self._cursor.fetchall()
        return found


def _aside(index: str) -> str:
    bare = index.rpartition(".")[2].strip('"')
    return f'"{bare[:58]}_past"'

"""The owner role and the application role of the database (house.md, money rules)."""

from __future__ import annotations

from typing import Any

import dj_database_url
from django.conf import settings
from django.db import transaction
from psycopg import sql

# Tables whose rows are facts: the application may add to them and read them, no more.
APPEND_ONLY_TABLES = [
    "roaming_journalentry",
    "roaming_sdrregistry",
    "roaming_tariffversion",
    "roaming_identificationversion",
    "roaming_chargingupdate",
    "roaming_chargeplan",
    "roaming_sessionclosing",
    "roaming_sdr",
    "roaming_sdrevent",
    "settlement_csprecord",
    "settlement_csprecordregistry",
    "settlement_disputeevidence",
    "settlement_ledgerentry",
    "settlement_posting",
]


def use_owner_role(connection: Any) -> None:
    """Makes this process's connection one of the role that owns the tables."""
    connection.close()
    if settings.DATABASE_URL:
        owner = dj_database_url.parse(settings.DATABASE_OWNER_URL)
        connection.settings_dict["USER"] = owner["USER"]
        connection.settings_dict["PASSWORD"] = owner["PASSWORD"]
    else:
        connection.settings_dict["USER"] = "clearinghouse_owner"
    connection.settings_dict.get("OPTIONS", {}).pop("pool", None)


def grant_to_application(connection: Any, role: str) -> None:
    """Grants `role` what the application needs in this database, and nothing on facts but adding.

    Does nothing where the role is the owner itself: then triggers alone protect the facts, which is
    how a server with a single role runs.
    """
    # In one transaction: at no moment may the application do more than it should.
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT current_user, to_regrole(%s) IS NOT NULL", [role])
        owner, exists = cursor.fetchone()
        if owner == role or not exists:
            return
        name = sql.Identifier(role)
        for statement in (
            "GRANT USAGE ON SCHEMA public TO {role}",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
            "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
            "GRANT TEMPORARY ON DATABASE {database} TO {role}",
            "GRANT EXECUTE ON FUNCTION keep_months_ahead(date, date) TO {role}",
        ):
            cursor.execute(
                sql.SQL(statement).format(
                    role=name, database=sql.Identifier(connection.settings_dict["NAME"])
                )
            )
        _close_partitions(cursor, name)
        present = set(connection.introspection.table_names(cursor))
        histories = {name for name in present if name.endswith("event") and "_" in name}
        for table in sorted(present & set(APPEND_ONLY_TABLES) | histories):
            if table in present:
                cursor.execute(
                    sql.SQL("REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {role}").format(
                        table=sql.Identifier(table), role=name
                    )
                )


def _close_partitions(cursor: Any, role: sql.Identifier) -> None:
    """The application reaches months through their table only, with the rights of that."""
    cursor.execute(
        "SELECT oid::regclass::text FROM pg_class WHERE relispartition AND relkind IN ('r', 'p') "
        "AND relnamespace = 'public'::regnamespace"
    )
    for (part,) in cursor.fetchall():
        cursor.execute(
            sql.SQL("REVOKE ALL ON {part} FROM {role}").format(part=sql.SQL(part), role=role)
        )

"""System checks of our own: what must hold before real use, with ids (house.md, habits).

`manage.py check --deploy` is what `script/server` asks before it starts anything.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connection

from clearinghouse.database_roles import APPEND_ONLY_TABLES
from roaming.models.clock import business_now
from roaming.models.partitions import tables_without_a_month


@register("production", deploy=True)
def settings_are_fit_for_real_use(**kwargs: Any) -> list[CheckMessage]:
    """No demo secrets, no DEBUG, real servers, a clock that nobody can set."""
    rules = [
        (not settings.DEBUG, "E001", "CLEARINGHOUSE_DEBUG is on.", "Unset it."),
        (
            not settings.USES_LOCAL_SECRETS,
            "E002",
            "The keys are the random ones of a local installation.",
            "Set CLEARINGHOUSE_SECRET_KEY, _ENCRYPTION_KEYS and _HMAC_KEY.",
        ),
        (
            len(settings.SECRET_KEY) >= 50 and len(settings.HMAC_KEY) >= 32,
            "E003",
            "A key is too short.",
            "CLEARINGHOUSE_SECRET_KEY needs 50 characters, CLEARINGHOUSE_HMAC_KEY 32.",
        ),
        (
            bool(settings.DATABASE_URL),
            "E004",
            "The database is the embedded one.",
            "Point DATABASE_URL at a PostgreSQL server.",
        ),
        (
            not settings.CELERY_BROKER_URL.startswith(("filesystem:", "memory:")),
            "E005",
            "The broker is made of local files.",
            "Point CELERY_BROKER_URL at Redis, Valkey or RabbitMQ.",
        ),
        (
            not settings.BUSINESS_CLOCK_SETTABLE,
            "E006",
            "The business clock can be set.",
            "Unset CLEARINGHOUSE_BUSINESS_CLOCK_SETTABLE.",
        ),
        (
            not settings.ALLOW_PLAIN_HTTP_ENDPOINTS,
            "E007",
            "Platforms may register endpoints without TLS.",
            "Unset CLEARINGHOUSE_ALLOW_PLAIN_HTTP_ENDPOINTS.",
        ),
        (
            settings.SECOND_FACTOR_REQUIRED,
            "E011",
            "Staff may work without a second factor.",
            "Leave CLEARINGHOUSE_SECOND_FACTOR unset, or set it to yes.",
        ),
        (
            settings.BEHIND_TLS,
            "E008",
            "The web server is not told that TLS ends in front of it.",
            "Put it behind a proxy that ends TLS and set CLEARINGHOUSE_BEHIND_TLS=yes.",
        ),
    ]
    return [
        Error(problem, hint=hint, id=f"clearinghouse.{number}")
        for fine, number, problem, hint in rules
        if not fine
    ]


@register("production", deploy=True)
def application_role_owns_nothing(**kwargs: Any) -> list[CheckMessage]:
    """The role that the application works with must not be able to rewrite facts (house.md)."""
    if not settings.DATABASE_URL or settings.DATABASE_URL == settings.DATABASE_OWNER_URL:
        return [
            Error(
                "The application works with the role that owns the tables, or none is set.",
                hint="Give the owner's address in CLEARINGHOUSE_DATABASE_OWNER_URL, and let "
                "DATABASE_URL name a role that owns nothing (README, roles).",
                id="clearinghouse.E009",
            )
        ]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM unnest(%s::text[]) AS table_name WHERE "
            "to_regclass(table_name) IS NOT NULL AND "
            "has_table_privilege(table_name, 'UPDATE, DELETE, TRUNCATE')",
            [APPEND_ONLY_TABLES],
        )
        open_tables = [name for (name,) in cursor.fetchall()]
    return [
        Error(
            f"The application's role may change {name}.",
            hint="Run `manage.py prepare_database` as the owner.",
            id="clearinghouse.E010",
        )
        for name in open_tables
    ]


@register(Tags.database)
def next_month_has_its_place(databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Where hot tables are partitioned, an SDR of next month must find its partition."""
    if not databases or "default" not in databases:
        return []
    return [
        Error(
            f"{table} has no partition for the sessions of next month.",
            hint="The beat makes months ahead; `manage.py partition_history` does it at once.",
            id="clearinghouse.E014",
        )
        for table in tables_without_a_month(business_now() + timedelta(days=31))
    ]

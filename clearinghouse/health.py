"""Liveness and readiness, for whoever starts, stops and balances the processes."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse


def alive(request: HttpRequest) -> HttpResponse:
    """The process answers. It asks nobody else: a database that is away is no reason to kill it."""
    return JsonResponse({"status": "alive"})


def ready(request: HttpRequest) -> HttpResponse:
    """The process can take messages: the database answers and has all migrations."""
    try:
        problem = _what_is_missing()
    except DatabaseError:
        problem = "The database does not answer."
    if problem:
        return JsonResponse({"status": "not ready", "problem": problem}, status=503)
    return JsonResponse({"status": "ready"})


_migrated = False


def _what_is_missing() -> str:
    """Migrations are looked at until they are all there: afterwards only that somebody answers."""
    global _migrated  # noqa: PLW0603  a fact of this process that only ever becomes true
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    if not _migrated:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return "The database lacks migrations: run manage.py prepare_database."
        _migrated = True
    return ""

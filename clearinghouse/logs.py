"""Logs with the ids of the message that was being handled, as lines for people or as JSON.

The correlation id is what a partner quotes; with it in every line, one search tells the story.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import Any

correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")


class WithCorrelationId(logging.Filter):
    """Adds `correlation_id` to each record; empty outside a message."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not hasattr(record, "correlation_id"):
            record.correlation_id = correlation_id.get()
        return True


def logging_settings(form: str, level: str) -> dict[str, Any]:
    """Django's LOGGING for `form` "line" or "json"."""
    formatters = {
        "line": {
            "format": "{asctime} {levelname} {name} [{correlation_id}] {message}",
            "style": "{",
            "defaults": {"correlation_id": ""},
        },
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "format": "{asctime}{levelname}{name}{message}{correlation_id}",
            "style": "{",
            "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
            "datefmt": "%Y-%m-%dT%H:%M:%S%z",
        },
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"correlation": {"()": "clearinghouse.logs.WithCorrelationId"}},
        "formatters": formatters,
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": form,
                "filters": ["correlation"],
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {"django.request": {"level": "ERROR"}, "axes": {"level": "WARNING"}},
    }

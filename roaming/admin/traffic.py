"""Menu group Traffic: service sessions, commands, the journal, deliveries, finding by any id."""

from roaming.admin import commands, deliveries, journal, sessions

__all__ = ["commands", "deliveries", "journal", "sessions"]

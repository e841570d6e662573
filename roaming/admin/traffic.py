"""Menu group Traffic: service sessions, the journal, deliveries, finding by any id."""

from roaming.admin import deliveries, journal, sessions

__all__ = ["deliveries", "journal", "sessions"]

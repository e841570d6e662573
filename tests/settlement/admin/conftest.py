"""The fixtures of the admin's tests."""

from tests.clearinghouse.admin.fixtures import clerk, colleague, look, world

__all__ = ["clerk", "colleague", "look", "world"]

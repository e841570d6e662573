"""Fixtures of the use cases' tests: the visit that the API's tests tell too."""

from tests.roaming.api.conftest import visit

__all__ = ["visit"]

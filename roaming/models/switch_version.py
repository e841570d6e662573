"""The version of everything that the switch keeps in memory: rights, routes, addresses (6.4.1)."""

from __future__ import annotations

import uuid

from django.db import models


class SwitchVersion(models.Model):
    """One row. Triggers give it a new value with every change of what processes keep of it.

    The change and the new value become visible in the same COMMIT; a value never comes twice, not
    even after a rollback. A message is admitted under the version that it was judged by.
    """

    id = models.BooleanField(primary_key=True, default=True)
    version = models.UUIDField(default=uuid.uuid4)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=True), name="one_version")]

    def __str__(self) -> str:
        return str(self.version)

"""What every hot row carries (storage.md): a key with the month in it, `period` and `pair`."""

from __future__ import annotations

from django.db import models

from roaming.models.fields import Environment, OpeningMomentKey
from roaming.models.operators import OperatorPair


class HotRow(models.Model):
    """Parent of the tables that will be partitioned by month.

    Three rules hold from the first migration: the key is a uuid7 minted with the session's opening
    moment; there is no other unique or exclusion constraint; `period` and `pair` stand on the row.
    """

    id = OpeningMomentKey()
    environment = models.CharField(max_length=4, choices=Environment)
    period = models.DateField(help_text="UTC month of the id, as its first day.")
    # A copy of what the SDR or session says; the database checks it there, once.
    pair = models.ForeignKey(
        OperatorPair, models.PROTECT, null=True, related_name="+", db_index=False,
        db_constraint=False,
    )  # fmt: skip

    class Meta:
        abstract = True

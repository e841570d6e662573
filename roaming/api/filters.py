"""Filters that all lists share: a moment is asked for as a message says it, with its offset."""

from __future__ import annotations

from datetime import datetime

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime

from roaming.domain.moments import check_moment
from roaming.domain.refusals import Refusal

NOT_A_TIME = "A time of RFC 3339 with its offset from UTC; in an address + is written %2B."


class MomentField(forms.Field):
    """RFC 3339 with an offset; refuses what no message may say either, with the same codes."""

    def to_python(self, value: str | None) -> datetime | None:
        if value in self.empty_values:
            return None
        try:
            moment = parse_datetime(str(value).strip())
        except ValueError:
            moment = None
        if moment is None:
            raise _invalid(NOT_A_TIME, "invalid_field")
        try:
            check_moment(moment, "")
        except Refusal as refusal:
            raise _invalid(refusal.detail, refusal.code) from refusal
        return moment


def _invalid(detail: str, code: str) -> ValidationError:
    """An error whose text may hold a per cent sign: django-filter formats it."""
    return ValidationError("%(detail)s", code, {"detail": detail})


class MomentFilter(django_filters.IsoDateTimeFilter):
    """Every filter by time. `IsoDateTimeFilter` alone would guess an offset that was not said."""

    field_class = MomentField

"""Filters that all lists share: what is asked for is read as a message would say it."""

from __future__ import annotations

from datetime import datetime

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime

from roaming.domain.identifiers import EvseId, IdentifierError, OperatorId, ProviderId
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


class IdentifierField(forms.CharField):
    """An identifier in any of its forms, as the key by which it is found."""

    kind: type[OperatorId] | type[ProviderId] | type[EvseId]

    def to_python(self, value: str | None) -> str:
        text = super().to_python(value)
        if text in self.empty_values:
            return ""
        try:
            return self.kind.parse(text).key
        except IdentifierError as error:
            raise _invalid(error.detail, "invalid_identifier") from error


class OperatorIdField(IdentifierField):
    kind = OperatorId


class ProviderIdField(IdentifierField):
    kind = ProviderId


class EvseIdField(IdentifierField):
    kind = EvseId


class VisitedCsoFilter(django_filters.CharFilter):
    """By a visited-CSO's identifier, whatever its separators; on the field of its key."""

    field_class = OperatorIdField


class HomeCspFilter(django_filters.CharFilter):
    """By a home-CSP's identifier, whatever its separators; on the field of its key."""

    field_class = ProviderIdField


class EvseIdFilter(django_filters.CharFilter):
    """By an EVSE-ID, whatever its separators; on the field of its key."""

    field_class = EvseIdField

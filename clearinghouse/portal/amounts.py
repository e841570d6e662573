"""Amounts that people type, in the form of their locale: 1,234.50 or 1.234,50."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from babel.numbers import NumberFormatError, parse_decimal
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from clearinghouse.portal.presentation import current_locale


class AmountField(forms.CharField):
    """An amount as the viewer writes it; never a float."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 30)
        kwargs.setdefault(
            "widget", forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
        )
        super().__init__(**kwargs)

    def clean(self, value: Any) -> Any:
        """A decimal; None where nothing was typed."""
        text = str(super().clean(value) or "").strip()
        if not text:
            return None
        try:
            amount = Decimal(parse_decimal(text, locale=current_locale(), strict=True))
        except NumberFormatError as error:
            raise ValidationError(_("Enter an amount, such as 12.50.")) from error
        if not amount.is_finite():
            raise ValidationError(_("Enter an amount, such as 12.50."))
        return amount

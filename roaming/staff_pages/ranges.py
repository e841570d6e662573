"""Ranges as people fill them in: from and until, two fields, the end left open where it lasts."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib.postgres import forms as postgres_forms
from django.forms.renderers import get_default_renderer
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from unfold.widgets import BASE_INPUT_CLASSES

_CLASSES = " ".join(BASE_INPUT_CLASSES)


class FromUntilWidget(postgres_forms.RangeWidget):
    """Two native inputs side by side, each with its word above it; they stack on a phone."""

    def __init__(self, base_widget: forms.Widget, words: tuple[str, str]) -> None:
        super().__init__(base_widget)
        self.words = words

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        """HTML of both inputs. The zone of moments is named: it is the viewer's."""
        context = self.get_context(name, value, attrs)["widget"]
        engine = renderer or get_default_renderer()
        zone = f" ({timezone.get_current_timezone_name()})" if self.names_zone else ""
        parts = format_html_join(
            "",
            '<label class="flex flex-col gap-1 grow"><span class="text-xs text-subtle">{}{}</span>'
            "{}</label>",
            (
                (word, zone, _html(engine.render(part["template_name"], {"widget": part})))
                for word, part in zip(self.words, context["subwidgets"], strict=True)
            ),
        )
        return format_html('<div class="flex flex-col gap-3 max-w-2xl lg:flex-row">{}</div>', parts)

    @property
    def names_zone(self) -> bool:
        return isinstance(self.widgets[0], forms.DateTimeInput)

    def id_for_label(self, id_: str) -> str:
        return f"{id_}_0" if id_ else id_


def _html(rendered: str) -> SafeString:
    return mark_safe(rendered)  # noqa: S308  an input as Django's own template made and escaped it


def moment_input() -> forms.DateTimeInput:
    """A native date and time input, to the minute."""
    return forms.DateTimeInput(
        attrs={"type": "datetime-local", "class": _CLASSES}, format="%Y-%m-%dT%H:%M"
    )


def day_input() -> forms.DateInput:
    """A native date input."""
    return forms.DateInput(attrs={"type": "date", "class": _CLASSES}, format="%Y-%m-%d")


class MomentRangeField(postgres_forms.DateTimeRangeField):
    """From (inclusive) until (exclusive), in the viewer's zone."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["widget"] = FromUntilWidget(moment_input(), ("From", "Until, exclusive"))
        super().__init__(**kwargs)


class DayRangeField(postgres_forms.DateRangeField):
    """From (inclusive) until (exclusive), whole days."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["widget"] = FromUntilWidget(day_input(), ("From", "Until, exclusive"))
        super().__init__(**kwargs)


def range_text(value: Any, pattern: str = "%Y-%m-%d %H:%M") -> str:
    """A range in words.

    >>> from datetime import date
    >>> from psycopg.types.range import DateRange
    >>> range_text(DateRange(date(2026, 1, 1), None), "%Y-%m-%d")
    'from 2026-01-01'
    """
    if value is None:
        return "–"
    lower, upper = (_local(edge, pattern) for edge in (value.lower, value.upper))
    if upper and lower:
        return f"{lower} until {upper}"
    return f"from {lower}" if lower else f"until {upper}" if upper else "always"


def _local(edge: Any, pattern: str) -> str:
    if edge is None:
        return ""
    if hasattr(edge, "tzinfo"):
        zone = " %Z" if "%H" in pattern else ""
        return f"{timezone.localtime(edge):{pattern}{zone}}"
    return f"{edge:{pattern}}"


def readable_range(shown: str) -> str:
    """What Django shows of a range that cannot be edited, in words.

    >>> readable_range("[2026-01-01, None)")
    'from 2026-01-01'
    >>> readable_range("[2026-01-01, 2026-02-01)")
    '2026-01-01 until 2026-02-01'
    """
    found = re.fullmatch(r"[\[(](.+), (.+)[\])]", shown)
    if found is None:
        return shown
    lower, upper = ("" if edge == "None" else edge for edge in found.groups())
    if lower and upper:
        return f"{lower} until {upper}"
    return f"from {lower}" if lower else f"until {upper}"

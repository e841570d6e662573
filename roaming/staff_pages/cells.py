"""How one value is shown to people: links, moments, amounts, states; and list columns made so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

EMPTY = "–"
_SHADES = {
    "success": "bg-green-100 text-green-700 dark:bg-green-500/20 dark:text-green-400",
    "warning": "bg-orange-100 text-orange-700 dark:bg-orange-500/20 dark:text-orange-400",
    "danger": "bg-red-100 text-red-700 dark:bg-red-500/20 dark:text-red-400",
    "info": "bg-blue-100 text-blue-700 dark:bg-blue-500/20 dark:text-blue-400",
    "plain": "bg-base-500/8 text-base-700 dark:bg-base-500/20 dark:text-base-200",
}
Column = Callable[[Any, Any], Any]


def moment(at: datetime | None) -> str:
    """A moment to the second, in the viewer's zone, which is named.

    >>> from datetime import UTC
    >>> moment(datetime(2026, 10, 5, 8, 0, 12, tzinfo=UTC))
    '2026-10-05 08:00:12 UTC'
    """
    if at is None:
        return EMPTY
    local = timezone.localtime(at)
    return f"{local:%Y-%m-%d %H:%M:%S %Z}"


def brief_moment(at: datetime | None) -> str:
    """A moment to the minute, for lists."""
    return EMPTY if at is None else f"{timezone.localtime(at):%Y-%m-%d %H:%M %Z}"


def moment_cell(at: datetime | None) -> SafeString:
    """A moment to the second, on one line of a table."""
    return one_line(moment(at))


def plain_number(value: Decimal | int) -> str:
    """All digits that matter, thousands apart, never an exponent.

    >>> plain_number(Decimal("1234.50000")), plain_number(Decimal("1E+3"))
    ('1,234.5', '1,000')
    """
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def plain_digits(shown: str) -> str:
    """What Django shows of an exact number that cannot be edited, without its padding.

    >>> plain_digits("0.010000000000"), plain_digits("0.000000000000"), plain_digits("10")
    ('0.01', '0', '10')
    """
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def money_text(value: Decimal, currency: str = "") -> str:
    """An amount with two digits or, where it has more, all of them.

    >>> money_text(Decimal("1234.5"), "EUR"), money_text(Decimal("0.1234"))
    ('1,234.50 EUR', '0.1234')
    """
    whole, point, fraction = plain_number(value).partition(".")
    return f"{whole}{point or '.'}{fraction.ljust(2, '0')} {currency}".rstrip()


def money(value: Decimal | None, currency: str = "") -> Figure | str:
    """An amount, its digits of one width."""
    return EMPTY if value is None else figure(money_text(value, currency))


def quantity(value: Decimal | int | None, unit: str = "") -> Figure | str:
    """A number with its unit."""
    return EMPTY if value is None else figure(f"{plain_number(value)} {unit}".rstrip())


class Figure(SafeString):
    """A number in a cell: tables set columns of them flush right, so that the digits align."""


def figure(text: str) -> Figure:
    """Digits of one width, on one line."""
    return Figure(
        format_html(
            '<span class="whitespace-nowrap" style="font-variant-numeric: tabular-nums">{}</span>',
            text,
        )
    )


def one_line(text: object) -> SafeString:
    """Text or a link that is not broken."""
    return format_html('<span class="whitespace-nowrap">{}</span>', text)


def code(text: str) -> SafeString | str:
    """An identifier or message as it is, breaking anywhere."""
    if not text:
        return EMPTY
    return format_html(
        '<span style="font-family: monospace; word-break: break-all">{}</span>', text
    )


def block(text: str) -> SafeString | str:
    """Several lines as they are, scrolling by themselves."""
    if not text:
        return EMPTY
    return format_html(
        '<pre class="bg-base-50 border border-base-200 p-3 rounded-default overflow-x-auto '
        'dark:bg-base-800 dark:border-base-700" style="max-height: 30rem; white-space: pre-wrap; '
        'overflow-wrap: anywhere">{}</pre>',
        text,
    )


def pretty_json(text: str) -> str:
    """JSON with line breaks, its numbers as they came; what is no JSON stays as it is.

    >>> pretty_json('{"price":0.250}')
    '{\\n  "price": 0.250\\n}'
    """
    try:
        return msgspec.json.format(text, indent=2)
    except msgspec.DecodeError:
        return text


def badge(text: str, shade: str = "plain") -> SafeString:
    """A word on a coloured ground: success, warning, danger, info or plain."""
    return format_html(
        '<span class="inline-block font-semibold rounded-default text-[11px] uppercase '
        'whitespace-nowrap h-6 leading-6 px-2 {}">{}</span>',
        _SHADES.get(shade, _SHADES["plain"]),
        text,
    )


def link_to(row: models.Model | None, text: str = "") -> SafeString | str:
    """A link to the row's page, or its name where it has none."""
    if row is None:
        return EMPTY
    return link_to_page(row._meta, row.pk, text or str(row))


def link_to_page(opts: Any, key: object, text: str) -> SafeString | str:
    """A link to the page of the row with this key, without reading the row."""
    try:
        url = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[key])
    except NoReverseMatch:
        return text
    return anchor(url, text)


def anchor(url: str, text: str) -> SafeString:
    """A link."""
    return format_html('<a href="{}" class="text-link">{}</a>', url, text)


def list_of(opts: Any, query: str, text: str) -> SafeString:
    """A link to a list page narrowed by a query string."""
    url = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
    return anchor(f"{url}?{query}", text)


def value_at(row: Any, path: str) -> Any:
    """The value behind `a__b`, None where a relation on the way is missing."""
    for name in path.split("__"):
        if row is None:
            return None
        try:
            row = getattr(row, name)
        except ObjectDoesNotExist:
            return None
    return row


def column(title: str, show: Callable[[Any], Any], order: str = "") -> Column:
    """An attribute of a ModelAdmin that shows something of a row, in lists and on pages."""

    def shown(_admin: Any, row: Any) -> Any:
        return show(row)

    shown.short_description = title  # type: ignore[attr-defined]
    if order:
        shown.admin_order_field = order  # type: ignore[attr-defined]
    return shown


def moment_column(path: str, title: str, order: str = "") -> Column:
    """A moment, to the second."""
    return column(title, lambda row: moment(value_at(row, path)), order)


def brief_moment_column(path: str, title: str, order: str = "") -> Column:
    """A moment, to the minute, for lists."""
    return column(title, lambda row: one_line(brief_moment(value_at(row, path))), order)


def money_column(path: str, title: str, currency: str = "currency") -> Column:
    """An amount; `currency` is the path to its currency."""
    return column(
        title, lambda row: money(value_at(row, path), value_at(row, currency) if currency else "")
    )


def quantity_column(path: str, title: str, unit: str = "") -> Column:
    """A number with its unit."""
    return column(title, lambda row: quantity(value_at(row, path), unit))


def link_column(path: str, title: str, order: str = "") -> Column:
    """A link to a related row, which the list has to select; on one line."""
    return column(title, lambda row: one_line(link_to(value_at(row, path))), order)


def code_column(path: str, title: str) -> Column:
    """An identifier."""
    return column(title, lambda row: code(str(value_at(row, path) or "")))


def name_column(title: str, name_of: Callable[[Any], str], *, wraps: bool = False) -> Column:
    """A row's own name, marked where the row is of the test environment."""

    def show(row: Any) -> SafeString | str:
        name = name_of(row) if wraps else one_line(name_of(row))
        if getattr(row, "environment", "live") == "live":
            return name
        return format_html("{} {}", name, badge("test", "info"))

    return column(title, show)


def state_column(
    path: str, title: str, shades: Mapping[str, str], labels: Mapping[str, str] | None = None
) -> Column:
    """A state as a badge; `labels` where the row has no get_..._display of its own."""

    def show(row: Any) -> SafeString | str:
        value = value_at(row, path)
        if not value:
            return EMPTY
        return badge(label_of(row, path, labels), shades.get(str(value), "plain"))

    return column(title, show)


def label_of(row: Any, path: str, labels: Mapping[str, str] | None = None) -> str:
    """The words of a choice."""
    value = str(value_at(row, path))
    if labels is not None:
        return labels.get(value, value)
    owner, _, name = path.rpartition("__")
    holder = value_at(row, owner) if owner else row
    words = getattr(holder, f"get_{name}_display", None)
    return str(words()) if words else value

"""Money, quantities and moments in the viewer's own form, by babel; and marks for states.

The locale stands in a context variable, which the middleware sets for each page; the zone is the
one that Django has activated. Also a template library (`{% load portal %}`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache

from babel import Locale, dates, numbers
from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from roaming.domain.money import currency_digits

EMPTY = "–"
USUAL_LOCALE = "en-GB"
_name: ContextVar[str] = ContextVar("locale", default=USUAL_LOCALE)
_GAP = "\u00a0"
register = template.Library()


@contextmanager
def of_locale(name: str) -> Iterator[None]:
    """Numbers and dates are written so inside; a name that is none counts as the usual one."""
    known = _name.set(name)
    try:
        yield
    finally:
        _name.reset(known)


@cache
def _read(name: str) -> Locale:
    try:
        return Locale.parse(name, sep="-")
    except (ValueError, LookupError):
        return Locale.parse(USUAL_LOCALE, sep="-")


def current_locale() -> Locale:
    """The viewer's locale."""
    return _read(_name.get())


def money_text(amount: Decimal, currency: str) -> str:
    """All digits that the amount has, at least those of its currency.

    >>> from decimal import Decimal
    >>> money_text(Decimal("1234.5"), "EUR").replace(_GAP, " ")
    '1,234.50 EUR'
    >>> with of_locale("de-DE"):
    ...     money_text(Decimal("-0.1234"), "EUR").replace(_GAP, " ")
    '-0,1234 EUR'
    """
    try:
        least = currency_digits(currency)
    except ValueError:
        least = 2
    pattern = "#,##0." + "0" * least + "#" * 10 if least else "#,##0.##########"
    text = numbers.format_decimal(amount, pattern, current_locale(), decimal_quantization=False)
    return f"{text}{_GAP}{currency}".rstrip()


@register.filter
def money(amount: Decimal | None, currency: str = "") -> SafeString | str:
    """An amount, on one line; `currency` its code."""
    return EMPTY if amount is None else figure(money_text(amount, currency))


@register.filter
def quantity(value: Decimal | int | None, unit: str = "") -> SafeString | str:
    """A number with its unit, all digits."""
    if value is None:
        return EMPTY
    text = numbers.format_decimal(value, "#,##0.############", current_locale())
    return figure(f"{text}{_GAP}{unit}".rstrip())


@register.filter
def moment(at: datetime | None, detail: str = "minute") -> SafeString | str:
    """A moment in the viewer's zone, which is named; `detail` "second" shows seconds."""
    if at is None:
        return EMPTY
    local = timezone.localtime(at)
    day = dates.format_date(local.date(), "medium", current_locale())
    clock = dates.format_time(
        local, "HH:mm:ss" if detail == "second" else "HH:mm", locale=current_locale()
    )
    return format_html(
        '<time datetime="{}">{}{}{}{}{}</time>',
        at.isoformat(), day.replace(" ", _GAP), " ", clock, _GAP, local.tzname() or "",
    )  # fmt: skip


@register.filter
def day(on: date | None) -> str:
    """A day."""
    return EMPTY if on is None else dates.format_date(on, "medium", current_locale())


def month(first: date) -> str:
    """A month by its first day."""
    return str(dates.format_skeleton("yMMMM", first, locale=current_locale()))


def age(since: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that says something."""
    passed = max(now - since, timedelta())
    if passed >= timedelta(days=1):
        return ngettext("%(n)d day", "%(n)d days", passed.days) % {"n": passed.days}
    hours = int(passed / timedelta(hours=1))
    if hours:
        return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}
    return _("less than an hour")


def badge(words: object, shade: str = "plain") -> SafeString:
    """A mark; the words say it all, the colour only helps."""
    return format_html('<span class="badge badge-{}">{}</span>', shade, words)


def code(text: object) -> SafeString | str:
    """An identifier as it is, breaking anywhere."""
    return format_html("<code>{}</code>", text) if text else EMPTY


def link(address: str, words: object) -> SafeString:
    """A link."""
    return format_html('<a href="{}">{}</a>', address, words)


def figure(text: str) -> SafeString:
    """Digits of one width, on one line."""
    return format_html('<span class="figure">{}</span>', text)

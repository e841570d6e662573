"""From bytes or mappings to values, with errors that name the field.

Decimals are read from JSON numbers or strings digit by digit, never through a float.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Self, TypeVar

import msgspec

Value = TypeVar("Value", bound=msgspec.Struct)

# In a native message a time without its offset from UTC is refused: which of the repeated hours
# would it be? OCPI says that it is UTC: see `read_as_utc`.
AwareTime = Annotated[datetime, msgspec.Meta(tz=True)]


def read_as_utc(value: msgspec.Struct, *names: str) -> None:
    """Give the times that say no offset that of UTC (OCPI, types: "implies a UTC timestamp")."""
    for name in names:
        moment: datetime | None = getattr(value, name)
        if moment is not None and moment.tzinfo is None:
            msgspec.structs.force_setattr(value, name, moment.replace(tzinfo=UTC))


_PLACE = re.compile(r" - at `\$(?P<place>[^`]*)`$")
_MISSING = re.compile(r"^Object missing required field `(?P<name>[^`]+)`$")
_NAMED = re.compile(r"^`(?P<name>[a-z_]+)` ")

# Larger than any price, volume or step of the trade, small enough that no sum loses a digit.
_LIMIT = Decimal(10) ** 9
_MAX_DIGITS = 28


class ContentError(ValueError):
    """A document that cannot be read. `field` is its path, empty for the document as a whole."""

    what = "document"

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}" if field else detail)
        self.field = field
        self.detail = detail

    def inside(self, place: str) -> Self:
        """The same error seen from the document that holds this one."""
        separator = "." if self.field and not self.field.startswith("[") else ""
        return type(self)(f"{place}{separator}{self.field}", self.detail)


def decode(
    decoder: msgspec.json.Decoder[Value],
    content: bytes | str | Mapping[str, Any],
    error: type[ContentError],
) -> Value:
    """Read one document. Raises `error` for whatever is wrong with it."""
    try:
        if isinstance(content, bytes | str):
            return decoder.decode(content)
        if not isinstance(content, Mapping):
            raise error("", f"a {error.what} is an object, not {_kind(content)}")
        refuse_not_finite(content, error)
        return decoder.decode(msgspec.json.encode(content))
    except msgspec.ValidationError as invalid:
        raise error(*_place_and_detail(str(invalid))) from None
    except msgspec.DecodeError as malformed:
        raise error("", f"this is not JSON: {malformed}") from None
    except RecursionError:
        raise error("", "nested too deeply") from None
    except UnicodeError:
        raise error("", "this is not UTF-8") from None
    except (TypeError, OverflowError) as unreadable:
        raise error("", f"this cannot be written as JSON: {unreadable}") from None


def refuse_not_finite(content: object, error: type[ContentError]) -> None:
    """JSON has no NaN and no infinity; a mapping may, and must not smuggle them in as null."""
    waiting: list[tuple[str, object]] = [("", content)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, Mapping):
            waiting += [(f"{place}.{key}" if place else str(key), v) for key, v in value.items()]
        elif isinstance(value, list | tuple):
            waiting += [(f"{place}[{index}]", v) for index, v in enumerate(value)]
        elif isinstance(value, float) and not Decimal(value).is_finite():
            raise error(place, "not a finite number")


def check_number(name: str, value: Decimal | None) -> None:
    """Raise ValueError for NaN, infinity, absurd sizes, and more digits than can be held exactly.

    >>> check_number("price", Decimal("NaN"))
    Traceback (most recent call last):
    ValueError: `price` is not a finite number
    """
    if value is None:
        return
    if not value.is_finite():
        raise ValueError(f"`{name}` is not a finite number")
    digits, exponent = value.as_tuple()[1:]
    too_fine = isinstance(exponent, int) and exponent < -_MAX_DIGITS
    if not -_LIMIT < value < _LIMIT or len(digits) > _MAX_DIGITS or too_fine:
        raise ValueError(f"`{name}` is out of range")


def _place_and_detail(message: str) -> tuple[str, str]:
    place = ""
    found = _PLACE.search(message)
    if found:
        place = found["place"].removeprefix(".")
        message = message[: found.start()]
    for pattern, detail in ((_MISSING, "missing"), (_NAMED, "")):
        named = pattern.match(message)
        if named:
            place = f"{place}.{named['name']}" if place else named["name"]
            message = detail or message[named.end() :]
    return place, message


def _kind(value: object) -> str:
    names: dict[type, str] = {list: "an array", str: "a string", type(None): "null"}
    return names.get(type(value), f"a {type(value).__name__}")

"""`rate_sdr FILE|-`: what an SDR costs under a tariff, for machines or with `--explain` for people.

Reads `{"cdr": ..., "tariffs": [...], "time_zone": "Europe/Berlin"}` or a list of such, needs no
database, and always prints one valid document: what cannot be rated gives
`{"error": {"code": ..., "detail": ...}}` in its place, and the exit status is 1.

A time without offset is UTC, as OCPI says ("The absence of the timezone designator implies a UTC
timestamp"). Types of dimensions may be written in small letters.

Where VAT is omitted everywhere no VAT is applicable: `total_after_tax` is then `total_before_tax`.
It is null only where a tariff of 2.3.0 says `tax_included: NO` and states no rate for what it adds.

An item of a list that is no JSON (NaN, broken text) is refused by itself, as are its values.

Codes: unreadable_input, input_too_large, invalid_json, invalid_input, invalid_time_zone,
invalid_tariff, invalid_sdr (these two with `field`), and not_ratable (with `reason` and `field`).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from django.core.management.base import BaseCommand, CommandParser

from roaming.domain.money import Rounding
from roaming.domain.tariff import ContentError, InvalidTariffError, parse_ocpi_tariff
from roaming.domain.time_zones import find_zone
from settlement.domain.rating import NotRatable, PlanCache, parse_ocpi_cdr, rate
from settlement.domain.rating.case_list import cut_list
from settlement.domain.rating.presentation import as_json, explanation, printable

MAX_BYTES = 100_000_000
_MAX_TARIFFS = 1000


class Refused(Exception):  # noqa: N818  an answer, not an accident
    """What is printed in place of a price."""

    def __init__(self, code: str, detail: str, **more: str) -> None:
        super().__init__(detail)
        self.answer = {"error": {"code": code, "detail": detail, **more}}


class Case(msgspec.Struct):
    """One SDR to rate; its parts are read one by one, so that an error names its part."""

    cdr: msgspec.Raw
    time_zone: str
    tariffs: list[msgspec.Raw] | None = None
    rounding: Rounding = Rounding.HALF_UP


class Command(BaseCommand):
    help = "Rates SDRs (OCPI CDRs) under tariffs; reads and prints JSON. Needs no database."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="a JSON file, or - for the standard input")
        parser.add_argument("--explain", action="store_true", help="text, line by line")

    def handle(self, *args: Any, **options: Any) -> None:
        answers, is_list = self._answers(options["file"], options["explain"])
        if options["explain"]:
            text = "\n\n".join(_as_text(answer) for answer in answers)
            encoding = getattr(self.stdout, "encoding", None) or "utf-8"
            self.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        else:
            document = answers if is_list else answers[0]
            self.stdout.write(json.dumps(document, indent=1, ensure_ascii=True))
        if any(_is_error(answer) for answer in answers):
            sys.exit(1)

    def _answers(self, file: str, explain: bool) -> tuple[list[Any], bool]:
        cache = PlanCache(read=parse_ocpi_tariff)
        try:
            cases, is_list = read_cases(file)
        except Refused as refused:
            return [refused.answer], False
        return [_answer(case, explain, cache) for case in cases], is_list


def read_cases(file: str) -> tuple[list[msgspec.Raw], bool]:
    """The cases of a file, unread, and whether they stood in a list. Raises Refused."""
    content = _read(file).removeprefix(b"\xef\xbb\xbf").strip()
    is_list = content.startswith(b"[")
    try:
        if is_list:
            return msgspec.json.decode(content, type=list[msgspec.Raw]), True
        return [msgspec.json.decode(content, type=msgspec.Raw)], False
    except (msgspec.DecodeError, UnicodeError) as malformed:
        items = cut_list(content)
        if items is None:
            raise Refused("invalid_json", str(malformed)) from None
        return [msgspec.Raw(item) for item in items], True
    except RecursionError:
        raise Refused("invalid_json", "nested too deeply") from None


def _read(file: str) -> bytes:
    try:
        if file != "-":
            with Path(file).open("rb") as stream:
                content = stream.read(MAX_BYTES + 1)
        elif sys.stdin is None:  # what Python makes of a descriptor that is closed
            raise OSError("the standard input is closed")
        else:
            content = sys.stdin.buffer.read(MAX_BYTES + 1)
    except (OSError, ValueError) as unreadable:
        raise Refused("unreadable_input", f"cannot read {file}: {unreadable}") from None
    if len(content) > MAX_BYTES:
        raise Refused("input_too_large", f"more than {MAX_BYTES} bytes")
    return content


def _answer(case: msgspec.Raw, explain: bool, cache: PlanCache) -> Any:
    """The JSON value, or with `explain` the text, for one case."""
    try:
        return _rated(case, explain, cache)
    except Refused as refused:
        return refused.answer
    except InvalidTariffError as invalid:
        return Refused("invalid_tariff", invalid.detail, field=invalid.field).answer
    except ContentError as invalid:
        return Refused("invalid_sdr", invalid.detail, field=invalid.field).answer
    except NotRatable as no:
        return Refused("not_ratable", no.detail, reason=str(no.cause), field=no.field).answer


def _rated(raw: msgspec.Raw, explain: bool, cache: PlanCache) -> Any:
    case = _case(raw)
    zone = _zone(case.time_zone)
    if len(case.tariffs or ()) > _MAX_TARIFFS:
        raise Refused("invalid_input", f"more than {_MAX_TARIFFS} tariffs", field="tariffs")
    tariffs = []
    for index, tariff in enumerate(case.tariffs or ()):
        try:
            tariffs.append(parse_ocpi_tariff(bytes(tariff)))
        except InvalidTariffError as invalid:
            raise invalid.inside(f"tariffs[{index}]") from None
    sdr = parse_ocpi_cdr(bytes(case.cdr))
    priced = rate(sdr, tariffs, zone, case.rounding, cache)
    return explanation(priced, sdr, zone) if explain else as_json(priced)


def _case(raw: msgspec.Raw) -> Case:
    try:
        return msgspec.json.decode(raw, type=Case)
    except msgspec.ValidationError as invalid:
        raise Refused("invalid_input", str(invalid)) from None
    except (msgspec.DecodeError, UnicodeError) as malformed:
        raise Refused("invalid_json", str(malformed)) from None
    except RecursionError:
        raise Refused("invalid_input", "nested too deeply") from None


def _zone(name: str) -> ZoneInfo:
    zone = find_zone(name)
    if zone is None:
        detail = f"{name[:60]!r} is not a time zone of the IANA database"
        raise Refused("invalid_time_zone", detail, field="time_zone")
    return zone


def _is_error(answer: Any) -> bool:
    return isinstance(answer, dict) and "error" in answer


def _as_text(answer: Any) -> str:
    if isinstance(answer, str):
        return answer
    error = answer["error"]
    place = f" at {error['field']}" if error.get("field") else ""
    reason = f" ({error['reason']})" if error.get("reason") else ""
    return printable(f"Not rated: {error['code']}{reason}{place}: {error['detail']}")

"""What calls with many records share: records are read one by one, bad ones reported by index."""

from __future__ import annotations

import msgspec
from rest_framework.request import Request

from roaming.domain.refusals import Refusal

JSON, NDJSON = "application/json", "application/x-ndjson"


class RefusedLine(msgspec.Struct, kw_only=True, frozen=True):
    """Why one record of a bulk call was refused."""

    code: str
    title: str
    detail: str
    field: str | None
    what_to_do: str

    @classmethod
    def of(cls, refusal: Refusal | None) -> RefusedLine | None:
        """None where nothing was refused."""
        if refusal is None:
            return None
        return cls(
            code=refusal.code,
            title=refusal.reason.title,
            detail=refusal.detail,
            field=refusal.field,
            what_to_do=refusal.reason.what_to_do,
        )


def records_of(request: Request, body: bytes, most: int) -> list[bytes]:
    """The records of an array or of NDJSON, unread. Refuses too_many_records."""
    media_type = (request.META.get("CONTENT_TYPE") or "").partition(";")[0].strip().lower()
    records = _lines(body, most) if media_type == NDJSON else items_of(body)
    if len(records) > most:
        raise _too_many(most)
    return records


def _lines(body: bytes, most: int) -> list[bytes]:
    if body.count(b"\n") > 2 * most:
        raise _too_many(most)
    return [line for line in body.split(b"\n") if line.strip()]


def _too_many(most: int) -> Refusal:
    return Refusal("too_many_records", f"At most {most:,} records in a call.")


def items_of(body: bytes) -> list[bytes]:
    """The records of an array, unread: one that is rubbish must not sink the others."""
    try:
        return [bytes(item) for item in msgspec.json.decode(body, type=list[msgspec.Raw])]
    except msgspec.ValidationError as error:
        raise Refusal("invalid_field", str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal("malformed_body", str(error)) from error

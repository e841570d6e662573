"""What calls with many records share: records are read one by one, bad ones reported by index."""

from __future__ import annotations

import msgspec

from roaming.domain.refusals import Refusal


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


def items_of(body: bytes) -> list[bytes]:
    """The records of an array, unread: one that is rubbish must not sink the others."""
    try:
        return [bytes(item) for item in msgspec.json.decode(body, type=list[msgspec.Raw])]
    except msgspec.ValidationError as error:
        raise Refusal("invalid_field", str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal("malformed_body", str(error)) from error

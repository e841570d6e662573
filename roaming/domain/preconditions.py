"""What a sender says about the version that it means to change (RFC 9110, 13.1)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from roaming.domain.refusals import Refusal

ANYTHING = ("*",)


def entity_tag(content: str | bytes) -> str:
    """A strong entity tag: equal where the bytes are.

    >>> entity_tag("a") == entity_tag(b"a"), entity_tag("a") == entity_tag("b"), entity_tag("")[0]
    (True, False, '"')
    """
    raw = content.encode() if isinstance(content, str) else content
    return f'"{hashlib.blake2b(raw, digest_size=16).hexdigest()}"'


@dataclass(frozen=True, slots=True)
class Precondition:
    """Entity tags of If-Match and If-None-Match; empty: none was sent."""

    if_match: tuple[str, ...] = ()
    if_none_match: tuple[str, ...] = ()

    def check(self, current: str | None) -> None:
        """Refuses precondition_failed. `current`: the tag of what is stored; None: nothing is.

        To be called where what is stored can no longer change under the sender's feet.

        >>> Precondition(if_match=('"a"',)).check('"a"')
        >>> Precondition(if_match=('"a"',)).check('"b"')
        Traceback (most recent call last):
        roaming.domain.refusals.Refusal: precondition_failed: Another version is stored now.
        """
        if self.if_match and not _hit(self.if_match, current):
            detail = "Nothing is stored." if current is None else "Another version is stored now."
            raise Refusal("precondition_failed", detail, "If-Match")
        if self.if_none_match and _hit(self.if_none_match, current):
            raise Refusal("precondition_failed", "That is what is stored.", "If-None-Match")


def _hit(tags: tuple[str, ...], current: str | None) -> bool:
    return current is not None and (tags == ANYTHING or current in tags)


NO_CONDITION = Precondition()

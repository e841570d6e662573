"""The other side of a switched message: answers at once, or after RECEIVER_DELAY_S seconds."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

_DELAY_S = float(os.environ.get("RECEIVER_DELAY_S", "0"))
_ANSWER = b'{"decision":"ACCEPTED","authorization_reference":"A-1"}'


def application(
    environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], Any]
) -> Iterable[bytes]:
    """WSGI: accepts everything."""
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    time.sleep(_DELAY_S)
    start_response(
        "200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(_ANSWER)))]
    )
    return [_ANSWER]

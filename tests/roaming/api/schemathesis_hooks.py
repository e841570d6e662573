"""What Schemathesis must be told: how NDJSON is written (loaded by SCHEMATHESIS_HOOKS)."""

from __future__ import annotations

import json
from typing import Any

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def ndjson(ctx: Any, value: Any) -> bytes:
    """One line a record; what is no list as it is."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode(errors="surrogatepass")
    if isinstance(value, list):
        return b"\n".join(json.dumps(line).encode() for line in value)
    return json.dumps(value).encode()

"""What a platform keeps between two lives: its credential, its secret, its address (UC1-1)."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import msgspec

from roaming.simulator.operator.around import Party


class Credentials(msgspec.Struct, kw_only=True):
    """`token` is presented to the clearing house, `secret` is what it presents at our endpoint."""

    secret: str
    token: str = ""
    port: int = 0
    parties: list[Party] = []


def read_credentials(path: Path | None, secret: str) -> Credentials:
    """Those of an earlier life; else new ones, not yet registered. ValueError: a broken file."""
    if path is not None and path.is_file():
        try:
            return msgspec.json.decode(path.read_bytes(), type=Credentials)
        except msgspec.DecodeError as error:
            raise ValueError(f"the state file {path} cannot be read: {error}") from error
    return Credentials(secret=secret or secrets.token_urlsafe(32))


def keep_credentials(path: Path | None, credentials: Credentials) -> None:
    """For the next life; whole or not at all, and for the owner's eyes only."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(credentials))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)

"""The bytes of evidence, outside the web root: each file under its own SHA-256, written once."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from django.conf import settings


def keep_file(content: bytes) -> str:
    """Writes the bytes, readable by the process alone; returns their SHA-256.

    Before the row that names them: a file without a row does no harm, a row without one would.
    """
    digest = hashlib.sha256(content).hexdigest()
    target = _place(digest)
    if target.exists():
        return digest
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=target.parent)  # mode 0600
    with os.fdopen(descriptor, "wb") as written:
        written.write(content)
        written.flush()
        os.fsync(written.fileno())
    Path(draft).replace(target)
    return digest


def read_file(digest: str) -> bytes | None:
    """The bytes with this hash; None where they are gone or are no longer what was kept."""
    try:
        content = _place(digest).read_bytes()
    except FileNotFoundError:
        return None
    return content if hashlib.sha256(content).hexdigest() == digest else None


def forget_file(digest: str) -> bool:
    """Removes the bytes; False where they are gone already."""
    try:
        _place(digest).unlink()
    except FileNotFoundError:
        return False
    return True


def _place(digest: str) -> Path:
    return Path(settings.DISPUTE_FILES_DIR) / digest[:2] / digest

"""A platform's own record: every message sent and received, one line of JSON each, kept at once.

The line is on the disk before the message goes out, and before anything is done about one that came
in: whatever dies afterwards, the record can be held against the clearing house's journal.

    received   message_id, path, correlation_id, body_sha256, again (seen before)
    answered   message_id, status, answer: what was said to it
    sent       message_id, method, path, correlation_id, body_sha256
    got        message_id, status, code: what the clearing house said to it
    given_up   message_id, trouble
    started, offline, online, ended
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from roaming.simulator.platform_hub import Message, Reply


def body_hash(body: bytes) -> str:
    """SHA-256 of a body, in hex."""
    return hashlib.sha256(body).hexdigest()


class Record:
    """Appends to a file, or to nothing where there is none. `told` hears of every line."""

    def __init__(self, path: Path | None, *, bodies: bool = False) -> None:
        self._bodies = bodies
        self._lock = threading.Lock()
        self._number = 0
        self._file: int | None = None
        self.told: list[Callable[[dict[str, Any]], None]] = []
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            self._end_broken_line()

    def write(self, event: str, **fields: Any) -> None:
        """One line, on the disk when this returns."""
        with self._lock:
            self._number += 1
            now = datetime.now(UTC).isoformat(timespec="microseconds")
            row = {"event": event, "at": now, **fields}
            if self._file is not None:
                os.write(self._file, msgspec.json.encode(row) + b"\n")
                os.fsync(self._file)
        for tell in self.told:
            tell(row)

    def received(self, message: dict[str, str], body: bytes, *, again: bool) -> None:
        """A message came in; `message` has its ids and its path."""
        self.write("received", **message, **self._of_body(body), again=again)

    def close(self) -> None:
        """Nothing is written any more."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    # --- As an observer of what is sent -----------------------------------------------------------

    def sending(self, message: Message, message_id: str) -> None:
        if _is_business(message):
            self.write("sent", **_ids(message, message_id), **self._of_body(message.body))

    def answered(self, message: Message, message_id: str, reply: Reply) -> None:
        if _is_business(message):
            code = {} if reply.accepted else {"code": reply.code}
            content = {"answer": _text(reply.raw)} if self._bodies else {}
            self.write(
                "got",
                **_ids(message, message_id),
                status=reply.status,
                tries=reply.tries,
                **code,
                **content,
            )

    def given_up(self, message: Message, message_id: str, trouble: str) -> None:
        if _is_business(message):
            self.write("given_up", **_ids(message, message_id), trouble=trouble[:300])

    # --- A record of an earlier life --------------------------------------------------------------

    def _end_broken_line(self) -> None:
        """Whoever was killed in the middle of a line left half of it."""
        assert self._file is not None
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            os.write(self._file, b"\n")

    def _of_body(self, body: bytes) -> dict[str, Any]:
        fields: dict[str, Any] = {"body_sha256": body_hash(body), "bytes": len(body)}
        if self._bodies:
            fields["body"] = _text(body)
        return fields


def read_record(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a record; half a line, left by who was killed, is passed over."""
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        for line in file:
            with contextlib.suppress(msgspec.DecodeError):
                row = msgspec.json.decode(line)
                if isinstance(row, dict) and "event" in row:
                    yield row


def answers_given(path: Path) -> dict[str, tuple[int, str]]:
    """Status and answer by message id: a message that comes again is answered as it was."""
    return {
        row["message_id"]: (row["status"], row["answer"])
        for row in read_record(path)
        if row["event"] == "answered" and "answer" in row
    }


def _is_business(message: Message) -> bool:
    """Looking at the clock or into lists is no business."""
    return message.method != "GET"


def _ids(message: Message, message_id: str) -> dict[str, str]:
    ids = {"message_id": message_id, "method": message.method, "path": message.path}
    if message.correlation_id:
        ids["correlation_id"] = message.correlation_id
    return ids


def _text(body: bytes) -> str:
    return body.decode(errors="replace")

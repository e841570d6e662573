"""Journal rows into the database: one statement for all that are to be written at one moment.

Outside a transaction messages that are handled side by side share statement and COMMIT: the first
writes for all that came while the one before it wrote (group commit). Each waits for that COMMIT
before it acts. A database that cannot write fails every one of them, and nothing is forwarded.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    connection,
)

from roaming.hub_switch.rights import Outdated
from roaming.hub_switch.statements import fetch

_MOST = 200  # lines of a statement


class Line(msgspec.Struct, kw_only=True):
    """A row of the journal with the text that stands in its erasable body.

    `version`: the row is written only if this version of the rights stands; None: at any rate.
    """

    transaction_id: uuid.UUID
    phase: str
    at: datetime
    environment: str
    use_case: str
    message_id: str
    correlation_id: str
    sender_id: int
    visited_cso_id: int | None
    home_csp_id: int | None
    agreement_id: int | None
    service_session_id: uuid.UUID | None
    object_key: str
    outcome: str
    refusal_code: str
    latency_us: int | None
    body_hmac: str
    content: str
    version: uuid.UUID | None


_COLUMNS = (
    "transaction_id, phase, at, environment, use_case, message_id, correlation_id, sender_id, "
    "visited_cso_id, home_csp_id, agreement_id, service_session_id, object_key, outcome, "
    "refusal_code, latency_us, body_hmac"
)
# Ids are drawn first, so that a row and its body find each other.
_INSERT = f"""
    WITH line AS MATERIALIZED (
        SELECT nextval('roaming_journalentry_id_seq') AS id, given.*
        FROM json_to_recordset(%s::json) AS given (
            transaction_id uuid, phase text, at timestamptz, environment text, use_case text,
            message_id text, correlation_id text, sender_id bigint, visited_cso_id bigint,
            home_csp_id bigint, agreement_id bigint, service_session_id uuid, object_key text,
            outcome text, refusal_code text, latency_us bigint, body_hmac bytea, content text,
            version uuid)
        WHERE version IS NULL OR version = (SELECT version FROM roaming_switchversion)
    ), written AS (
        INSERT INTO roaming_journalentry (id, {_COLUMNS}) SELECT id, {_COLUMNS} FROM line
    ), kept AS (
        INSERT INTO roaming_journalbody (entry_id, content)
        SELECT id, content FROM line WHERE content <> ''
    )
    SELECT transaction_id FROM line
"""  # noqa: S608  a constant of our own


@dataclass(slots=True)
class _Part:
    """The lines of one message, and what became of them."""

    lines: Sequence[Line]
    error: BaseException | None = None


@dataclass(slots=True)
class _Batch:
    parts: list[_Part] = field(default_factory=list)
    size: int = 0
    done: threading.Event = field(default_factory=threading.Event)


class _GroupCommit:
    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """In a forked process: whoever waits here is the parent's."""
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._open: _Batch | None = None

    def write(self, part: _Part) -> None:
        """Returns after the COMMIT of the part's lines, or raises what prevented it."""
        with self._lock:
            batch, leads = self._open, False
            if batch is None or batch.size >= _MOST:
                batch, leads = _Batch(), True
                self._open = batch
            batch.parts.append(part)
            batch.size += len(part.lines)
        if leads:
            self._lead(batch)
        else:
            batch.done.wait()
        if part.error is not None:
            raise part.error

    def _lead(self, batch: _Batch) -> None:
        try:
            with self._writing:  # others join until the batch before this one is written
                with self._lock:
                    if self._open is batch:
                        self._open = None
                _write_batch(batch.parts)
        except BaseException as error:
            for part in batch.parts:
                part.error = part.error or OperationalError(f"not recorded: {error}")
            raise
        finally:
            batch.done.set()


_group_commit = _GroupCommit()
os.register_at_fork(after_in_child=_group_commit.begin_anew)


def write_lines(lines: Sequence[Line]) -> None:
    """Writes the lines of one message; in the caller's transaction if there is one.

    Raises Outdated, and then has written none of them, where their version no longer stands.
    """
    if connection.in_atomic_block:
        _insert([_Part(lines)], alone=True)
    else:
        _group_commit.write(_Part(lines))


def _write_batch(parts: Sequence[_Part]) -> None:
    """One statement for all; where the database objects to a line, each part on its own."""
    try:
        _insert(parts)
    except (DataError, IntegrityError) as error:
        if len(parts) == 1:
            parts[0].error = error
            return
        for part in parts:
            _write_batch([part])
    except (DatabaseError, InterfaceError) as error:
        for part in parts:
            part.error = OperationalError(f"The journal cannot be written: {error}")


def _insert(parts: Sequence[_Part], *, alone: bool = False) -> None:
    content = msgspec.json.encode([line for part in parts for line in part.lines])
    written = {row[0] for row in fetch(_INSERT, [content.decode()])}
    for part in parts:
        if part.lines[0].transaction_id not in written:
            part.error = Outdated()
            if alone:
                raise part.error

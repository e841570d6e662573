"""Celery's broker of plain files, made safe for several processes.

Importing it makes it the transport that the address filesystem:// stands for.

kombu's own creates a message's file first and fills it afterwards; a worker that looks in between
reads an empty file and dies of it. Here a message appears whole or not at all (a rename), and one
that cannot be read is dropped: work waits in rows, and the next tick finds it.
"""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from queue import Empty
from typing import Any, TypeVar

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils import json

logger = logging.getLogger(__name__)
T = TypeVar("T")
_dumps: Callable[..., str] = json.dumps
_loads: Callable[..., Any] = json.loads
_TRIES, _PAUSE_S = 100, 0.01


class Channel(filesystem.Channel):
    """kombu's channel with whole messages."""

    def _put(  # type: ignore[override]  # the two parents differ
        self, queue: Any, payload: Any, **kwargs: Any
    ) -> None:
        folder = Path(self.data_folder_out)
        name = f"{time.monotonic_ns():020}_{uuid.uuid4()}.{queue}.msg"
        draft = folder / f".{name}"
        draft.write_text(_dumps(payload), encoding="utf-8")
        draft.rename(folder / name)

    def _get(self, queue: Any, timeout: Any = None) -> Any:
        folder = Path(self.data_folder_in)
        for name in sorted(os.listdir(folder)):
            if name.partition(".")[2] != f"{queue}.msg":
                continue
            taken = folder / f".{name}.taken"
            try:
                (folder / name).rename(taken)
            except FileNotFoundError:
                continue  # another worker was faster
            content = taken.read_text(encoding="utf-8")
            taken.unlink()
            try:
                return _loads(content)
            except ValueError:
                logger.warning("a message in %s could not be read", folder)
        raise Empty

    def get_table(self, exchange: str) -> Any:
        """The bindings of an exchange, whose file may be in the making."""
        parent: Callable[..., Any] = super().get_table
        return _until_readable(lambda: parent(exchange))

    def _queue_bind(self, *args: Any, **kwargs: Any) -> None:
        parent: Callable[..., Any] = super()._queue_bind
        _until_readable(lambda: parent(*args, **kwargs))


def _until_readable(work: Callable[[], T]) -> T:
    for _ in range(_TRIES):
        try:
            return work()
        except ValueError:
            time.sleep(_PAUSE_S)
    return work()


class Transport(filesystem.Transport):
    """What the address filesystem:// stands for."""

    Channel = Channel


TRANSPORT_ALIASES["filesystem"] = f"{__name__}:Transport"

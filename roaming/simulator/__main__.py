"""`python -m roaming.simulator CONFIG`: one platform in a process of its own (see platform.py).

CONFIG is a file with the configuration as JSON, or - for the first line of standard input. The
lines that follow are orders. SIGTERM and the end of the input end it.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from roaming.simulator.platform import Order, Platform, write_report
from roaming.simulator.platform_config import read_config

_CHUNK = 65_536


def lines_of(descriptor: int) -> Iterator[bytes]:
    """Lines as they come, without Python's buffer: a waiting read of it cannot be abandoned."""
    rest = b""
    while chunk := os.read(descriptor, _CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
    if rest:
        yield rest


def main(arguments: list[str]) -> int:
    """The process. Returns the exit status: 2 for a configuration that cannot be used."""
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("urllib3").setLevel("ERROR")
    if len(arguments) != 1:
        print("usage: python -m roaming.simulator CONFIG|-", file=sys.stderr)
        return 2
    lines = lines_of(sys.stdin.fileno())
    try:
        text = next(lines, b"") if arguments[0] == "-" else Path(arguments[0]).read_bytes()
        platform = Platform(read_config(text), write_report)
    except (OSError, ValueError) as error:
        print(f"The configuration cannot be used: {error}", file=sys.stderr)
        return 2
    waiting: queue.SimpleQueue[Order | None] = queue.SimpleQueue()

    def read_orders() -> None:
        try:
            for line in lines:
                if line.strip():
                    waiting.put(msgspec.json.decode(line, type=Order))
        finally:
            waiting.put(None)
            # Nobody is left to report to: what is under way may end, nothing new begins.
            platform.stop()

    def stop(number: int, frame: Any) -> None:
        platform.stop()
        waiting.put(None)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for who started it
    threading.Thread(target=read_orders, name="orders", daemon=True).start()
    try:
        return platform.run(iter(waiting.get, None))
    except BrokenPipeError:
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

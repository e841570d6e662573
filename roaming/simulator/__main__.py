"""`python -m roaming.simulator`: one simulated platform in a process of its own.

What it is told decides which kind: with a `world` in its configuration it replays the demo's month
and takes orders by lines (platform.py); everything else is an operator that can be scripted, and
--help explains it (operator/).
"""

from __future__ import annotations

import itertools
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

from roaming.simulator.operator import main as scripted
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
    lines = lines_of(sys.stdin.fileno())
    text = b""
    if arguments == ["-"]:
        text = next(lines, b"")
    elif len(arguments) == 1 and Path(arguments[0]).is_file():
        text = Path(arguments[0]).read_bytes()
    if replays_a_month(text):
        return replay(text, lines)
    if arguments == ["-"]:
        lines = itertools.chain([text], lines)
    return scripted.run(arguments, lines)


def replays_a_month(text: bytes) -> bool:
    """Whether this is the configuration of one of the demo's platforms."""
    try:
        told = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return False
    return isinstance(told, dict) and ("world" in told or "organisation" in told)


def replay(text: bytes, lines: Iterator[bytes]) -> int:
    """A platform of the demo, steered by the lines. SIGTERM and the end of the lines end it."""
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("urllib3").setLevel("ERROR")
    try:
        platform = Platform(read_config(text), write_report)
    except ValueError as error:
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

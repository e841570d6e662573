"""What a person sees: a line for every message that came in or went out, and what was said to it.

12:00:03  <- UC3-2  remote start    at DE*SIM*E1 for DE-HOM-C12345678-2      accepted
12:00:04  -> UC3-2  result          SUCCEEDED                                ok
"""

from __future__ import annotations

import sys
import threading
from datetime import datetime
from typing import IO

WHAT, ABOUT = 24, 48


class Screen:
    """Lines on a stream, whole lines only. `verbose` shows bodies too."""

    def __init__(self, stream: IO[str] | None = None, *, verbose: bool = False) -> None:
        self._stream = stream or sys.stdout
        self._lock = threading.Lock()
        self.verbose = verbose

    def came(self, use_case: str, what: str, about: str, outcome: str) -> None:
        """A message of the clearing house, and how it was answered."""
        self._line(f"<- {_message(use_case, what, about)} {outcome}")

    def went(self, use_case: str, what: str, about: str, outcome: str) -> None:
        """A message to the clearing house, and what it said."""
        self._line(f"-> {_message(use_case, what, about)} {outcome}")

    def say(self, text: str) -> None:
        """Something that is no message."""
        self._line(text)

    def body(self, mark: str, body: bytes) -> None:
        """The body itself, where it is wanted."""
        if self.verbose and body:
            self._line(f"{mark}    {body.decode(errors='replace')}")

    def _line(self, text: str) -> None:
        now = datetime.now().astimezone()
        # What came from elsewhere must not move the cursor.
        clean = "".join(c if c.isprintable() else " " for c in text)
        with self._lock:
            try:
                print(f"{now:%H:%M:%S}  {clean}", file=self._stream, flush=True)
            except (BrokenPipeError, ValueError):
                return


def _message(use_case: str, what: str, about: str) -> str:
    return f"{use_case:7}{what:{WHAT}} {about:{ABOUT}}"

"""Python's collector of cycles, paused while a call makes objects by the hundred thousand.

Each SDR of a bulk call is a dozen objects and no cycle: looking through all of them again and again
took a third of the call's time, and freed nothing.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """No collection inside the block. Memory is given back all the same as references end.

    Whoever found the collector at work sets it to work again: of two calls at once the one that
    ends first may do so a little early for the other, and never does it stay off.
    """
    was_at_work = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_at_work:
            gc.enable()

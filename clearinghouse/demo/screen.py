"""What the demo says while it works: bars on a terminal, plain lines where there is none."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

PLAIN_WIDTH = 110
PARTS = 10
"""On plain output, how many lines a bar becomes at most."""


class Screen:
    """The console, and how long each stage took. `clock` gives real seconds."""

    def __init__(
        self, console: Console | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.console = console or _console()
        self.seconds: dict[str, float] = {}
        self._clock = clock

    def say(self, text: str = "") -> None:
        """A line, as it is."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """A part of the work that takes its time; how long is said when it ends, and kept."""
        began = self._clock()
        if self.console.is_terminal:
            with self.console.status(name):
                yield
        else:
            yield
        self._end(name, began)

    @contextmanager
    def bar(self, name: str, total: int, unit: str) -> Iterator[Callable[[int, str], None]]:
        """A stage whose progress is counted; call what it gives: how much more, and a remark."""
        began = self._clock()
        if self.console.is_terminal:
            with self._progress(unit) as progress:
                task = progress.add_task(name, total=total, remark="")
                yield lambda more, remark: progress.update(task, advance=more, remark=remark)
        else:
            yield self._plain(name, total, unit)
        self._end(name, began)

    def _progress(self, unit: str) -> Progress:
        return Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(unit),
            TimeElapsedColumn(),
            TextColumn("{task.fields[remark]}"),
            console=self.console,
            transient=True,
        )

    def _plain(self, name: str, total: int, unit: str) -> Callable[[int, str], None]:
        done = 0
        said = 0

        def advance(more: int, remark: str) -> None:
            nonlocal done, said
            done += more
            part = done * PARTS // max(total, 1)
            if part > said and done < total:
                said = part
                self.say(f"  {name}: {done} of {total} {unit}{', ' if remark else ''}{remark}")

        return advance

    def _end(self, name: str, began: float) -> None:
        seconds = self._clock() - began
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds
        self.say(f"✓ {name}, {seconds:.1f} s")


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=PLAIN_WIDTH)

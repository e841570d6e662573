"""What `manage.py demo` is told, and where a replay of that keeps its data."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from roaming.simulator.months import Month
from roaming.simulator.world import WorldDescription

DEFAULT_MONTH = "2026-10"
"""A month with the repeated hour of autumn in it; always the same, so that figures can be named."""
DEFAULT_SIZE = 3000
SMALL_SIZE = 150
# Among 150 sessions 3 % would not show every kind of mistake.
SMALL_WRONG_SHARE = Decimal("0.20")
MOST_SESSIONS = 50_000
MOST_SEED = 999_999_999


class UnusableOptionsError(ValueError):
    """Options that cannot be followed; the text says why."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """As given on the command line; None where nothing was said."""

    month: str | None = None
    size: int | None = None
    small: bool = False
    seed: int = 1
    sessions: tuple[Path, ...] = ()
    once: bool = False
    reset: bool = False
    port: int | None = None

    def world(self) -> WorldDescription:
        """The world to replay. UnusableOptionsError where the options contradict each other."""
        if self.sessions:
            return self._world_of_files()
        size = self.size or (SMALL_SIZE if self.small else DEFAULT_SIZE)
        if size > MOST_SESSIONS:
            raise UnusableOptionsError(f"--size goes up to {MOST_SESSIONS}.")
        share = SMALL_WRONG_SHARE if self.small else Decimal("0.03")
        return WorldDescription(
            month=_month(self.month or DEFAULT_MONTH), seed=self.seed, size=size, wrong_share=share
        )

    def _world_of_files(self) -> WorldDescription:
        if self.size or self.small:
            raise UnusableOptionsError("--size and --small are for generated sessions.")
        if self.month is None:
            raise UnusableOptionsError("Say which month of the files: --month YYYY-MM.")
        for path in self.sessions:
            if not path.is_file():
                raise UnusableOptionsError(f"There is no file {path}.")
        files = tuple(str(path.resolve()) for path in self.sessions)
        return WorldDescription(month=_month(self.month), seed=self.seed, files=files)


def _month(text: str) -> str:
    try:
        return str(Month.parse(text))
    except ValueError as error:
        raise UnusableOptionsError(f"--month: {error}") from error


def name_of(world: WorldDescription) -> str:
    """The directory's name: the same replay finds its data again, another one never touches it.

    >>> name_of(WorldDescription(month="2026-10", size=3000, seed=1))
    '2026-10-3000-seed1'
    """
    if not world.files:
        return f"{world.month}-{world.size}-seed{world.seed}"
    digest = hashlib.sha256()
    for name in world.files:
        digest.update(hashlib.sha256(Path(name).read_bytes()).digest())
    return f"{world.month}-files-{digest.hexdigest()[:8]}-seed{world.seed}"

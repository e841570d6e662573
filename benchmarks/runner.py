"""What a benchmark is made of, and how it is run and reported (performance page, budgets).

A module `b<number>_<name>.py` in this package is a benchmark: it has ID, TITLE, BUDGET, SIZE and
`run(size) -> Measurement`, makes its own data and its own reference run, and checks that both did
the same work.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol

import benchmarks


@dataclass(frozen=True, slots=True)
class Budget:
    """The ratio to the reference: at least this, or at most that."""

    at_least: float | None = None
    at_most: float | None = None

    def holds(self, ratio: float) -> bool:
        low = self.at_least is None or ratio >= self.at_least
        return low and (self.at_most is None or ratio <= self.at_most)

    def __str__(self) -> str:
        parts = [f">={self.at_least:g}"] if self.at_least is not None else []
        parts += [f"<={self.at_most:g}"] if self.at_most is not None else []
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run: its ratio to the reference run beside it, and what was measured in words."""

    ratio: float
    detail: str = ""


class Benchmark(Protocol):
    """The module of a benchmark."""

    ID: str
    TITLE: str
    BUDGET: Budget
    SIZE: int

    def run(self, size: int) -> Measurement: ...


@dataclass(frozen=True, slots=True)
class Report:
    """All runs of one benchmark; the median decides."""

    benchmark: Benchmark
    measurements: Sequence[Measurement]

    @property
    def ratios(self) -> list[float]:
        return [measurement.ratio for measurement in self.measurements]

    @property
    def ok(self) -> bool:
        return self.benchmark.BUDGET.holds(median(self.ratios))

    @property
    def verdict(self) -> str:
        return "ok" if self.ok else "short"

    def line(self) -> str:
        """For example `B4 ratio=2.43 (min 2.41, max 2.44) budget>=2 ok`."""
        spread = f"(min {min(self.ratios):.2f}, max {max(self.ratios):.2f})"
        return (
            f"{self.benchmark.ID} ratio={median(self.ratios):.2f} {spread}"
            f" budget{self.benchmark.BUDGET} {self.verdict}"
        )

    def row(self) -> str:
        """The same as a row of the README's table."""
        typical = sorted(self.measurements, key=lambda m: m.ratio)[len(self.measurements) // 2]
        return (
            f"| {self.benchmark.ID} | {self.benchmark.TITLE} | {self.benchmark.BUDGET} |"
            f" {median(self.ratios):.2f} ({min(self.ratios):.2f} to {max(self.ratios):.2f}) |"
            f" {typical.detail} | {self.verdict} |"
        )


TABLE_HEAD = "| id | what | budget | ratio (min to max) | measured | |\n|---|---|---|---|---|---|"


def discover() -> dict[str, Benchmark]:
    """Every benchmark of this package by its id, in order."""
    found: dict[str, Benchmark] = {}
    for module in pkgutil.iter_modules(benchmarks.__path__):
        number = module.name.partition("_")[0].removeprefix("b")
        if module.name.startswith("b") and number.isdigit():
            benchmark: Benchmark = importlib.import_module(f"benchmarks.{module.name}")
            found[benchmark.ID] = benchmark
    return dict(sorted(found.items(), key=lambda item: int(item[0].removeprefix("B"))))


def measure(benchmark: Benchmark, size: int | None, repeat: int) -> Report:
    """Run it once to warm up, then `repeat` times, saying each result as it comes."""
    benchmark.run(max(1, (size or benchmark.SIZE) // 20))
    measurements = []
    for number in range(repeat):
        measurement = benchmark.run(size or benchmark.SIZE)
        measurements.append(measurement)
        print(
            f"{benchmark.ID} run {number + 1} of {repeat}:"
            f" ratio {measurement.ratio:.2f}; {measurement.detail}",
            flush=True,
        )
    return Report(benchmark, measurements)

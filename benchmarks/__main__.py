"""`python -m benchmarks B4 [--size N] [--repeat 5]`, or `all` for every benchmark and the table."""

from __future__ import annotations

import argparse
import sys

from benchmarks import clearing_house
from benchmarks.runner import TABLE_HEAD, discover, measure


def main() -> int:
    """0 when every budget holds, 1 when one is short."""
    known = discover()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("id", choices=[*known, "all"], help="a benchmark, or all of them")
    parser.add_argument("--size", type=_positive, help="how much data; each has its own default")
    parser.add_argument("--repeat", type=_positive, default=5, help="runs; the median decides")
    options = parser.parse_args()
    chosen = known.values() if options.id == "all" else [known[options.id]]
    try:
        reports = [measure(benchmark, options.size, options.repeat) for benchmark in chosen]
    finally:
        clearing_house.stop_postgres()
    if options.id == "all":
        print("\n".join([TABLE_HEAD, *(report.row() for report in reports)]))
    for report in reports:
        print(report.line())
    return 0 if all(report.ok for report in reports) else 1


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())

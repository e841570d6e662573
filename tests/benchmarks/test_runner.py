"""The benchmarks' runner: what it finds, how it judges, the line that it prints last."""

from types import SimpleNamespace

import pytest

from benchmarks import b4_rating
from benchmarks.runner import Budget, Measurement, Report, discover, measure


def report(budget: Budget, *ratios: float) -> Report:
    benchmark = SimpleNamespace(ID="B4", TITLE="rating", BUDGET=budget, SIZE=1)
    return Report(benchmark, [Measurement(ratio) for ratio in ratios])


def test_every_benchmark_is_found_by_its_id():
    found = discover()
    assert found["B4"] is b4_rating
    assert list(found) == sorted(found, key=lambda name: int(name[1:]))


@pytest.mark.parametrize(
    ("budget", "line"),
    [
        (Budget(at_least=2), "B4 ratio=2.43 (min 1.90, max 2.44) budget>=2 ok"),
        (Budget(at_least=2.5), "B4 ratio=2.43 (min 1.90, max 2.44) budget>=2.5 short"),
        (Budget(at_most=2.5), "B4 ratio=2.43 (min 1.90, max 2.44) budget<=2.5 ok"),
        (Budget(at_most=0.4), "B4 ratio=2.43 (min 1.90, max 2.44) budget<=0.4 short"),
    ],
)
def test_the_median_decides_and_the_line_says_so(budget, line):
    assert report(budget, 2.43, 1.9, 2.44).line() == line


def test_rating_and_its_reference_do_the_same_work(capsys):
    """The comparison of every total is inside the benchmark: here it runs at a small size."""
    assert len(measure(b4_rating, 300, 2).measurements) == 2
    assert "SDR/s" in capsys.readouterr().out

"""The benchmarks' runner: what it finds, how it judges, the line that it prints last."""

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import __main__, b4_rating, clearing_house
from benchmarks.runner import Budget, Measurement, Report, discover, measure

ROOT = Path(__file__).resolve().parents[2]


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


SMALL = """
import sys
from pathlib import Path
from benchmarks import __main__, clearing_house
clearing_house.DATA_DIR = Path(sys.argv.pop())
sys.exit(__main__.main())
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", ["B2", "B7"])
def test_a_benchmark_of_servers_measures_at_a_small_size(number, tmp_path):
    """In a process of its own, as it points Django at data of its own; short or not says a size
    that is worth it."""
    arguments = [number, "--size", "60", "--repeat", "1", str(tmp_path)]
    ran = subprocess.run(
        [sys.executable, "-c", SMALL, *arguments],
        cwd=ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.stdout, ran.stderr
    line = ran.stdout.splitlines()[-1]
    assert re.fullmatch(number + r" ratio=[\d.]+ \(min .*\) budget[<>]=[\d.]+ (ok|short)", line)
    assert ran.returncode == (0 if line.endswith("ok") else 1)


@pytest.mark.slow
@pytest.mark.parametrize("outcome", ["measured", "failed"])
def test_the_server_that_a_benchmark_started_ends_with_it(tmp_path, monkeypatch, outcome):
    from clearinghouse.embedded_postgres import EmbeddedPostgres

    server = EmbeddedPostgres(tmp_path / "postgres")

    def run(benchmark, size, repeat):
        server.start()
        if outcome == "failed":
            raise RuntimeError
        return report(Budget(at_least=1), 2)

    monkeypatch.setattr(clearing_house, "DATA_DIR", tmp_path)
    monkeypatch.setattr(__main__, "measure", run)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "B4"])
    if outcome == "failed":
        with pytest.raises(RuntimeError):
            __main__.main()
    else:
        assert __main__.main() == 0
    assert not server.is_running()


def test_the_checks_of_ci_start_no_server_that_they_do_not_end():
    """Each command of .ci/run that may start one works on data of the run, which end with it."""
    text = (ROOT / ".ci" / "run").read_text()
    commands = re.findall(r"^.*(?:manage\.py|script/demo).*$", text, re.MULTILINE)
    assert commands
    assert all("CLEARINGHOUSE_DATA_DIR=" in command for command in commands)
    assert re.search(r"stop --data-dir \"\$run_data/postgres\"", text)

"""The rules of the house: sizes, layers, no float in money, no missing migration, true README."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command
from django.urls import resolve

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(
    path
    for app in ("clearinghouse", "roaming", "settlement", "tests", "benchmarks")
    for path in (ROOT / app).rglob("*.py")
    if "migrations" not in path.parts
)
FORBIDDEN_NAMES = {"utils", "helpers", "common", "manager", "base"}
# A module that Django itself asks for by this name.
NAMED_BY_OTHERS = {"clearinghouse/embedded_postgres/backend/base.py"}
LONGEST_FILE, LONGEST_FUNCTION = 400, 60
# Files in which a float is right: clocks, geometry of simulated arrivals, charts. Never money.
MONEY_FREE = ("roaming/simulator/", "clearinghouse/", "benchmarks/", "tests/")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_file_is_a_room_one_can_live_in(path):
    text = path.read_text()
    waiver = "house: long because" in text
    assert waiver or text.count("\n") <= LONGEST_FILE
    assert path.stem not in FORBIDDEN_NAMES or name_of(path) in NAMED_BY_OTHERS


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_function_fits_on_a_screen(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{node.name} has {length} lines"


def test_money_is_never_a_float():
    offenders = []
    for path in SOURCES:
        if name_of(path).startswith(MONEY_FREE):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            is_call = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "float"
            is_field = isinstance(node, ast.Attribute) and node.attr == "FloatField"
            if is_call or is_field:
                offenders.append(f"{name_of(path)}:{node.lineno}")
    # The speed of the business clock is no money.
    assert [o for o in offenders if not o.startswith("roaming/models/clock.py")] == []


def test_every_public_module_says_what_it_promises():
    silent = [
        name_of(path)
        for path in SOURCES
        if path.name not in ("__init__.py", "apps.py")
        and not name_of(path).startswith("tests/")
        and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_no_migration_is_missing(db):
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_use_case_files_and_tests_come_in_the_standard_s_order():
    files = sorted(path.name for path in (ROOT / "roaming/use_cases").glob("uc*.py"))
    assert all(re.fullmatch(r"uc[1-5]_\d\d_[a-z0-9_]+\.py", name) for name in files)


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin", "COLUMNS": "200"},
    )


def test_imports_point_down_only():
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("roaming/domain/money.py", "import django.db", "plain Python"),
        ("roaming/models/journal.py", "import roaming.hub_switch", "Inside roaming"),
        ("settlement/models/ledger.py", "import roaming.use_cases", "nothing else"),
        ("roaming/outbox.py", "import settlement.models", "knows neither"),
        ("roaming/simulator/billing.py", "import settlement.domain.rating", "simulated"),
        ("roaming/junk_drawer.py", "", "Inside roaming"),
        (
            "roaming/use_cases/uc3_05_complete_transaction.py",
            "import roaming.use_cases.uc3_01_start_locally",
            "Use cases never import",
        ),
    ],
)
def test_a_planted_violation_is_caught(tmp_path, file, line, contract):
    import shutil

    for app in ("clearinghouse", "roaming", "settlement"):
        shutil.copytree(ROOT / app, tmp_path / app, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    target = tmp_path / file
    before = target.read_text() if target.exists() else '"""Planted."""\n'
    target.write_text(before + f"\n{line}\n")
    result = lint_imports(tmp_path)
    broken = [row for row in result.stdout.splitlines() if "BROKEN" in row]
    assert result.returncode == 1, result.stdout + result.stderr
    assert any(contract in row for row in broken), broken


def readme_rows() -> list[list[str]]:
    text = (ROOT / "README.md").read_text()
    table = text.split("| use case | file | URL | test |")[1].split("\n\n")[0]
    return [
        [cell.strip() for cell in row.strip("| ").split("|")]
        for row in table.splitlines()
        if row.startswith("|") and "---" not in row
    ]


def test_the_readme_s_table_is_true_and_complete():
    rows = readme_rows()
    named = set()
    for _, file, urls, test in rows:
        named.add(file.strip("`"))
        assert (ROOT / file.strip("`")).is_file(), file
        assert (ROOT / test.strip("`")).is_file(), test
        for path in re.findall(r"(/api/v1/[^`\s]*)", urls):
            concrete = path.replace("{id}", "0199f000-0000-7000-8000-000000000000")
            concrete = concrete.replace("{number}", "7")
            assert resolve(concrete).app_name in ("roaming", "settlement"), path
    built = {f"roaming/use_cases/{p.name}" for p in (ROOT / "roaming/use_cases").glob("uc*.py")}
    assert built <= named


def test_the_readme_s_table_of_clauses_names_what_is_there():
    text = (ROOT / "README.md").read_text()
    table = text.split("| clause | subject |")[1].split("\n\n")[0]
    named = set(re.findall(r"`([a-z_]+/[\w/.]*)`", table))
    assert len(named) > 20
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_the_readme_names_every_setting():
    sources = [ROOT / "clearinghouse/settings.py", ROOT / "script/server"]
    used = {name for path in sources for name in re.findall(r"CLEARINGHOUSE_\w+", path.read_text())}
    text = (ROOT / "README.md").read_text()
    missing = {n for n in used if n not in text and n.replace("CLEARINGHOUSE", "") not in text}
    assert missing == set()

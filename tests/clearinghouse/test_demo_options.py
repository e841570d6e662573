"""What the demo is told, the place of each replay, and the settings that its processes get."""

import os
import socket
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError

from clearinghouse.demo.options import DemoOptions, UnusableOptionsError, name_of
from clearinghouse.demo.surroundings import environment_of, free_port
from clearinghouse.management.commands.demo import Command

ROOT = Path(__file__).resolve().parents[2]


def test_by_default_three_thousand_sessions_of_a_fixed_month_are_drawn():
    world = DemoOptions().world()
    assert (world.month, world.size, world.wrong_share) == ("2026-10", 3000, Decimal("0.03"))
    assert name_of(world) == "2026-10-3000-seed1"


def test_a_small_replay_plants_more_so_that_it_shows_every_kind():
    world = DemoOptions(small=True, seed=7).world()
    assert (world.size, world.wrong_share, world.seed) == (150, Decimal("0.20"), 7)


def test_the_same_files_under_another_name_are_the_same_replay(tmp_path):
    names = []
    for name, content in (("a.csv", b"1"), ("b.csv", b"1"), ("c.csv", b"2")):
        (tmp_path / name).write_bytes(content)
        options = DemoOptions(sessions=(tmp_path / name,), month="2018-05")
        names.append(name_of(options.world()))
    assert names[0] == names[1] != names[2]
    assert names[0].startswith("2018-05-files-")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (DemoOptions(month="May"), "YYYY-MM"),
        (DemoOptions(size=10**6), "--size"),
        (DemoOptions(sessions=(Path(__file__),)), "--month"),
        (DemoOptions(sessions=(Path(__file__),), month="2018-05", size=5), "--size"),
        (DemoOptions(sessions=(Path("nowhere.csv"),), month="2018-05"), "nowhere.csv"),
    ],
)
def test_options_that_cannot_be_followed_are_refused_in_a_sentence(options, words):
    with pytest.raises(UnusableOptionsError, match=words):
        options.world()


def test_nothing_of_a_real_installation_reaches_the_demo(tmp_path):
    shell = {
        "PATH": "/bin",
        "DATABASE_URL": "postgres://production/",
        "CELERY_BROKER_URL": "redis://production/",
        "CLEARINGHOUSE_SECRET_KEY": "secret",
        "CLEARINGHOUSE_DATA_DIR": "/var/lib/clearinghouse",
        "DJANGO_SETTINGS_MODULE": "production.settings",
    }
    environment = environment_of(tmp_path, shell)
    assert not {"DATABASE_URL", "CELERY_BROKER_URL", "CLEARINGHOUSE_SECRET_KEY"} & set(environment)
    assert environment["CLEARINGHOUSE_DATA_DIR"] == str(tmp_path)
    assert environment["DJANGO_SETTINGS_MODULE"] == "clearinghouse.settings"
    assert environment["PATH"] == "/bin"


def test_a_port_that_is_taken_is_not_taken_again():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            free_port(port)
    assert free_port() > 0


def demo(*arguments: str, data: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "demo", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "CLEARINGHOUSE_DATA_DIR": str(data)},
    )


def test_the_command_says_what_is_wrong_with_its_options(tmp_path):
    done = demo("--month", "2026-13", data=tmp_path)
    assert done.returncode == 1
    assert "YYYY-MM" in done.stderr
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("--port", value) for value in ("70000", "65536", "0", "-1", "http", "٣")],
        *[("--size", value) for value in ("0", "-5", "50001", "many", "1e3", "9" * 5000)],
        *[("--seed", value) for value in ("-1", "x", "1.5")],
    ],
)
def test_a_number_that_cannot_be_is_refused_in_words(name, value):
    parser = Command().create_parser("manage.py", "demo")
    with pytest.raises(CommandError) as refused:
        parser.parse_args([f"{name}={value}"])
    message = str(refused.value)
    assert f"{name}: a whole number from" in message
    assert len(message) < 200


def test_a_port_beyond_the_last_ends_the_demo_with_a_sentence(tmp_path):
    done = demo("--port", "70000", data=tmp_path)
    assert done.returncode == 2
    assert "--port: a whole number from 1 to 65535" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_in_another_form_ends_the_demo_with_its_name(tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    done = demo("--once", "--sessions", str(tmp_path / "other.csv"), "--month", "2018-05",
                data=tmp_path)  # fmt: skip
    assert done.returncode == 1
    assert "other.csv: columns missing" in done.stdout

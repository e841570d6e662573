"""The command line of the operator simulator, and what it teaches."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from roaming.simulator.operator import behaviour, control
from roaming.simulator.operator.config import ConfigError, OperatorConfig, config_of, read_json
from roaming.simulator.operator.cso_steps import CsoSteps
from roaming.simulator.operator.csp_steps import CspSteps
from roaming.simulator.operator.examples import CONFIGS, SCRIPTS
from roaming.simulator.operator.steps import Steps, describe_steps

SUMMARY = """\
Plays a charging station operator (CSO), a charging service provider (CSP), or both, against a
clearing house: registers, publishes, answers every message, and does of its own accord what a
script says. It speaks HTTP only, so it can stand beside any platform that is being connected.

In the simplest case it needs an address and the registration token that the clearing house issued
for it; who it is, it learns from the registration:

    simulate_operator --hub http://127.0.0.1:8000/api/v1 --token TOKEN --state stations.json

The next time the state file has its credentials, and no token is needed:

    simulate_operator --hub http://127.0.0.1:8000/api/v1 --state stations.json

Everything else stands in a configuration; --example cso prints one to start from. To see how the
other side takes it when a platform goes wrong, give it a behaviour:

    simulate_operator my.json --behave "UC3-1=refuse:blocked" --behave "UC3-2=time_out"
"""
TOPICS = """\
--topic behaviours    ways to answer: refuse, time out, answer late, answer rubbish, go offline ...
--topic steps         what a script can do
--topic scripts       scripts that come with the simulator
--topic control       steering it while it runs, by lines or over HTTP
"""


def parser() -> argparse.ArgumentParser:
    """What can be said on the command line."""
    made = argparse.ArgumentParser(
        prog="simulate_operator",
        description=SUMMARY,
        epilog=TOPICS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = made.add_argument
    add("config", nargs="?", help="a JSON file, or - for the first line of standard input")
    add("--hub", metavar="URL", help="address of the native API, such as http://host/api/v1")
    add("--token", metavar="TOKEN", help="registration token, good once")
    add("--state", metavar="FILE", help="where credentials are kept for the next time")
    add("--record", metavar="FILE", help="a line of JSON for every message, on the disk at once")
    add("--port", type=int, help="of the roaming endpoint (default: any free one)")
    add("--public-url", metavar="URL", help="the endpoint's address where a proxy stands in front")
    add("--control", type=int, metavar="PORT", help="steer it over HTTP on this port, 0: any")
    add("--name", help="for the screen")
    add("--partner", help="the home-CSP or visited-CSO that steps deal with")
    add("--seed", type=int, help="the same seed, the same dice")
    add("--behave", action="append", default=[], metavar="USE-CASE=BEHAVIOUR",
        help="how messages are met: UC3-1=refuse:blocked; may be given several times")  # fmt: skip
    add("--script", action="append", default=[], metavar="NAME",
        help="does this script; may be given several times")  # fmt: skip
    add("--no-publish", action="store_true", help="sites and tariffs stay where they are")
    add("--once", action="store_true", help="end when the script is done; 1 if it failed")
    add("--verbose", action="store_true", help="show bodies too")
    add("--example", choices=sorted(CONFIGS), help="print a configuration to start from")
    add("--topic", choices=["behaviours", "steps", "scripts", "control"], help="explain this")
    return made


def config_from(given: argparse.Namespace, text: bytes | str | None) -> OperatorConfig:
    """The configuration file with what the command line says on top. ConfigError, OSError."""
    document: Any = read_json(text) if text is not None else {}
    if not isinstance(document, dict):
        raise ConfigError("the configuration is a JSON object")
    endpoint = dict(document.get("endpoint") or {})
    place = {"port": given.port, "public_url": given.public_url}
    endpoint |= {name: value for name, value in place.items() if value is not None}
    said = {
        "hub": given.hub,
        "registration_token": given.token,
        "state_file": given.state,
        "record_file": given.record,
        "control_port": given.control,
        "name": given.name,
        "partner": given.partner,
        "seed": given.seed,
    }
    document = {**document, **{name: value for name, value in said.items() if value is not None}}
    if endpoint:
        document["endpoint"] = endpoint
    if given.no_publish:
        document["publish"] = False
    if given.behave:
        document["behaviours"] = {**document.get("behaviours", {}), **_plans(given.behave)}
    if given.script:
        document["script"] = [{"do": "script", "name": name} for name in given.script]
    return config_of(document)


def _plans(texts: list[str]) -> dict[str, str]:
    plans = {}
    for text in texts:
        key, equals, behaviour = text.partition("=")
        if not equals:
            raise ConfigError(f"--behave {text}: say USE-CASE=BEHAVIOUR, such as UC3-1=time_out")
        plans[key] = behaviour
    return plans


def explain(given: argparse.Namespace) -> bool:
    """Prints what --example or --topic ask for; whether they did."""
    if given.example:
        text = msgspec.json.format(msgspec.json.encode(CONFIGS[given.example]), indent=2)
        print(text.decode())
    elif given.topic == "behaviours":
        print(behaviour.__doc__)
    elif given.topic == "control":
        print(control.__doc__)
    elif given.topic == "scripts":
        for name, steps in SCRIPTS.items():
            print(f"{name}:")
            for step in steps:
                print(f"    {msgspec.json.encode(step).decode()}")
    elif given.topic == "steps":
        for title, side in (("Both", Steps), ("CSO", CsoSteps), ("CSP", CspSteps)):
            print(f"{title}:")
            print("\n".join(describe_steps(side)))
    else:
        return False
    sys.stdout.flush()
    return True


def text_of(path: str, lines: Iterator[bytes]) -> bytes:
    """The configuration's text: a file, or the first of the lines. OSError: it cannot be read."""
    return next(lines, b"") if path == "-" else Path(path).read_bytes()

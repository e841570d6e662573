"""The process of a simulated operator: from the command line to the exit status."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

from roaming.simulator.operator.arguments import config_from, explain, parser, text_of
from roaming.simulator.operator.control import Control, ControlServer
from roaming.simulator.operator.cso_steps import CsoSteps
from roaming.simulator.operator.csp_steps import CspSteps
from roaming.simulator.operator.operator import CannotBeginError, Operator
from roaming.simulator.operator.screen import Screen
from roaming.simulator.operator.steps import StepError, Steps
from roaming.simulator.platform_hub import HubUnreachableError, StoppedError

SETTLE_S = 300.0


def run(arguments: list[str], lines: Iterator[bytes]) -> int:
    """The whole process. 0: fine; 1: it went wrong; 2: it cannot be used like this."""
    logging.basicConfig(level="WARNING", format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("urllib3").setLevel("ERROR")
    given = parser().parse_args(arguments)
    if _teach(given):
        return 0
    try:
        text = text_of(given.config, lines) if given.config else None
        config = config_from(given, text)
        operator = Operator(config, Screen(verbose=given.verbose))
    except (OSError, ValueError) as error:
        print(f"The configuration cannot be used: {error}", file=sys.stderr)
        return 2
    _stop_by_signals(operator)
    try:
        return _live(operator, lines, once=given.once, leashed=given.config == "-")
    except CannotBeginError as error:
        print(error, file=sys.stderr)
    except HubUnreachableError as error:
        print(f"The clearing house cannot be reached: {error}", file=sys.stderr)
    except StoppedError:
        return 0
    finally:
        operator.close()
    return 1


def _teach(given: argparse.Namespace) -> bool:
    """Prints what was asked to be explained; whether anything was."""
    try:
        return explain(given)
    except BrokenPipeError:  # whoever wanted to know has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True


def _live(operator: Operator, lines: Iterator[bytes], *, once: bool, leashed: bool) -> int:
    config = operator.config
    server = None
    try:
        operator.open()
        steps = Steps(operator, *_sides(operator))
        control = Control(operator, steps)
        if config.control_port is not None:
            server = ControlServer(control, config.control_port)
            operator.screen.say(f"steered at {server.url}")
        threading.Thread(
            target=_follow, args=(control, lines, leashed), name="lines", daemon=True
        ).start()
        status = _run_script(operator, steps)
        if once:
            operator.around.later.wait_idle(SETTLE_S)
            return status or min(operator.failures, 1)
        while not operator.wait(1.0):
            pass
        return 0
    finally:
        if server is not None:
            server.close()


def _sides(operator: Operator) -> Iterator[object]:
    if operator.cso is not None:
        yield CsoSteps(operator.around, operator.cso)
    if operator.csp is not None:
        yield CspSteps(operator.around, operator.csp)


def _run_script(operator: Operator, steps: Steps) -> int:
    script = operator.config.script
    try:
        steps.check(script)
        steps.run(script)
    except StepError as error:
        operator.screen.say(f"   the script ended: {error}")
        return 1
    return 0


def _follow(control: Control, lines: Iterator[bytes], leashed: bool) -> None:
    control.follow(line.decode(errors="replace") for line in lines)
    if leashed:
        # Whoever started us is gone.
        control.stop()


def _stop_by_signals(operator: Operator) -> None:
    def stop(number: int, frame: Any) -> None:
        operator.stop()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)

"""Scripts: what a simulated operator does of its own accord, step after step.

A step is an object: {"do": "local_start", "token_uid": "04A2B3C4D5E6F7"}. `expect` makes it fail
where something else comes of it: "accepted", "refused", or the code of a refusal.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from roaming.simulator.operator.behaviour import Plan
from roaming.simulator.operator.config import Json
from roaming.simulator.operator.operator import Operator
from roaming.simulator.platform_hub import HubUnreachableError, Reply

StepFunction = Callable[..., Any]
Outcome = Reply | str | None
"""What came of a step: the clearing house's reply, a word, or nothing to speak of."""
PATIENCE_S = 30.0
MOST_STEPS = 100_000


class StepError(ValueError):
    """A step that cannot be done as it is written, or that did not come out as expected."""


class Steps:
    """All steps that this operator can do: the common ones, and those of its sides."""

    def __init__(self, operator: Operator, *sides: object) -> None:
        self._operator = operator
        self._functions: dict[str, StepFunction] = {}
        for side in (self, *sides):
            self._functions.update(steps_of(side))

    @property
    def names(self) -> list[str]:
        return list(self._functions)

    def run(self, steps: list[Json]) -> list[Json]:
        """Does one after the other; returns what came of each. StepError ends it."""
        outcomes = []
        for number, step in enumerate(steps, start=1):
            if self._operator.stopping:
                break
            try:
                outcomes.append(self._run(dict(step)))
            except StepError as error:
                raise StepError(f"step {number}, {step.get('do', '?')}: {error}") from error
        return outcomes

    def check(self, steps: list[Json]) -> None:
        """StepError for a step that nobody could do, before the first one is done."""
        for number, step in enumerate(steps, start=1):
            try:
                function, arguments = self._find(dict(step))
                inspect.signature(function).bind(**arguments)
                self.check(arguments.get("steps", []))
            except (TypeError, StepError) as error:
                raise StepError(f"step {number}, {step.get('do', '?')}: {error}") from error

    def _run(self, step: Json) -> Json:
        expected = step.pop("expect", None)
        name = step.get("do")
        function, arguments = self._find(step)
        try:
            outcome = function(**arguments)
        except (TypeError, LookupError, ValueError, HubUnreachableError) as error:
            raise StepError(str(error)) from error
        word = word_of(outcome)
        if expected is not None and word != expected:
            raise StepError(f"came out as {word!r}, not as {expected!r}")
        content = outcome.content if isinstance(outcome, Reply) else None
        return {"do": name, "outcome": word, "answer": content}

    def _find(self, step: Json) -> tuple[StepFunction, Json]:
        name = step.pop("do", None)
        step.pop("expect", None)
        function = self._functions.get(str(name))
        if function is None:
            raise StepError(f"there is no such step here: one of {', '.join(self._functions)}")
        # A configuration's numbers are exact; what a step takes by itself is seconds and the like.
        return function, {
            key: float(value) if isinstance(value, Decimal) else value
            for key, value in step.items()
        }

    # --- Common steps -----------------------------------------------------------------------------

    def do_wait(self, seconds: float) -> Outcome:
        """Waits so many seconds of real time."""
        self._operator.wait(seconds)
        return None

    def do_wait_for(
        self, path: str, where: Json | None = None, seconds: float = PATIENCE_S
    ) -> Outcome:
        """Waits for a message at this path, such as uc3-2/result, whose fields have these values.

        Each message is waited for once.
        """
        memory = self._operator.around.memory
        stopping = lambda: self._operator.stopping  # noqa: E731 - the shortest way to say it
        found = memory.wait_for(path.strip("/"), where or {}, seconds, stopping)
        if found is None:
            raise StepError(f"nothing that fits came to {path} within {seconds:g} s")
        return None

    def do_wait_until_idle(self, seconds: float = 120.0) -> Outcome:
        """Waits until sessions have ended and SDRs are sent."""
        if not self._operator.around.later.wait_idle(seconds):
            raise StepError(f"something was still under way after {seconds:g} s")
        return None

    def do_behave(self, on: str, like: Plan) -> Outcome:
        """From now on messages of this use case, or at this path, meet that behaviour."""
        self._operator.conduct.change(on, like)
        return None

    def do_offline(self, seconds: float | None = None) -> Outcome:
        """Is not there any more, for so long or until `online`."""
        self._operator.go_offline(seconds)
        return None

    def do_online(self) -> Outcome:
        """Is there again."""
        self._operator.come_back()
        return None

    def do_rotate(self) -> Outcome:
        """UC1-1: gets a new credential."""
        return "accepted" if self._operator.rotate() else "refused"

    def do_accept_agreements(self) -> Outcome:
        """Accepts every agreement that waits for it."""
        self._operator.paperwork.accept_agreements()
        return None

    def do_fetch(self) -> Outcome:
        """Takes the messages that wait at the clearing house, and acknowledges them."""
        self._operator.paperwork.fetch_messages()
        return None

    def do_say(self, text: str) -> Outcome:
        """Puts a line on the screen."""
        self._operator.screen.say(text)
        return None

    def do_script(self, name: str) -> Outcome:
        """Does a script of the configuration, or one that comes with the simulator."""
        from roaming.simulator.operator.examples import find_script

        self.run(find_script(name, self._operator.config.scripts))
        return None

    def do_repeat(self, steps: list[Json], times: int = 2, every_seconds: float = 0) -> Outcome:
        """Does these steps again and again, each time so long after the last time began."""
        if not 0 < times <= MOST_STEPS:
            raise StepError(f"times: from 1 to {MOST_STEPS}")
        for _ in range(times):
            began = time.monotonic()
            self.run(steps)
            self._operator.wait(max(0.0, began + every_seconds - time.monotonic()))
            if self._operator.stopping:
                break
        return None


def steps_of(side: object) -> dict[str, StepFunction]:
    """The steps of one side, by name: its methods that begin with do_."""
    functions: dict[str, StepFunction] = {
        name.removeprefix("do_"): function
        for name, function in inspect.getmembers(side, callable)
        if name.startswith("do_")
    }
    return functions


def describe_steps(*sides: type) -> Iterator[str]:
    """Each step with its parameters and what it does, for people."""
    for side in sides:
        for name, function in inspect.getmembers(side, inspect.isfunction):
            if name.startswith("do_"):
                names = [p for p in inspect.signature(function).parameters if p != "self"]
                summary = (inspect.getdoc(function) or "").partition("\n")[0]
                yield f"  {name.removeprefix('do_')}({', '.join(names)})\n      {summary}"


def word_of(outcome: Outcome) -> str:
    """What came of a step in a word: accepted, refused, rejected, or the code of a refusal."""
    if not isinstance(outcome, Reply):
        return outcome or "done"
    if not outcome.accepted:
        return outcome.code
    content: Any = outcome.content if isinstance(outcome.content, dict) else {}
    for name in ("decision", "response"):
        if name in content:
            return str(content[name]).lower()
    return "accepted"

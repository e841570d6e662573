"""How a simulated platform behaves: well, or in any of the ways in which platforms go wrong.

A behaviour is a text, so that it fits on a command line, or the same as an object:

    ordinary                      as an honest platform that knows its drivers and its stations
    accept                        says yes to everything
    refuse:blocked                says no, with this reason
    time_out                      takes the message and never answers
    answer_late:5                 answers as `ordinary` does, after 5 seconds
    answer_rubbish                answers with what is no JSON; also answer_rubbish:other_json,
                                  :not_http, :trickle (byte by byte), :huge
    http_status:503               answers with this status
    lose_answer                   does what `ordinary` does, and closes the connection unanswered
    go_offline:20                 is not there for 20 seconds, from this message on

A command that is accepted has a result later; how, is added after commas:

    accept,result=failed:cable_locked,after=3      result=succeeded, failed[:reason],
                                                   none (nothing happens) or lost (nobody is told)

Which behaviour a message meets is a plan: one behaviour for all; a list, taken in turn, whose last
entry stays; {"again": [...]}, taken in turn for ever; {"chances": {"accept": 9, "time_out": 1}}.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

Plan = str | list[Any] | dict[str, Any]
EVERYTHING = "*"


class Do(StrEnum):
    """What is done with a message that comes in."""

    ORDINARY = "ordinary"
    ACCEPT = "accept"
    REFUSE = "refuse"
    TIME_OUT = "time_out"
    ANSWER_LATE = "answer_late"
    ANSWER_RUBBISH = "answer_rubbish"
    HTTP_STATUS = "http_status"
    LOSE_ANSWER = "lose_answer"
    GO_OFFLINE = "go_offline"


class Rubbish(StrEnum):
    """Ways of answering that nobody can understand."""

    NOT_JSON = "not_json"
    OTHER_JSON = "other_json"
    NOT_HTTP = "not_http"
    TRICKLE = "trickle"
    HUGE = "huge"


class Result(StrEnum):
    """What becomes of a command that was accepted."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    NONE = "none"
    """Nothing happens, and nobody is told."""
    LOST = "lost"
    """It is done, and nobody is told."""


class Behaviour(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One way to treat a message. `seconds` None: for answer_late 5, for go_offline until told."""

    do: Do = Do.ORDINARY
    reason: str = ""
    seconds: float | None = None
    status: int = 500
    rubbish: Rubbish = Rubbish.NOT_JSON
    result: Result = Result.SUCCEEDED
    result_reason: str = ""
    after: float = 1.0

    def __str__(self) -> str:
        """As it is written on a command line.

        >>> str(read_behaviour("refuse:blocked")), str(read_behaviour("accept,result=none"))
        ('refuse:blocked', 'accept,result=none')
        """
        text: str = self.do.value
        argument = {
            Do.REFUSE: self.reason,
            Do.ANSWER_LATE: "" if self.seconds is None else f"{self.seconds:g}",
            Do.GO_OFFLINE: "" if self.seconds is None else f"{self.seconds:g}",
            Do.HTTP_STATUS: str(self.status),
            Do.ANSWER_RUBBISH: self.rubbish.value,
        }.get(self.do, "")
        text += f":{argument}" if argument else ""
        if self.result is not Result.SUCCEEDED:
            reason = f":{self.result_reason}" if self.result_reason else ""
            text += f",result={self.result.value}{reason}"
        return text + (f",after={self.after:g}" if self.after != 1.0 else "")


ORDINARY = Behaviour()
LATE_S = 5.0


class BehaviourError(ValueError):
    """No behaviour, or no plan, can be read from this; the text says why."""


def read_behaviour(value: object) -> Behaviour:
    """A behaviour from its text or its object.

    >>> read_behaviour("answer_late:2.5").seconds, read_behaviour({"do": "http_status"}).status
    (2.5, 500)
    >>> read_behaviour("explode")
    Traceback (most recent call last):
    roaming.simulator.operator.behaviour.BehaviourError: there is no behaviour 'explode': ...
    """
    fields = _fields_of(value) if isinstance(value, str) else value
    try:
        behaviour = msgspec.convert(fields, Behaviour, strict=False)
    except msgspec.ValidationError as error:
        raise BehaviourError(f"{value!r} is no behaviour: {error}") from error
    if not 100 <= behaviour.status <= 599:
        raise BehaviourError(f"{behaviour.status} is no HTTP status")
    if (behaviour.seconds or 0) < 0 or behaviour.after < 0:
        raise BehaviourError(f"{value!r}: seconds are 0 or more")
    return behaviour


def _fields_of(text: str) -> dict[str, Any]:
    first, *others = [part.strip() for part in text.split(",")]
    name, _, argument = first.partition(":")
    if name not in list(Do):
        raise BehaviourError(f"there is no behaviour {name!r}: one of {', '.join(Do)}")
    fields: dict[str, Any] = {"do": name}
    takes = {
        Do.REFUSE: "reason",
        Do.ANSWER_LATE: "seconds",
        Do.GO_OFFLINE: "seconds",
        Do.HTTP_STATUS: "status",
        Do.ANSWER_RUBBISH: "rubbish",
    }.get(Do(name))
    if argument and takes is None:
        raise BehaviourError(f"{name} takes nothing after a colon")
    if argument and takes:
        fields[takes] = argument
    for part in others:
        key, _, wanted = part.partition("=")
        if key == "result":
            fields["result"], _, fields["result_reason"] = wanted.partition(":")
        elif key == "after":
            fields["after"] = wanted
        else:
            raise BehaviourError(f"{part!r} in {text!r}: say result=... or after=SECONDS")
    return fields


class _Course:
    """A plan at work: which behaviour comes next."""

    def __init__(self, plan: Plan, rng: random.Random) -> None:
        self._rng = rng
        self._next = 0
        self._again = False
        self._weights: list[float] | None = None
        if isinstance(plan, list):
            entries: list[Any] = plan
        elif isinstance(plan, dict) and plan.keys() == {"again"}:
            self._again, entries = True, _as_list(plan["again"])
        elif isinstance(plan, dict) and plan.keys() == {"chances"}:
            entries, self._weights = _weighted(plan["chances"])
        else:
            entries = [plan]
        if not entries:
            raise BehaviourError("a plan needs at least one behaviour")
        self.behaviours = [read_behaviour(entry) for entry in entries]

    def next(self) -> Behaviour:
        if self._weights is not None:
            return self._rng.choices(self.behaviours, self._weights)[0]
        number = self._next
        self._next += 1
        if self._again:
            return self.behaviours[number % len(self.behaviours)]
        return self.behaviours[min(number, len(self.behaviours) - 1)]

    def describe(self) -> Any:
        texts = [str(behaviour) for behaviour in self.behaviours]
        if self._weights is not None:
            return {"chances": dict(zip(texts, self._weights, strict=True))}
        return {"again": texts} if self._again else texts[min(self._next, len(texts) - 1) :]


def _as_list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise BehaviourError('"again" takes a list of behaviours')
    return value


def _weighted(chances: object) -> tuple[list[str], list[float]]:
    try:
        weights = msgspec.convert(chances, dict[str, float])
    except msgspec.ValidationError as error:
        raise BehaviourError('"chances" takes behaviours with their weights') from error
    if not weights or min(weights.values()) < 0 or sum(weights.values()) <= 0:
        raise BehaviourError('"chances" needs a weight above 0')
    return list(weights), list(weights.values())


class Conduct:
    """The plans of a platform: by path (`uc3-8/cancellation`), use case (`UC3-8`), or `*`.

    The closest one decides. May be changed while messages come in; the same seed and the same order
    of messages give the same behaviours.
    """

    def __init__(self, plans: Mapping[str, Plan], seed: int) -> None:
        self._seed = seed
        self._lock = threading.Lock()
        self._courses: dict[str, _Course] = {}
        self.change_all(plans)

    def change(self, key: str, plan: Plan) -> None:
        """From now on. BehaviourError where the plan cannot be read."""
        self.change_all({key: plan})

    def change_all(self, plans: Mapping[str, Plan]) -> None:
        """All of them from now on; none where one cannot be read."""
        # Each has dice of its own: what comes in elsewhere does not change what comes out here.
        courses = {
            key: _Course(plan, random.Random(f"{self._seed} {key}"))  # noqa: S311 - repeatable
            for key, plan in ((normalised(key), plan) for key, plan in plans.items())
        }
        with self._lock:
            self._courses.update(courses)

    def next_for(self, path: str) -> Behaviour:
        """The behaviour that a message meets which came in at this path."""
        with self._lock:
            for key in (path, use_case_of(path), EVERYTHING):
                if key in self._courses:
                    return self._courses[key].next()
        return ORDINARY

    def describe(self) -> dict[str, Any]:
        """All plans, as they can be given again."""
        with self._lock:
            return {key: course.describe() for key, course in self._courses.items()}


def use_case_of(path: str) -> str:
    """The use case of a path below a roaming endpoint.

    >>> use_case_of("uc3-10/charge-plan")
    'UC3-10'
    """
    return path.partition("/")[0].upper()


def normalised(key: str) -> str:
    """A key of the plans, however it was written.

    >>> normalised("/UC3-8/Cancellation"), normalised("uc3-8"), normalised("*")
    ('uc3-8/cancellation', 'UC3-8', '*')
    """
    key = key.strip().strip("/")
    if key == EVERYTHING:
        return key
    if not key.lower().startswith("uc"):
        raise BehaviourError(f"{key!r} is neither a use case (UC3-1), nor a path, nor *")
    return key.lower() if "/" in key else key.upper()

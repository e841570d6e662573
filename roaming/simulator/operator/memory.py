"""What a simulated operator knows of the others' doings: everything that reached its endpoint."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]


class Memory:
    """Facts by kind and key, and the messages themselves for whoever waits for one.

    Kept in memory only; what must outlive a process stands in its record.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._facts: dict[str, dict[str, Json]] = {}
        self._inbox: list[tuple[str, Json]] = []
        self._taken: set[int] = set()
        self._counts: Counter[str] = Counter()

    def received(self, path: str, content: Json) -> None:
        """A message that was taken."""
        with self._changed:
            self._inbox.append((path, content))
            self._counts[path] += 1
            self._changed.notify_all()

    def keep(self, kind: str, key: str, **facts: Any) -> None:
        """Adds facts to what is known under this key; None says nothing."""
        with self._changed:
            known = self._facts.setdefault(kind, {}).setdefault(key, {})
            known.update({name: value for name, value in facts.items() if value is not None})
            self._changed.notify_all()

    def replace(self, kind: str, key: str, content: Json) -> None:
        """What is known under this key is this, from now on."""
        with self._changed:
            self._facts.setdefault(kind, {})[key] = content
            self._changed.notify_all()

    def forget(self, kind: str, key: str) -> None:
        """Nothing is known under this key any more."""
        with self._changed:
            self._facts.get(kind, {}).pop(key, None)

    def find(self, kind: str, key: str) -> Json | None:
        with self._changed:
            found = self._facts.get(kind, {}).get(key)
            return dict(found) if found is not None else None

    def all(self, kind: str) -> dict[str, Json]:
        with self._changed:
            return {key: dict(value) for key, value in self._facts.get(kind, {}).items()}

    def latest(self, kind: str) -> str | None:
        """The key that was learnt last."""
        with self._changed:
            return next(reversed(self._facts.get(kind, {})), None)

    def everything(self) -> Json:
        """All facts by kind, and how many messages came at which path."""
        with self._changed:
            facts = {kind: dict(found) for kind, found in self._facts.items()}
            return {**facts, "received": dict(self._counts)}

    def wait_for(
        self, path: str, where: Json, timeout_s: float, give_up: Callable[[], bool]
    ) -> Json | None:
        """The first message at this path that fits and that nobody waited for before.

        `where` are fields and their values. None when it does not come in time.
        """
        with self._changed:
            found: list[Json] = []

            def look() -> bool:
                for number, (came_at, content) in enumerate(self._inbox):
                    if came_at == path and number not in self._taken and fits(content, where):
                        self._taken.add(number)
                        found.append(content)
                        return True
                return give_up()

            self._changed.wait_for(look, timeout_s)
            return found[0] if found else None

    def wake(self) -> None:
        """Lets whoever waits look again, for instance at whether everything is being stopped."""
        with self._changed:
            self._changed.notify_all()


def fits(content: Any, where: Json) -> bool:
    """Whether the fields have these values; a dot goes deeper.

    >>> fits({"result": "SUCCEEDED", "plan": {"n": 1}}, {"result": "SUCCEEDED", "plan.n": 1})
    True
    """
    for name, wanted in where.items():
        value = content
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value != wanted:
            return False
    return True

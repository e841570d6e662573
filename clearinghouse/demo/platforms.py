"""The operators' platforms as the conductor sees them: processes that report what they reached."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from clearinghouse.demo.children import Child, ChildEndedError, Children
from roaming.simulator.platform_config import PlatformConfig
from roaming.simulator.platform_tally import Tallies

PATIENCE_S = 300


class Report(msgspec.Struct, kw_only=True):
    """A line that a platform writes."""

    event: str
    url: str = ""
    moment: datetime | None = None
    tallies: Tallies = msgspec.field(default_factory=Tallies)
    detail: str = ""


class PlatformFailedError(Exception):
    """A platform gave up, or does not report."""


@dataclass(eq=False)
class SteeredPlatform:
    """One platform's process, and the last counts that it reported."""

    organisation: str
    child: Child
    tallies: Tallies = field(default_factory=Tallies)
    url: str = ""


class Platforms:
    """All platforms. They take orders by their input and act by the business clock."""

    def __init__(self, children: Children, environment: Mapping[str, str]) -> None:
        self._children = children
        self._environment = environment
        self._reports: queue.Queue[tuple[SteeredPlatform, Report]] = queue.Queue()
        self.all: list[SteeredPlatform] = []

    def start(self, config: PlatformConfig, name: str) -> None:
        """Starts the platform of one organisation; it registers by itself."""
        command = [sys.executable, "-m", "roaming.simulator", "-"]
        child = self._children.start(name, command, self._environment, steered=True)
        platform = SteeredPlatform(config.organisation, child)
        self.all.append(platform)
        self._write(platform, msgspec.json.encode(config))
        threading.Thread(target=self._read, args=(platform,), name=name, daemon=True).start()

    def await_registrations(self) -> None:
        """Returns when every platform has its credentials (UC1-1)."""
        for platform, report in self._one_report_each("registered", None):
            platform.url = report.url

    def order(self, **order: datetime) -> None:
        """One order to every platform: `join`, `until`."""
        for platform in self.all:
            self._write(platform, msgspec.json.encode(order))

    def go_on_until(self, moment: datetime) -> None:
        """Orders it and returns when every platform has reached the moment."""
        self.order(until=moment)
        for platform, report in self._one_report_each("reached", moment):
            platform.tallies = report.tallies

    def _one_report_each(
        self, event: str, moment: datetime | None
    ) -> list[tuple[SteeredPlatform, Report]]:
        missing = set(self.all)
        found = []
        waited_s = 0.0
        while missing:
            try:
                platform, report = self._reports.get(timeout=0.2)
            except queue.Empty:
                waited_s += 0.2
                self._children.check()
                if waited_s > PATIENCE_S:
                    names = ", ".join(sorted(p.organisation for p in missing))
                    raise PlatformFailedError(f"No report from {names}.") from None
                continue
            if report.event == "failed":
                raise PlatformFailedError(
                    f"The platform of {platform.organisation} gave up: {report.detail}\n"
                    f"The end of {platform.child.log}:\n{platform.child.tail()}"
                )
            if report.event == event and report.moment == moment:
                missing.discard(platform)
                found.append((platform, report))
        return found

    def _write(self, platform: SteeredPlatform, line: bytes) -> None:
        pipe = platform.child.process.stdin
        assert pipe is not None
        try:
            pipe.write(line + b"\n")
            pipe.flush()
        except (BrokenPipeError, ValueError):
            self._children.check()
            raise ChildEndedError(f"{platform.child.name} takes no orders any more.") from None

    def _read(self, platform: SteeredPlatform) -> None:
        pipe = platform.child.process.stdout
        assert pipe is not None
        try:
            for line in pipe:
                self._reports.put((platform, msgspec.json.decode(line, type=Report)))
        except ValueError as error:  # closed by us, or rubbish
            self._reports.put((platform, Report(event="failed", detail=f"its report: {error}")))


def counts_by(platforms: list[SteeredPlatform], side: str) -> dict[str, dict[str, Any]]:
    """Pair -> what -> count, over all platforms; `side` is sent or received."""
    found: dict[str, dict[str, Any]] = {}
    for platform in platforms:
        for pair, tally in getattr(platform.tallies, side).items():
            row = found.setdefault(pair, {})
            for what, count in tally.counts.items():
                row[what] = row.get(what, 0) + count
            row["money"] = row.get("money", 0) + tally.money
            row["energy_kwh"] = row.get("energy_kwh", 0) + tally.energy_kwh
    return found

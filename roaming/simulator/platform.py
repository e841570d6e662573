"""One simulated platform: registers, publishes, replays its part of a month, and keeps count.

Run as `python -m roaming.simulator CONFIG` (a file, or - for the first line of standard input). To
the clearing house it speaks HTTP only. Whoever started it steers it by lines of JSON:

    in   {"join": "2026-09-30T22:00:00Z"}     open for business at this business moment
         {"until": "2026-10-01T22:00:00Z"}    go on until the business clock has reached this
    out  {"event": "registered", "url": ..., "parties": [...]}
         {"event": "reached", "moment": ..., "tallies": {...}}
         {"event": "failed", "detail": ...}

It acts when the business clock says so, never by the lines. When its input ends, it ends.
"""

from __future__ import annotations

import logging
import secrets
import sys
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from roaming.simulator.platform_config import PlatformConfig
from roaming.simulator.platform_cso import RefusedError, Surroundings, VisitedCso
from roaming.simulator.platform_csp import HomeCsp
from roaming.simulator.platform_endpoint import RoamingEndpoint
from roaming.simulator.platform_hub import Hub, HubUnreachableError, Message, StoppedError
from roaming.simulator.platform_schedule import Schedule
from roaming.simulator.platform_tally import Counting
from roaming.simulator.world import World, draw_world

logger = logging.getLogger(__name__)

Report = Callable[[dict[str, Any]], None]
LONGEST_POLL = 5
"""In poll intervals: how seldom the clock is asked while nothing is due soon."""


class Order(msgspec.Struct, kw_only=True, frozen=True):
    """A line of the input: one of the two."""

    join: datetime | None = None
    until: datetime | None = None


class Platform:
    """The platform of one organisation. `report` takes what it has to say."""

    def __init__(self, config: PlatformConfig, report: Report) -> None:
        self._config = config
        self._report = report
        self._hub = Hub(config.hub, config.threads + 1, config.patience_s)
        self._schedule = Schedule(config.threads)
        self._counting = Counting()
        self._pace = Pace(config.poll_s)

    def stop(self) -> None:
        """Makes `run` end soon; may be called from a signal handler."""
        self._hub.stop()

    def run(self, orders: Iterable[Order]) -> int:
        """Follows the orders until they end; returns the exit status."""
        world = draw_world(self._config.world)
        organisation = next(
            (o for o in world.network.organisations if o.name == self._config.organisation), None
        )
        if organisation is None:
            self._failed(f"there is no organisation {self._config.organisation!r} in this world")
            return 2
        secret = secrets.token_urlsafe(32)
        home_csp = HomeCsp(organisation.provider_id, (world.drivers, world.blocked), self._counting)
        endpoint = RoamingEndpoint(self._config.port, secret, home_csp.answers())
        visited_cso = None
        if organisation.operator_id:
            visited_cso = VisitedCso(organisation, self._config.sdr_habit, self._around(world))
        try:
            self._register(endpoint.url, secret)
            for order in orders:
                if order.join is not None and visited_cso is not None:
                    visited_cso.join(order.join)
                if order.until is not None:
                    self._go_on_until(order.until)
        except StoppedError:
            pass
        except (HubUnreachableError, RefusedError) as error:
            self._failed(str(error))
            return 1
        except Exception as error:
            logger.exception("unforeseen")
            self._failed(f"{type(error).__name__}: {error}")
            return 1
        finally:
            self._hub.stop()
            endpoint.close()
            self._schedule.close()
        return 0

    def _around(self, world: World) -> Surroundings:
        return Surroundings(world, self._hub, self._schedule, self._counting)

    def _register(self, url: str, secret: str) -> None:
        """UC1-1: the token is good once; what comes back is presented from then on."""
        self._hub.token = self._config.registration_token
        reply = self._hub.send(Message.of("POST", "/registration", {"url": url, "token": secret}))
        if not reply.accepted:
            raise RefusedError(f"the registration was refused: {reply.content}")
        self._hub.token = reply.content["token"]
        parties = [party["identifier"] for party in reply.content["parties"]]
        self._report({"event": "registered", "url": url, "parties": parties})

    def _go_on_until(self, until: datetime) -> None:
        """Does everything up to this moment, each thing when its moment has come."""
        while True:
            asked_at = time.monotonic()
            now = self._hub.now()
            self._schedule.release(min(now, until))
            if now >= until:
                break
            self._schedule.wait_for_room()
            wanted = min(self._schedule.next_moment() or until, until)
            self._hub.pause(self._pace.until(asked_at, now, wanted))
        while not self._schedule.settled(until):
            self._schedule.wait(0.2)
            self._schedule.release(until)
        tallies = msgspec.to_builtins(self._counting.snapshot())
        self._report({"event": "reached", "moment": until, "tallies": tallies})

    def _failed(self, detail: str) -> None:
        logger.error("%s", detail)
        self._report({"event": "failed", "detail": detail})


class Pace:
    """When to look at the clock next: soon, but not more often than something can be due."""

    def __init__(self, poll_s: float) -> None:
        self._poll_s = poll_s
        self._last: tuple[float, datetime] | None = None

    def until(self, at_s: float, now: datetime, wanted: datetime) -> float:
        """Real seconds to wait, by how fast the clock ran since the last call.

        >>> pace = Pace(0.05)
        >>> start = datetime(2026, 10, 1)
        >>> pace.until(10.0, start, start + timedelta(hours=9))
        0.05
        >>> pace.until(11.0, start + timedelta(hours=1), start + timedelta(hours=1, minutes=6))
        0.1
        """
        last, self._last = self._last, (at_s, now)
        if last is None or now <= last[1] or at_s <= last[0]:
            return self._poll_s
        speed = (now - last[1]) / timedelta(seconds=at_s - last[0])
        seconds = (wanted - now) / timedelta(seconds=1) / speed
        return min(max(seconds, self._poll_s), self._poll_s * LONGEST_POLL)


def write_report(line: dict[str, Any]) -> None:
    """One line of JSON on standard output."""
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()

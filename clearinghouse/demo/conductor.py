"""The demo from the first to the last: everything is started, a month passes, the books are closed.

Ends with 0 where nothing was lost, the trial balance is zero and every planted mistake was found.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils.text import slugify

from clearinghouse.demo import comparison, portal_people, table
from clearinghouse.demo.children import ChildEndedError, Children, children_in
from clearinghouse.demo.closing import (
    Closing,
    WorkerBehindError,
    write_refused_rows,
    write_reports,
)
from clearinghouse.demo.figures import Figures, read_figures
from clearinghouse.demo.month import Tempo, live_through, start_clock_at
from clearinghouse.demo.options import DemoOptions
from clearinghouse.demo.place import Place, PlaceError, claimed
from clearinghouse.demo.platforms import PlatformFailedError, Platforms, counts_by
from clearinghouse.demo.screen import Screen
from clearinghouse.demo.services import start_services, wait_until_ready
from clearinghouse.demo.signals import ignore_signals, signals_as_interrupts
from clearinghouse.demo.staff import Desk, Staff, hire_staff
from clearinghouse.demo.surroundings import HOST, USUAL_PORT, free_port
from clearinghouse.demo.timeline import timeline_of
from clearinghouse.embedded_postgres import EmbeddedPostgresError
from roaming.simulator.platform_config import PlatformConfig, SdrHabit
from roaming.simulator.world import World, WorldDescription, draw_world
from settlement.domain.refusals import RefusedError

FAILURES = (
    ChildEndedError,
    EmbeddedPostgresError,
    PlaceError,
    PlatformFailedError,
    RefusedError,
    TimeoutError,
    WorkerBehindError,
)
_WATCH_S = 0.5


class NothingToReplayError(Exception):
    """There are no sessions, or the files cannot be read."""


def run_demo(options: DemoOptions, description: WorldDescription, directory: Path) -> int:
    """The whole demo; returns the exit status. What goes wrong is said in a sentence."""
    screen = Screen()
    with signals_as_interrupts():
        try:
            with claimed(directory) as place:
                return _Conductor(options, description, place, screen).run()
        except KeyboardInterrupt:
            screen.say("Stopped.")
            return 130
        except (*FAILURES, NothingToReplayError) as failure:
            screen.say(f"The demo failed: {failure}")
            return 1


class _Conductor:
    def __init__(
        self, options: DemoOptions, description: WorldDescription, place: Place, screen: Screen
    ) -> None:
        self._options = options
        self._description = description
        self._place = place
        self._screen = screen
        self._environment = dict(os.environ)

    def run(self) -> int:
        """Replays, or shows what was replayed before; then ends, or stays up."""
        if self._options.reset or (self._place.is_begun and not self._place.is_settled):
            if not self._options.reset:
                self._screen.say("An earlier run was not finished; it starts anew.")
            self._place.empty()
        settled = self._place.is_settled
        log_into(self._place.logs / "conductor.log")
        try:
            with children_in(Path(settings.BASE_DIR), self._place.logs) as children:
                try:
                    return self._show_again(children) if settled else self._replay(children)
                finally:
                    ignore_signals()
        finally:
            connection.close()
            self._place.postgres.stop()

    # --- A month ----------------------------------------------------------------------------------

    def _replay(self, children: Children) -> int:
        screen = self._screen
        with screen.stage("Sessions drawn or read"):
            world = self._draw_world()
        if not world.sessions:
            raise NothingToReplayError(f"The files hold no usable session of {world.month}.")
        self._introduce(world)
        with screen.stage("PostgreSQL and its tables"):
            prepare_database()
        address = self._start_services(children)
        timeline = timeline_of(world)
        with screen.stage("Operators, agreements, tokens"):
            staff = hire_staff()
            desk = Desk(staff, world.network, timeline.zone.key, timeline.joined_at)
            tokens = desk.bring_everybody_on()
            start_clock_at(timeline.joined_at)
        with screen.stage("Platforms register and publish"):
            wait_until_ready(children, api_of(address))
            platforms = self._start_platforms(children, world, tokens, api_of(address))
            platforms.await_registrations()
            platforms.order(join=timeline.joined_at)
            platforms.go_on_until(timeline.joined_at)
        with screen.bar(f"The month {world.month}", len(world.sessions), "sessions") as advance:
            live_through(
                timeline.days,
                platforms,
                lambda step: advance(
                    step.sessions, f"{step.start.astimezone(timeline.zone):%d %b}"
                ),
                Tempo(),
            )
        closing = Closing(staff, timeline, platforms, children)
        with screen.stage("Windows elapse, the worker reconciles"):
            closing.let_windows_elapse()
        with screen.stage("Draft, preliminary, final"):
            period = closing.close()
        with screen.stage("Reports"):
            paths = write_reports(period, self._place.reports)
            paths += self._write_refused_rows(world)
            figures = read_figures(world, period)
            figures.reports = [str(path) for path in paths]
            figures.losses = list(_losses(world, platforms))
        if world.reading is not None:
            figures.refused_rows = {r.value: n for r, n in world.reading.refusals.items()}
        figures.seconds = screen.seconds
        self._place.summary.write_bytes(msgspec.json.encode(figures))
        table.show(figures, screen.console)
        return self._stay_up(children, address, staff, figures)

    def _draw_world(self) -> World:
        try:
            return draw_world(self._description)
        except ValueError as error:
            raise NothingToReplayError(str(error)) from error

    def _introduce(self, world: World) -> None:
        organisations = world.network.organisations
        both = [o.name for o in organisations if o.operator_id and o.provider_id]
        self._screen.say(
            f"{len(world.sessions):,} sessions of {world.month} at {len(world.network.sites)} sites"
            f" of {len(world.network.operators)} CSOs, for the drivers of"
            f" {len(world.network.providers)} CSPs; {' and '.join(both)} are both."
        )
        if world.reading is not None:
            reading = world.reading
            self._screen.say(
                f"{reading.rows_read:,} rows read: {len(world.sessions):,} replayed, "
                f"{len(reading.refused):,} refused, "
                f"{reading.rows_of_other_months:,} of other months."
            )
            for reason, count in reading.refusals.most_common():
                self._screen.say(f"  refused, {reason.value}: {count}")

    def _start_platforms(
        self, children: Children, world: World, tokens: dict[str, str], hub: str
    ) -> Platforms:
        platforms = Platforms(children, self._environment)
        for number, organisation in enumerate(world.network.organisations):
            habit = SdrHabit.DAILY if number % 2 else SdrHabit.AT_ONCE
            config = PlatformConfig(
                organisation=organisation.name,
                hub=hub,
                registration_token=tokens[organisation.name],
                world=self._description,
                sdr_habit=habit,
            )
            platforms.start(config, f"platform-{slugify(organisation.name)}")
        return platforms

    def _write_refused_rows(self, world: World) -> list[Path]:
        if world.reading is None:
            return []
        path = self._place.reports / f"{world.month}_refused-rows.csv"
        return [write_refused_rows(world.reading.refused, path)]

    # --- Once more --------------------------------------------------------------------------------

    def _show_again(self, children: Children) -> int:
        try:
            figures = msgspec.json.decode(self._place.summary.read_bytes(), type=Figures)
        except (msgspec.DecodeError, OSError) as error:
            raise PlaceError(
                f"{self._place.summary} cannot be read, --reset starts anew: {error}"
            ) from error
        self._screen.say(
            f"{figures.month} has been settled here before: this is what came of it. "
            "--reset replays it anew, --month another one."
        )
        table.show(figures, self._screen.console)
        if self._options.once:
            return _status_of(figures)
        with self._screen.stage("PostgreSQL and its tables"):
            prepare_database()
        address = self._start_services(children)
        wait_until_ready(children, api_of(address))
        return self._stay_up(children, address, hire_staff(), figures)

    # --- Staying up -------------------------------------------------------------------------------

    def _start_services(self, children: Children) -> str:
        try:
            port = free_port(self._options.port)
        except OSError as error:
            raise PlaceError(
                f"Port {self._options.port} cannot be had: {error.strerror}."
            ) from None
        if self._options.port is None and port != USUAL_PORT:
            self._screen.say(f"Port {USUAL_PORT} is taken; the web server takes {port}.")
        Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
        start_services(children, self._environment, port)
        return f"http://{HOST}:{port}"

    def _stay_up(self, children: Children, address: str, staff: Staff, figures: Figures) -> int:
        if self._options.once:
            return _status_of(figures)
        say = self._screen.say
        say()
        say(f"Admin       {address}/admin/")
        for name, password in staff.passwords.items():
            say(f"            {name}, password {password}")
        say(f"Portal      {address}/portal/")
        for line in portal_people.told(portal_people.accounts_for_two(), " " * 12):
            say(line)
        say(f"API docs    {address}/api/docs")
        say(f"Reports     {self._place.reports}")
        say(f"Logs        {self._place.logs}")
        say("Ctrl-C ends it.")
        try:
            while True:
                children.check()
                time.sleep(_WATCH_S)
        except KeyboardInterrupt:
            say("Stopping.")
            return _status_of(figures)


def prepare_database() -> None:
    """Starts the server, migrates as the owner, and goes on as the application's role."""
    saved = dict(connection.settings_dict)
    try:
        with Path(os.devnull).open("w") as nowhere:
            call_command("prepare_database", verbosity=0, stdout=nowhere)
    finally:
        connection.close()
        connection.settings_dict.update(saved)


def api_of(address: str) -> str:
    """The native API of the web server at `address`."""
    return f"{address}/api/v1"


def _losses(world: World, platforms: Platforms) -> Iterator[str]:
    sent = counts_by(platforms.all, "sent")
    received = counts_by(platforms.all, "received")
    repeats = sum(platform.tallies.repeats for platform in platforms.all)
    yield from comparison.shortfalls(world, sent)
    held = comparison.held_by_the_hub()
    yield from comparison.differences(comparison.Books(sent, held, received, repeats))
    if dead := comparison.dead_deliveries():
        yield f"{dead} deliveries were given up"


def log_into(path: Path) -> None:
    """What the libraries of this process say goes beside the logs of the others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.getLogger().handlers[:] = [handler]


def _status_of(figures: Figures) -> int:
    return 1 if figures.faults else 0

"""A real browser before a real web server on the admin's world; skipped where there is none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from tests.clearinghouse.admin.world import World, make_world
from tests.stack import stack

CHROMIUM = Path("/usr/bin/chromium")
PASSWORD = "correct horse battery staple"


@dataclass
class Office:
    """The web server's address, the world behind it, and a member of staff's desk."""

    address: str
    world: World
    page: Any
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> Any:
        """Opens a page and waits until everything that it asks for has come."""
        answer = self.page.goto(self.address + path, wait_until="networkidle")
        assert answer.ok, (path, answer.status)
        return self.page

    def watch(self, page: Any) -> None:
        """Notes console errors, exceptions and whatever is asked of another host."""
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("request", self._asked)

    def _heard(self, message: Any) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.location.get('url')}: {message.text}")

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.complaints.append(f"{request.frame.url} asks {request.url}")


@pytest.fixture
def office(
    committed_db: str, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    """A clerk who has to set up a second factor first."""
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        if os.environ.get("CI"):
            pytest.fail(f"no browser at {CHROMIUM}")
        pytest.skip(f"no browser at {CHROMIUM}")
    # The web server knows the real hashes only; the browser's driver runs a loop in this thread.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    world = make_world()
    world.clerk.set_password(PASSWORD)
    world.clerk.save()
    extra = {"CLEARINGHOUSE_SECOND_FACTOR": "1", "CLEARINGHOUSE_BUSINESS_CLOCK_SETTABLE": "1"}
    with stack(committed_db, tmp_path, extra=extra) as made, driver.sync_playwright() as player:
        made.start("web")
        made.wait_until_ready()
        browser = player.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        desk = Office(f"http://127.0.0.1:{made.port}", world, browser.new_page())
        desk.watch(desk.page)
        yield desk
        browser.close()
        # Inside the driver's loop Django keeps a connection of its own, which nobody else closes.
        connections.close_all()

"""The real application on a free port with a SQLite folder of its own, and Debian's Chromium in front of it."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, Playwright, ViewportSize, sync_playwright

from crm.app import make_app
from crm.db import Database
from crm.migrations.run import upgrade
from crm.services import passwords
from crm.settings import Settings
from seeds import initial
from tests.browser import sample

CHROMIUM = Path("/usr/bin/chromium")
DESKTOP: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
PASSWORD = "admin123"


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the application answers."""
    folder = tmp_path_factory.mktemp("data")
    settings = Settings(_env_file=None, env="test", data_dir=folder, database_url="", bcrypt_cost=4)
    database = Database(settings.database, pool_size=5)
    upgrade(database)
    initial.load(database, settings)
    sample.load(database, passwords.hash_password("sales123", 4))
    with serving(database, settings) as url:
        yield url


class serving:
    """A uvicorn server in a thread; ends with the block."""

    def __init__(self, database: Database, settings: Settings) -> None:
        config = uvicorn.Config(make_app(database, settings), log_level="warning", lifespan="on")
        self.server = uvicorn.Server(config)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]}, daemon=True)

    def __enter__(self) -> str:
        self.thread.start()
        deadline = time.monotonic() + 30
        while not self.server.started and time.monotonic() < deadline and self.thread.is_alive():
            self.thread.join(0.02)
        assert self.server.started, "the server did not start"
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join(10)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.fail("install Debian's packages chromium and fonts-noto-cjk")
    opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
    yield opened
    opened.close()


@dataclass
class Screen:
    """A page with what went wrong on it: console errors, scripts that failed, requests that were refused."""

    page: Page
    address: str
    problems: list[str]

    def open(self, path: str) -> Page:
        answer = self.page.goto(f"{self.address}/admin{path}")
        assert answer is not None
        assert answer.status < 400, f"{path}: {answer.status}"
        return self.page

    def check(self) -> None:
        """Nothing was complained about, nothing that users typed ran as a script."""
        found, self.problems[:] = [p for p in self.problems if not _stopped_in_a_mail(p)], []
        assert not found, "\n".join(found)
        assert self.page.evaluate("window.attacked") is None


def _stopped_in_a_mail(problem: str) -> bool:
    """A mail may hold anything; its frame lets none of it run, and the browser says so."""
    stopped = "frame is sandboxed" in problem or "violates the following Content Security Policy" in problem
    return stopped and re.search(r"/admin/inbox/\d+/", problem) is not None


def watch(page: Page, address: str) -> Screen:
    screen = Screen(page, address, [])
    page.on("console", lambda m: screen.problems.append(f"{page.url}: {m.text}") if m.type == "error" else None)
    page.on("pageerror", lambda error: screen.problems.append(f"{page.url}: {error}"))
    page.on(
        "request",
        lambda r: (
            screen.problems.append(f"asks elsewhere: {r.url}")
            if not re.match(f"({address}|data:|about:)", r.url)
            else None
        ),
    )
    return screen


@pytest.fixture(scope="session")
def signed_in(browser: Browser, address: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The cookies of a signed-in administrator, as a file."""
    page = browser.new_page()
    page.goto(f"{address}/admin/login")
    page.fill("#username", "admin")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url("**/admin/")
    kept = str(tmp_path_factory.mktemp("cookies") / "admin.json")
    page.context.storage_state(path=kept)
    page.close()
    return kept


@pytest.fixture(scope="session")
def desk(browser: Browser, address: str, signed_in: str) -> Iterator[Screen]:
    """One desktop page for all tests that only look: styles and scripts are loaded once."""
    context = browser.new_context(viewport=DESKTOP, storage_state=signed_in, locale="en-GB")
    context.set_default_timeout(8000)
    yield watch(context.new_page(), address)
    context.close()


@pytest.fixture(scope="session")
def thumb(browser: Browser, address: str, signed_in: str) -> Iterator[Screen]:
    """One phone for all tests that only look: dark, and in Chinese."""
    context = browser.new_context(
        viewport=PHONE, storage_state=signed_in, locale="zh-CN", has_touch=True, color_scheme="dark"
    )
    context.set_default_timeout(8000)
    page = context.new_page()
    page.goto(f"{address}/admin/language?to=zh&next=/admin/")
    yield watch(page, address)
    context.close()


@pytest.fixture
def screen(browser: Browser, address: str, signed_in: str, request: pytest.FixtureRequest) -> Iterator[Screen]:
    """A desktop page of a signed-in administrator; a test may ask for a phone by `indirect` parameter."""
    size: ViewportSize = getattr(request, "param", DESKTOP)
    context = browser.new_context(viewport=size, storage_state=signed_in, locale="en-GB", has_touch=size == PHONE)
    context.set_default_timeout(8000)
    opened = watch(context.new_page(), address)
    yield opened
    context.close()

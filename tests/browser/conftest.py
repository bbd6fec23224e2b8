"""A headless Chromium, and pages that trap what a hostile argument would do if it could.

Where there is no Chromium the tests are skipped, and say so.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from browser.console_server import ConsoleServer, console_server
from support.console_fakes import ConsoleWorld

CHROMIUM = which("chromium") or which("chromium-browser") or which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--no-first-run",
]


@dataclass
class Trap:
    """What a page did that no page of ours does."""

    dialogs: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)  # to anywhere but the console
    errors: list[str] = field(default_factory=list)
    popups: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.dialogs or self.requests or self.errors or self.popups)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def server() -> Iterator[ConsoleServer]:
    with console_server() as server:
        yield server


@pytest.fixture
def world(server: ConsoleServer) -> ConsoleWorld:
    return server.world


@pytest.fixture
def trap() -> Trap:
    return Trap()


@pytest.fixture
def new_page(chromium: Browser, server: ConsoleServer, trap: Trap) -> Iterator[Callable[..., Page]]:
    """Make pages, each in a browser profile of its own; options are Playwright's."""
    contexts = []

    def make(**options: Any) -> Page:
        context = chromium.new_context(base_url=server.url, **options)
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        watch(page, server.url, trap)
        return page

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """One page in an ordinary window."""
    return new_page(viewport={"width": 1100, "height": 900})


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """A folder for screenshots."""
    return tmp_path


def watch(page: Page, url: str, trap: Trap) -> None:
    """Note what a page does that it should not."""

    def on_request(request: Any) -> None:
        if not request.url.startswith(f"{url}/approvals"):
            trap.requests.append(request.url)

    def on_dialog(dialog: Any) -> None:
        trap.dialogs.append(dialog.message)
        dialog.dismiss()

    def on_console(message: Any) -> None:
        if message.type == "error" and "401" not in message.text and "409" not in message.text:
            trap.errors.append(message.text)

    def on_popup(_: Any) -> None:
        trap.popups += 1

    page.on("request", on_request)
    page.on("dialog", on_dialog)
    page.on("console", on_console)
    page.on("popup", on_popup)
    page.on("pageerror", lambda error: trap.errors.append(str(error)))

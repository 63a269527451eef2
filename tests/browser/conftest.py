"""The pages in a real browser: a server on a socket over the test's database, and Chromium that looks at it.

A test takes `site`, makes people, opens pages and does what a person does. Browser and tests share one event
loop for the whole process, so that the browser starts once: asynchronous fixtures of a test module need
`pytest_asyncio.fixture(loop_scope="session")`; a plain `async def` that the test awaits needs nothing.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import Browser, async_playwright, expect

from tests.browser import chromium
from tests.browser.site import QUIET, WAIT_MS, Site
from tests.browser.words import Said
from tests.edges.api.conftest import Service
from tokenhouse.edges.listening import Connection
from tokenhouse.edges.pages import FIRST, FOLDER, Pages
from tokenhouse.edges.server import Application, build
from tokenhouse.settings import Settings

HERE = Path(__file__).parent
PAGES = Path(os.environ.get("PAGES_UNDER_TEST", FOLDER))
"""The build that the server hands out: the package's own, or one of whoever works on the pages."""
OFTEN = {"api_per_minute": 1_000_000, "failures_per_minute": 1_000_000}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, and let them share a loop with the browser."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)
            if isinstance(item, pytest.Function) and asyncio.iscoroutinefunction(item.obj):
                item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


class Look(NamedTuple):
    """How a page is looked at; `page(person, **look._asdict())` opens it so."""

    language: str
    theme: str
    phone: bool

    def __str__(self) -> str:
        return f"{self.language}-{self.theme}-{'phone' if self.phone else 'desktop'}"

    @property
    def said(self) -> Said:
        """What the pages say in its language, by the key of the words."""
        return Said(self.language)


ALL = [
    Look(language, theme, phone)
    for language in ("en", "ko")
    for theme in ("light", "dark")
    for phone in (False, True)
]
FOUR = [look for look in ALL if look.phone == (look.theme == "dark")]
"""Each language in each theme, dark on the phone: what CI looks at. `make looks` looks at all eight."""
LOOKS = ALL if os.environ.get("EVERY_LOOK") else FOUR
TWO = [Look("en", "light", phone=False), Look("ko", "dark", phone=True)]
"""The two that differ in everything: enough for a flow in CI. `make looks` walks it in all eight, too."""


@pytest.fixture(params=ALL if os.environ.get("EVERY_LOOK") else TWO, ids=str)
def look(request: pytest.FixtureRequest) -> Look:
    """Return two looks, one after the other; a module that takes screenshots has `every_look`."""
    look: Look = request.param
    return look


@pytest.fixture(params=LOOKS, ids=str)
def every_look(request: pytest.FixtureRequest) -> Look:
    """Return each language in each theme; with EVERY_LOOK in the environment, on desk and phone."""
    look: Look = request.param
    return look


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium a test process."""
    program = chromium.browser()
    if not program:
        pytest.fail("No Chromium to look with: `make chromium` installs it, `make test` does so by itself.")
    expect.set_options(timeout=WAIT_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=[*QUIET])
        yield browser
        await browser.close()


@pytest.fixture
def settings() -> dict[str, Any]:
    """Return settings of the server; a test module may have its own."""
    return {}


@pytest_asyncio.fixture(loop_scope="session")
async def site(
    browser: Browser, database: str, clock: Any, tmp_path: Path, settings: dict[str, Any]
) -> AsyncIterator[Site]:
    """A server that answers on a socket, its house, and people who look at its pages.

    At the end of the test it fails where the console of any page told of an error that was not expected.
    """
    if not (PAGES / FIRST).is_file():
        pytest.fail(f"No pages in {PAGES}: `make pages` builds them.")
    with listening() as (listener, url):
        given = {"home": tmp_path, "database_url": database, "public_url": url, **OFTEN, **settings}
        app = build(Settings(**given), clock=clock, upkeep=False)
        app._pages = built()
        async with app.opened() as house, served(app, listener), called(app, house) as service:
            site = Site(browser=browser, house=house, clock=clock, url=url, service=service)
            yield site
            await site.close()
    assert site.told == [], "the console of a page told of errors"


def built(known: dict[Path, Pages] = {}) -> Pages:  # noqa: B006 -- read once a process
    """Return the built pages."""
    if PAGES not in known:
        known[PAGES] = Pages(PAGES)
    return known[PAGES]


@contextmanager
def listening() -> Iterator[tuple[socket.socket, str]]:
    """Listen on a free port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        yield listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


class Server(uvicorn.Server):
    """A server that leaves signals to pytest."""

    def capture_signals(self) -> Any:
        """Take none."""
        return nullcontext()


@asynccontextmanager
async def served(app: Application, listener: socket.socket) -> AsyncIterator[None]:
    """Serve as `tokenhouse serve` does, in this loop."""
    how: Any = {"http": Connection, "ws": "none", "lifespan": "off", "log_config": None}
    server = Server(uvicorn.Config(app, server_header=False, timeout_graceful_shutdown=1, **how))
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def called(app: Application, house: Any) -> AsyncIterator[Service]:
    """Call the API as the tests of the API do, with keys of accounts and of roles."""
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://tokenhouse.test") as client:
        yield Service(app, house, client)

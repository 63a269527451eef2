"""The pages in Chromium: a user's first load, an operator's overview, and a search among a million accounts.

    python -m bench pages

The server is a process of its own, over the ledger of `bench.million`; `python -m bench.pages DSN HOME PORT`
starts it, in the time of that ledger. Each turn is a browser that has seen nothing yet.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, Page, async_playwright

from bench.frame import Figure, Findings, Form
from bench.million import NOW, million
from bench.peers import free_port, running
from bench.seed import Place
from tests.browser.chromium import browser as chromium
from tests.browser.site import QUIET
from tokenhouse import Tokenhouse
from tokenhouse.edges.listening import Listener, bind
from tokenhouse.edges.server import build
from tokenhouse.settings import Settings
from tokenhouse.testing import Clock

WIDE: Final = {"viewport": {"width": 1280, "height": 800}, "locale": "en-US"}
PAINTED: Final = """() => new Promise((done) => {
  const watch = new PerformanceObserver((list) => done(list.getEntries().at(-1).startTime));
  watch.observe({ type: "largest-contentful-paint", buffered: true });
})"""
CARD: Final = """() => document.querySelector("[role=meter]")"""
HANDS: Final = """() => {
  window.tasks = [];
  new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map(
    (one) => one.startTime + one.duration))).observe({ type: "longtask", buffered: true });
  const answered = (control) => {
    if (control.textContent === "As a table") return requestAnimationFrame(() => answered(control));
    requestAnimationFrame(() => setTimeout(() => { window.answeredAt = performance.now(); }));
  };
  const grasp = () => {
    const buttons = [...document.querySelectorAll("main button")];
    const control = buttons.find((one) => one.textContent === "As a table");
    if (!control) return requestAnimationFrame(grasp);
    control.click();
    answered(control);
  };
  addEventListener("DOMContentLoaded", grasp);
}"""
"""Hands that wait for the first picture's button, press it as soon as it stands there, and note when what it
does was painted; and the ends of all tasks that held the page up for 50 ms or more."""
ANSWERED: Final = "() => window.answeredAt"
READY: Final = "() => Math.max(window.answeredAt, ...window.tasks.filter((end) => end < window.quietAt))"
"""When that button had answered, and nothing held the page up any more until the network was quiet."""
QUIET_NOW: Final = "() => { window.quietAt = performance.now(); }"
CLICK: Final = """(name) => {
  window.beganAt = performance.now();
  [...document.querySelectorAll("nav a")].find((one) => one.textContent === name).click();
}"""
FIGURES: Final = """() => location.pathname.endsWith("/operator") && document.querySelector("main dl dd")
  && performance.now() - window.beganAt"""
WHOLE: Final = """() => !document.querySelector(".animate-pulse, [aria-busy=true]")
  && performance.now() - window.beganAt"""
TYPED: Final = """() => addEventListener("input", () => { window.typedAt = performance.now(); }, true)"""
FOUND: Final = """(typed) => {
  const rows = [...document.querySelectorAll("main tbody tr")];
  return rows.length && rows.every((row) => row.cells[0].textContent.includes(typed))
    && !document.querySelector("main [aria-busy=true]") && performance.now() - window.typedAt;
}"""
SCRIPTS: Final = """() => performance.getEntriesByType("resource")
  .filter(({ name }) => name.endsWith(".js")).reduce((sum, one) => sum + one.encodedBodySize, 0)"""
ANSWERS: Final = """() => performance.getEntriesByType("resource")
  .filter(({ name }) => name.includes("search=")).map((one) => one.responseEnd - one.requestStart)"""


async def pages(place: Place, form: Form, found: Findings) -> None:
    """Measure over a ledger of a million accounts."""
    accounts = form.of(1_000_000, 100_000)
    await million(place.dsn, accounts)
    async with Tokenhouse.open(
        place.dsn, settings=settings(place.dsn, place.settings.home), clock=Clock(NOW)
    ) as house:
        await house.fold()
        people = {
            "user": await house.create_person("user7@example.com", role="user", account="user7"),
            "operator": await house.create_person("operator@example.com", role="operator"),
        }
        async with house.desk.pool.acquire() as connection:
            await connection.execute("vacuum analyze", timeout=3_600)
    port = free_port()
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "bench.pages", place.dsn, home, str(port)]
        with running(command, port, {}):
            async with opened(f"http://127.0.0.1:{port}") as look:
                cookies = {who: await signed_in(look, one.link) for who, one in people.items()}
                await measure(look, cookies, accounts, form, found)


class Look:
    """A browser, and the server that it looks at."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.browser, self.url = browser, url

    @asynccontextmanager
    async def page(self, cookies: Any = ()) -> AsyncIterator[Page]:
        """Open a page of a browser that has seen nothing yet."""
        context = await self.browser.new_context(base_url=self.url, **WIDE)
        await context.add_cookies(cookies)
        yield await context.new_page()
        await context.close()


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Look]:
    """Start a browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=[*QUIET])
        yield Look(browser, url)
        await browser.close()


async def signed_in(look: Look, link: str) -> Any:
    """Sign in by a one-time link, and return the cookies of the session."""
    async with look.page() as page:
        answer = await page.context.request.post("/api/v1/session/link", data={"link": link})
        assert answer.ok, await answer.text()
        return await page.context.cookies()


async def measure(look: Look, cookies: dict[str, Any], accounts: int, form: Form, found: Findings) -> None:
    """Take every figure in turn; the first turn warms the server up, and does not count."""
    taken: dict[str, list[float]] = {}
    for turn in range(form.turns + 1):
        for take in (first_load, first_overview, overview, search):
            for name, value in (await take(look, cookies, accounts)).items():
                taken.setdefault(name, []).append(value)
        if turn == 0:
            found.remarks.append(
                f"pages, the first time: {json.dumps({name: round(one[0]) for name, one in taken.items()})}"
            )
            taken = {}
    size = f"{accounts:,} accounts"
    bound = {"most": True, "absolute": True}
    found.figures += [
        Figure(
            name="compressed scripts of a first load", unit="KB", values=taken["scripts"], target=250, **bound
        ),
        Figure(
            name="largest paint of a first load", unit="ms", values=taken["painted"], target=1_500, **bound
        ),
        Figure(
            name="interaction ready, a user's first load",
            unit="ms",
            values=taken["ready"],
            target=2_000,
            **bound,
        ),
        Figure(
            name="interaction ready, an operator's first load of the overview",
            unit="ms",
            values=taken["operator ready"],
            target=2_000,
            note=size,
            **bound,
        ),
        Figure(
            name="overview: its figures",
            unit="ms",
            values=taken["overview"],
            target=1_000,
            note=size,
            **bound,
        ),
        Figure(name="overview: all of it", unit="ms", values=taken["whole"], note=size),
        Figure(
            name="account search, answer", unit="ms", values=taken["answer"], target=150, note=size, **bound
        ),
        Figure(
            name="account search, to the eye", unit="ms", values=taken["search"], note="from the last letter"
        ),
    ]


async def first_load(look: Look, cookies: dict[str, Any], accounts: int) -> dict[str, float]:
    """Load the first page of a user."""
    async with look.page(cookies["user"]) as page:
        await page.add_init_script(f"({HANDS})()")
        await page.goto("/app/")
        await page.wait_for_function(CARD)
        ready = await interaction_ready(page)
        return {
            "ready": ready,
            "painted": await page.evaluate(PAINTED),
            "scripts": await page.evaluate(SCRIPTS) / 1_000,
        }


async def first_overview(look: Look, cookies: dict[str, Any], accounts: int) -> dict[str, float]:
    """Load the overview as the first page of an operator."""
    async with look.page(cookies["operator"]) as page:
        await page.add_init_script(f"({HANDS})()")
        await page.goto("/app/operator")
        return {"operator ready": await interaction_ready(page)}


async def interaction_ready(page: Page) -> float:
    """Return how long after navigation a page's controls answered, in milliseconds."""
    await page.wait_for_function(ANSWERED)
    await page.wait_for_load_state("networkidle")
    await page.evaluate(QUIET_NOW)
    return float(await page.evaluate(READY))


async def overview(look: Look, cookies: dict[str, Any], accounts: int) -> dict[str, float]:
    """Go to the overview from another screen."""
    async with look.page(cookies["operator"]) as page:
        await page.goto("/app/operator/jobs")
        await page.wait_for_load_state("networkidle")
        await page.evaluate(CLICK, "Overview")
        figures = await (await page.wait_for_function(FIGURES)).json_value()
        return {"overview": figures, "whole": await (await page.wait_for_function(WHOLE)).json_value()}


async def search(look: Look, cookies: dict[str, Any], accounts: int) -> dict[str, float]:
    """Type the name of an account, letter by letter; return what the slowest letter took."""
    wanted, slowest = f"user{accounts * 7 // 10 + 13}", 0.0
    async with look.page(cookies["operator"]) as page:
        await page.goto("/app/operator/accounts")
        await page.evaluate(TYPED)
        field = page.get_by_role("searchbox")
        for length in range(1, len(wanted) + 1):
            await field.press_sequentially(wanted[length - 1])
            took = await (await page.wait_for_function(FOUND, arg=wanted[:length])).json_value()
            slowest = max(slowest, took)
        return {"search": slowest, "answer": max(await page.evaluate(ANSWERS))}


def settings(dsn: str, home: Path | str, **more: Any) -> Settings:
    """Return settings of the server."""
    often = {"api_per_minute": 1_000_000, "failures_per_minute": 1_000_000}
    return Settings(home=Path(home), database_url=dsn, plan="chat-tokens", **often, **more)


async def serve(dsn: str, home: str, port: int) -> None:
    """Serve that ledger, in its time."""
    given = settings(dsn, home, public_url=f"http://127.0.0.1:{port}")
    app = build(given, clock=Clock(NOW), upkeep=False)
    async with app.opened():
        await Listener(app, given, lambda: None).serve(bind("127.0.0.1", port, 1))


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2], int(sys.argv[3])))

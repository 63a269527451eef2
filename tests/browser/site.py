"""The site as a person sees it: who comes, how they look at it, and whether it is fit to be seen."""

import json
import os
import re
from base64 import b64decode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, BrowserContext, CDPSession, ConsoleMessage, Page, Request
from playwright.async_api import TimeoutError as StillWaiting

from tests.edges.api.conftest import Service
from tokenhouse import Tokenhouse
from tokenhouse.testing import Clock

ROOT: Final = Path(__file__).parents[2]
SCREENS: Final = ROOT / "docs" / "screens"
AXE: Final = ROOT / "dashboard" / "node_modules" / "axe-core" / "axe.min.js"
QUIET: Final = ("--no-sandbox", "--disable-quic", "--disable-background-networking")
"""How Chromium is started: also by root, which has no sandbox, and looking at nothing but our own server."""
PASSWORD: Final = "nine small green birds"
DESKTOP: Final = {"viewport": {"width": 1280, "height": 800}}
PHONE: Final = {"viewport": {"width": 360, "height": 780}, "is_mobile": True, "has_touch": True}
WAIT_MS: Final = 20_000
"""How long something may take to be seen: two cores are shared with a database, a server and a browser."""
LOCALES: Final = {"en": "en-US", "ko": "ko-KR"}
REST_TRIES: Final = 500
GRAVE: Final = ("serious", "critical")
KEPT: Final = ("en-light-desktop", "ko-dark-phone")
"""The looks that are kept as pictures: the repository stays small."""
PICTURE_HEIGHT_MAX: Final = 1_400
PICTURE_QUALITY: Final = 50

AT_REST: Final = """() => document.readyState === "complete" && document.fonts.status === "loaded"
  && !document.querySelector("[aria-busy=true], .animate-pulse")
  && document.getElementById("root")?.childElementCount > 0"""
"""Whether a page waits for nothing that it has asked for."""
RESTLESS: Final = """() => [...document.querySelectorAll("[aria-busy=true], .animate-pulse")]
  .map((one) => (one.closest("section") ?? one).outerHTML.slice(0, 300)).join("\\n")"""
CALM: Final = """async () => {
  const ends = (one) => one.effect?.getTiming().iterations !== Infinity;
  await Promise.allSettled(document.getAnimations().filter(ends).map((one) => one.finished));
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""
"""Waits until what moves has come to its end, and what changed has been painted."""
WIDER: Final = """() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return "";
  const scrolls = (one) => one && one !== document.body
    && (getComputedStyle(one).overflowX !== "visible" || scrolls(one.parentElement));
  const out = [...document.querySelectorAll("body *")]
    .filter((one) => one.getBoundingClientRect().right > wide + 1 && !scrolls(one.parentElement));
  return `${document.documentElement.scrollWidth} px of ${wide}: `
    + out.slice(0, 3).map((one) => one.outerHTML.slice(0, 160)).join("\\n");
}"""
"""What makes the page scroll sideways, or nothing."""
LEAPS: Final = """() => [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
  .filter((one) => one.checkVisibility() && !one.closest("[role=dialog]"))
  .filter((one, nth, all) => Number(one.tagName[1]) > 1 + (nth && Number(all[nth - 1].tagName[1])))
  .map((one) => one.outerHTML.slice(0, 120)).join("\\n")"""
"""Headings that leave out a level."""
TWINS: Final = """() => {
  const named = [...document.querySelectorAll("[role=group], [role=region], nav, section, search, form")]
    .filter((one) => one.checkVisibility() && one.getAttribute("aria-label"))
    .map((one) => `${one.getAttribute("role") ?? one.tagName} ${one.getAttribute("aria-label")}`);
  return named.filter((one, nth) => named.indexOf(one) !== nth).join("\\n");
}"""
"""Parts of a page that nobody can tell apart by their names."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who can sign in."""

    id: str
    email: str
    account: str
    role: str


@dataclass(kw_only=True)
class Site:
    """A server and those who look at it.

    `service` calls the API as its own tests do: `await site.service.ok("GET", path, who="operator")`, or with
    the key of an account (`who="alice"`).
    """

    browser: Browser
    house: Tokenhouse
    clock: Clock
    url: str
    service: Service
    told: list[str] = field(default_factory=list)
    """Errors in the consoles of all pages that were not expected."""
    _expected: list[re.Pattern[str]] = field(default_factory=list)
    _contexts: list[BrowserContext] = field(default_factory=list)
    _busy: dict[int, set[Request]] = field(default_factory=dict)
    _debuggers: dict[int, CDPSession] = field(default_factory=dict)
    """One for each page, as long as it is open: when one goes, Chromium forgets that a page was offline."""

    async def person(
        self,
        email: str = "alice@example.com",
        role: Any = "user",
        account: str = "",
        *,
        password: str | None = None,
        **how: Any,
    ) -> Person:
        """Make a person, and the account that they pay from; a user has one of their own name without it.

        Signing in by a password takes a tenth of a second; whoever is given none signs in by a link.
        """
        account = account or (email.partition("@")[0] if role == "user" else "")
        if account:
            await self.house.account(account)
        how = {"locale": "en", "time_zone": "Asia/Seoul"} | how
        invited = await self.house.create_person(email, role=role, account=account, **how)
        if password is not None:
            await self.house.enter(invited.link, password)
        return Person(id=invited.person.id, email=email, account=account, role=role)

    async def page(
        self,
        person: Person | None = None,
        language: str = "en",
        theme: str = "light",
        *,
        phone: bool = False,
        path: str | None = "/",
    ) -> Page:
        """Open the pages, in a browser of their own, as somebody who has signed in, or as a stranger.

        Args:
            person: who looks; None for a stranger.
            language: of the browser, and of the person from now on.
            theme: what the system prefers.
            phone: 360 x 780 and touched, or 1280 x 800.
            path: where to go first, below /app; None: nowhere yet.
        """
        context = await self.browser.new_context(
            locale=LOCALES[language],
            color_scheme="dark" if theme == "dark" else "light",
            timezone_id="Asia/Seoul",
            reduced_motion="reduce",
            base_url=self.url,
            **(PHONE if phone else DESKTOP),
        )
        self._contexts.append(context)
        if person is not None:
            await self.sign_in(context, person, language)
        context.set_default_timeout(WAIT_MS)
        page = await context.new_page()
        await self._watch(page)
        if path is not None:
            await self.go(page, path)
        return page

    async def sign_in(self, context: BrowserContext, person: Person, language: str) -> None:
        """Sign somebody in over HTTP, by a one-time link."""
        found = await self.house.person(person.id)
        if found.locale != language:
            await self.house.change_person(person.id, {"locale": language})
        link = (await self.house.invite(person.id)).link
        answer = await context.request.post(f"{self.url}/api/v1/session/link", data={"link": link})
        assert answer.ok, await answer.text()

    async def go(self, page: Page, path: str) -> None:
        """Go to a path below /app and wait until it is there."""
        await page.goto(f"{self.url}/app{path}")
        await self.rest(page)

    async def rest(self, page: Page) -> None:
        """Wait until nothing loads and nothing moves any more."""
        for _ in range(REST_TRIES):
            try:
                await page.wait_for_function(AT_REST)
            except StillWaiting:
                raise AssertionError(f"{page.url} still waits: {await page.evaluate(RESTLESS)}") from None
            await page.evaluate(CALM)
            if not self._busy[id(page)] and await page.evaluate(AT_REST):
                return
            await page.wait_for_timeout(20)
        raise AssertionError(f"{page.url} does not come to rest: {self._busy[id(page)]}")

    async def looks(self, page: Page, name: str) -> None:
        """See that a screen is fit to be seen, as it stands now.

        Nothing loads for ever, axe finds nothing serious or critical, the page does not scroll sideways, its
        headings leave out no level, and no two of its parts share a name;
        with SCREENS=1 in the environment a picture is kept as docs/screens/NAME-LANGUAGE-THEME-SIZE.webp, and
        with SCREENS=/a/folder one of every look there, as PNG.
        """
        await self.rest(page)
        debugger = self._debuggers[id(page)]
        found = await faults(debugger)
        assert not found, f"axe finds faults in {name}:\n" + "\n".join(found)
        wider = await page.evaluate(WIDER)
        assert not wider, f"{name} scrolls sideways: {wider}"
        leaps = await page.evaluate(LEAPS)
        assert not leaps, f"headings of {name} leave out a level:\n{leaps}"
        twins = await page.evaluate(TWINS)
        assert not twins, f"parts of {name} share a name:\n{twins}"
        if os.environ.get("SCREENS"):
            await picture(page, debugger, name)

    def expect(self, *patterns: str) -> None:
        """Let the console tell of these errors (regular expressions): the test provokes them.

        An answer of 4xx that a page fetched is told as `the server responded with a status of 402`.
        """
        self._expected += [re.compile(pattern) for pattern in patterns]
        self.told = [line for line in self.told if not self._is_expected(line)]

    async def close(self) -> None:
        """Close every page."""
        for context in self._contexts:
            await context.close()

    async def _watch(self, page: Page) -> None:
        """Keep what the console of a page tells, and what it waits for."""
        self._debuggers[id(page)] = await page.context.new_cdp_session(page)
        busy = self._busy[id(page)] = set()

        def begun(request: Request) -> None:
            busy.add(request)

        def ended(request: Request) -> None:
            busy.discard(request)

        page.on("request", begun)
        page.on("requestfinished", ended)
        page.on("requestfailed", ended)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self._tell(f"{page.url}: {error}"))

    def _hear(self, line: ConsoleMessage) -> None:
        if line.type in ("error", "warning"):
            self._tell(f"{line.location.get('url', '')}: {line.text}")

    def _tell(self, line: str) -> None:
        if not self._is_expected(line):
            self.told.append(line)

    def _is_expected(self, line: str) -> bool:
        return any(pattern.search(line) for pattern in self._expected)


async def faults(debugger: CDPSession) -> list[str]:
    """Return what axe finds serious or critical, each with its place, and what to do about it.

    Its source comes in over the debugger, which the policy of our pages does not bind; scripts that they load
    stay bound.
    """
    await debugger.send("Runtime.evaluate", {"expression": AXE.read_text(encoding="utf-8")})
    run = "axe.run(document, {resultTypes: ['violations']}).then((found) => JSON.stringify(found.violations))"
    answer = await debugger.send(
        "Runtime.evaluate", {"expression": run, "awaitPromise": True, "returnByValue": True}
    )
    assert "exceptionDetails" not in answer, answer["exceptionDetails"]
    return [
        f"{one['impact']} {one['id']}: {node['target']} {node['html'][:200]}\n  {node['failureSummary']}"
        for one in json.loads(answer["result"]["value"])
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]


async def picture(page: Page, debugger: CDPSession, name: str) -> None:
    """Keep a picture of a page: in docs/screens those looks that are kept, in any other folder every look."""
    ways = "() => [document.documentElement.lang, document.documentElement.dataset.theme]"
    language, theme = await page.evaluate(ways)
    size = page.viewport_size
    look = f"{language}-{theme}-{'phone' if size['width'] < 640 else 'desktop'}"
    kept = os.environ["SCREENS"] == "1"
    if kept and look not in KEPT:
        return
    tall = await page.evaluate("() => document.documentElement.scrollHeight")
    await page.set_viewport_size(size | {"height": min(max(tall, size["height"]), PICTURE_HEIGHT_MAX)})
    await page.evaluate(CALM)
    how = {"format": "webp", "quality": PICTURE_QUALITY} if kept else {"format": "png"}
    taken = await debugger.send("Page.captureScreenshot", how)
    await page.set_viewport_size(size)
    folder = SCREENS if kept else Path(os.environ["SCREENS"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}-{look}.{how['format']}").write_bytes(b64decode(taken["data"]))

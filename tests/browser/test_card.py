"""<tokenhouse-card> on somebody else's site: the pages of docs/how-to/card.md, served from another origin."""

import asyncio
import json
import re
import subprocess
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from dashboard.build import node
from tests.browser.conftest import listening, served
from tests.browser.site import faults

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/how-to/card.md").read_text(encoding="utf-8")
KINDS = ("html", "python", "ts", "tsx")
BLOCKS = {kind: re.findall(rf"```{kind}\n(.*?)```", GUIDE, re.DOTALL) for kind in KINDS}
POLICY = "default-src 'none'; script-src {url}; connect-src 'self' {url}; base-uri 'none'"
STATES = {
    0: ("normal", "All is well."),
    82: ("buy", "Most of it is used."),
    91: ("warning", "Nearly used up."),
    96: ("critical", "Almost nothing is left."),
    105: ("blocked", "Used up."),
}


@pytest_asyncio.fixture(loop_scope="session")
async def shop(site, tmp_path):
    """The guide's page and back end, on an origin of their own; alice is signed in there."""
    site.expect("favicon.ico")
    await site.house.account("alice")
    key = (await site.house.create_key(role="operator")).secret
    [page], [code] = BLOCKS["html"], BLOCKS["python"]
    filled = code.replace("https://tokens.example.com", site.url).replace("th_…", key)
    names: dict = {}
    exec(compile(filled, "card.md", "exec"), names)  # noqa: S102 -- our own guide, as its readers run it

    def home(request):
        answer = HTMLResponse(page.replace("https://tokens.example.com", site.url))
        answer.set_cookie("user", "alice")
        return answer

    def strict(request):
        answer = HTMLResponse(re.sub(r"(?s)<style>.*?</style>", "", home(request).body.decode()))
        answer.headers["content-security-policy"] = POLICY.format(url=site.url)
        answer.set_cookie("user", "alice")
        return answer

    routes = [Route("/", home), Route("/strict", strict)]
    routes += [Route("/api/card-token", names["card_token"], methods=["POST"])]
    routes += [Mount("/react", StaticFiles(directory=tmp_path / "react", html=True, check_dir=False))]
    app = Starlette(routes=[*routes, Mount("/", names["app"])])
    with listening() as (listener, url):
        async with served(app, listener):
            yield url


@pytest.mark.row("B3", "E10")
async def test_the_guides_page_shows_the_five_states_and_follows_the_account(site, shop):
    page = await site.page(path=None)
    await page.clock.install()
    await page.goto(shop)
    card = page.locator("tokenhouse-card")
    for percent, (level, words) in STATES.items():
        await site.house.rehearse("alice", percent, actor="test")
        await page.clock.fast_forward(15_000)
        await expect(card.locator("section")).to_have_attribute("data-level", level)
        await expect(card.get_by_role("status")).to_contain_text(words)
        await expect(card.get_by_role("link", name="Buy more")).to_have_count(0 if level == "normal" else 1)
        shown = await site.service.ok("GET", "/api/v1/accounts/alice/balance", who="operator")
        await expect(card).to_contain_text(f"{shown['remaining']['shown']} tokens")
        await expect(card).to_contain_text(f"{shown['used']['shown']} used ({shown['used_percent']:g} %)")
    await site.house.grant("alice", 1_000_000, source="purchase")
    await page.clock.fast_forward(15_000)
    await expect(card.locator("section")).to_have_attribute("data-level", "normal")


async def test_a_token_that_ended_is_replaced_without_anybody_noticing(site, shop):
    page = await site.page(path=None)
    await page.clock.install()
    await page.goto(shop)
    await expect(page.locator("tokenhouse-card").get_by_role("status")).to_contain_text("All is well.")
    site.clock.move(minutes=16)
    async with page.expect_response("**/card-token") as again:
        await page.clock.fast_forward(15_000)
    assert (await again.value).ok
    site.expect("401")
    await expect(page.locator("tokenhouse-card").get_by_role("status")).to_contain_text("All is well.")


async def test_a_token_of_the_page_itself_ends_and_says_so(site, shop):
    token = (await site.house.card_token("alice", minutes=1)).token
    page = await site.page(path=None)
    await page.clock.install()
    await page.goto(shop)
    await page.evaluate(
        "token => document.body.innerHTML = `<tokenhouse-card lang='ko' token='${token}'></tokenhouse-card>`",
        token,
    )
    card = page.locator("tokenhouse-card")
    await expect(card.get_by_role("status")).to_contain_text("충분히 남아 있습니다.")
    site.clock.move(minutes=2)
    site.expect("401")
    await page.clock.fast_forward(15_000)
    await expect(card.get_by_role("status")).to_contain_text("표시 기한이 지났습니다.")


async def test_a_site_decides_about_looks_and_about_buying(site, shop):
    await site.house.rehearse("alice", 91, actor="test")
    page = await site.page(path=None)
    await page.goto(shop)
    buy = page.locator("tokenhouse-card").get_by_role("link", name="Buy more")
    assert (await buy.evaluate("one => getComputedStyle(one).backgroundColor")) == "rgb(122, 47, 181)"
    assert (await buy.get_attribute("href")) == f"{site.url}/app/buy"
    await page.evaluate(
        "document.addEventListener('tokenhouse-buy', one => {"
        " one.preventDefault(); document.title = one.detail.url; })"
    )
    await buy.click()
    await expect(page).to_have_title(f"{site.url}/app/buy")
    assert len(page.context.pages) == 1
    assert await faults(await page.context.new_cdp_session(page)) == []


async def test_it_says_when_the_service_is_away_and_comes_back(site, shop):
    page = await site.page(path=None)
    await page.clock.install()
    await page.route("**/api/v1/card", lambda route: route.abort())
    site.expect("ERR_FAILED")
    await page.goto(shop)
    status = page.locator("tokenhouse-card").get_by_role("status")
    await expect(status).to_contain_text("cannot be shown at present")
    await page.unroute("**/api/v1/card")
    await page.clock.fast_forward(15_000)
    await expect(status).to_contain_text("All is well.")


async def bare(site, shop, inside: str):
    """Open a page of the shop that shows nothing but this."""
    page = await site.page(path=None)
    await page.clock.install()
    await page.goto(shop)
    await page.evaluate("inside => { document.body.innerHTML = inside; }", inside)
    return page


async def test_two_cards_on_a_page_are_two_accounts(site, shop):
    for name, used in (("bob", 91_000), ("carol", 0)):
        await site.house.account(name)
        await site.house.charge(name, used)
    tokens = [(await site.house.card_token(name)).token for name in ("bob", "carol")]
    cards = "".join(f"<tokenhouse-card token='{token}'></tokenhouse-card>" for token in tokens)
    page = await bare(site, shop, cards)
    levels = page.locator("tokenhouse-card section")
    await expect(levels.nth(0)).to_have_attribute("data-level", "warning")
    await expect(levels.nth(1)).to_have_attribute("data-level", "normal")
    await expect(page.locator("tokenhouse-card").nth(0)).to_contain_text("9,000 tokens")
    await expect(page.locator("tokenhouse-card").nth(1)).to_contain_text("100,000 tokens")
    await site.house.charge("carol", 96_000)
    await page.clock.fast_forward(15_000)
    await expect(levels.nth(1)).to_have_attribute("data-level", "critical")
    await expect(levels.nth(0)).to_have_attribute("data-level", "warning")


async def test_a_token_that_nobody_made_opens_nothing(site, shop):
    site.expect("status of 401")
    page = await bare(site, shop, "<tokenhouse-card token='tc_made-up.entirely'></tokenhouse-card>")
    card = page.locator("tokenhouse-card")
    await expect(card.get_by_role("status")).to_have_text("This view has ended. Load the page again.")
    token = (await site.house.card_token("alice")).token
    await card.evaluate("(one, token) => one.setAttribute('token', token)", token)
    await expect(card).to_contain_text("100,000 tokens")


async def test_a_back_end_that_gives_no_token_is_asked_again(site, shop):
    page = await site.page(path=None)
    await page.clock.install()
    site.expect("status of 500")
    await page.route("**/card-token", lambda route: route.fulfill(status=500, body="broken"))
    await page.goto(shop)
    card = page.locator("tokenhouse-card")
    await expect(card.get_by_role("status")).to_contain_text("cannot be shown at present")
    await page.unroute("**/card-token")
    await page.clock.fast_forward(15_000)
    await expect(card).to_contain_text("100,000 tokens")


async def test_a_suspended_account_is_not_well(site, shop):
    await site.house.rehearse("alice", 91, actor="test")
    await site.house.amend("alice", state="suspended", note="unpaid")
    token = (await site.house.card_token("alice")).token
    page = await bare(site, shop, f"<tokenhouse-card token='{token}'></tokenhouse-card>")
    card = page.locator("tokenhouse-card")
    await expect(card.get_by_role("status")).to_contain_text("This account is suspended")
    await expect(card.get_by_role("link")).to_have_count(0)


async def test_dark_is_what_the_page_is_or_what_its_variables_say(site, shop):
    token = (await site.house.card_token("alice")).token
    page = await bare(site, shop, f"<tokenhouse-card token='{token}'></tokenhouse-card>")
    card = page.locator("tokenhouse-card")
    await expect(card).to_contain_text("100,000 tokens")
    ground = "one => getComputedStyle(one).backgroundColor"
    section = card.locator("section")
    assert await section.evaluate(ground) == "rgb(255, 255, 255)"
    await page.evaluate("document.documentElement.style.colorScheme = 'dark'")
    assert await section.evaluate(ground) == "rgb(27, 38, 43)"
    assert await faults(await page.context.new_cdp_session(page)) == []
    await card.evaluate("one => one.setAttribute('theme', 'light')")
    assert await section.evaluate(ground) == "rgb(255, 255, 255)"
    await page.evaluate("document.documentElement.style.setProperty('--tokenhouse-panel', '#102030')")
    assert await section.evaluate(ground) == "rgb(16, 32, 48)"


async def test_the_guides_component_shows_it_on_a_page_of_react(site, shop, tmp_path):
    await asyncio.to_thread(built_with_react, tmp_path, site.url)
    page = await site.page(path=None)
    await page.goto(shop)  # Where one signs in.
    await page.goto(f"{shop}/react/index.html")
    card = page.locator("tokenhouse-card")
    await expect(card).to_contain_text("100,000 tokens")
    await expect(page.locator("script[src$='card.js']")).to_have_count(1)


def built_with_react(folder: Path, service: str) -> None:
    """Build a page of React that shows the guide's component, as the pages of a site are built."""
    page = folder / "page"
    page.mkdir()
    (page / "node_modules").symlink_to(ROOT / "dashboard/node_modules")
    [tsx] = BLOCKS["tsx"]
    (page / "usage-card.tsx").write_text(tsx)
    (page / "index.html").write_text(
        "<!doctype html><title>Site</title><div id='root'></div>"
        "<script type='module' src='main.tsx'></script>"
    )
    (page / "main.tsx").write_text(
        'import { createRoot } from "react-dom/client"; import { UsageCard } from "./usage-card";'
        'createRoot(document.getElementById("root")!).render(<UsageCard />);'
    )
    given = {
        "root": str(page),
        "base": "/react/",
        "logLevel": "error",
        "define": {"process.env.NEXT_PUBLIC_TOKENHOUSE_URL": json.dumps(service)},
        "oxc": {"jsx": {"runtime": "automatic"}},
        "build": {"outDir": str(folder / "react"), "minify": False},
    }
    code = f'import {{ build }} from "vite"; await build({json.dumps(given | {"configFile": False})});'
    program = [node() / "bin" / "node", "--input-type=module", "--eval", code]
    subprocess.run(program, cwd=page, check=True, capture_output=True)


def test_the_guides_typescript_is_right(tmp_path):
    dashboard = ROOT / "dashboard"
    [route], [tsx] = BLOCKS["ts"], BLOCKS["tsx"]
    (tmp_path / "route.ts").write_text(route)
    (tmp_path / "usage-card.tsx").write_text(tsx)
    (tmp_path / "session.d.ts").write_text(
        'declare module "@/session" { export function accountOf(request: Request): Promise<string>; }'
    )
    (tmp_path / "node_modules").symlink_to(dashboard / "node_modules")
    compiler = dashboard / "node_modules/typescript/bin/tsc"
    options = ["--noEmit", "--strict", "--jsx", "react-jsx", "--lib", "es2023,dom", "--module", "esnext"]
    options += ["--moduleResolution", "bundler", "--skipLibCheck", "--types", "node"]
    files = ["route.ts", "usage-card.tsx", "session.d.ts"]
    ran = subprocess.run(
        [node() / "bin" / "node", compiler, *options, *files],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout == ""
    assert ran.returncode == 0


async def test_under_the_strictest_policy_of_a_site_it_looks_as_it_should(site, shop):
    await site.house.rehearse("alice", 91, actor="test")
    page = await site.page(path=None)
    site.expect("favicon")
    await page.goto(f"{shop}/strict")
    card = page.locator("tokenhouse-card")
    await expect(card.locator("section")).to_have_attribute("data-level", "warning")
    looks = await card.locator(".meter div").evaluate(
        "one => [getComputedStyle(one).backgroundColor, one.getBoundingClientRect().width]"
    )
    assert looks[0] == "rgb(150, 83, 0)"
    assert looks[1] > 0


async def test_offline_it_says_that_it_is_old_and_is_new_again_by_itself(site, shop):
    page = await site.page(path=None)
    await page.clock.install()
    await page.goto(shop)
    card = page.locator("tokenhouse-card")
    await expect(card).to_contain_text("100,000 tokens")
    site.expect("ERR_INTERNET_DISCONNECTED")
    await page.context.set_offline(True)
    await page.clock.fast_forward(15_000)
    await expect(card).to_contain_text("this is what was last seen")
    await expect(card).to_contain_text("100,000 tokens")
    await page.context.set_offline(False)
    await page.clock.fast_forward(15_000)
    await expect(card).not_to_contain_text("this is what was last seen")


async def test_what_stands_there_already_is_not_said_again(site, shop):
    page = await site.page(path=None)
    await page.clock.install()
    await page.goto(shop)
    card = page.locator("tokenhouse-card")
    await expect(card.get_by_role("status")).to_contain_text("All is well.")
    await card.locator("section").evaluate("one => { one.dataset.seen = 'yes'; }")
    async with page.expect_response("**/api/v1/card"):
        await page.clock.fast_forward(15_000)
    await expect(card.locator("section")).to_have_attribute("data-seen", "yes")
    await site.house.charge("alice", 90_000)
    await page.clock.fast_forward(15_000)
    await expect(card.locator("section")).to_have_attribute("data-level", "warning")


async def test_korean_breaks_between_words(site, shop):
    page = await site.page(language="ko", path=None)
    await page.goto(shop)
    await page.evaluate("document.documentElement.lang = 'ko'")
    card = page.locator("tokenhouse-card")
    await card.evaluate("one => { one.lang = 'ko'; }")
    await expect(card).to_contain_text("남은 양")
    assert await card.locator("section").evaluate("one => getComputedStyle(one).wordBreak") == "keep-all"

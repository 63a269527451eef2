"""What a first look at the pages costs: the scripts that a user loads have a budget."""

import re

from playwright.async_api import Response

from tests.browser.conftest import PAGES
from tests.browser.site import ROOT, Site

BUDGET = 250_000
"""Bytes of compressed scripts, all that the first screen takes."""
SCREENS = ROOT / "dashboard" / "src" / "screens"
CHART = "u-legend"
"""A word that only the chart library says."""


def stem(url: str) -> str:
    """Return what a built script is called, without its hash."""
    return re.sub(r"-[\w-]{8}\.js$", "", url.rpartition("/")[2])


async def first_load(site: Site) -> dict[str, Response]:
    """Return the scripts that a user's first look takes, by their names."""
    heard: list[Response] = []
    page = await site.page(await site.person(), path=None)
    page.on("response", lambda one: heard.append(one))  # noqa: PLW0108
    await site.go(page, "/")
    return {stem(one.url): one for one in heard if one.url.endswith(".js")}


async def test_a_first_load_stays_within_its_budget(site: Site, record_property):
    scripts = await first_load(site)
    assert "usage" in scripts
    assert all(one.headers.get("content-encoding") in ("gzip", "br") for one in scripts.values())
    sizes = {name: (await one.request.sizes())["responseBodySize"] for name, one in scripts.items()}
    total = sum(sizes.values())
    record_property("shown", f"Pages: {total / 1000:.0f} KB of compressed scripts in a user's first load")
    assert 50_000 < total <= BUDGET, sizes


async def test_a_user_loads_no_screen_of_the_house(site: Site):
    others = {file.stem for file in SCREENS.rglob("*.tsx")} - {"usage", "sign-in"}
    assert others & set(await first_load(site)) == set()


def test_no_screen_waits_for_the_chart_library():
    scripts = {file.name: file.read_text(encoding="utf-8") for file in PAGES.rglob("*.js")}
    (library,) = [name for name, text in scripts.items() if CHART in text]
    wanted = re.compile(rf"""(?:from|import)\s*["']\./{re.escape(library)}""")
    assert [name for name, text in scripts.items() if wanted.search(text)] == []
    assert any(f"./{library}" in text for text in scripts.values()), (
        "it comes when there is something to draw"
    )

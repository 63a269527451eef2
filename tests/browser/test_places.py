"""Every place of the pages in a house that is lived in, in every look: it is fit to be seen."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.lived_in import SETTINGS, LivedIn, live_in
from tests.browser.site import ROOT, Site

PLACE = re.compile(r'path: "([^"]+)".*import\("\./screens/([^"]+)"\)')
TABLE = ROOT / "dashboard" / "src" / "places.tsx"


@pytest.fixture
def settings() -> dict[str, Any]:
    return SETTINGS


def places(lived: LivedIn) -> Iterator[tuple[str, str]]:
    """Return every path of the pages, with what it is about, and the name of its picture."""
    about = {"order": lived.order, "session": lived.session, "ref": "hanbit"}
    for path, screen in PLACE.findall(TABLE.read_text(encoding="utf-8")):
        without = re.sub(r"/:(?!session)\w+\?", "", path)
        yield re.sub(r":(\w+)\??", lambda named: about[named[1]], without), screen.replace("/", "-")


def test_the_table_of_places_is_read_whole():
    text = TABLE.read_text(encoding="utf-8")
    assert len(PLACE.findall(text)) == text.count("lazy(() =>") > 20


@pytest.mark.slow
@pytest.mark.row("E10")
async def test_every_place_is_fit_to_be_seen(site: Site, every_look):
    lived = await live_in(site)
    page = await site.page(lived.owner, **every_look._asdict(), path=None)
    unfit = []
    for path, name in places(lived):
        try:
            await site.go(page, path)
            await site.looks(page, name)
        except AssertionError as fault:
            unfit.append(f"{name} ({path}): {fault}")
    assert not unfit, "\n\n".join(unfit)

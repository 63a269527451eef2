"""The gallery of docs/screens: every place is in it, no picture is large, and its page shows them all."""

import pytest

from tests.browser.gallery import GALLERY, gallery, screens
from tests.browser.site import KEPT, SCREENS
from tests.browser.test_places import PLACE, TABLE

PICTURE_BYTES_MAX = 70_000


@pytest.mark.row("E10")
def test_every_place_has_its_pictures():
    named = {screen.replace("/", "-") for _, screen in PLACE.findall(TABLE.read_text(encoding="utf-8"))}
    taken = screens()
    lacking = {name: len(taken.get(name, ())) for name in named if len(taken.get(name, ())) < len(KEPT)}
    assert lacking == {}, "`make screens` takes them"


def test_no_picture_is_large():
    sizes = {file.name: file.stat().st_size for file in SCREENS.glob("*.webp")}
    assert {name: size for name, size in sizes.items() if size > PICTURE_BYTES_MAX} == {}


def test_the_page_shows_all_of_them():
    assert GALLERY.read_text(encoding="utf-8") == gallery(), "`make screens` writes it"


def test_the_pictures_of_a_screen_stand_together(tmp_path):
    for name in (
        "usage-en-light-desktop",
        "usage-ko-dark-phone",
        "operator-jobs-en-light-desktop",
        "usage-en-dark",
    ):
        (tmp_path / f"{name}.webp").touch()
    assert screens(tmp_path) == {
        "usage": ["usage-en-light-desktop.webp", "usage-ko-dark-phone.webp"],
        "operator-jobs": ["operator-jobs-en-light-desktop.webp"],
    }
    assert "## Operator jobs\n" in gallery(tmp_path)

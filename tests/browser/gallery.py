"""Writes the gallery of docs/screens, out of the pictures there: `python -m tests.browser.gallery`."""

from pathlib import Path

from tests.browser.site import KEPT, SCREENS

GALLERY = SCREENS / "README.md"
HEAD = """# The screens

Each in English on a desktop by day, and in Korean on a phone by night. `make screens` takes these pictures
anew: tests open the pages in Chromium, on a real server whose house is lived in, and look at each.
"""


def screens(folder: Path = SCREENS) -> dict[str, list[str]]:
    """Return the pictures of each screen, by its name: those of users first."""
    found: dict[str, list[str]] = {}
    for look in KEPT:
        for file in sorted(folder.glob(f"*-{look}.webp")):
            found.setdefault(file.name.removesuffix(f"-{look}.webp"), []).append(file.name)
    return dict(sorted(found.items(), key=lambda one: (one[0].startswith("operator-"), one[0])))


def gallery(folder: Path = SCREENS) -> str:
    """Return the page that shows them."""
    parts = [HEAD]
    for name, pictures in screens(folder).items():
        shown = " ".join(
            f'<img src="{picture}" alt="{name}" width="{"24%" if "phone" in picture else "72%"}">'
            for picture in pictures
        )
        parts.append(f"\n## {name.replace('-', ' ').capitalize()}\n\n{shown}\n")
    return "".join(parts)


if __name__ == "__main__":
    GALLERY.write_text(gallery(), encoding="utf-8")

"""The pages: files that were built into this package, handed out under `/app/` as they are.

All of them are held in memory, each in the encodings that it was built in. What carries a hash in its name
never changes and may be kept for ever; all else is asked for again, and answered by 304 where it is the same.
A path without a file is one of the application's own places, and gets its first page.
"""

from collections.abc import Mapping
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path
from typing import Final, NamedTuple

from tokenhouse.edges.problems import Answer
from tokenhouse.errors import NotFound

FOLDER: Final = Path(__file__).parents[1] / "pages"
PLACE: Final = "/app"
PREFIX: Final = f"{PLACE}/"
FIRST: Final = "index.html"
ENCODINGS: Final = {"br": ".br", "gzip": ".gz"}
"""Content codings, the best one first, and how the files in them end."""
HASHED: Final = "assets/"
"""Where the build puts files whose names hold a hash of what is in them."""
NAMING: Final = "operator/"
"""Where screens stand whose addresses may end as a file's name does: they name accounts by e-mail address."""
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
"""What a page may load: only what came with it. Styles may be attributes, as charts need them."""
GUARDED: Final = [
    ("content-security-policy", POLICY),
    ("cross-origin-opener-policy", "same-origin"),
    ("referrer-policy", "same-origin"),
    ("x-content-type-options", "nosniff"),
]
"""Headers of every page."""
TOSS: Final = "https://*.tosspayments.com"
WINDOW: Final = {
    "script-src 'self'": f"script-src 'self' https://js.tosspayments.com; frame-src {TOSS}",
    "connect-src 'self'": f"connect-src 'self' {TOSS}",
    "img-src 'self' data:": f"img-src 'self' data: {TOSS}",
    "form-action 'self'": f"form-action 'self' {TOSS}",
}
"""What else the payment window of Toss Payments needs, which its own script opens over our page."""
CARD: Final = "card.js"
SHARED: Final = [("access-control-allow-origin", "*"), ("cross-origin-resource-policy", "cross-origin")]
"""Headers of what other sites load: the script of `<tokenhouse-card>`, and nothing else."""


def guard(*, toss: bool) -> list[tuple[str, str]]:
    """Return the headers of every page; `toss` lets the window of Toss Payments in."""
    if not toss:
        return GUARDED
    policy = POLICY
    for own, wider in WINDOW.items():
        policy = policy.replace(own, wider)
    given = {"content-security-policy": policy, "cross-origin-opener-policy": "same-origin-allow-popups"}
    return list((dict(GUARDED) | given).items())


class File(NamedTuple):
    """One file: its type, its tag, and its bytes by content coding ("" for none)."""

    kind: str
    tag: str
    contents: Mapping[str, bytes]


class Pages:
    """The files of the pages. An installation without them says how to get them."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files = {name: _file(folder, name) for name in _names(folder)}

    def answer(
        self, path: str, accepted: str, known: str, guarded: list[tuple[str, str]] = GUARDED
    ) -> Answer:
        """Return a file, or the first page.

        Args:
            path: below `/app/`.
            accepted: the content codings that the caller takes (`Accept-Encoding`).
            known: the tags of what it has already (`If-None-Match`).
            guarded: the headers of every page.

        Raises: NotFound `pages_missing`, `path_unknown`.
        """
        if FIRST not in self._files:
            raise NotFound("pages_missing")
        name = path.removeprefix(PREFIX)
        if name not in self._files:
            if "." in name.rpartition("/")[2] and not name.startswith(NAMING):
                raise NotFound("path_unknown", method="GET", path=path[:200])
            name = FIRST
        file = self._files[name]
        kept = "public, max-age=31536000, immutable" if name.startswith(HASHED) else "no-cache"
        headers = [("cache-control", kept), ("etag", file.tag), ("vary", "accept-encoding"), *guarded]
        if name == CARD:
            headers += SHARED
        if file.tag in known:
            return Answer(304, headers, b"")
        coding = next((one for one in ENCODINGS if one in accepted and one in file.contents), "")
        if coding:
            headers.append(("content-encoding", coding))
        return Answer(200, [("content-type", file.kind), *headers], file.contents[coding])


def _names(folder: Path) -> list[str]:
    """Return the names of the files in a folder; those in another coding belong to the plain ones."""
    endings = tuple(ENCODINGS.values())
    found = [one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file()]
    return [name for name in found if not name.endswith(endings)]


def _file(folder: Path, name: str) -> File:
    """Return one file in all of its codings."""
    plain = (folder / name).read_bytes()
    kind = guess_type(name)[0] or "application/octet-stream"
    told = f"{kind}; charset=utf-8" if kind.startswith("text/") or kind.endswith("javascript") else kind
    contents = {"": plain}
    for coding, ending in ENCODINGS.items():
        file = folder / f"{name}{ending}"
        if file.is_file():
            contents[coding] = file.read_bytes()
    return File(told, f'"{sha256(plain).hexdigest()[:20]}"', contents)

"""Images: their size from the first bytes of the file, and the tokens that each family of models takes."""

import re
from binascii import Error, a2b_base64
from math import sqrt
from typing import Final

import msgspec

Size = tuple[int, int]

HEADER_CHARACTERS: Final = 349_528
"""Base64 of 256 KB: a JPEG may hold colour profiles and previews before it says its size."""
PIXELS_MAX: Final = 65_535
"""Longest side that is believed; no provider takes half of it, and no rule's cap depends on more."""

_DATA_URL: Final = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE: Final = frozenset((0x01, *range(0xD0, 0xD9)))


class Tiles(msgspec.Struct, frozen=True):
    """OpenAI's older rule: shrunk into 2048 x 2048, then to 768 on the short side, then 512 x 512 tiles."""

    base: int
    tile: int

    def tokens(self, size: Size | None, detail: str) -> int:
        """Return the tokens of an image; of one whose size is unknown, the most that any can take."""
        if detail == "low":
            return self.base
        short, long = sorted(size or (768, 2_048))
        if long > 2_048:
            short, long = _scaled(short, 2_048, long), 2_048
        if short > 768:
            short, long = 768, _scaled(long, 768, short)
        return self.base + self.tile * _covers(short, 512) * _covers(long, 512)


class Patches(msgspec.Struct, frozen=True):
    """The newer rule: squares of `side` pixels, at most `most` of them, times a factor in hundredths."""

    side: int
    most: int
    percent: int = 100
    original: int = 0
    """The most with `detail` = "original", where a model knows that."""

    def tokens(self, size: Size | None, detail: str) -> int:
        """Return the tokens of an image; `detail` = "low" saves nothing with these models."""
        most = self.original or self.most if detail == "original" else self.most
        patches = min(self._patches(size, most), most) if size else most
        return -(-patches * self.percent // 100)

    def _patches(self, size: Size, most: int) -> int:
        """Return the squares that cover the image, shrunk as OpenAI's guide does where they are too many."""
        width, height = size
        side = self.side
        if _covers(width, side) * _covers(height, side) <= most:
            return _covers(width, side) * _covers(height, side)
        shrink = sqrt(most * side * side / (width * height))
        wide, high = width * shrink / side, height * shrink / side
        fit = min(int(wide) / wide, int(high) / high)
        if not fit:
            return most
        return _covers(int(wide * fit * side), side) * _covers(int(high * fit * side), side)


class Claude(msgspec.Struct, frozen=True):
    """Anthropic's rules, the larger of the two that it published: pixels / 750, and squares of 28 pixels."""

    most: int

    def tokens(self, size: Size | None, detail: str) -> int:  # noqa: ARG002 - one signature for every rule
        """Return the tokens of an image, shrunk by the provider above `most`."""
        if size is None:
            return self.most
        width, height = size
        return min(max(-(-width * height // 750), _covers(width, 28) * _covers(height, 28)), self.most)


Rule = Tiles | Patches | Claude

_RULES: Final[tuple[tuple[str, Rule], ...]] = (
    (r"claude-(3|(opus|sonnet|haiku)-4(-[0-6])?([-@]\d{8}.*)?$)", Claude(1_600)),
    (r"claude", Claude(4_784)),
    (r"gpt-4o-mini", Tiles(2_833, 5_667)),
    (r"gpt-4\.1-mini", Patches(32, 1_536, 162)),
    (r"gpt-4\.1-nano", Patches(32, 1_536, 246)),
    (r"gpt-4|chatgpt-4o", Tiles(85, 170)),
    (r"o4-mini|codex-mini", Patches(32, 1_536, 172)),
    (r"o[13]([-:@]|$)", Tiles(75, 150)),
    (r"computer-use-preview", Tiles(65, 129)),
    (r"gpt-5-mini", Patches(32, 1_536, 162)),
    (r"gpt-5-nano", Patches(32, 1_536, 246)),
    (r"gpt-5([-:@]|$)|gpt-5\.1([-:@]|$)", Tiles(70, 140)),
    (r"gpt-5\.[23]([-:@]|$)|gpt-5\.4-(mini|nano)", Patches(32, 1_536, 162)),
    (r"gpt-5\.", Patches(32, 2_500, 120, 10_000)),
)
_OTHERS: Final = Patches(28, 6_404)
"""Squares of Qwen's size up to the four tiles of 1,601 tokens of Llama 3.2; Gemini's tiles take less."""


def image_rule(model: str) -> Rule:
    """Return the rule of a model by its bare name."""
    return next((rule for pattern, rule in _RULES if re.match(pattern, model)), _OTHERS)


def unpacked(url: str) -> str | None:
    """Return the base64 of a data URL; None for a URL that points elsewhere."""
    start = _DATA_URL.match(url)
    return url[start.end() :] if start else None


def image_size(base64: str) -> Size | None:
    """Return width and height from the header of a PNG, GIF, WebP or JPEG; None where it says neither."""
    head = decoded(base64[:HEADER_CHARACTERS])
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        size = head[16:20], head[20:24]
    elif head.startswith((b"GIF87a", b"GIF89a")):
        size = head[7:5:-1], head[9:7:-1]
    elif head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _believed(*_webp(head))
    elif head.startswith(b"\xff\xd8"):
        size = _jpeg(head)
    else:
        return None
    return _believed(int.from_bytes(size[0]), int.from_bytes(size[1]))


def decoded(base64: str) -> bytes:
    """Return the bytes of base64, as far as it is any; nothing for what is none."""
    try:
        letters = base64.encode("ascii", "replace").translate(None, b"\r\n\t ")
        return a2b_base64(letters[: len(letters) // 4 * 4])
    except Error:
        return b""


def _webp(head: bytes) -> Size:
    """Return the size of a WebP: lossy, lossless or extended."""
    form = head[12:16]
    if form == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if form == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if form == b"VP8 ":
        width, height = (int.from_bytes(head[at : at + 2], "little") & 0x3FFF for at in (26, 28))
        return width, height
    return 0, 0


def _jpeg(head: bytes) -> tuple[bytes, bytes]:
    """Return width and height, as bytes, from the first frame header of a JPEG."""
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if marker in _FRAMES:
            return head[at + 7 : at + 9], head[at + 5 : at + 7]
        if marker == 0xFF:
            at += 1
        elif marker in _BARE:
            at += 2
        else:
            at += 2 + int.from_bytes(head[at + 2 : at + 4])
    return b"", b""


def _believed(width: int, height: int) -> Size | None:
    return (min(width, PIXELS_MAX), min(height, PIXELS_MAX)) if width > 0 and height > 0 else None


def _covers(length: int, side: int) -> int:
    """Return how many squares of `side` cover `length`."""
    return max(-(-length // side), 1)


def _scaled(length: int, to: int, whole: int) -> int:
    """Return `length` x `to` / `whole`, to the nearest pixel, as OpenAI's bills show."""
    return (2 * length * to + whole) // (2 * whole)
